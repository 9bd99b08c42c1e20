#!/usr/bin/env bash
# One would have sworn: SOCKS5 runs over a stream, so where TCP cuts it does not matter. A request may arrive in two segments, and an
#   impatient client may send greeting and request in one (dante and V2Ray take both).
# What happens: microsocks takes what one recv() returns for one whole message. A request in two segments is refused with reply 01, a
#   greeting in two with method FF, and a request in the greeting's segment is dropped, so both ends wait.
# Version: microsocks 1.0.3-2 (Debian 12).
# Source: microsocks, sockssrv.c, check_auth_method() and connect_socks_target(): one recv() into a buffer for each state of a client. RFC
#   1928 section 3 asks for a TCP connection and says nothing about segments.
# Seen:
#   each message in one segment                                050005000001000000000000 "hello"
#   request in two segments                                    050005010001000000000000 end
#   greeting in two segments                                   05ff end
#   greeting and request in one segment                        0500 silence
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
debian microsocks=1.0.3-2
port=$(free_port)
start ./root/usr/bin/microsocks -i 127.0.0.1 -p "$port"
listening "$port"

cat > client.py <<'EOF'
import socket, struct, sys, threading, time

target = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: [target.accept()[0].sendall(b"hello") for _ in range(9)], daemon=True).start()
greeting, request = b"\5\1\0", b"\5\1\0\1\x7f\0\0\1" + struct.pack(">H", target.getsockname()[1])
answer = None
sends = {"whole": [greeting, answer, request], "request in two": [greeting, answer, request[:6], request[6:]],
         "greeting in two": [greeting[:1], greeting[1:]], "both in one": [greeting + request]}[sys.argv[2]]
proxy = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
proxy.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
proxy.settimeout(1.5)
seen = b""
end = ""
try:
    for part in sends:
        if part is answer:
            seen += proxy.recv(2)
        else:
            proxy.sendall(part)
            time.sleep(0.2)  # The next part is a segment of its own.
    while not seen.endswith(b"hello"):
        more = proxy.recv(100)
        if not more:
            end = " end"
            break
        seen += more
except TimeoutError:
    end = " silence"
except OSError:
    end = " end"
print(seen.removesuffix(b"hello").hex() + (' "hello"' if seen.endswith(b"hello") else end))
EOF
try() { python3 client.py "$port" "$1"; }
expect "each message in one segment" '050005000001000000000000 "hello"' "$(try whole)"
expect "request in two segments" '050005010001000000000000 end' "$(try 'request in two')"
expect "greeting in two segments" '05ff end' "$(try 'greeting in two')"
expect "greeting and request in one segment" '0500 silence' "$(try 'both in one')"
