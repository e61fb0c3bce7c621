"""How long answers end: behind TLS, while a gateway stops, and when the first of many readers is refused."""

import http.client
import json
import signal
import socket
import ssl
import threading
import time

import pytest
from certificates import certificate_files
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import free_port
from waiting import until

NO_ROUTES = "[gateway]\ndefault_routes = false\n"
ROUTE = """
[gateway]
default_routes = false
[gateway.services]
fake = ["127.0.0.1:{port}"]
[[gateway.routes]]
id = "fake"
service = "fake"
path = "/**"
"""


def tls_to(port, receives=8192):
    """A client with little room, so that what it does not read stays with the server."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    plain.settimeout(30)
    plain.connect(("127.0.0.1", port))
    return context.wrap_socket(plain)


def ask_for_documents(peer, count):
    peer.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * count)


def test_readers_who_do_not_read_count_while_they_are_connected_through_tls(tmp_path):
    room, management = 6, free_port()
    settings = [
        *certificate_files(tmp_path),
        f"http.connections_per_address_max={room}",
        f"management.listen=127.0.0.1:{management}",
    ]
    with Gateway(tmp_path, NO_ROUTES, *settings, limits=True) as gateway:

        def open_now():
            peer = http.client.HTTPConnection("127.0.0.1", management, timeout=10)
            peer.request("GET", "/metrics")
            text = peer.getresponse().read().decode()
            peer.close()
            return int(text.split("\nmarket_http_connections ")[1].split("\n")[0])

        peers = [tls_to(gateway.port) for _ in range(room)]
        for peer in peers:
            ask_for_documents(peer, 20)
        try:
            tls_to(gateway.port).close()
            raise AssertionError("one more was let in")
        except (OSError, ssl.SSLError):
            pass
        # Who takes nothing for so long is closed, whatever he does himself; then there is room again.
        until(lambda: open_now() == 0, 60, "they are still connected")
        with tls_to(gateway.port) as fresh:
            ask_for_documents(fresh, 1)
            assert fresh.recv(12) == b"HTTP/1.1 200"
        for peer in peers:
            peer.close()


def test_a_stop_loses_nothing_of_what_was_answered_through_tls(tmp_path):
    with Gateway(tmp_path, NO_ROUTES, *certificate_files(tmp_path)) as gateway:
        with tls_to(gateway.port) as peer:
            ask_for_documents(peer, 3)
            time.sleep(0.5)  # It is answered, and little of it was taken.
            gateway.process.send_signal(signal.SIGTERM)
            time.sleep(1.5)
            got = b""
            while piece := peer.recv(65536):
                got += piece
        assert got.count(b"HTTP/1.1 200") == 3
        last = got[got.rindex(b"HTTP/1.1 200"):]
        head, body = last.split(b"\r\n\r\n", 1)
        assert f"content-length: {len(body)}" in head.decode().lower()
        json.loads(body)


def read_to_end(peer):
    got = b""
    while piece := peer.recv(1 << 20):
        got += piece
    return got


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_who_has_sent_all_and_says_so_is_answered_whole(tmp_path, secure):
    """`nc -N`, socat, and whoever closes his side behind his request."""
    settings = certificate_files(tmp_path) if secure else []
    with FakeUpstream() as fake, Gateway(tmp_path, ROUTE.format(port=fake.port), *settings) as gateway:

        def half_closed(path):
            peer = tls_to(gateway.port) if secure else socket.create_connection(("127.0.0.1", gateway.port))
            peer.settimeout(10)
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            # TLS: the end of what is sent alone, too (close_notify is none for Python's sockets).
            socket.socket.shutdown(peer, socket.SHUT_WR)
            return peer

        for path, end in [("/ok", b'"body": ""}'), ("/trickle", b"4\r\nckle\r\n0\r\n\r\n")]:
            with half_closed(path) as peer:
                assert read_to_end(peer).endswith(end), path
        with half_closed("/large") as peer:
            head, _, body = read_to_end(peer).partition(b"\r\n\r\n")
            assert b" 200 " in head and len(body) == 8 * 1024 * 1024
        # An event stream has no end of its own: it is for those who stay.
        with half_closed("/sse"):
            until(lambda: fake.closed_streams == 1, 10, "the stream of one who is gone to end")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("path", ["/large", "/endless"])
def test_nobody_works_for_one_who_has_gone(tmp_path, path, secure):
    settings = certificate_files(tmp_path) if secure else []
    with FakeUpstream() as fake, Gateway(tmp_path, ROUTE.format(port=fake.port), *settings) as gateway:
        peer = tls_to(gateway.port) if secure else socket.create_connection(("127.0.0.1", gateway.port))
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 200 " in peer.recv(100)
        assert fake.connections
        peer.close()
        until(lambda: not fake.connections, 5, "the answer that nobody reads")


def test_a_stop_waits_for_long_answers(tmp_path):
    size = 1_500_000
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {size}\r\n\r\n"
            peer.sendall(head.encode())
            for _ in range(15):
                peer.sendall(b"x" * (size // 15))
                time.sleep(0.1)

    threading.Thread(target=serve, daemon=True).start()
    config = ROUTE.format(port=listener.getsockname()[1])
    with Gateway(tmp_path, config) as gateway:
        peer = gateway.connect(30)
        peer.request("GET", "/picture")
        answer = peer.getresponse()
        got = len(answer.read(300_000))
        gateway.process.send_signal(signal.SIGTERM)
        got += len(answer.read())
        assert got == size
        gateway.process.wait(20)
        assert gateway.process.returncode == 0
    listener.close()


class Streams:
    """A product service whose first answer to a stream is slow and `first`; all others are streams."""

    def __init__(self, first):
        self.first, self.asked, self.lock = first, 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer:
            try:
                while head := peer.recv(65536):
                    if b"/stock/stream" not in head.split(b"\r\n")[0]:
                        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                        continue
                    with self.lock:
                        self.asked += 1
                        first = self.asked == 1
                    if first:
                        time.sleep(1)
                    if first and self.first:
                        peer.sendall(self.first)
                        continue
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                 b"Transfer-Encoding: chunked\r\n\r\n")
                    while True:
                        event = b"event: stock\ndata: {}\n\n"
                        peer.sendall(b"%x\r\n%s\r\n" % (len(event), event))
                        time.sleep(0.2)
            except OSError:
                pass


def readers_of_one_stream(tmp_path, first, readers, *settings):
    """How often the instance was asked, and {first line of the answer: readers}."""
    streams, seen = Streams(first), {}
    config = f'[gateway.services]\nmarket-product = ["127.0.0.1:{streams.listener.getsockname()[1]}"]\n'
    with Gateway(tmp_path, config, "http.threads=1", *settings, limits=bool(settings)) as gateway:
        peers = []
        for _ in range(readers):
            peer = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
            peer.sendall(b"GET /api/v1/products/abc/stock/stream HTTP/1.1\r\nHost: x\r\n\r\n")
            peers.append(peer)
        for peer in peers:
            line = peer.recv(4096).split(b"\r\n")[0].decode()
            seen[line] = seen.get(line, 0) + 1
        for peer in peers:
            peer.close()
    streams.listener.close()
    return streams.asked, seen


def test_readers_who_wait_for_one_stream_do_not_all_ask_when_it_fails(tmp_path):
    failure = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
    asked, seen = readers_of_one_stream(tmp_path, failure, 100)
    assert asked <= 5, seen
    # Who was told of the failure, or came behind it.
    assert sum(seen.values()) == 100 and set(seen) <= {"HTTP/1.1 200 OK", "HTTP/1.1 500 Internal Error"}


def test_a_refusal_of_one_reader_is_nobody_elses(tmp_path):
    refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    asked, seen = readers_of_one_stream(tmp_path, refused, 100)
    assert asked <= 5 and seen == {"HTTP/1.1 403 Forbidden": 1, "HTTP/1.1 200 OK": 99}


def test_who_has_no_room_for_a_stream_asks_for_none(tmp_path):
    asked, seen = readers_of_one_stream(tmp_path, None, 40, "gateway.streams_per_address_max=10")
    assert asked == 1
    assert seen == {"HTTP/1.1 200 OK": 10, "HTTP/1.1 429 Too Many Requests": 30}


def test_slow_readers_of_long_answers_leave_the_instance_to_others(tmp_path):
    """More of one address than a thread has connections to the instance: such answers have places apart."""
    with FakeUpstream() as upstream:
        config = ROUTE.format(port=upstream.port)
        with Gateway(tmp_path, config, "gateway.threads=1", limits=True) as gateway:

            def ask_and_read_no_more(method=b"GET"):
                peer = socket.socket()
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                peer.settimeout(20)
                peer.connect(("127.0.0.1", gateway.port))
                peer.sendall(method + b" /large HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                return peer, int(peer.recv(64).split()[1])

            readers = [ask_and_read_no_more() for _ in range(300)]
            seen = [status for _, status in readers]
            assert seen == [200] * 128 + [429] * 172, "a third, as long as nobody else is there"
            assert gateway.ask("/ok").status == 200
            peer, status = ask_and_read_no_more(b"POST")
            assert status == 502, "it was done: no answer may say that it was not"
            for peer, _ in [*readers, (peer, status)]:
                peer.close()
            until(lambda: gateway.ask("/large").status == 200, 10, "places that were never given back")
