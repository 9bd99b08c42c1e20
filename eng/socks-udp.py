"""UDP with nothing but the standard library.

socks-udp.py echo        answers each datagram with itself
socks-udp.py ask P T     sends one datagram to port T of 127.0.0.1 through the SOCKS5 proxy at port P (RFC 1928, 7), and fails unless it comes back
"""
import socket, struct, sys

if sys.argv[1] == "echo":
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.bind(("127.0.0.1", 0))
    print(f"on 127.0.0.1:{echo.getsockname()[1]} ", flush=True)
    while True:
        datagram, sender = echo.recvfrom(65536)
        echo.sendto(datagram, sender)

proxy, target = int(sys.argv[2]), int(sys.argv[3])
with socket.create_connection(("127.0.0.1", proxy), timeout=30) as control, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as application:
    answers = control.makefile("rb")
    control.sendall(b"\x05\x01\x00")
    assert answers.read(2) == b"\x05\x00", "The proxy wants a password."
    control.sendall(b"\x05\x03\x00\x01" + bytes(6))
    reply = answers.read(10)
    assert reply[1] == 0, f"The proxy answers {reply[1]} to UDP ASSOCIATE."
    application.settimeout(30)
    datagram = b"\x00\x00\x00\x01" + socket.inet_aton("127.0.0.1") + struct.pack(">H", target) + bytes(range(256)) * 4
    application.sendto(datagram, ("127.0.0.1", struct.unpack(">H", reply[8:])[0]))
    assert application.recvfrom(65536)[0] == datagram, "Another datagram came back."
    print("a datagram of 1024 bytes came back")
