#!/usr/bin/env bash
# One would have sworn: torsocks works in front of any SOCKS5 server (its settings name an address and a port), and a program that it
#   wraps reaches names there by CONNECT with a name, address type 03, as `curl --socks5-hostname` does with the same server.
# What happens: the wrapped program calls getaddrinfo(), and torsocks asks the server for the address by Tor's own command F0 (RESOLVE),
#   on a connection of its own. A server of RFC 1928 answers 07, command not supported, and the program hears that the name does not
#   exist. CONNECT never comes.
# Version: torsocks 2.4.0-1 (Debian 12).
# Source: torsocks, src/common/socks5.c, socks5_send_resolve_request(); the Tor project's socks-extensions, "RESOLVE"; RFC 1928 section 4:
#   commands 01 to 03.
# Seen: below: the commands that the server was sent, and curl's exit code.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
debian torsocks=2.4.0-1

# A SOCKS5 server that knows CONNECT alone and writes down each request; as the target it answers itself.
cat > server.py <<'EOF'
import socket, sys

server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    link = server.accept()[0]
    greeting = link.recv(2)
    if not greeting:
        continue
    link.recv(greeting[1])
    link.sendall(b"\5\0")
    head = link.recv(5)
    rest = link.recv(head[4] + 2 if head[3] == 3 else 5)
    with open("requests", "a") as log:
        log.write(f"command {head[1]:02x}, type {head[3]:02x}; ")
    link.sendall(bytes([5, 0 if head[1] == 1 else 7, 0, 1, 0, 0, 0, 0, 0, 0]))
    if head[1] == 1:
        link.recv(1000)
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    link.close()
EOF
port=$(free_port)
start python3 server.py "$port"
listening "$port"
printf '%s\n' "TorAddress 127.0.0.1" "TorPort $port" >torsocks.conf
requests() {
    : >requests
    "$@" curl --silent --max-time 10 --output /dev/null http://host.example/ && code=0 || code=$?
    echo "$(sed 's/; $//' requests), curl $code"
}
by_curl() { shift; curl --socks5-hostname "127.0.0.1:$port" "$@"; }
by_torsocks() { TORSOCKS_CONF_FILE=$PWD/torsocks.conf LD_PRELOAD=$(echo "$PWD"/root/usr/lib/*/torsocks/libtorsocks.so) "$@"; }
expect "curl --socks5-hostname" "command 01, type 03, curl 0" "$(requests by_curl)"
expect "curl under torsocks" "command f0, type 03, curl 6" "$(requests by_torsocks)"
