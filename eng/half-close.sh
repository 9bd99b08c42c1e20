#!/usr/bin/env bash
# Answers that come after the end of their request, through SOCKS5 (nc of OpenBSD), and downloads that are given up (curl), in every version.
# eng/half-close.sh [BYTES of the private version [BYTES of the others]]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
large=${1:-1000000000} small=${2:-10000000}

start http python3 eng/target.py http
http=$(port http)
sum() { sha256sum | cut -d ' ' -f 1; }
saw_reset() { grep -q "^endless reset" "$work/http"; }
has() { [[ -s $1 && $(stat -c %s "$1") -ge $2 ]]; }

for version in private 0.1 0.0; do
    size=$small
    [[ $version == private ]] && size=$large
    server "server-$version" --versions "$version"
    server_port=$(port "server-$version")
    client "client-$version" "$server_port" --versions "$version"
    proxy=$(port "client-$version")
    start "late-$version" python3 eng/target.py late "$size"
    late=$(port "late-$version")

    began=$(now)
    answer=$(python3 eng/target.py bytes "$size" 1 | nc -N -X 5 -x "127.0.0.1:$proxy" 127.0.0.1 "$late" | sum)
    took=$(($(now) - began))
    request=$(sed -n 's/^request //p' "$work/late-$version")
    [[ $request == "$(python3 eng/target.py bytes "$size" 1 | sum)" ]] || { echo "$version: the request is not what was sent: $request"; exit 1; }
    [[ $answer == "$(python3 eng/target.py bytes "$size" 2 | sum)" ]] || { echo "$version: the answer is not what was sent: $answer"; exit 1; }
    echo "$version: $size bytes up, FIN, $size bytes down in $took ms: SHA-256 equal (${request:0:16}.., ${answer:0:16}..)"

    start "curl-$version" curl --silent --noproxy '' --proxy "socks5h://127.0.0.1:$proxy" --output "$work/got" "http://127.0.0.1:$http/endless"
    curl=$pid
    until_true 30 has "$work/got" 10000000
    killed=$(now)
    kill -KILL "$curl"
    wait "$curl" 2>/dev/null || true
    until_true 30 saw_reset
    seen=$(sed -n 's/^endless reset \([0-9]*\) .*/\1/p' "$work/http" | tail -n 1)
    echo "$version: curl was killed in a download; $((seen - killed)) ms later the target saw: $(tail -n 1 "$work/http" | cut -d ' ' -f 4-)"
    : >"$work/http"
    rm "$work/got"
done
