# What the cells of run.sh mean: which workloads, with which flags, for which peers. Sourced.

multiplexers="net-raw muxpro muxpro-stream net-nerdbank net-http2 go-raw go-yamux go-smux1 go-smux2"
tls_peers="net-raw-tls muxpro-tls net-nerdbank-tls"
programs="muxpro-program muxpro-program-plaintext v2ray v2ray-encrypted ssh haproxy"

workloads_of() { # workloads_of CELL
    case $1 in
        w2) if [[ $quick ]]; then echo w2; else echo w2 w2-1 w2-10 w2-1000 w2-10000; fi ;;
        w3l) if [[ $quick ]]; then echo w3l w3l-high; else echo w3l w3l-high w3l-low; fi ;;
        w5) if [[ $quick ]]; then echo w5; else echo w5 w5-60000; fi ;;
        w6) if [[ $quick ]]; then echo w6; else echo w6 w6-10 w6-50 w6-200 w6-budget; fi ;;
        w7) echo w1 ;;
        w8) echo w8-0 w8-8 ;;
        w10) echo w10-bulk w10-pingpong w10-idle ;;
        *) echo "$1" ;;
    esac
}

peers_of() { # peers_of WORKLOAD
    case $1 in
        # A connection per stream cannot be opened fast enough for 1,000 and more, and yamux does not come to an end with 10,000.
        w2-1000) echo muxpro go-yamux go-smux1 ;;
        w2-10000) echo muxpro go-smux1 ;;
        w2-*) echo net-raw muxpro go-yamux go-smux1 ;;
        w3l-*) echo muxpro ;;
        w5) echo "${multiplexers/muxpro-stream /}" ;;
        w5-*) echo muxpro net-nerdbank go-yamux go-smux1 ;;
        w6-budget) echo muxpro ;;
        w6-*) echo net-raw muxpro net-nerdbank ;;
        w8-*) echo muxpro net-nerdbank net-http2 go-yamux go-smux1 go-smux2 ;;
        w9) echo "$tls_peers" ;;
        # haproxy: two descriptors per stream are too many.
        w10-idle) echo "${programs/ haproxy/}" ;;
        w10-*) echo "$programs" ;;
        *) echo "$multiplexers" ;;
    esac
}

milliseconds_of() { # milliseconds_of WORKLOAD: the round trip of w6
    if [[ $1 == w6-[0-9]* ]]; then echo "${1#w6-}"; else echo 100; fi
}

flags_of() { # flags_of WORKLOAD
    local short="--warmup-seconds 1.5 --seconds ${seconds:-3}" long="--warmup-seconds 2 --seconds 5" link="--warmup-seconds 3 --seconds 5"
    if [[ $quick ]]; then
        short="--warmup-seconds 0.7 --seconds 1" long=$short link="--warmup-seconds 3 --seconds 1.5"
    fi
    case $1 in
        w1 | w9) echo "--workload bulk --streams 1 $short" ;;
        w2) echo "--workload bulk --streams 100 $short" ;;
        w2-*) echo "--workload bulk --streams ${1#w2-} $long" ;;
        w3) echo "--workload pingpong $short" ;;
        w3l) echo "--workload pingpong --background-streams 8 $short" ;;
        w3l-high) echo "--workload pingpong --background-streams 8 --priority 0 --background-priority 255 $short" ;;
        w3l-low) echo "--workload pingpong --background-streams 8 --priority 255 --background-priority 0 $short" ;;
        w4) echo "--workload open --concurrency 64 $short" ;;
        w5) echo "--workload idle --streams 10000" ;;
        w5-*) echo "--workload idle --streams ${1#w5-}" ;;
        w6-budget) echo "--workload bulk --streams 100 --window-budget 4194304 $link" ;;
        w6*) echo "--workload bulk --streams 1 $link" ;;
        w8-*) echo "--workload bulk --streams 8 --stalled-streams ${1#w8-} $short" ;;
        w10-bulk) echo "--workload bulk --streams 1 $short" ;;
        w10-pingpong) echo "--workload pingpong $short" ;;
        w10-idle) echo "--workload idle --streams 10000" ;;
    esac
}
