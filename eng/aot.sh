#!/usr/bin/env bash
# Publishes the program, and eng/AotApp, which uses the libraries alone, as native code, without any warning, and runs both.
# It needs clang and zlib1g-dev beside the .NET SDK. The program stays in artifacts/native; eng/start.py measures it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the program may be at most.
max_bytes=25000000

command -v clang >/dev/null || { echo "aot.sh: clang is missing: apt-get install clang zlib1g-dev"; exit 2; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# publish PROJECT OUT [OPTION...]
publish() {
    local began=$SECONDS
    dotnet publish "$1" -c Release -r linux-x64 -o "$2" -warnaserror -v minimal "${@:3}" >"$log" 2>&1 || { cat "$log"; exit 1; }
    if grep -E 'warning|error' "$log"; then
        exit 1
    fi
    echo "$1 as native code in $((SECONDS - began)) s"
}

# Without the symbols that a debugger reads it is made sooner: nobody keeps it.
publish eng/AotApp artifacts/aot -p:NativeDebugSymbols=false
artifacts/aot/AotApp
stat --format '%s bytes: eng/AotApp' artifacts/aot/AotApp

publish src/MuxPro.Proxy artifacts/native -p:PublishAot=true
size=$(stat --format '%s' artifacts/native/muxpro)
echo "$size bytes: muxpro"
((size <= max_bytes)) || { echo "aot.sh: muxpro is larger than $max_bytes bytes"; exit 1; }
MUXPRO=artifacts/native/muxpro eng/native.sh
