#!/usr/bin/env bash
# SIGTERM for a server that carries downloads: they finish, new requests go to the other server, and --drain-timeout cuts what never ends.
# eng/drain.sh [DOWNLOADS [BYTES each]]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
count=${1:-50} size=${2:-20000000}
expected=$(python3 eng/target.py bytes "$size" 2 | sha256sum | cut -d ' ' -f 1)

start http python3 eng/target.py http
url=http://127.0.0.1:$(port http)
all_begun() {
    local file
    for file in "$@"; do
        [[ -s $file ]] || return 1
    done
}
ended() { ! kill -0 "$1" 2>/dev/null; }
# served NAME BYTES: how many connections ended in order at that server that carried at least so much.
served() { sed -n 's/.* down \([0-9]*\) bytes.*GracefulShutdown.*/\1/p' "$work/$1" | awk -v least="$2" '$1 >= least' | wc -l; }

server first --log-level information
first=$pid
first_port=$(port first)
server second --log-level information
second_port=$(port second)
client client "$first_port" --server "127.0.0.1:$second_port"
proxy=$(port client)

# Slow enough that all have begun and none has ended when the signal comes.
downloads=() files=()
for ((i = 0; i < count; i++)); do
    start "curl-$i" curl --silent --show-error --noproxy '' --proxy "socks5h://127.0.0.1:$proxy" --limit-rate "$((size / 8))" --output "$work/got-$i" "$url/$size"
    downloads+=("$pid")
    files+=("$work/got-$i")
done
until_true 60 all_begun "${files[@]}"
kill -TERM "$first"
told=$(now)
new=0 failed=0
while ! ended "$first"; do
    [[ $(fetch "$proxy" "$url/1000" | wc -c) == 1000 ]] || failed=$((failed + 1))
    new=$((new + 1))
done
took=$(($(now) - told))
status=0
wait "$first" 2>/dev/null || status=$?
same=0
for ((i = 0; i < count; i++)); do
    wait "${downloads[i]}" && [[ $(sha256sum <"$work/got-$i") == "$expected  -" ]] && same=$((same + 1))
done
rm -f "${files[@]}"
echo "$count downloads of $size bytes, SIGTERM: the server ended with $status after $took ms; $same have the right SHA-256, $(served first "$size") of them by that server"
echo "meanwhile $new new requests, $failed failed, $(served second 1000) by the other server"

server third --drain-timeout 3
third=$pid
client alone "$(port third)"
proxy=$(port alone)
start endless curl --silent --show-error --noproxy '' --proxy "socks5h://127.0.0.1:$proxy" --limit-rate 1M --output "$work/endless.got" "$url/endless"
endless=$pid
until_true 30 all_begun "$work/endless.got"
kill -TERM "$third"
told=$(now)
status=0 curl_status=0
wait "$third" 2>/dev/null || status=$?
took=$(($(now) - told))
wait "$endless" 2>/dev/null || curl_status=$?
echo "one endless download, --drain-timeout 3: the server ended with $status after $took ms, curl with $curl_status: $(cat "$work/endless")"
grep -i 'drain' "$work/third" | tail -n 1
((failed == 0 && same == count))
