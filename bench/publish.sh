#!/usr/bin/env bash
# Writes the tables of docs/performance.md and the plots of docs/plots from results of bench/run.sh.
#   bench/publish.sh [FILE]
# FILE  lines of JSON; the default is artifacts/bench/results.jsonl, whose lines of --quick are left out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lines=$(mktemp) tables=$(mktemp)
trap 'rm -f "$lines" "$tables"' EXIT
grep '"quick":false' "${1:-artifacts/bench/results.jsonl}" >"$lines"
dotnet run -c Release --project bench/MuxPro.MacroBench -- table <"$lines" >"$tables"
dotnet run -c Release --project bench/MuxPro.Plots -- docs/plots <"$lines"
# Between the two marks.
sed -i -e "/^<!-- tables -->\$/r $tables" -e '/^<!-- tables -->$/,/^<!-- end of tables -->$/{/^<!--/!d}' docs/performance.md
