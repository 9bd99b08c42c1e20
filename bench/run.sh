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
source bench/lab.sh

# --- All of them: a round over all peers of a workload, then the next, so that a drift of the machine meets every peer.
begun=$(date -u +%Y-%m-%dT%H:%M:%SZ)
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
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
                record "$workload" "$peer" "$round"
            done
        done
    done
done

echo "TCP congestion control: $congestion, pinned. $processors. Linux $(uname -r)." \
    ".NET $(dotnet --list-runtimes | awk '/NETCore.App 10/ { version = $2 } END { print version }'). Commit $commit. Rounds: $runs${quick:+, quick}."
"$net" table <"$lines"
if grep -q '"error":' "$lines"; then
    echo
    echo "Failed:"
    sed -n 's/.*"peer":"\([^"]*\)","workload":"\([^"]*\)".*"error":"\(.*\)"}/- \2 \1: \3/p' "$lines"
fi
