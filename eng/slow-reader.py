#!/usr/bin/env python3
"""Measures what a sub-connection whose application does not read does to its neighbour on the same main connection.

Runs each pair of programs in turn, twice: a download of 1 GB that is read (the control) or that nobody reads, and a download of 20 MB beside it. Prints how long
the neighbour took, or how much of it came within the limit, and what becomes of the other once it is read. The neighbour is read to the end all the while: not
to read it would hold up the other in turn. Needs v2ray, and muxpro (built by: dotnet publish src/MuxPro.Proxy -c Release -o out).

    eng/slow-reader.py [--muxpro out/muxpro] [--limit 30]
"""
import argparse
import functools
import json
import os
import socket
import subprocess
import tempfile
import threading
import time

MEGABYTE = 1_000_000
SLOW = 1000
NEIGHBOUR = 20


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


def muxpro_pair(program, protocol, socks, server):
    return [
        ([program, "run", "-c"], {
            "inbounds": [{"tag": "server", "protocol": "mux", "port": server}],
            "outbounds": [{"tag": "out", "protocol": "direct", "settings": {"allowPrivate": True}}]}),
        ([program, "run", "-c"], {
            "inbounds": [{"tag": "in", "protocol": "socks", "port": socks}],
            "outbounds": [{"tag": "relay", "protocol": "mux", "settings": {"servers": [{"address": "127.0.0.1", "port": server}]},
                           "mux": {"enabled": True, "concurrency": 8, "protocol": protocol}}]}),
    ]


def main_connections(server):
    with open("/proc/net/tcp", encoding="ascii") as table:
        return sum(1 for row in table if row.split()[2].endswith(f":{server:04X}") and row.split()[3] == "01")


def read(connection, size, limit):
    """Reads so much; returns how much came, how it ended, and the seconds until then."""
    started = time.monotonic()
    connection.settimeout(0.5)
    received = 0
    while received < size and time.monotonic() - started < limit:
        try:
            data = connection.recv(1 << 16)
        except TimeoutError:
            continue
        except OSError:
            return received, "reset", time.monotonic() - started
        if not data:
            return received, "ended", time.monotonic() - started
        received += len(data)
    return received, "whole" if received == size else "NOT whole", time.monotonic() - started


def told(result, size):
    received, end, seconds = result
    return f"{received / MEGABYTE:.1f} of {size} MB, {end}, {seconds:.2f} s"


def measure(name, programs, slow_reads, socks, server, target, limit):
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for number, (command, configuration) in enumerate(programs):
                file = os.path.join(folder, f"{number}.json")
                with open(file, "w", encoding="utf-8") as text:
                    json.dump(configuration, text)
                processes.append(subprocess.Popen(command + [file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                wait_for(server if number == 0 else socks)
            results = {}
            slow = connect(socks, target, receive_buffer=65536)
            slow.sendall(b"%d\n" % SLOW)
            reader = threading.Thread(target=lambda: results.update(slow=read(slow, SLOW * MEGABYTE, 60)))
            if slow_reads:
                reader.start()
                time.sleep(0.2)
            else:
                time.sleep(2)
            neighbour = connect(socks, target)
            neighbour.sendall(b"%d\n" % NEIGHBOUR)
            time.sleep(0.01)
            connections = main_connections(server)
            beside = "" if not slow_reads or reader.is_alive() else " (the control was over before)"
            first = read(neighbour, NEIGHBOUR * MEGABYTE, limit)
            rest = threading.Thread(target=read, args=(neighbour, NEIGHBOUR * MEGABYTE - first[0], 60))
            rest.start()
            if not slow_reads:
                reader.start()
            reader.join()
            rest.join()
            print(f"{name:15} {'read' if slow_reads else 'not read':8} on {connections} main connection(s): neighbour {told(first, NEIGHBOUR)}{beside}; "
                  f"the other, {'read all the while' if slow_reads else 'then read'}: {told(results['slow'], SLOW)}", flush=True)
        finally:
            for process in processes:
                process.terminate()
                process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--muxpro", default="out/muxpro")
    arguments.add_argument("--limit", type=float, default=30)
    options = arguments.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    target = listener.getsockname()[1]
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    pairs = [("v2ray", v2ray_pair)] + [
        (f"muxpro {protocol}", functools.partial(muxpro_pair, options.muxpro, protocol)) for protocol in ("mux.cool", "mux.pro")]
    for _ in range(3):
        for name, pair in pairs:
            for slow_reads in (True, False):
                socks, server = free_port(), free_port()
                measure(name, pair(socks, server), slow_reads, socks, server, target, options.limit)


main()
