#!/usr/bin/env python3
"""Many connections at once through the daemon: opens them by SOCKS5, exchanges a message on each, holds them, exchanges again, and closes. Prints the time, the memory of
the process (client and server in one) and how many were lost. With --rules N the configuration has N rules, and the start is timed.

    eng/many.py [--muxpro out/muxpro] [--connections 5000] [--rules 0]
"""
import argparse
import asyncio
import json
import os
import resource
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def memory_of(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS"))


async def echo(reader, writer):
    try:
        while data := await reader.read(4096):
            writer.write(data)
    except ConnectionError:
        pass
    writer.close()


async def connect(socks, target):
    reader, writer = await asyncio.open_connection("127.0.0.1", socks)
    writer.write(b"\5\1\0")
    await reader.readexactly(2)
    writer.write(b"\5\1\0\1" + socket.inet_aton("127.0.0.1") + target.to_bytes(2, "big"))
    answer = await reader.readexactly(10)
    if answer[1] != 0:
        raise ConnectionError(f"SOCKS says {answer[1]}")
    return reader, writer


async def exchange(pair, number):
    try:
        reader, writer = pair
        message = f"{number:08}".encode() * 16
        writer.write(message)
        return await asyncio.wait_for(reader.readexactly(len(message)), 120) == message
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        return False


async def run(options, folder):
    target = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=4096)
    target_port = target.sockets[0].getsockname()[1]
    socks, server = free_port(), free_port()
    rules = [{"domain": [f"domain:d{i}.example"], "outboundTag": "out"} if i % 10 else {"ip": [f"10.{i // 256 % 256}.{i % 256}.0/24"], "outboundTag": "out"}
             for i in range(options.rules)]
    file = os.path.join(folder, "config.json")
    with open(file, "w", encoding="utf-8") as text:
        json.dump({
            "log": {"access": "none"},
            "inbounds": [{"tag": "in", "protocol": "socks", "port": socks}, {"tag": "server", "protocol": "mux", "port": server}],
            "outbounds": [{"tag": "relay", "protocol": "mux", "settings": {"servers": [{"address": "127.0.0.1", "port": server}]},
                           "mux": {"enabled": True, "concurrency": 1000, "maxConnection": 0}},
                          {"tag": "out", "protocol": "direct", "settings": {"allowPrivate": True}}],
            "routing": {"rules": rules + [{"inboundTag": "server", "outboundTag": "out"}]}}, text)
    started = time.monotonic()
    process = subprocess.Popen([options.muxpro, "run", "-c", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while "ready" not in process.stdout.readline():
        if process.poll() is not None:
            raise SystemExit("muxpro has ended")
    print(f"ready after {time.monotonic() - started:.2f} s with {options.rules} rules, {memory_of(process)} MiB", flush=True)
    try:
        gate = asyncio.Semaphore(200)

        async def one():
            async with gate:
                return await connect(socks, target_port)

        started = time.monotonic()
        pairs = await asyncio.gather(*(one() for _ in range(options.connections)), return_exceptions=True)
        opened = [pair for pair in pairs if isinstance(pair, tuple)]
        print(f"{len(opened)} of {options.connections} open after {time.monotonic() - started:.1f} s, {memory_of(process)} MiB", flush=True)
        for round_number in (1, 2):
            started = time.monotonic()
            good = sum(await asyncio.gather(*(exchange(pair, number) for number, pair in enumerate(opened))))
            print(f"round {round_number}: {good} of {len(opened)} answered in {time.monotonic() - started:.1f} s, {memory_of(process)} MiB", flush=True)
            await asyncio.sleep(2)
        for _, writer in opened:
            writer.close()
        await asyncio.sleep(3)
        print(f"closed: {memory_of(process)} MiB", flush=True)
    finally:
        process.terminate()
        process.wait()
    target.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--muxpro", default="out/muxpro")
    arguments.add_argument("--connections", type=int, default=5000)
    arguments.add_argument("--rules", type=int, default=0)
    options = arguments.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(options, folder))


main()
