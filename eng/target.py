"""The target for the scripts beside it, with nothing but the standard library.

target.py http       GET /N is answered with N bytes, /endless for ever, /idle never; says when a connection was reset
target.py late N     reads a request to its end, says its SHA-256, and only then answers with N bytes
target.py bytes N S  writes the N bytes of the stream S
"""
import hashlib, itertools, random, socketserver, sys, time


def stream(size, seed):
    """Bytes that repeat nowhere, and cost little."""
    block = bytearray(random.Random(seed).randbytes(1 << 18))
    for number in itertools.count():
        if size <= 0:
            return
        block[:8] = number.to_bytes(8, "big")
        yield bytes(block[:size])
        size -= len(block)


def say(text):
    print(text, flush=True)


class Http(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            got = self.request.recv(65536)
            if not got:
                return
            head += got
        path = head.split()[1].decode().lstrip("/")
        try:
            if path == "idle":
                say("idle begins")
                self.request.recv(1)
                return
            size = 1 << 60 if path == "endless" else int(path)
            self.request.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode())
            for block in stream(size, 2):
                self.request.sendall(block)
        except OSError as error:
            say(f"{path} reset {int(time.time() * 1000)} {error.strerror}")


class Late(socketserver.BaseRequestHandler):
    def handle(self):
        digest = hashlib.sha256()
        while got := self.request.recv(1 << 18):
            digest.update(got)
        say(f"request {digest.hexdigest()}")
        for block in stream(int(sys.argv[2]), 2):
            self.request.sendall(block)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 200


if sys.argv[1] == "bytes":
    for part in stream(int(sys.argv[2]), int(sys.argv[3])):
        sys.stdout.buffer.write(part)
else:
    server = Server(("127.0.0.1", 0), Http if sys.argv[1] == "http" else Late)
    say(f"on 127.0.0.1:{server.server_address[1]} ")
    server.serve_forever()
