#!/usr/bin/env bash
# Runs each verb of the program with real tools, as a user would: the native program, which MUXPRO names, may lack what trimming took away.
# Each part says what it has seen; the first one that is not as it should be ends the script.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

root=$PWD muxpro=$(realpath "$muxpro")
fail() { echo "native.sh: $*" >&2; exit 1; }
has() { grep -qsF -- "$2" "$work/$1"; }
until_has() { until_true 30 has "$@" || { cat "$work/$1" >&2; exit 1; }; }

# free_port: one that nobody listens on now.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# carries NAME PROXY: HTTP by SOCKS5 and by HTTP CONNECT, plain HTTP, and UDP.
carries() {
    local url=http://127.0.0.1:$http/1000000 proxy
    for proxy in "--proxy socks5h://127.0.0.1:$2" "--proxy http://127.0.0.1:$2" "--proxytunnel --proxy http://127.0.0.1:$2"; do
        # shellcheck disable=SC2086
        [[ $(curl --silent --noproxy '' $proxy "$url" | sha256sum) == "$sum" ]] || fail "$1: $proxy does not carry $url"
    done
    echo "$1: 1 MB by SOCKS5, HTTP and CONNECT; $(python3 eng/socks-udp.py ask "$2" "$udp")"
}

# stops NAME: the last program started ends with 0 when it is told to.
stops() {
    kill -TERM "$pid"
    wait "$pid" || fail "$1 ended with $?: $(cat "$work/$1")"
}

"$muxpro" --version | grep -q '^[0-9]' || fail "--version says no version"
for verb in "" up client server run check schema keys; do
    # shellcheck disable=SC2086
    "$muxpro" $verb --help | grep -q 'Usage:' || fail "$verb --help has no usage"
done
"$muxpro" schema | cmp - docs/config.schema.json
echo "schema: that of docs/config.schema.json; --help of each verb"

cat >"$work/wrong.json" <<'END'
{
  "inbounds": [
    { "protocol": "sokcs", "port": 1080 },
    { "protocol": "http", "port": "80-70", "setings": {} }
  ],
  "log": { "loglevel": "loud" },
  "limits": { "drainTimeout": -1 },
  "outbounds": [ { "protocol": "direct", "settings": { "allowPrivate": 1 } } ]
}
END
status=0
"$muxpro" check -c "$work/wrong.json" 2>"$work/wrong" || status=$?
((status == 23)) || fail "check of mistakes ends with $status"
for mistake in \
    "wrong.json:3:19: \$.inbounds[0].protocol: \"sokcs\" is not right; it is one of 'socks', 'http', 'mixed', 'forward', 'mux'" \
    "wrong.json:4:35: \$.inbounds[1].port: \"80-70\" is not right; it is a port" \
    "wrong.json:4:55: \$.inbounds[1].setings: there is no field 'setings' here; did you mean 'settings'?" \
    "wrong.json:6:24: \$.log.loglevel: \"loud\" is not right; it is " \
    "wrong.json:7:31: \$.limits.drainTimeout: -1 is not right; it is a whole number from 0 to 86400" \
    "wrong.json:8:72: \$.outbounds[0].settings.allowPrivate: 1 is not right; it is true or false" \
    "6 problems."; do
    has wrong "$mistake" || fail "check does not say: $mistake
$(cat "$work/wrong")"
done
echo "check: six mistakes at once, each with line, column and what is right"

# The samples name keys of the directory that they are read in.
python3 - "$work/keys" <<'END'
import pathlib, re, sys
texts = {path.name: path.read_text() for path in pathlib.Path("samples/config").glob("*.json")}
blocks = re.findall(r"```json\n(\{.*?)```", pathlib.Path("docs/proxy.md").read_text(), re.DOTALL)
texts |= {f"docs-{number}.json": text for number, text in enumerate(blocks)}
for name, text in texts.items():
    pathlib.Path(sys.argv[1], name).write_text(text)
END
cd "$work/keys"
samples=(*.json)
for sample in "${samples[@]}"; do
    "$muxpro" check -c "$sample" >"$work/checked" 2>&1 || fail "$sample: $(cat "$work/checked")"
    "$muxpro" run --dry-run -c "$sample" >"$work/checked" 2>&1 || fail "$sample: $(cat "$work/checked")"
done
cd "$root"
echo "check and run --dry-run: ${#samples[@]} samples of samples/config and docs/proxy.md"

start http python3 eng/target.py http
http=$(port http)
start udp python3 eng/socks-udp.py echo
udp=$(port udp)
sum=$(curl --silent --noproxy '' "http://127.0.0.1:$http/1000000" | sha256sum)

start up "$muxpro" up --listen 127.0.0.1:0
until_has up "Try it:"
carries up "$(sed -n 's/^  client  127.0.0.1:\([0-9]*\) .*/\1/p' "$work/up")"
stops up

server server
client client "$(port server)"
carries "client and server" "$(port client)"
stops client

relay=$(free_port) inbound=$(free_port)
cat >"$work/keys/relay.json" <<END
{
  "inbounds": [ {
    "tag": "main", "protocol": "mux", "port": $relay, "settings": { "authorizedKeys": "authorized" },
    "streamSettings": { "network": "ws", "security": "tls", "tlsSettings": { "certificates": [ { "certificateFile": "server.pem" } ] } }
  } ],
  "outbounds": [ { "protocol": "freedom", "settings": { "allowPrivate": true } } ]
}
END
cat >"$work/keys/application.json" <<END
{
  "log": { "loglevel": "info" },
  "inbounds": [ { "tag": "in", "protocol": "mixed", "port": $inbound, "settings": { "udp": true } } ],
  "outbounds": [ {
    "tag": "relay", "protocol": "mux", "settings": { "servers": [ { "address": "127.0.0.1", "port": $relay } ] },
    "streamSettings": {
      "network": "ws", "security": "tls", "tlsSettings": { "certificates": [ { "certificateFile": "client.pem" } ], "pins": [ "$pin" ] }
    }
  } ]
}
END
cd "$work/keys"
start relay "$muxpro" run -c relay.json
start application "$muxpro" run -c application.json
cd "$root"
until_has relay "ready."
until_has application "ready."
carries "run, WebSocket over TLS with keys" "$inbound"

sed -i 's/"tag": "in",/"tag": "other",/' "$work/keys/application.json"
until_has application "was read again (it has changed)"
kill -HUP "$pid"
until_has application "was read again (SIGHUP)"
sed -i 's/"info"/"loud"/' "$work/keys/application.json"
until_has application "application.json:2:24: \$.log.loglevel"
carries "run, read again twice and kept once" "$inbound"
stops application
