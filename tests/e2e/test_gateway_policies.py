"""Who may do how much at the gateway: rate limits, origins, tokens; and what it writes down."""

import http.client
import http.server
import json
import pathlib
import secrets
import socket
import ssl
import threading

import pytest
from certificates import certificate
from fake_upstream import FakeUpstream
from gateway import Gateway
from waiting import until

ROUTE = """
{top}
[gateway.services]
fake = ["127.0.0.1:{port}"]
[[gateway.routes]]
id = "fake"
service = "fake"
path = "/fake/**"
{more}
"""


@pytest.fixture(scope="module")
def upstream():
    with FakeUpstream() as fake:
        yield fake


def test_rate_limits_by_address(tmp_path, upstream):
    more = "address_rate = { per_second = 1, burst = 5 }"
    config = ROUTE.format(top="", port=upstream.port, more=more)
    with Gateway(tmp_path, config, limits=True) as gateway:
        answers = [gateway.ask("/fake/x", headers={"X-Forwarded-For": f"9.9.9.{i}"}) for i in range(8)]
        assert [answer.status for answer in answers[:5]] == [200] * 5
        refused = answers[-1]
        assert refused.status == 429 and refused.json()["code"] == "rate_limited"
        assert int(refused.get("Retry-After")) >= 1
        assert refused.get("RateLimit").startswith('"default";r=0;t=') and refused.get("RateLimit-Policy")
        assert answers[0].get("RateLimit") == '"default";r=4;t=1'


def test_who_is_refused_for_himself_takes_nothing_of_what_all_share(tmp_path, upstream):
    more = """route_rate = { per_second = 1, burst = 10 }
    address_rate = { per_second = 1, burst = 2 }"""
    top = '[gateway]\ntrusted_proxies = "127.0.0.0/8"'
    config = ROUTE.format(top=top, port=upstream.port, more=more)
    with Gateway(tmp_path, config, limits=True) as gateway:

        def ask(address):
            return gateway.ask("/fake/x", headers={"X-Forwarded-For": address}).status

        assert [ask("9.9.9.1") for _ in range(60)].count(200) <= 4
        assert [ask(f"9.9.8.{i}") for i in range(5)] == [200] * 5


def test_a_body_may_be_as_long_as_its_route_says_in_a_weight_group(tmp_path, upstream):
    config = f"""[gateway.services]
fake = ["127.0.0.1:{upstream.port}"]
[[gateway.routes]]
id = "old"
service = "fake"
path = "/fake/**"
weight_group = "c"
weight = 1
[[gateway.routes]]
id = "new"
service = "fake"
path = "/fake/**"
weight_group = "c"
weight = 99
body_bytes_max = 1000
"""
    with Gateway(tmp_path, config) as gateway:
        answers = [gateway.ask("/fake/x", "POST", body=b"x" * 5000).status for _ in range(60)]
    assert answers.count(413) > 30 and set(answers) <= {200, 413}


def test_forwarded_addresses_count_behind_a_trusted_proxy(tmp_path, upstream):
    more = "address_rate = { per_second = 1, burst = 2 }"
    top = '[gateway]\ntrusted_proxies = "127.0.0.0/8"'
    config = ROUTE.format(top=top, port=upstream.port, more=more)
    with Gateway(tmp_path, config, limits=True) as gateway:
        for i in range(6):
            assert gateway.ask("/fake/xff", headers={"X-Forwarded-For": f"9.9.9.{i}"}).status == 200
        assert upstream.last("/fake/xff").get("X-Forwarded-For") == "9.9.9.5, 127.0.0.1"
        ipv6 = [
            gateway.ask("/fake/x", headers={"X-Forwarded-For": f"2001:db8:0:1::{i}"}).status
            for i in range(1, 5)
        ]
        assert ipv6.count(429) >= 1, "one /64 is one customer"
        for path in ("/metrics", "/info"):
            assert gateway.ask(path).status == 200
            for field in ("X-Forwarded-For", "Forwarded"):
                assert gateway.ask(path, headers={field: "9.9.9.9"}).status == 404, "not from outside"


def test_origins(tmp_path, upstream):
    top = '[gateway]\ncors_origins = "https://shop.example"'
    with Gateway(tmp_path, ROUTE.format(top=top, port=upstream.port, more="")) as gateway:
        preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"}
        allowed = gateway.ask("/fake/x", "OPTIONS", preflight)
        assert allowed.status == 204 and "PUT" in allowed.get("Access-Control-Allow-Methods")
        assert allowed.get("Access-Control-Allow-Origin") == "https://shop.example"
        assert allowed.get("Vary") == "Origin"
        for origin in ["null", "https://evil.example", "https://shop.example.evil", "http://shop.example"]:
            for method in ["OPTIONS", "GET"]:
                answer = gateway.ask("/fake/x", method, {**preflight, "Origin": origin})
                assert answer.get("Access-Control-Allow-Origin") is None, origin
                assert answer.get("Access-Control-Allow-Credentials") is None, "cookies are for one origin"
                assert answer.get("Vary") == "Origin"
        answer = gateway.ask("/fake/x", headers={"Origin": "https://shop.example"})
        assert answer.get("Access-Control-Allow-Origin") == "https://shop.example"
        for answered in (allowed, answer):
            assert answered.get("Access-Control-Allow-Credentials") is None, "cookies are for one origin"


def test_tokens_are_checked_at_the_edge(tmp_path, upstream):
    key = tmp_path / "key"
    key.write_bytes(secrets.token_bytes(32))
    key.chmod(0o600)
    config = ROUTE.format(top="", port=upstream.port, more="")
    config += (
        '[[gateway.routes]]\nid = "closed"\nservice = "fake"\npath = "/closed/**"\nauthenticated = true\n'
    )
    with Gateway(tmp_path, config, f"auth.key_file={key}") as gateway:
        assert gateway.ask("/fake/open").status == 200
        answer = gateway.ask("/closed/x", headers={"Authorization": "Bearer a.b.c"})
        assert answer.status == 401 and answer.get("WWW-Authenticate") == "Bearer"
        assert gateway.ask("/closed/x").status == 401
        assert upstream.count("/closed/x") == 0
        for token in ("Bearer a.b.c", "Basic YTpi"):
            answer = gateway.ask("/fake/open", headers={"Authorization": token})
            assert answer.status == 200, "which of its operations need a token, the service says"


def test_equal_reads_share_an_answer(tmp_path, upstream):
    with Gateway(tmp_path, ROUTE.format(top="", port=upstream.port, more="coalesce = true")) as gateway:
        peers = [gateway.connect() for _ in range(60)]
        for _ in range(5):
            for peer in peers:
                peer.request("GET", "/fake/hot")
            for peer in peers:
                answer = peer.getresponse()
                assert answer.status == 200 and json.loads(answer.read())["target"] == "/fake/hot"
        shared = gateway.metric("market_gateway_coalesced_total")
        assert upstream.count("/fake/hot") + shared == 300
        upstream_before = upstream.count("/fake/mine")
        for peer in peers:
            peer.request("GET", "/fake/mine", headers={"Cookie": "who=me"})
        for peer in peers:
            peer.getresponse().read()
        assert upstream.count("/fake/mine") - upstream_before == 60


def test_no_shared_answer_has_a_cookie_or_is_for_another_key(tmp_path, upstream):
    def session(peer, request):
        with upstream.lock:
            upstream.sessions += 1
            cookie = f"set-cookie: sid={upstream.sessions}"
        return upstream.reply(peer, 200, (request.get("X-Api-Key") or "").encode(), [cookie])

    upstream.sessions = 0
    upstream.answer_session = session
    upstream.answer_keyed = lambda peer, request: upstream.reply(peer, 200, request.get("X-Api-Key").encode())
    with Gateway(tmp_path, ROUTE.format(top="", port=upstream.port, more="coalesce = true")) as gateway:
        peers = [gateway.connect() for _ in range(60)]
        for peer in peers:
            peer.request("GET", "/fake/session")
        answers = [peer.getresponse() for peer in peers]
        assert [answer.status for answer in answers] == [200] * 60
        assert len({answer.getheader("Set-Cookie") for answer in answers}) == 60
        for answer in answers:
            answer.read()
        for number, peer in enumerate(peers):
            peer.request("GET", "/fake/keyed", headers={"X-Api-Key": str(number)})
        assert [int(peer.getresponse().read()) for peer in peers] == list(range(60))


class Collector(http.server.BaseHTTPRequestHandler):
    posts = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Collector.posts.append((self.path, json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_access_log_and_spans(tmp_path, upstream):
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    log = tmp_path / "access.log"
    settings = [
        f"http.access_log={log}",
        f"http.spans_url=http://127.0.0.1:{collector.server_port}/v1/traces",
        "http.spans_per_million=1000000",
    ]
    with Gateway(tmp_path, ROUTE.format(top="", port=upstream.port, more=""), *settings) as gateway:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        gateway.ask("/fake/logged?token=secret", headers={"traceparent": trace, "X-Request-Id": "r-1"})
        until(lambda: Collector.posts and log.exists() and log.read_text(), 10, "log and span")
        line = json.loads(pathlib.Path(log).read_text().splitlines()[0])
        assert (line["status"], line["path"], line["requestId"]) == (200, "/fake/logged", "r-1")
        assert "secret" not in log.read_text()
        # What the gateway answers itself stands there, too: each once.
        for path in ("/nothing", "/health/live", "/fake/again"):
            gateway.ask(path)
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as peer:
            peer.sendall(b"GET /bad\x01 HTTP/1.1\r\n\r\n")
            peer.recv(100)
        until(lambda: log.read_text().count("\n") == 5, 10, "a line each")
        lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
        assert [(line["path"], line["status"]) for line in lines] == [
            ("/nothing", 404), ("/health/live", 200), ("/fake/again", 200), ("", 400),
        ]
        assert all(line["client"] == "127.0.0.1" for line in lines)
        path, body = Collector.posts[0]
        span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        assert path == "/v1/traces" and span["traceId"] == "0af7651916cd43dd8448eb211c80319c"
        assert span["parentSpanId"] == "b7ad6b7169203331"
        assert upstream.last("/fake/logged").get("traceparent") == (
            f"00-{span['traceId']}-{span['spanId']}-01"
        )
    collector.shutdown()


def test_tls_with_a_certificate_that_is_renewed(tmp_path, upstream):
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    used = tmp_path / "used.pem", tmp_path / "used.key"
    for file, text in zip(used, first):
        file.write_bytes(text)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def connect():
        return context.wrap_socket(socket.create_connection(("127.0.0.1", gateway.port), timeout=5))

    def ask(peer, path):
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        return answer.status, answer.getheader("Strict-Transport-Security"), answer.read()

    config = ROUTE.format(top="", port=upstream.port, more="")
    settings = [f"gateway.tls_certificate={used[0]}", f"gateway.tls_key={used[1]}"]
    with Gateway(tmp_path, config, *settings) as gateway:
        old = connect()
        status, strict, _ = ask(old, "/fake/secure")
        assert status == 200 and "max-age=31536000" in strict
        assert upstream.last("/fake/secure").get("X-Forwarded-Proto") == "https"
        before = old.getpeercert(binary_form=True)
        for file, text in zip(used, second):
            file.write_bytes(text)
        gateway.reload(config)
        fresh = connect()
        assert fresh.getpeercert(binary_form=True) != before
        assert ask(fresh, "/fake/large")[0] == 200 and ask(old, "/fake/x")[0] == 200
        used[1].write_text("junk")
        gateway.reload(config)
        assert "the old ones stay" in gateway.logged("the old ones stay")
        assert ask(connect(), "/fake/x")[0] == 200
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not plain.recv(100).startswith(b"HTTP/1.1 200")
        old.close()
        fresh.close()
