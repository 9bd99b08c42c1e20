#!/usr/bin/env bash
# Says whether the working tree is slower than a revision: runs the same cells with builds of both, in alternating rounds, and fails below a
# bound.
#   bench/compare.sh REV [CELL...] [--bound 0.97] [--rounds 5] [--seconds 3] [--quick] [--program PATH]
# REV        what git archive takes: a commit, a tag, HEAD. Built in artifacts/bench/REV; the working tree is built as it is
# CELL       w1 w2 w3 w4 w5 w9 w10, all of them when none is named; or one workload of a cell, as bench/run.sh has them
# --bound    the least ratio of medians, new to old; above 1 is better for every figure
# --rounds   of each workload: old and new, then new and old, and so on
# --seconds  that a run is measured, after its warm-up
# --quick    one round of one second each: says whether it works, not how fast it is
# --program  this muxpro in w10, for the working tree's side: a native one
# Prints a Markdown table, appends a line of JSON per run to artifacts/bench/compare.jsonl, and exits with 1 when a figure is below the bound
# or a run failed. As root, on Linux, as bench/run.sh. All cells with five rounds take about 20 minutes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source bench/cells.sh

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2 && exit 2; }

revision="" cells=() bound=0.97 rounds="" seconds="" quick="" program=""
while (($#)); do
    case $1 in
        --bound) bound=$2 && shift ;;
        --rounds) rounds=$2 && shift ;;
        --seconds) seconds=$2 && shift ;;
        --quick) quick=1 ;;
        --program) program=$(realpath "$2") && shift ;;
        -*) usage ;;
        *) if [[ $revision ]]; then cells+=("$1"); else revision=$1; fi ;;
    esac
    shift
done
if [[ ! $revision ]]; then usage; fi
if ((!${#cells[@]})); then cells=(w1 w2 w3 w4 w5 w9 w10); fi
rounds=${rounds:-$([[ $quick ]] && echo 1 || echo 5)}
if [[ $(id -u) != 0 ]]; then echo "bench/compare.sh: needs root, for network namespaces" >&2 && exit 1; fi
if [[ $program && ! -x $program ]]; then echo "bench/compare.sh: $program is no program" >&2 && exit 1; fi
if ! sha=$(git rev-parse --short=12 --verify --quiet "$revision^{commit}"); then
    echo "bench/compare.sh: \"$revision\" is no commit of this repository" >&2 && exit 1
fi

# --- Both builds, each with its own driver, program, and way to start the program.
old_tree=$root/artifacts/bench/$sha
build() { # build TREE
    (cd "$1" && for project in bench/MuxPro.MacroBench src/MuxPro.Proxy; do dotnet build "$project" -c Release --nologo -v quiet >&2; done)
}
driver_of() { echo "$1/artifacts/bin/MuxPro.MacroBench/release/MuxPro.MacroBench"; }
program_of() { echo "$1/artifacts/bin/MuxPro.Proxy/release/MuxPro.Proxy"; }

if [[ ! -e $old_tree/built ]]; then
    echo "building $sha" >&2
    rm -rf "$old_tree" && mkdir -p "$old_tree"
    git archive "$sha" | tar -x -C "$old_tree"
    build "$old_tree"
    touch "$old_tree/built"
fi
echo "building the working tree" >&2
build "$root"

use() { # use old|new
    side=$1
    local tree=$root
    if [[ $side == old ]]; then tree=$old_tree; fi
    net=$(driver_of "$tree") muxpro=$(program_of "$tree") commit=$new_commit
    if [[ $side == old ]]; then commit=$sha; elif [[ $program ]]; then muxpro=$program; fi
    source "$tree/bench/proxies.sh"
}

peers_to_compare() { # peers_to_compare WORKLOAD
    case $1 in
        w1) echo muxpro muxpro-stream ;;
        w9) echo muxpro-tls ;;
        w10-*) echo muxpro-program ;;
        *) echo muxpro ;;
    esac
}

workloads_to_compare() { # workloads_to_compare CELL: the first one of a cell, and all of w10
    case $1 in
        w10) workloads_of "$1" ;;
        *) echo "$1" ;;
    esac
}

go="" delaylink=$root/artifacts/bench/bin/delaylink
begun=$(date -u +%Y-%m-%dT%H:%M:%SZ)
new_commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
results=$root/artifacts/bench/compare.jsonl
source bench/lab.sh

for cell in "${cells[@]}"; do
    for workload in $(workloads_to_compare "$cell"); do
        for round in $(seq "$rounds"); do
            for peer in $(peers_to_compare "$workload"); do
                # Who goes first changes, so that a drift of the machine meets both.
                sides=(old new)
                if ((round % 2 == 0)); then sides=(new old); fi
                for side in "${sides[@]}"; do
                    echo "$workload $peer, $side, round $round of $rounds" >&2
                    use "$side"
                    record "$workload" "$peer" "$round"
                done
            done
        done
    done
done

echo "Old: $sha. New: $new_commit${program:+, w10 with $program}. Rounds: $rounds${quick:+, quick}. Above 1 is better. $processors."
echo
"$(driver_of "$root")" compare "$bound" <"$lines"
