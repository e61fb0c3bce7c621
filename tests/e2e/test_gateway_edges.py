"""Who a client is behind a proxy, what other origins may read, and what happens with nobody there."""

import secrets
import socket
import subprocess
import time
import urllib.parse

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import BINARY, PATIENCE, free_port
from test_gateway_policies import ROUTE
from waiting import until

TRUSTED = '[gateway]\ntrusted_proxies = "127.0.0.0/8"\n'


@pytest.fixture(scope="module")
def upstream():
    with FakeUpstream() as fake:
        yield fake


@pytest.mark.parametrize(
    "field, client",
    [
        ("198.51.100.9:40000", "198.51.100.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('"198.51.100.9:40000"', "198.51.100.9"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("198.51.100.9,", "198.51.100.9"),
        ("198.51.100.9, , ", "198.51.100.9"),
    ],
)
def test_ports_quotes_and_commas_are_understood(tmp_path, upstream, field, client):
    more = """address_rate = { per_second = 1, burst = 2 }
remote_address = ["198.51.100.0/24", "2001:db8::/32"]"""
    with Gateway(tmp_path, ROUTE.format(top=TRUSTED, port=upstream.port, more=more), limits=True) as gateway:
        answers = [gateway.ask("/fake/who", headers={"X-Forwarded-For": field}) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert upstream.last("/fake/who").get("X-Forwarded-For") == f"{client}, 127.0.0.1"
        other = field.replace("198.51.100.9", "198.51.100.8").replace("db8::1", "db8:1::1")
        assert gateway.ask("/fake/who", headers={"X-Forwarded-For": other}).status == 200


@pytest.mark.parametrize(
    "field", ["unknown", "junk", "6.6.6.6, unknown", "127.0.0.300", '"198.51.100.9', "10.1"]
)
def test_an_unreadable_address_is_nobodys(tmp_path, upstream, field):
    more = """address_rate = { per_second = 0.01, burst = 2 }
[[gateway.routes]]
id = "inside"
service = "fake"
path = "/inside/**"
remote_address = ["0.0.0.0/0", "::/0"]
"""
    with Gateway(tmp_path, ROUTE.format(top=TRUSTED, port=upstream.port, more=more), limits=True) as gateway:
        headers = {"X-Forwarded-For": field}
        assert gateway.ask("/inside/x", headers=headers).status == 404
        assert gateway.ask("/inside/x").status == 200
        one, two = gateway.connect(), gateway.connect()
        for peer, wanted in [(one, 200), (two, 200), (one, 200), (two, 200), (one, 429), (two, 429)]:
            peer.request("GET", "/fake/x", headers=headers)
            answer = peer.getresponse()
            answer.read()
            assert answer.status == wanted
        assert upstream.last("/fake/x").get("X-Forwarded-For").startswith("_")
        assert gateway.ask("/fake/x").status == 200, "the proxy's own requests are others"
        one.close()
        two.close()


def test_each_connection_of_an_unreadable_address_is_another(tmp_path, upstream):
    more = "address_rate = { per_second = 0.01, burst = 2 }"
    with Gateway(tmp_path, ROUTE.format(top=TRUSTED, port=upstream.port, more=more), limits=True) as gateway:
        headers = {"X-Forwarded-For": "unknown"}
        names = set()
        for _ in range(60):
            assert gateway.ask("/fake/x", headers=headers).status == 200
            names.add(upstream.last("/fake/x").get("X-Forwarded-For").split(",")[0])
        assert len(names) == 60


def test_a_trusted_proxy_has_no_cap_of_connections(tmp_path, upstream):
    for top, wanted in [(TRUSTED, 12), ("", 5)]:
        folder = tmp_path / str(wanted)
        folder.mkdir()
        config = ROUTE.format(top=top, port=upstream.port, more="")
        setting = "gateway.connections_per_address_max=5"
        with Gateway(folder, config, setting, limits=True) as gateway:
            time.sleep(0.3)
            peers = [socket.create_connection(("127.0.0.1", gateway.port), timeout=5) for _ in range(12)]
            alive = 0
            for peer in peers:
                try:
                    peer.sendall(b"GET /fake/ok HTTP/1.1\r\nHost: x\r\n\r\n")
                    alive += peer.recv(12) == b"HTTP/1.1 200"
                except OSError:
                    pass
            assert alive == wanted
            for peer in peers:
                peer.close()
            time.sleep(0.3)
            assert gateway.ask("/fake/ok").status == 200


CORS = '[gateway]\ncors_origins = "https://shop.example"\nbody_bytes_max = 100\n'
ORIGIN = {"Origin": "https://shop.example"}


def allowed(answer):
    return [value for name, value in answer.fields if name.lower() == "access-control-allow-origin"]


def test_origins_are_the_gateways_alone_and_on_every_answer(tmp_path, upstream):
    more = f"""address_rate = {{ per_second = 0.01, burst = 3 }}
[[gateway.routes]]
id = "nobody"
service = "nobody"
path = "/nobody/**"
"""
    with Gateway(tmp_path, ROUTE.format(top=CORS, port=upstream.port, more=more), limits=True) as gateway:
        answer = gateway.ask("/fake/cors", headers=ORIGIN)
        assert answer.status == 200 and allowed(answer) == ["https://shop.example"]
        assert allowed(gateway.ask("/fake/cors")) == []
        asked = [
            (404, "/nothing", "GET", None),
            (404, "/fake/%00", "GET", None),
            (413, "/fake/x", "POST", b"x" * 200),
            (503, "/nobody/x", "GET", None),
            (405, "/openapi.json", "DELETE", None),
            (200, "/openapi.json", "GET", None),
            (200, "/health/ready", "GET", None),
            (200, "/fake/x", "GET", None),
            (429, "/fake/x", "GET", None),
        ]
        for status, path, method, body in asked:
            answer = gateway.ask(path, method, ORIGIN, body)
            assert answer.status == status, path
            assert allowed(answer) == ["https://shop.example"], (status, path)
            exposed = answer.get("Access-Control-Expose-Headers")
            for name in ("RateLimit", "Location", "Idempotency-Replayed", "X-Request-Id"):
                assert name in exposed
            answer = gateway.ask(path, method, {"Origin": "https://evil.example"}, body)
            assert allowed(answer) == []
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as peer:
            peer.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\nOrigin: https://shop.example\r\nA b: x\r\n\r\n")
            answer = peer.recv(65536).decode()
            assert answer.startswith("HTTP/1.1 400")
            assert answer.count("Access-Control-Allow-Origin: https://shop.example") == 1
        for path in ("/fake/x", "/nothing", "/fake/%00", "/openapi.json"):
            answer = gateway.ask(path, "OPTIONS", {**ORIGIN, "Access-Control-Request-Method": "GET"})
            assert answer.status == 204 and allowed(answer) == ["https://shop.example"], path
            assert "traceparent" in answer.get("Access-Control-Allow-Headers")


def test_without_origins_an_instance_speaks_for_itself(tmp_path, upstream):
    with Gateway(tmp_path, ROUTE.format(top="", port=upstream.port, more="")) as gateway:
        assert allowed(gateway.ask("/fake/cors", headers=ORIGIN)) == ["*"]


FALLBACKS = """
[gateway.services]
good = ["127.0.0.1:{good}"]
dead = ["127.0.0.1:{dead}"]
"""


@pytest.mark.parametrize("service", ["dead", "nowhere"])
def test_fallbacks_stand_in_when_nobody_is_there(tmp_path, upstream, service):
    config = FALLBACKS.format(good=upstream.port, dead=free_port())
    for name, more in [
        ("fixed", 'fallback = { status = 200, content_type = "application/json", body = "[1]" }'),
        ("other", 'fallback_service = "good"'),
        ("none", ""),
    ]:
        config += f'[[gateway.routes]]\nid = "{name}"\nservice = "{service}"\npath = "/{name}/**"\n{more}\n'
    with Gateway(tmp_path, config) as gateway:
        for _ in range(3):
            for method in ("GET", "POST"):
                assert gateway.ask("/fixed/x", method).body == b"[1]"
                answer = gateway.ask("/other/x", method)
                assert answer.status == 200 and answer.json()["target"] == "/other/x"
                answer = gateway.ask("/none/x", method)
                assert answer.status == 503 and answer.json()["code"] == "service_unavailable"
                assert int(answer.get("Retry-After")) >= 1
        missing = gateway.ask("/health/ready").json()["missing"]
        assert service in missing and "market-order" in missing and "good" not in missing


def test_what_may_have_been_done_goes_to_no_other_service(tmp_path, upstream):
    with FakeUpstream() as broken:
        config = FALLBACKS.format(good=upstream.port, dead=broken.port)
        config += '[[gateway.routes]]\nid = "x"\nservice = "dead"\npath = "/other/**"\n'
        config += 'fallback_service = "good"\n'
        broken.mode = "reset"
        with Gateway(tmp_path, config) as gateway:
            assert gateway.ask("/other/x", "POST").status == 502
            assert gateway.ask("/other/x", "GET").status == 200


def test_a_code_without_words_has_none_whoever_answers(tmp_path, upstream):
    config = FALLBACKS.format(good=upstream.port, dead=free_port())
    for name, more in [
        ("passed", 'service = "good"'),
        ("set", 'service = "good"\nset_status = 299'),
        ("fixed", "answer = { status = 299 }"),
    ]:
        config += f'[[gateway.routes]]\nid = "{name}"\npath = "/{name}/**"\n{more}\n'
    raw = "HTTP/1.1 299 Others' words\r\nContent-Length: 0\r\n\r\n"
    with Gateway(tmp_path, config) as gateway:
        for path in (f"/passed/raw?{urllib.parse.quote(raw)}", "/set/x", "/fixed/x"):
            with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
                peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                line = peer.makefile("rb").readline()
            assert line == b"HTTP/1.1 299 \r\n", path


AUTHENTICATED = 'authenticated = true'


def test_protection_without_a_key_file_is_refused(tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text(ROUTE.format(top="", port=1, more=AUTHENTICATED))
    ended = subprocess.run(
        [BINARY, "serve", "--role", "gateway", "--config", config, "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=20 * PATIENCE,
    )
    assert ended.returncode == 2 and "auth.key_file" in ended.stderr and '"fake"' in ended.stderr


def test_a_key_file_that_comes_later_is_waited_for(tmp_path, upstream):
    key = tmp_path / "key"
    more = AUTHENTICATED + '\n[[gateway.routes]]\nid = "open"\nservice = "fake"\npath = "/open/**"\n'
    config = ROUTE.format(top="", port=upstream.port, more=more)
    with Gateway(tmp_path, config, f"auth.key_file={key}") as gateway:
        ready = gateway.ask("/health/ready")
        assert ready.status == 503 and "auth.key_file" in ready.json()["detail"]
        assert "is not there yet" in gateway.logged("is not there yet")
        token = {"Authorization": "Bearer a.b.c"}
        assert gateway.ask("/fake/x").status == 401
        answer = gateway.ask("/fake/x", headers=token)
        assert answer.status == 503 and answer.json()["code"] == "service_unavailable"
        assert gateway.ask("/open/x", headers=token).status == 200, "the service checks it"
        part = tmp_path / "part"
        part.write_bytes(secrets.token_bytes(32))
        part.chmod(0o600)
        part.rename(key)
        until(lambda: gateway.ask("/health/ready").status == 200, 10, "the key to be found")
        assert gateway.ask("/fake/x", headers=token).status == 401
        assert gateway.ask("/open/x", headers=token).status == 200


def test_a_trusted_callers_decision_to_trace_survives(tmp_path, upstream):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
    for top, flags in [(TRUSTED, {"0": "0", "1": "1"}), ("", {"0": "0", "1": "0"})]:
        folder = tmp_path / ("trusted" if top else "stranger")
        folder.mkdir()
        config = ROUTE.format(top=top, port=upstream.port, more="")
        with Gateway(folder, config, "gateway.spans_per_million=0") as gateway:
            for sent, wanted in flags.items():
                assert gateway.ask("/fake/traced", headers={"traceparent": trace + sent}).status == 200
                assert upstream.last("/fake/traced").get("traceparent").endswith("-0" + wanted)


def test_an_ejection_says_who_and_why(tmp_path):
    with FakeUpstream() as upstream:
        with Gateway(tmp_path, ROUTE.format(top="", port=upstream.port, more="")) as gateway:
            upstream.mode = "reset"
            gateway.ask("/fake/x", "POST")
            ejected = f"fake at 127.0.0.1:{upstream.port} is ejected: it broke off a connection"
            assert ejected in gateway.logged(ejected)


def test_an_address_that_is_listed_twice_is_one_series(tmp_path, upstream):
    config = ROUTE.format(top="", port=upstream.port, more="")
    config = config.replace(f'["127.0.0.1:{upstream.port}"]', f'["127.0.0.1:{upstream.port}"]')
    config = config.replace("fake = [", f'fake = ["127.0.0.1:{upstream.port}", ')
    with Gateway(tmp_path, config) as gateway:
        assert gateway.ask("/fake/x").status == 200
        lines = [line.rsplit(" ", 1)[0] for line in gateway.ask("/metrics").body.decode().splitlines()]
        series = [line for line in lines if not line.startswith("#")]
        assert len(series) == len(set(series)), [line for line in series if series.count(line) > 1]


def test_the_head_alone_refuses_a_long_body(tmp_path, upstream):
    """Whoever may not send it learns so before it is gathered, at the gateway too."""
    key = tmp_path / "key"
    key.write_bytes(secrets.token_bytes(32))
    key.chmod(0o600)
    config = ROUTE.format(top="", port=upstream.port, more="authenticated = true")
    heads = {
        "/fake/upload": ("", 401),
        "/fake/upload?": ("Authorization: Bearer a.b.c\r\n", 401),
        "/elsewhere": ("", 404),
    }
    with Gateway(tmp_path, config, f"auth.key_file={key}") as gateway:
        for path, (fields, status) in heads.items():
            with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as peer:
                peer.sendall(
                    f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n{fields}\r\n".encode()
                )
                assert peer.recv(100).startswith(f"HTTP/1.1 {status} ".encode()), path
        assert upstream.count("/fake/upload") == 0


OWN_ORIGINS = """authenticated = true
cors = { origins = ["https://own.example"], headers = "X-Version" }
[[gateway.routes]]
id = "second"
service = "fake"
path = "/versions/**"
method = ["GET", "PATCH"]
headers = { X-Version = "2" }
cors = { origins = ["https://own.example"] }
[[gateway.routes]]
id = "silent"
service = "fake"
path = "/silent/**"
method = "GET"
"""
OWN = {"Origin": "https://own.example"}


def sent_raw(port, head):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(head.encode())
        lines = peer.recv(65536).decode().split("\r\n\r\n")[0].split("\r\n")
    origins = [line.split(": ")[1] for line in lines if line.startswith("Access-Control-Allow-Origin")]
    return int(lines[0].split()[1]), origins


@pytest.mark.parametrize("others", ["", CORS.replace("body_bytes_max = 100\n", "")])
def test_a_routes_own_origins_are_those_of_its_refusals_too(tmp_path, upstream, others):
    key = tmp_path / "key"
    key.write_bytes(secrets.token_bytes(32))
    key.chmod(0o600)
    config = ROUTE.format(top=others, port=upstream.port, more=OWN_ORIGINS)
    settings = [f"auth.key_file={key}", "http.body_bytes_max=100000"]
    with Gateway(tmp_path, config, *settings) as gateway:
        post = "POST {path} HTTP/1.1\r\nHost: x\r\n{framing}Origin: https://{origin}.example\r\n\r\n"
        for status, path, framing in (
            (413, "/fake/x", "Content-Length: 200000\r\n"),
            (400, "/versions/x", "Transfer-Encoding: chunked\r\nX-Version: 2\r\n"),
            (401, "/fake/x", "Content-Length: 50000\r\n"),
            (401, "/fake/x", "Transfer-Encoding: chunked\r\n"),
            (431, "/fake/x", "A: b\r\n" * 150),
        ):
            for origin, told in (("own", True), ("shop", False), ("evil", False)):
                head = post.format(path=path, framing=framing, origin=origin)
                if status == 400:
                    head = head.replace("POST", "PATCH") + "zz\r\n"
                wanted = status, [f"https://{origin}.example"] if told else []
                assert sent_raw(gateway.port, head) == wanted, (path, framing[:30], origin)
        assert allowed(gateway.ask("/nothing", headers=OWN)) == []
        assert allowed(gateway.ask("/nothing", headers=ORIGIN)) == ["https://shop.example"] * bool(others)
        # What a preflight announces is whose it is.
        called = len(upstream.requests)
        for method, fields, status in (
            ("PATCH", "x-version", 204),
            ("GET", "x-version,authorization", 204),
            ("GET", "", 204),
            ("DELETE", "x-version", 404),
        ):
            asks = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": fields}
            answer = gateway.ask("/versions/x", "OPTIONS", {**OWN, **asks})
            if status == 404 and others:
                status = 204  # Of a path that nobody has, for the others alone.
            told = method != "DELETE"
            assert (answer.status, bool(allowed(answer))) == (status, told), (method, fields)
            assert allowed(gateway.ask("/versions/x", "OPTIONS", {**ORIGIN, **asks})) == (
                ["https://shop.example"] if others and not told else []
            )
        assert gateway.ask("/versions/x", "OPTIONS", OWN).status == 404
        answer = gateway.ask("/silent/x", "OPTIONS", {**OWN, "Access-Control-Request-Method": "GET"})
        assert (answer.status, allowed(answer)) == (204 if others else 404, [])
        assert len(upstream.requests) == called, "a preflight was passed on"
