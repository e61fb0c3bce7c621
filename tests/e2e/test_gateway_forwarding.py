"""The gateway as its clients and instances see it: what is passed on, what never is, routes and reload."""

import base64
import os
import socket
import subprocess
import sys
import time

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import BINARY
from waiting import until

ROUTES = """
[gateway.services]
fake = ["127.0.0.1:{port}"]
[[gateway.routes]]
id = "beta"
service = "fake"
path = "/pick/**"
method = "POST"
headers = {{ X-Version = "2.*" }}
query = {{ who = "a|b" }}
cookies = {{ beta = "yes" }}
prefix_path = "/beta"
[[gateway.routes]]
id = "later"
service = "fake"
path = "/pick/later"
after = "2999-01-01T00:00:00Z"
[[gateway.routes]]
id = "far"
service = "fake"
path = "/pick/far"
remote_address = "10.0.0.0/8"
[[gateway.routes]]
id = "rewritten"
service = "fake"
path = "/old/**"
rewrite = {{ from = "^/old/(.*)$", to = "/new/\\\\1" }}
set_request_headers = {{ X-Set = "by-route" }}
remove_request_headers = ["X-Gone"]
add_response_headers = {{ X-Added = "1" }}
remove_response_headers = ["X-Kept"]
[[gateway.routes]]
id = "stripped"
service = "fake"
path = "/strip/**"
strip_prefix = 1
[[gateway.routes]]
id = "moved"
path = "/moved/**"
redirect = {{ status = 308, location = "/fake/moved" }}
[[gateway.routes]]
id = "fixed"
path = "/fixed"
answer = {{ status = 418, content_type = "text/plain", body = "tea" }}
[[gateway.routes]]
id = "blue"
service = "fake"
path = "/share/**"
weight_group = "colours"
weight = 3
set_response_headers = {{ X-Colour = "blue" }}
[[gateway.routes]]
id = "green"
service = "fake"
path = "/share/**"
weight_group = "colours"
weight = 1
set_response_headers = {{ X-Colour = "green" }}
[[gateway.routes]]
id = "small"
service = "fake"
path = "/small/**"
body_bytes_max = 10
[[gateway.routes]]
id = "all"
uri = "http://127.0.0.1:{port}"
path = "/fake/**"
"""


@pytest.fixture(scope="module")
def upstream():
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(scope="module")
def gateway(upstream, tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("gateway"), ROUTES.format(port=upstream.port)) as started:
        yield started
        assert started.process.poll() is None, started.log()


def test_requests_are_written_anew(gateway, upstream):
    headers = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "for=6.6.6.6",
        "X-User-Id": "1",
        "X-Role": "admin",
        "Under_Score": "x",
        "Connection": "keep-alive, X-Private",
        "X-Private": "x",
        "Keep-Alive": "timeout=1",
        "TE": "trailers",
        "Proxy-Authorization": "x",
        "X-Real-IP": "6.6.6.6",
        "X-Own": "mine",
        "X-Request-Id": "id-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    answer = gateway.ask("/fake/anew?a=%20b&c", headers=headers)
    assert answer.status == 200
    seen = upstream.last("/fake/anew")
    assert seen.target == "/fake/anew?a=%20b&c"
    assert seen.all("X-Forwarded-For") == ["127.0.0.1"]
    assert seen.all("X-Forwarded-Proto") == ["http"]
    assert seen.get("X-Forwarded-Host") == f"127.0.0.1:{gateway.port}"
    assert seen.get("X-Own") == "mine" and seen.all("X-Request-Id") == ["id-1"]
    trace = seen.all("traceparent")
    assert len(trace) == 1 and trace[0].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert "b7ad6b7169203331" not in trace[0]
    assert 0 < int(seen.get("X-Request-Timeout-Ms")) <= 10_000
    gone = ["Forwarded", "X-User-Id", "X-Role", "Under_Score", "X-Private", "Keep-Alive", "TE"]
    for name in [*gone, "Proxy-Authorization", "X-Real-IP", "Connection"]:
        assert seen.get(name) is None, name


def test_answers_are_written_anew(gateway):
    answer = gateway.ask("/fake/answer")
    assert answer.get("X-Kept") == "yes" and answer.get("Content-Type") == "application/json"
    for name in ["Server", "X-Secret", "Keep-Alive", "Connection"]:
        assert answer.get(name) is None, name
    for name in ["X-Request-Id", "X-Content-Type-Options", "Content-Security-Policy", "Cache-Control"]:
        assert answer.get(name), name
    head = gateway.ask("/fake/answer", "HEAD")
    assert head.status == 200 and head.body == b"" and int(head.get("Content-Length")) > 100
    assert gateway.ask("/fake/chunked").body == b"hello world"


def test_bodies_arrive_whole(gateway, upstream):
    for body in [b"", b"x", b"y" * 300_000]:
        answer = gateway.ask("/fake/body", "POST", {"Content-Type": "text/plain"}, body)
        assert answer.status == 200 and upstream.last("/fake/body").body == body
    assert gateway.ask("/fake/body", "POST", body=b"z" * 1_100_000).status == 413
    assert gateway.ask("/small/body", "POST", body=b"z" * 11).status == 413
    assert gateway.ask("/small/body", "POST", body=b"z" * 10).status == 200


@pytest.mark.parametrize(
    "path",
    ["/metrics/x", "/info/x", "/eureka/apps", "/actuator/env", "/strip/metrics", "/strip/eureka/apps",
     "/strip/%6detrics", "/strip/info;x=y", "/fake/../metrics", "/fake/%2e%2e/x", "/fake/a%2fb",
     "/fake/%5cx", "/../fake/x", "/fake/..;/x", "/fake/%00", "/nowhere"],
)  # fmt: skip
def test_what_is_inside_stays_inside(gateway, upstream, path):
    before = len(upstream.requests)
    answer = gateway.ask(path)
    assert answer.status == 404 and answer.get("Content-Type") == "application/problem+json"
    assert len(upstream.requests) == before


def test_the_gateway_answers_for_itself(gateway):
    assert gateway.ask("/health/live").status == 200
    assert gateway.ask("/health/ready").status == 200
    assert gateway.ask("/openapi.json").json()["openapi"].startswith("3.1")
    assert gateway.ask("/info").json()["role"] == "gateway"
    answer = gateway.ask("/api/v1/products")
    assert answer.status == 503 and answer.get("Retry-After")


def test_predicates(gateway, upstream):
    fitting = {"X-Version": "2.1", "Cookie": "a=b; beta=yes"}
    assert gateway.ask("/pick/x?who=a", "POST", fitting).json()["target"] == "/beta/pick/x?who=a"
    assert gateway.ask("/pick/x?who=a", "GET", fitting).status == 404
    assert gateway.ask("/pick/x?who=c", "POST", fitting).status == 404
    assert gateway.ask("/pick/x?who=a", "POST", {**fitting, "X-Version": "3"}).status == 404
    assert gateway.ask("/pick/x?who=a", "POST", {**fitting, "Cookie": "beta=no"}).status == 404
    assert gateway.ask("/pick/later").status == 404
    assert gateway.ask("/pick/far").status == 404


def test_filters(gateway, upstream):
    answer = gateway.ask("/old/thing?q=1", headers={"X-Gone": "x", "X-Set": "by-client"})
    assert answer.json()["target"] == "/new/thing?q=1"
    assert answer.get("X-Added") == "1" and answer.get("X-Kept") is None
    seen = upstream.last("/new/thing")
    assert seen.all("X-Set") == ["by-route"] and seen.get("X-Gone") is None
    assert gateway.ask("/strip/some/thing").json()["target"] == "/some/thing"
    moved = gateway.ask("/moved/x")
    assert moved.status == 308 and moved.get("Location") == "/fake/moved"
    fixed = gateway.ask("/fixed")
    assert (fixed.status, fixed.body, fixed.get("Content-Type")) == (418, b"tea", "text/plain")


def test_weights_share_the_requests(gateway):
    colours = [gateway.ask("/share/x").get("X-Colour") for _ in range(200)]
    assert 110 <= colours.count("blue") <= 185 and colours.count("blue") + colours.count("green") == 200


def test_malformed_requests_reach_nobody(gateway, upstream):
    program = os.path.join(os.path.dirname(__file__), "malformed_http.py")
    upstream.malformed.clear()
    checked = subprocess.run(
        [sys.executable, program, "127.0.0.1", str(gateway.port)], capture_output=True, text=True, timeout=120
    )
    # Media types are the services' to refuse, and there is none behind these paths here.
    failures = [line for line in checked.stdout.splitlines() if "503, wanted (415,)" not in line]
    assert failures[-1].split(" passed")[0].isdigit() and len(failures) == 1, failures
    assert upstream.malformed == []


def test_event_streams_pass_at_once(gateway, upstream):
    peer = gateway.connect()
    peer.request("GET", "/fake/sse")
    answer = peer.getresponse()
    began = time.monotonic()
    assert answer.getheader("Content-Type") == "text/event-stream"
    first = b""
    while b"data: 2" not in first:
        first += answer.read1()
    assert time.monotonic() - began < 2
    before = upstream.closed_streams
    answer.close()
    peer.close()
    until(lambda: upstream.closed_streams > before, 10, "the stream behind a client that left to end")


def test_large_answers_are_streamed_at_the_clients_pace(gateway, upstream):
    upstream.sent_bytes = 0
    with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        peer.sendall(b"GET /fake/large HTTP/1.1\r\nHost: x\r\n\r\nGET /fake/ok HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        assert upstream.sent_bytes < 8_000_000, "the gateway takes more than its client"
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        got = b""
        while b'"target": "/fake/ok"' not in got[-2000:]:
            piece = peer.recv(1 << 20)
            assert piece, "the connection ended before the second answer"
            got += piece
    assert got.count(bytes(range(256))) == 8 * 1024 * 1024 // 256


def test_websockets_pass(gateway):
    key = base64.b64encode(b"0123456789abcdef").decode()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as peer:
        peer.sendall(
            f"GET /fake/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        got = b""
        while not got.endswith(b"hello"):
            got += peer.recv(65536)
        assert got.startswith(b"HTTP/1.1 101 ") and b"Sec-WebSocket-Accept: " in got
        for text in [b"abc", os.urandom(100_000)]:
            peer.sendall(text)
            echoed = b""
            while len(echoed) < len(text):
                echoed += peer.recv(65536)
            assert len(echoed) == len(text)
    until(lambda: gateway.metric("market_http_connections") <= 1, 10, "the tunnel to end")


def test_reload_applies_good_settings_and_keeps_the_old_at_bad_ones(tmp_path, upstream):
    config = ROUTES.format(port=upstream.port)
    with Gateway(tmp_path, config) as gateway:
        assert gateway.ask("/fresh/x").status == 404
        added = config + '[[gateway.routes]]\nid = "fresh"\nservice = "fake"\npath = "/fresh/**"\n'
        gateway.reload(added)
        assert gateway.ask("/fresh/x").status == 200
        assert "+ route fresh" in gateway.logged("+ route fresh")
        gateway.reload(added + "[[gateway.routes]]\nid = 'broken'\nservce = 'typo'\n")
        assert "servce" in gateway.logged("the old ones stay")
        assert gateway.ask("/fresh/x").status == 200
        gateway.reload(config)
        assert gateway.ask("/fresh/x").status == 404


@pytest.mark.parametrize(
    "config",
    ["[[gateway.routes]]\nid = 'a'\n", "[[gateway.routes]]\nid = 'a'\nservice = 's'\npath = 'x'\n",
     "[[gateway.routes]]\nid = 'a'\nservice = 's'\nrewrite = { from = '(', to = 'x' }\n",
     "[[gateway.routes]]\nid = 'a'\nservice = 's'\ncors = { origins = ['*'] }\n",
     "[[gateway.routes]]\nid = 'a'\nservice = 's'\n[[gateway.routes]]\nid = 'a'\nservice = 's'\n",
     "[[gateway.routes]]\nid = 'a'\nservice = 's'\ntimeout = 5\n", "[gateway.services]\ns = 'nowhere'\n",
     "[[gateway.routes]]\nid = 'a'\nservice = 's'\nadd_request_headers = { Content-Length = '5' }\n",
     "[[gateway.routes]]\nid = 'a'\nservice = 's'\nset_request_headers = { host = 'evil' }\n",
     "[[gateway.routes]]\nid = 'a'\nservice = 's'\nadd_response_headers = { te = 'x' }\n",
     "[gateway]\ntrusted_proxies = '10.0.0.0/99'\n", "[gateway]\nnonsense = 1\n"],
)  # fmt: skip
def test_a_wrong_setting_is_one_clear_line(tmp_path, config):
    file = tmp_path / "wrong.toml"
    file.write_text(config)
    ended = subprocess.run(
        [BINARY, "serve", "--role", "gateway", "--config", file], capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 2 and len(ended.stderr.strip().splitlines()) == 1, ended.stderr
