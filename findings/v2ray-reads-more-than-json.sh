#!/usr/bin/env bash
# One would have sworn: V2Ray's configuration is JSON with the comments // and /* */, its names are written as documented, and a port is a
#   number.
# What happens: V2Ray also takes comments from # to the end of a line, names and fields in any case ("Inbounds", "PORT"), and a port
#   "env:NAME" that is read from the environment when it starts. A trailing comma, which readers of JSON with comments forgive, it
#   refuses. So a file that V2Ray runs is refused by whatever reads "JSON with comments", and the other way round.
# Version: v2ray 4.34.0+ds-1 (Debian 12).
# Source: v2ray-core 4.34.0, infra/conf/json/reader.go (state machine: '/' and '#'), infra/conf/common.go, parseStringPort ("env:"); Go's
#   encoding/json: "preferring exact matches but also accepting case-insensitive matches".
# Seen: below.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
debian v2ray=4.34.0+ds-1

# reads CONFIGURATION [VARIABLE=VALUE]: what `v2ray -test` says of it.
reads() {
    printf '%s\n' "$1" >config.json
    if env "${@:2}" ./root/usr/bin/v2ray -test -config config.json >log 2>&1; then tail -n 1 log; else echo "refused"; fi
}

expect "as documented" "Configuration OK." "$(reads '
{ "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": 1080 } ], // here
  "outbounds": [ { "protocol": "freedom" } ] /* and here */ }')"
expect "comments with #" "Configuration OK." "$(reads '
# At home.
{ "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": 1080 } ], # for browsers
  "outbounds": [ { "protocol": "freedom" } ] }')"
expect "names in any case" "Configuration OK." "$(reads '
{ "Inbounds": [ { "Protocol": "socks", "LISTEN": "127.0.0.1", "PORT": 1080 } ], "outBounds": [ { "protocol": "freedom" } ] }')"
expect "a port in the environment" "Configuration OK." "$(reads '
{ "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": "env:PORT_OF_SOCKS" } ],
  "outbounds": [ { "protocol": "freedom" } ] }' \
    PORT_OF_SOCKS=1080)"
expect "the same without the variable" "refused" "$(reads '
{ "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": "env:PORT_OF_SOCKS" } ],
  "outbounds": [ { "protocol": "freedom" } ] }')"
expect "a trailing comma" "refused" "$(reads '
{ "inbounds": [ { "protocol": "socks", "listen": "127.0.0.1", "port": 1080 }, ], "outbounds": [ { "protocol": "freedom" } ] }')"

# That the names in other cases are not merely ignored: it listens on the port of the environment.
port=$(free_port)
printf '%s\n' '{ "Inbounds": [ { "Protocol": "socks", "LISTEN": "127.0.0.1", "PORT": "env:PORT_OF_SOCKS" } ], # so
  "outBounds": [ { "protocol": "freedom" } ] }' >config.json
start env PORT_OF_SOCKS="$port" ./root/usr/bin/v2ray -config config.json
listening "$port"
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf '\5\1\0' >&3
expect "and it listens there" "0500" "$(head -c 2 <&3 | od -An -tx1 | tr -d ' \n')"
