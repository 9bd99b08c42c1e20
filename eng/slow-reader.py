#!/usr/bin/env python3
"""Measures what a sub-connection whose application does not read does to its neighbour on the same main connection of Mux.Cool.

Runs each pair of programs in turn: a download of 200 MB that nobody reads, then a download of 20 MB beside it. Prints how long the neighbour took, or how much
of it came within the limit, and what became of the other. Needs v2ray, and muxpro (built by: dotnet publish src/MuxPro.Proxy -c Release -o out).

    eng/slow-reader.py [--muxpro out/muxpro] [--limit 20]
"""
import argparse
import json
import os
import socket
import subprocess
import tempfile
import threading
import time

MEGABYTE = 1_000_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(listener):
    def one(connection):
        with connection:
            try:
                left = int(connection.recv(16).decode().strip()) * MEGABYTE
                chunk = bytes(65536)
                while left > 0:
                    left -= connection.send(chunk[:left])
            except OSError:
                pass

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=one, args=(connection,), daemon=True).start()


def wait_for(port):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def connect(socks, target, receive_buffer=None):
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", socks))
    connection.sendall(b"\5\1\0")
    connection.recv(2)
    connection.sendall(b"\5\1\0\1" + socket.inet_aton("127.0.0.1") + target.to_bytes(2, "big"))
    connection.recv(10)
    return connection


def v2ray_pair(socks, server):
    return [
        (["v2ray", "-config"], {
            "log": {"loglevel": "warning"},
            "inbounds": [{"protocol": "dokodemo-door", "listen": "127.0.0.1", "port": server,
                          "settings": {"address": "v1.mux.cool", "port": 9527, "network": "tcp"}}],
            "outbounds": [{"protocol": "freedom"}]}),
        (["v2ray", "-config"], {
            "log": {"loglevel": "warning"},
            "inbounds": [{"protocol": "socks", "listen": "127.0.0.1", "port": socks}],
            "outbounds": [{"protocol": "freedom", "settings": {"redirect": f"127.0.0.1:{server}"},
                           "mux": {"enabled": True, "concurrency": 8}}]}),
    ]


def muxpro_pair(program, socks, server):
    return [
        ([program, "run", "-c"], {
            "inbounds": [{"tag": "server", "protocol": "mux", "port": server}],
            "outbounds": [{"tag": "out", "protocol": "direct", "settings": {"allowPrivate": True}}]}),
        ([program, "run", "-c"], {
            "inbounds": [{"tag": "in", "protocol": "socks", "port": socks}],
            "outbounds": [{"tag": "relay", "protocol": "mux", "settings": {"servers": [{"address": "127.0.0.1", "port": server}]},
                           "mux": {"enabled": True, "concurrency": 8, "protocol": "mux.cool"}}]}),
    ]


def measure(name, programs, socks, server, target, limit):
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for number, (command, configuration) in enumerate(programs):
                file = os.path.join(folder, f"{number}.json")
                with open(file, "w", encoding="utf-8") as text:
                    json.dump(configuration, text)
                processes.append(subprocess.Popen(command + [file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                wait_for(server if number == 0 else socks)
            slow = connect(socks, target, receive_buffer=65536)
            slow.sendall(b"200\n")
            time.sleep(2)
            neighbour = connect(socks, target)
            started = time.monotonic()
            neighbour.sendall(b"20\n")
            neighbour.settimeout(0.5)
            received = 0
            while received < 20 * MEGABYTE and time.monotonic() - started < limit:
                try:
                    data = neighbour.recv(1 << 16)
                except TimeoutError:
                    continue
                if not data:
                    break
                received += len(data)
            seconds = time.monotonic() - started
            done = received == 20 * MEGABYTE
            slow.settimeout(5)
            kept = 0
            try:
                while kept < 200 * MEGABYTE and (data := slow.recv(1 << 16)):
                    kept += len(data)
                end = "whole" if kept == 200 * MEGABYTE else "ended"
            except TimeoutError:
                end = "stuck"
            except OSError:
                end = "reset"
            print(f"{name}: neighbour {'whole' if done else 'NOT whole'}: {received / MEGABYTE:.1f} of 20 MB in {seconds:.2f} s; "
                  f"the one that was not read: {kept / MEGABYTE:.1f} of 200 MB, {end}", flush=True)
        finally:
            for process in processes:
                process.terminate()
                process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--muxpro", default="out/muxpro")
    arguments.add_argument("--limit", type=float, default=20)
    options = arguments.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    target = listener.getsockname()[1]
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    for _ in range(3):
        socks, server = free_port(), free_port()
        measure("v2ray ", v2ray_pair(socks, server), socks, server, target, options.limit)
        socks, server = free_port(), free_port()
        measure("muxpro", muxpro_pair(options.muxpro, socks, server), socks, server, target, options.limit)


main()
