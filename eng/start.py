#!/usr/bin/env python3
"""Start and idle memory of the program beside v2ray's, in alternating rounds; it measures and judges nothing.

start.py [PROGRAM] [ROUNDS]   PROGRAM is artifacts/native/muxpro, which eng/aot.sh makes; 11 rounds

Both get the same to do: a SOCKS5 inbound with UDP, and targets reached directly. A start ends when the first connection is taken;
memory is what is resident a second later, and how much of it is the process's own (not of files, which processes share).
"""
import json, os, pathlib, shutil, socket, statistics, subprocess, sys, tempfile, time

IDLE_SECONDS = 1
START_SECONDS = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def measure(command, directory):
    """Milliseconds until the first connection is taken, then MiB resident, and MiB of its own."""
    port = free_port()
    configuration = pathlib.Path(directory, "config.json")
    configuration.write_text(json.dumps({
        "inbounds": [{"protocol": "socks", "listen": "127.0.0.1", "port": port, "settings": {"udp": True}}],
        "outbounds": [{"protocol": "freedom"}],
    }))
    began = time.perf_counter()
    process = subprocess.Popen([*command, str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_listening(port):
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                sys.exit(f"{command[0]} does not listen on port {port}.")
            time.sleep(0.0005)
        took = (time.perf_counter() - began) * 1000
        time.sleep(IDLE_SECONDS)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
        fields = (line.split(":") for line in status if line.startswith(("VmRSS", "RssAnon")))
        kib = {name: int(value.split()[0]) for name, value in fields}
        return took, kib["VmRSS"] / 1024, kib["RssAnon"] / 1024
    finally:
        process.kill()
        process.wait()


program = sys.argv[1] if len(sys.argv) > 1 else "artifacts/native/muxpro"
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 11
commands = {"muxpro": [program, "run", "-c"]}
if shutil.which("v2ray"):
    commands["v2ray"] = [shutil.which("v2ray"), "-config"]
else:
    print("v2ray is missing: apt-get install v2ray")
found = {name: [] for name in commands}
with tempfile.TemporaryDirectory() as place:
    for number in range(rounds):
        for name, command in sorted(commands.items(), reverse=number % 2 == 1):
            found[name].append(measure(command, place))

print(f"medians of {rounds} alternating rounds (least to most), load {os.getloadavg()[0]:.1f}")
for name, results in found.items():
    start, resident, own = ([*column] for column in zip(*results))
    print(
        f"{name:7} {os.path.getsize(commands[name][0]) / 1e6:5.1f} MB; "
        f"listens after {statistics.median(start):5.1f} ms ({min(start):.1f} to {max(start):.1f}); "
        f"idle {statistics.median(resident):4.1f} MiB resident ({min(resident):.1f} to {max(resident):.1f}), {statistics.median(own):.1f} of its own")
