#!/usr/bin/env bash
# Publishes eng/AotApp as native code, without any warning, and runs it. It needs clang and zlib1g-dev beside the .NET SDK.
# Prints what the app prints, the size of the program and the most memory that it had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for program in clang; do
    command -v "$program" >/dev/null || { echo "aot.sh: $program is missing: apt-get install clang zlib1g-dev"; exit 2; }
done

out=artifacts/aot
log=$(mktemp)
trap 'rm -f "$log"' EXIT
dotnet publish eng/AotApp -c Release -o "$out" -warnaserror -v minimal >"$log" 2>&1 || { cat "$log"; exit 1; }
if grep -E 'warning|error' "$log"; then
    exit 1
fi

"$out/AotApp"
stat --format '%s bytes: eng/AotApp as native code, linux-x64' "$out/AotApp"
