#!/usr/bin/env python3
"""A service that misbehaves on demand, for the gateway's tests. The path says how; every request is recorded.

In a test: `with FakeUpstream() as upstream: …`. As a program, `fake_upstream.py NAME` prints its port and
answers until it is killed.
"""

import base64
import hashlib
import json
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse

WEBSOCKET_ID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
REQUEST_LINE = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[^ #]*) HTTP/1\.1")
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[^\x00-\x08\x0a-\x1f\x7f]*")


class Request:
    def __init__(self, method, target, fields, body, raw):
        self.method, self.target, self.fields, self.body, self.raw = method, target, fields, body, raw
        self.path = target.split("?")[0]
        self.peer = None  # The port it came from: which connection.

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None


class FakeUpstream:
    def __init__(self, name="one", port=0, host="127.0.0.1"):
        self.name = name
        self.requests, self.malformed, self.closed_streams = [], [], 0
        self.sent_bytes = 0
        self.mode = None  # Beats the path when set.
        self.repeats_ids = False  # X-Request-Id in its answers.
        self.valid_ids = None  # Of those alone it repeats them, and else has its own.
        self.together = False  # Says that it works on independent requests together.
        self.idle_seconds = None  # Closes connections that are idle for so long.
        self.lock = threading.Lock()
        self.request_id = threading.local()
        self.listener = socket.create_server(
            (host, port), backlog=1024, family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self.port = self.listener.getsockname()[1]
        self.stopped = False
        self.connections = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopped = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for peer in list(self.connections):
                try:
                    peer.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def count(self, path):
        with self.lock:
            return sum(request.path == path for request in self.requests)

    def last(self, path):
        with self.lock:
            return [request for request in self.requests if request.path == path][-1]

    def accept(self):
        while not self.stopped:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with self.lock:
            self.connections.add(peer)
        try:
            buffered = b""
            while True:
                if self.idle_seconds is not None:
                    peer.settimeout(self.idle_seconds)
                request, buffered = self.read(peer, buffered)
                peer.settimeout(None)
                if request is None:
                    return
                request.peer = peer.getpeername()[1]
                self.request_id.value = request.get("X-Request-Id")
                if request.path != "/health/ready":
                    with self.lock:
                        self.requests.append(request)
                if not self.answer(peer, request):
                    return
        except OSError:
            pass
        finally:
            with self.lock:
                self.connections.discard(peer)
            peer.close()

    def read(self, peer, buffered):
        while b"\r\n\r\n" not in buffered:
            piece = peer.recv(65536)
            if not piece:
                return None, b""
            buffered += piece
        head, _, rest = buffered.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        line = REQUEST_LINE.fullmatch(lines[0])
        fields = [
            (k.decode("latin-1"), v.strip().decode("latin-1"))
            for k, _, v in (field.partition(b":") for field in lines[1:])
        ]
        lengths = [value for key, value in fields if key.lower() == "content-length"]
        wrong = (
            line is None
            or any(FIELD.fullmatch(field) is None for field in lines[1:])
            or len(lengths) > 1
            or any(key.lower() == "transfer-encoding" or "_" in key for key, _ in fields)
            or sum(key.lower() == "host" for key, _ in fields) != 1
        )
        if wrong:
            with self.lock:
                self.malformed.append(head)
            return None, b""
        length = int(lengths[0]) if lengths else 0
        while len(rest) < length:
            piece = peer.recv(65536)
            if not piece:
                return None, b""
            rest += piece
        request = Request(line[1].decode(), line[2].decode("latin-1"), fields, rest[:length], head)
        return request, rest[length:]

    def send(self, peer, data):
        peer.sendall(data)
        self.sent_bytes += len(data)

    def reply(self, peer, status, body=b"", fields=(), method="GET", surplus=b""):
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields]
        lines += ["X-Independent: 1"] * self.together
        told = self.request_id.value
        if self.valid_ids and not self.valid_ids.fullmatch(told):
            told = "of-its-own"
        lines += [f"X-Request-Id: {told}"] * self.repeats_ids
        sent = b"" if method == "HEAD" else body
        self.send(peer, "\r\n".join(lines).encode() + b"\r\n\r\n" + sent + surplus)
        return True

    def answer(self, peer, request):
        kind = self.mode or request.path.rsplit("/", 1)[-1]
        if request.path == "/health/ready":
            kind = "ok" if self.mode is None else self.mode
        handler = getattr(self, "answer_" + kind.replace("-", "_"), self.answer_ok)
        return handler(peer, request)

    def answer_ok(self, peer, request):
        body = json.dumps(
            {
                "by": self.name,
                "target": request.target,
                "fields": request.fields,
                "body": request.body.decode(),
            }
        ).encode()
        fields = (
            "Content-Type: application/json",
            "Server: fake/1",
            "Connection: X-Secret",
            "X-Secret: 1",
            "X-Kept: yes",
            "Keep-Alive: timeout=5",
        )
        return self.reply(peer, 200, body, fields, request.method)

    def answer_two_lengths(self, peer, request):
        self.send(
            peer,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
        )
        return True

    def answer_half(self, peer, request):
        self.send(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False

    def answer_half_chunk(self, peer, request):
        self.send(peer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf")
        return False

    def answer_cors(self, peer, request):
        fields = ("Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true", "Vary: Accept")
        return self.reply(peer, 200, b"cors", fields)

    def answer_stream(self, peer, request):
        """A product's stock as it is, and what becomes of it."""
        self.send(
            peer, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(1000):
            if self.stopped:
                return False
            event = b"event: stock\ndata: %d\n\n" % number
            if number == 0:
                event += b"event: state\ndata: open\n\n"
            self.send(peer, b"%x\r\n%s\r\n" % (len(event), event))
            time.sleep(0.2)
        return False

    def answer_h2c(self, peer, request):
        if request.get("Upgrade"):
            head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
            self.send(peer, head + b"raw")
            peer.recv(65536)
            return False
        return self.answer_ok(peer, request)

    def answer_chunked(self, peer, request):
        self.send(
            peer,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
        )
        return True

    def answer_junk(self, peer, request):
        self.send(peer, b"this is not HTTP\r\n\r\n")
        return True

    def answer_reset(self, peer, request):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def answer_close(self, peer, request):
        self.reply(peer, 200, b"last", ("Connection: close",))
        return False

    def answer_slow(self, peer, request):
        time.sleep(0.5)
        return self.reply(peer, 200, b"slow")

    def answer_late(self, peer, request):
        time.sleep(0.2)
        return self.reply(peer, 200, request.target.encode())

    def answer_trickle(self, peer, request):
        self.send(peer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntri\r\n")
        time.sleep(0.2)
        self.send(peer, b"4\r\nckle\r\n0\r\n\r\n")
        return True

    def answer_endless(self, peer, request):
        self.send(peer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not self.stopped:
            self.send(peer, b"4\r\nmore\r\n")
            time.sleep(0.05)
        return False

    def answer_raw(self, peer, request):
        """The query, percent-decoded, is the whole answer."""
        self.send(peer, urllib.parse.unquote_to_bytes(request.target.split("?", 1)[1]))
        return True

    def answer_surplus(self, peer, request):
        """Its own answer, and one more that nobody has asked for, in one piece: what comes later, when the
        connection is in use again, nobody can tell from an answer."""
        poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
        return self.reply(peer, 200, request.target.encode(), surplus=poison)

    def answer_stuck(self, peer, request):
        time.sleep(2)
        return self.reply(peer, 200, request.target.encode())

    def answer_doomed(self, peer, request):
        """Takes what comes, then the connection dies; whoever asks a second time gets an answer."""
        with self.lock:
            again = sum(other.target == request.target for other in self.requests) > 1
        if again:
            return self.reply(peer, 200, request.target.encode())
        threading.Timer(0.3, self.cut, [peer]).start()
        return True

    @staticmethod
    def cut(peer):
        try:
            peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def answer_hang(self, peer, request):
        while not self.stopped and self.mode in (None, "hang"):
            time.sleep(0.05)
        return False

    def answer_500(self, peer, request):
        return self.reply(peer, 500, b"broken")

    def answer_503(self, peer, request):
        return self.reply(peer, 503, b"busy", ("Retry-After: 1",))

    def answer_large(self, peer, request):
        size = 8 * 1024 * 1024
        # What is sent has left this side: the kernel would take megabytes.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        self.send(peer, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = bytes(range(256)) * 256
        for _ in range(size // len(block)):
            self.send(peer, block)
        return True

    def answer_sse(self, peer, request):
        self.send(
            peer, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        try:
            for number in range(1000):
                event = b"event: tick\ndata: %d\n\n" % number
                self.send(peer, b"%x\r\n%s\r\n" % (len(event), event))
                time.sleep(0.1)
        except OSError:
            self.closed_streams += 1
            raise
        return False

    def answer_ws(self, peer, request):
        accept = base64.b64encode(
            hashlib.sha1(request.get("Sec-WebSocket-Key").encode() + WEBSOCKET_ID).digest()
        )
        self.send(
            peer,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\nhello",
        )
        while piece := peer.recv(65536):
            peer.sendall(piece[::-1])
        return False


if __name__ == "__main__":
    service = FakeUpstream(
        sys.argv[1] if len(sys.argv) > 1 else "one", int(sys.argv[2]) if len(sys.argv) > 2 else 0
    )
    print(service.port, flush=True)
    threading.Event().wait()
