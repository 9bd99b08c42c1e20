#!/usr/bin/env bash
# A server that goes silent: how long a download and an idle request wait until they are told so, and where the next request goes.
# First the server is stopped (SIGSTOP); then, as root, all packets between it, in a network namespace of its own, and the client are lost.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

space=muxpro-$$
leave() {
    local status=$?
    ip netns del "$space" 2>/dev/null || true
    stop_all "$status"
}
trap leave EXIT

begun() { [[ -s $work/$1-got ]] && grep -q "idle begins" "$work/$2"; }
ended() { ! kill -0 "$1" 2>/dev/null; }

# watch NAME TARGET PROXY NEXT_URL COMMAND...: begins a download from TARGET (NAME of a target) and an idle request, runs the command that makes the
# server silent, says how they ended, and asks for NEXT_URL.
watch() {
    local name=$1 url curl kind silent code
    url=http://127.0.0.1:$(port "$2")
    curl=(curl --silent --show-error --noproxy '' --proxy "socks5h://127.0.0.1:$3" --max-time 60)
    declare -A pid_of
    start "$name-download" "${curl[@]}" --limit-rate 5M --output "$work/$name-got" "$url/endless"
    pid_of[download]=$pid
    start "$name-idle" "${curl[@]}" "$url/idle"
    pid_of[idle]=$pid
    until_true 30 begun "$name" "$2"
    "${@:5}"
    silent=$(now)
    for kind in download idle; do
        (until_true 65 ended "${pid_of[$kind]}" && now >"$work/$name-$kind-ended") &
    done
    for kind in download idle; do
        until_true 70 test -s "$work/$name-$kind-ended"
        code=0
        wait "${pid_of[$kind]}" || code=$?
        echo "$name: the $kind ended after $(($(<"$work/$name-$kind-ended") - silent)) ms: $(tr '\n' ' ' <"$work/$name-$kind")"
        ((code != 0 && code != 28)) # 28: curl's own --max-time
    done
    silent=$(now)
    [[ $("${curl[@]}" "$4" | wc -c) == 1000 ]]
    echo "$name: the next request was answered by the other server, in $(($(now) - silent)) ms"
}

start http python3 eng/target.py http
next=http://127.0.0.1:$(port http)/1000
server second
second_port=$(port second)

server first
first=$pid
client client "$(port first)" --server "127.0.0.1:$second_port"
watch stopped http "$(port client)" "$next" kill -STOP "$first"
kill -CONT "$first"
kill -TERM "$first"
wait "$first" || echo "The first server ended with $?."

if [[ $(id -u) != 0 ]]; then
    echo "lost: not run, a network namespace needs root."
    exit
fi

# 198.18.0.0/15 is for tests (RFC 2544). What goes to a link address that nobody has is lost, and nobody is told.
near=198.18.77.1 far=198.18.77.2 nobody=02:00:00:00:00:99
ip netns add "$space"
ip link add "mp$$" type veth peer name far netns "$space"
ip addr add "$near/30" dev "mp$$"
ip link set "mp$$" up
ip -n "$space" addr add "$far/30" dev far
ip -n "$space" link set far up
ip -n "$space" link set lo up
lose_packets() {
    ip neigh replace "$far" lladdr "$nobody" dev "mp$$" nud permanent
    ip -n "$space" neigh replace "$near" lladdr "$nobody" dev far nud permanent
}

start far-http ip netns exec "$space" python3 eng/target.py http
start far ip netns exec "$space" "$muxpro" server --listen "$far:0" --key "$work/keys/server.pem" --authorized "$work/keys/authorized" --allow-private
start far-client "$muxpro" client --listen 127.0.0.1:0 --key "$work/keys/client.pem" --pin "$pin" \
    --server "$far:$(port far)" --server "127.0.0.1:$second_port"
watch lost far-http "$(port far-client)" "$next" lose_packets
