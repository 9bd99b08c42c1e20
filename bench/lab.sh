# Where a run happens: network namespaces of its own, what is started in them, and one measurement. Sourced by run.sh and compare.sh after
# cells.sh; they set net, muxpro, go, delaylink, quick, results, begun and commit, and side where two builds are compared.

ulimit -n "$(ulimit -Hn)"

# --- The network: a loopback of our own, and two namespaces joined by the long link for w6.
congestion=cubic
space=muxpro-$$
scratch=$(mktemp -d)
started=()
log=$scratch/log
lines=$scratch/lines.jsonl # of this call; those of all calls are in $results
: >"$lines"
processors="$(nproc) cores: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"

stop_started() {
    local pid
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
    started=()
}

clean_up() {
    stop_started
    local name
    for name in loopback near far; do ip netns delete "$space-$name" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

for name in loopback near far; do
    ip netns add "$space-$name"
    ip -n "$space-$name" link set lo up
done
for addresses in 127.0.0.0/8 127.0.0.1; do
    ip -n "$space-loopback" route change table local local "$addresses" dev lo proto kernel scope host src 127.0.0.1 congctl "$congestion"
done

start() { # start COMMAND...: in the background; last_pid is its process
    "$@" >>"$log" 2>&1 &
    last_pid=$!
    started+=("$last_pid")
}

wait_for_port() { # wait_for_port NAMESPACE PORT
    for _ in $(seq 200); do
        if ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q .; then return; fi
        sleep 0.05
    done
    echo "nothing listens on port $2" >>"$log"
}

start_long_link() { # start_long_link MILLISECONDS: of the round trip
    start "$delaylink" --near "$near" --far "$far" --delay "$(($1 / 2))ms" --megabits 1000
    for _ in $(seq 100); do
        if ip -n "$far" link show far0 2>/dev/null | grep -q UP && ip -n "$near" link show near0 2>/dev/null | grep -q UP; then break; fi
        sleep 0.05
    done
    ip -n "$near" route change 10.99.0.0/24 dev near0 congctl "$congestion"
    ip -n "$far" route change 10.99.0.0/24 dev far0 congctl "$congestion"
}

# --- One run: prints a line of JSON.
measure() { # measure WORKLOAD PEER ROUND
    local workload=$1 peer=$2 round=$3 driver flags address=127.0.0.1 limit=90 route="" watched="" result status=0
    : >"$log"
    near=$space-loopback far=$space-loopback
    flags=$(flags_of "$workload")
    # A stopped reader that stops everybody shows as no end; 10,000 streams take their time through some programs.
    if [[ $workload == w8-* || ($quick && $workload != *-idle) ]]; then limit=25; fi
    case $peer in
        go-*) driver=("$go") flags+=" --peer $peer" ;;
        net-* | muxpro | muxpro-tls | muxpro-stream) driver=("$net") flags+=" --peer $peer" ;;
        *) driver=("$net") flags+=" --peer net-raw" ;;
    esac
    case $workload in
        w6*)
            near=$space-near far=$space-far address=10.99.0.2
            start_long_link "$(milliseconds_of "$workload")"
            ;;
    esac

    start ip netns exec "$far" "${driver[@]}" server $flags --listen "$address:27100" --control "$address:27101"
    wait_for_port "$far" 27100
    wait_for_port "$far" 27101
    route="--connect $address:27100"
    case $workload in w10*) start_proxies "$peer" ;; esac
    result=$(timeout --kill-after=2 "$limit" ip netns exec "$near" "${driver[@]}" client $flags $route --control "$address:27101" \
        ${watched:+--watch-pids "$watched"} 2>"$scratch/client-log") || status=$?
    stop_started

    printf '{%s"peer":"%s","workload":"%s","started":"%s","round":%d,"quick":%s,"congestion":"%s","commit":"%s",' \
        "${side:+\"side\":\"$side\",}" "$peer" "$workload" "$begun" "$round" "$([[ $quick ]] && echo true || echo false)" "$congestion" "$commit"
    if [[ $result ]]; then
        printf '%s\n' "${result#\{}"
    else
        local reason
        reason=$(tail -q -c 1000 "$scratch/client-log" "$log" | tr -d '\\"' | tr '\n\t\r' '   ' | cut -c1-600)
        printf '"error":"exit status %d: %s"}\n' "$status" "$reason"
    fi
}

record() { # record WORKLOAD PEER ROUND: measures, and keeps the line
    measure "$@" >"$scratch/line"
    tee -a "$results" <"$scratch/line" >>"$lines"
}
