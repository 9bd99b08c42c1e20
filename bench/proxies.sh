# The whole programs of w10: SOCKS5 at 127.0.0.1:27200, then the program's own connection, then the target. haproxy is one hop without
# a multiplexer. Sourced by run.sh: uses start, wait_for_port, scratch, space and muxpro; sets route and watched.

is_there() { # is_there PEER
    case $1 in
        v2ray*) command -v v2ray >/dev/null ;;
        haproxy) command -v haproxy >/dev/null ;;
        ssh) command -v ssh >/dev/null && [[ -x /usr/sbin/sshd ]] ;;
        *) true ;;
    esac
}

start_watched() { # start_watched COMMAND...: inside the namespace; its CPU and memory count
    start ip netns exec "$space-loopback" "$@"
    watched+=${watched:+,}$last_pid
}

start_proxies() { # start_proxies PEER
    route+=" --socks 127.0.0.1:27200"
    case $1 in
        muxpro-program) start_muxpro "" ;;
        muxpro-program-plaintext) start_muxpro --plaintext ;;
        v2ray) start_v2ray none ;;
        v2ray-encrypted) start_v2ray aes-128-gcm ;;
        ssh) start_ssh ;;
        haproxy) start_haproxy ;;
    esac
    wait_for_port "$space-loopback" 27200
}

start_muxpro() { # start_muxpro "" or --plaintext
    local server_flags=(--plaintext --allow-anonymous) client_flags=(--plaintext) keys=$scratch/keys pin
    if [[ ! $1 ]]; then
        if [[ ! -d $keys ]]; then "$muxpro" keys --out "$keys" >"$scratch/keys-made"; fi
        pin=$(sed -n 's/.*server\.pem  \(sha256:[0-9a-f]*\)$/\1/p' "$scratch/keys-made")
        server_flags=(--key "$keys/server.pem" --authorized "$keys/authorized")
        client_flags=(--key "$keys/client.pem" --pin "$pin")
    fi
    start_watched "$muxpro" server --listen 127.0.0.1:27300 --allow-private "${server_flags[@]}"
    wait_for_port "$space-loopback" 27300
    # As many to a main connection as v2ray gets.
    start_watched "$muxpro" client --server 127.0.0.1:27300 --listen 127.0.0.1:27200 --concurrency 1024 --max-connection 0 "${client_flags[@]}"
}

start_v2ray() { # start_v2ray SECURITY
    local user=b831381d-6324-4d53-ad4f-8cda48b30811
    cat >"$scratch/far.json" <<END
{"log":{"loglevel":"warning"},
 "inbounds":[{"listen":"127.0.0.1","port":27300,"protocol":"vmess","settings":{"clients":[{"id":"$user","alterId":0}]}}],
 "outbounds":[{"protocol":"freedom"}]}
END
    cat >"$scratch/near.json" <<END
{"log":{"loglevel":"warning"},
 "inbounds":[{"listen":"127.0.0.1","port":27200,"protocol":"socks","settings":{"auth":"noauth"}}],
 "outbounds":[{"protocol":"vmess","mux":{"enabled":true,"concurrency":1024},
   "settings":{"vnext":[{"address":"127.0.0.1","port":27300,"users":[{"id":"$user","alterId":0,"security":"$1"}]}]}}]}
END
    start_watched v2ray -config "$scratch/far.json"
    wait_for_port "$space-loopback" 27300
    start_watched v2ray -config "$scratch/near.json"
}

start_ssh() {
    local key=$scratch/ssh-key listener
    if [[ ! -f $key ]]; then
        ssh-keygen -q -t ed25519 -N "" -f "$key"
        cp "$key.pub" "$key-authorized"
        mkdir -p /run/sshd
    fi
    start ip netns exec "$space-loopback" /usr/sbin/sshd -D -e -f /dev/null -p 27300 -h "$key" -o StrictModes=no \
        -o "AuthorizedKeysFile=$key-authorized" -o PermitRootLogin=yes -o ListenAddress=127.0.0.1
    listener=$last_pid
    wait_for_port "$space-loopback" 27300
    start_watched ssh -F none -N -p 27300 -i "$key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -D 127.0.0.1:27200 root@127.0.0.1
    wait_for_port "$space-loopback" 27200
    watched+=,$(pgrep -P "$listener" | paste -sd,)
}

start_haproxy() {
    cat >"$scratch/haproxy.cfg" <<END
global
    maxconn 9000
defaults
    mode tcp
    timeout connect 5s
    timeout client 5m
    timeout server 5m
frontend entry
    bind 127.0.0.1:27200
    default_backend target
backend target
    server target 127.0.0.1:27100
END
    route="--connect 127.0.0.1:27200"
    start_watched haproxy -db -f "$scratch/haproxy.cfg"
}
