#!/usr/bin/env bash
# Builds the Go driver and the delay link into artifacts/bench/bin. Debian's golang-go, golang-github-hashicorp-yamux-dev and
# golang-github-xtaci-smux-dev supply the compiler and the multiplexers.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/../../artifacts/bench/bin
mkdir -p "$out"
out=$(cd "$out" && pwd)
export GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-buildvcs=false
for command in delaylink muxbench; do
    (cd "$here/$command" && go build -o "$out/$command" .)
done
