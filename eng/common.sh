# Sourced by the scripts beside it: the program, programs that run beside it, and an end for all of them.
# MUXPRO names a program that is published already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
pids=()
stop_all() {
    local status=${1:-$?}
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

muxpro=${MUXPRO:-}
if [[ -z $muxpro ]]; then
    dotnet publish src/MuxPro.Proxy -c Release -o "$work/bin" -v q --nologo >&2
    muxpro=$work/bin/muxpro
fi
"$muxpro" keys --out "$work/keys" >"$work/keys.txt"
pin=$(awk '/server.pem  sha256:/ { print $2 }' "$work/keys.txt")

now() { date +%s%3N; }

# until_true SECONDS COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || { echo "Not within its time: $*" >&2; return 1; }
        sleep 0.02
    done
}

# start NAME COMMAND...: runs it, what it says is in $work/NAME; sets $pid.
start() {
    "${@:2}" >>"$work/$1" 2>&1 &
    pid=$!
    pids+=("$pid")
}

# port NAME: the free port that it has chosen, which it says first.
port() {
    until_true 30 grep -qs '^\([^:]* \)\?on [^:]*:[0-9]\+[^0-9]' "$work/$1" || { cat "$work/$1" >&2; return 1; }
    sed -n 's/^[^:]* on [^:]*:\([0-9]\+\)[^0-9].*/\1/p; s/^on [^:]*:\([0-9]\+\) .*/\1/p' "$work/$1" | head -n 1
}

# server NAME [OPTION...], client NAME SERVER_PORT [OPTION...]: on a free port of 127.0.0.1, with TLS and keys; set $pid.
server() {
    start "$1" "$muxpro" server --listen 127.0.0.1:0 --key "$work/keys/server.pem" --authorized "$work/keys/authorized" --allow-private "${@:2}"
}
client() {
    start "$1" "$muxpro" client --listen 127.0.0.1:0 --key "$work/keys/client.pem" --pin "$pin" --server "127.0.0.1:$2" "${@:3}"
}

# fetch PORT URL [OPTION...]: curl by SOCKS5.
fetch() { curl --silent --noproxy '' --proxy "socks5h://127.0.0.1:$1" "${@:3}" "$2"; }
