"""Who waits with his body for a word (Expect: 100-continue) learns from a gateway what the head decides, also
when it is a service that decides; and nobody is asked who might begin without the body."""

import json
import pathlib
import socket
import threading

import client
import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from split_market import SplitMarket
from test_http import exchange, read_all, request, statuses
from test_http_answers import head_of

JSON, LENGTH, EXPECT = "Content-Type: application/json", "Content-Length: 50", "Expect: 100-continue"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expect")
    origin = "gateway.cors_origins=https://shop.example"
    with SplitMarket(folder / "data", "ratelimit.enabled=false", gateway=(origin,)) as market:
        yield market


@pytest.fixture(scope="module")
def token(split):
    return f"Authorization: Bearer {client.sign_up(split.url).token}"


def connect(split):
    return socket.create_connection(("127.0.0.1", split.gateway.port), timeout=10)


def kept(*headers, method="POST", target="/api/v1/users/me"):
    return request(target, *headers, method=method).replace(b"Connection: close\r\n", b"")


def test_the_final_answer_comes_at_once_whoever_decides_it(split, token):
    for target, method, headers, status in (
        ("/api/v1/orders", "POST", [JSON], 401),
        ("/api/v1/orders", "POST", [JSON, "Authorization: Bearer nonsense"], 401),
        ("/api/v1/products", "POST", [JSON, token], 403),
        ("/api/v1/admin/orders/0000000000001/refund", "POST", [JSON, token], 403),
        ("/api/v1/nothing", "POST", [JSON], 404),
        ("/api/v1/users/me", "POST", [JSON], 405),
        ("/api/v1/products/1/stock/stream", "PUT", [JSON], 405),
        ("/api/v1/sessions", "POST", ["Content-Type: text/plain"], 415),
        ("/api/v1/sessions", "POST", [JSON, "Content-Encoding: br"], 415),
        ("/api/v1/products/1/image", "PUT", ["Content-Type: text/plain"], 401),
    ):
        for body in (LENGTH, CHUNKED):
            sent = request(target, *headers, body, EXPECT, "Origin: https://shop.example", method=method)
            answer = exchange(split.gateway, sent)
            assert statuses(answer) == [status], (target, answer[:300])
            fields = head_of(answer)
            assert fields["connection"] == "close" and fields["access-control-allow-origin"], target
            assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["status"] == statuses(answer)[0]
    big = request("/api/v1/sessions", JSON, "Content-Length: 99999999", EXPECT, method="POST")
    assert statuses(exchange(split.gateway, big)) == [413]


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED])
def test_who_may_send_is_told_to_go_on(split, token, framing):
    """And what he sends then is carried out once, on a connection that lives on."""
    with connect(split) as peer:
        for name in ("Anna", "Berta", "Clara"):
            body = json.dumps({"name": name}).encode()
            length = framing if framing == CHUNKED else f"Content-Length: {len(body)}"
            peer.sendall(kept(token, JSON, length, EXPECT, method="PATCH"))
            assert peer.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            if framing == CHUNKED:
                body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            peer.sendall(body)
            answer = peer.recv(65536)
            assert statuses(answer) == [200] and name.encode() in answer


def connections_to(port):
    """Established ones of this machine."""
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_a_slow_sender_holds_no_connection_to_the_service(split, token):
    """Sixty were told to go on and send nothing: the service has none of them."""
    peers = []
    for _ in range(60):
        peer = connect(split)
        peer.sendall(kept(token, JSON, LENGTH, EXPECT, method="PATCH"))
        peers.append(peer)
    for peer in peers:
        assert peer.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert connections_to(split.port) < 20
    for peer in peers:
        peer.close()


ROUTE = """
[gateway]
cors_origins = "https://shop.example"
[gateway.services]
fake = ["127.0.0.1:{port}"]
market-order = ["127.0.0.1:{silent}"]
[[gateway.routes]]
id = "fake"
service = "fake"
path = "/fake/**"
address_rate = {{ per_second = 0.01, burst = 4 }}
"""


class Silent:
    """Takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.peers = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                self.peers.append(self.listener.accept()[0])
            except OSError:
                return


def test_others_are_not_asked_and_limits_count_once(tmp_path):
    silent = Silent()
    with FakeUpstream() as fake:
        config = ROUTE.format(port=fake.port, silent=silent.port)
        with Gateway(tmp_path, config, limits=True) as gateway:
            address = ("127.0.0.1", gateway.port)
            for spelled in ("/fake/ok", "/fake/o%6b", "/fake//ok", "/fake/ok"):
                with socket.create_connection(address, timeout=10) as peer:
                    peer.sendall(request(spelled, "Content-Length: 2", EXPECT, method="POST"))
                    assert peer.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
                    peer.sendall(b"ab")
                    answer = peer.recv(65536)
                    assert statuses(answer) == [200], "each counts once"
                    assert b"RateLimit: " in answer
            for spelled in ("/fake/ok", "/fake/o%6b", "/fake//ok"):
                with socket.create_connection(address, timeout=10) as peer:
                    peer.sendall(request(spelled, "Content-Length: 2", EXPECT, method="POST"))
                    assert statuses(read_all(peer)) == [429], f"{spelled}: before its body"
            assert fake.count("/fake/ok") == 4 and not fake.last("/fake/ok").get("Expect")
            # One of ours that does not answer: its client goes on after a second.
            with socket.create_connection(address, timeout=10) as peer:
                peer.sendall(request("/api/v1/orders", JSON, LENGTH, EXPECT, method="POST"))
                assert peer.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    silent.listener.close()


def test_who_asks_and_leaves_has_asked(tmp_path):
    with FakeUpstream() as fake:
        with Gateway(tmp_path, ROUTE.format(port=fake.port, silent=fake.port), limits=True) as gateway:
            answers = []
            for _ in range(12):
                with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as peer:
                    peer.sendall(request("/fake/ok", "Content-Length: 2", EXPECT, method="POST"))
                    answers.append(peer.recv(65536).split(b" ", 2)[1])
            assert answers == [b"100"] * 4 + [b"429"] * 8


REFUSED_HEADS = [
    (414, b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n"),
    (414, b"GET /" + b"a" * 30_000 + b" HTTP/1.1\r\nHost: x\r\n"),
    (431, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 150),
    (431, b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 20_000 + b"\r\n"),
    (505, b"GET / HTTP/2.0\r\nHost: x\r\n"),
    (505, b"GET / HTTP/3.0\r\nHost: x\r\n"),
    (400, b"GET /a b HTTP/1.1\r\nHost: x\r\n"),
    (400, b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n"),
    (400, b"GET / HTTP/1.1\r\n"),
    (417, b"GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n"),
    (501, b"BREW / HTTP/1.1\r\nHost: x\r\n"),
]


@pytest.mark.parametrize("status, head", REFUSED_HEADS)
def test_a_refused_head_still_has_its_cors_fields(split, status, head):
    for origin, told in ((b"https://shop.example", True), (b"https://evil.example", False)):
        with connect(split) as peer:
            peer.sendall(head + b"Origin: " + origin + b"\r\n\r\n")
            answer = read_all(peer)
            assert statuses(answer) == [status], answer[:200]
            fields = head_of(answer)
            assert fields["vary"] == "Origin"
            assert ("access-control-allow-origin" in fields) == told
