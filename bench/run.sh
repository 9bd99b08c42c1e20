#!/usr/bin/env bash
# Measures MuxPro beside other multiplexers: prints Markdown tables, appends a line of JSON per run to artifacts/bench/results.jsonl.
#   bench/run.sh [CELL...] [--peers a,b] [--runs N] [--quick] [--no-build]
# CELL     w1 ... w10, w3l; all of them when none is named (w7 is measured with w1). Or one workload of a cell: w2-10000, w6-budget
# --peers  of those that a cell knows, only these
# --runs   rounds, alternating over the peers; the default is 3, with --quick 1
# --quick  one second each and fewer variants: says whether it works, not how fast it is
# As root, on Linux: it makes network namespaces, so that the congestion control can be pinned and nothing else is on the loopback.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source bench/cells.sh
source bench/proxies.sh

cells=() only="" runs="" quick="" build=1
while (($#)); do
    case $1 in
        --peers) only=${2//,/ } && shift ;;
        --runs) runs=$2 && shift ;;
        --quick) quick=1 ;;
        --no-build) build="" ;;
        w[1-9]*) cells+=("$1") ;;
        *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
    esac
    shift
done
if ((!${#cells[@]})); then cells=(w1 w2 w3 w3l w4 w5 w6 w8 w9 w10); fi
runs=${runs:-$([[ $quick ]] && echo 1 || echo 3)}
if [[ $(id -u) != 0 ]]; then echo "bench/run.sh: needs root, for network namespaces" >&2 && exit 1; fi

net=$root/artifacts/bin/MuxPro.MacroBench/release/MuxPro.MacroBench
muxpro=$root/artifacts/bin/MuxPro.Proxy/release/MuxPro.Proxy
go=$root/artifacts/bench/bin/muxbench
delaylink=$root/artifacts/bench/bin/delaylink
results=$root/artifacts/bench/results.jsonl
mkdir -p "$(dirname "$results")"
if [[ $build ]]; then
    dotnet build bench/MuxPro.MacroBench -c Release --nologo -v quiet >&2
    dotnet build src/MuxPro.Proxy -c Release --nologo -v quiet >&2
    if command -v go >/dev/null; then
        bench/go/build.sh >&2
    else
        echo "bench/run.sh: no Go compiler: go-* and w6 are left out (bench/go/build.sh names the packages)" >&2
    fi
fi
ulimit -n "$(ulimit -Hn)"

# --- The network: a loopback of our own, and two namespaces joined by the long link for w6.
congestion=cubic
space=muxpro-$$
scratch=$(mktemp -d)
started=()
log=$scratch/log

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

    printf '{"peer":"%s","workload":"%s","started":"%s","round":%d,"quick":%s,"congestion":"%s","commit":"%s",' \
        "$peer" "$workload" "$begun" "$round" "$([[ $quick ]] && echo true || echo false)" "$congestion" "$commit"
    if [[ $result ]]; then
        printf '%s\n' "${result#\{}"
    else
        local reason
        reason=$(tail -q -c 1000 "$scratch/client-log" "$log" | tr -d '\\"' | tr '\n\t\r' '   ' | cut -c1-600)
        printf '"error":"exit status %d: %s"}\n' "$status" "$reason"
    fi
}

# --- All of them: a round over all peers of a workload, then the next, so that a drift of the machine meets every peer.
begun=$(date -u +%Y-%m-%dT%H:%M:%SZ)
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
lines=$scratch/lines.jsonl
: >"$lines"
for cell in "${cells[@]}"; do
    for workload in $(workloads_of "$cell"); do
        for round in $(seq "$runs"); do
            for peer in $(peers_of "$workload"); do
                if [[ $only && " $only " != *" $peer "* ]]; then continue; fi
                if [[ $peer == go-* && ! -x $go ]] || [[ $workload == w6* && ! -x $delaylink ]]; then continue; fi
                if ! is_there "$peer"; then
                    echo "$workload: $peer is not installed" >&2
                    continue
                fi
                echo "$workload $peer, round $round of $runs" >&2
                measure "$workload" "$peer" "$round" >"$scratch/line"
                tee -a "$results" <"$scratch/line" >>"$lines"
            done
        done
    done
done

echo "TCP congestion control: $congestion, pinned. $(nproc) cores: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1). Linux $(uname -r)." \
    ".NET $(dotnet --list-runtimes | awk '/NETCore.App 10/ { version = $2 } END { print version }'). Commit $commit. Rounds: $runs${quick:+, quick}."
"$net" table <"$lines"
if grep -q '"error":' "$lines"; then
    echo
    echo "Failed:"
    sed -n 's/.*"peer":"\([^"]*\)","workload":"\([^"]*\)".*"error":"\(.*\)"}/- \2 \1: \3/p' "$lines"
fi
