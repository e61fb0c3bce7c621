"""The process that is all is its own front door: TLS, and pages of other origins."""

import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import ssl
import threading

import pytest
import requests
from certificates import certificate
from fake_upstream import FakeUpstream
from market_server import Market, run
from streams import EventStream
from waiting import until

import client

if os.environ.get("E2E_SPLIT"):
    pytest.skip("the gateway's own tests say this of it", allow_module_level=True)

SHOP = {"Origin": "https://shop.example"}
SECURITY = ("Cache-Control", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy")


def test_tls(tmp_path):
    files = tmp_path / "used.pem", tmp_path / "used.key"
    for file, text in zip(files, certificate(tmp_path, "first"), strict=True):
        file.write_bytes(text)
    settings = [f"gateway.tls_certificate={files[0]}", f"gateway.tls_key={files[1]}"]
    with Market(tmp_path / "data", *settings) as server:
        assert server.ready_line.startswith("market is ready: https://")
        url = f"https://127.0.0.1:{server.port}"
        body = {"email": client.ADMIN_EMAIL, "password": client.ADMIN_PASSWORD}
        page = {"Market-Session": "cookie"}
        answer = requests.post(
            url + "/api/v1/sessions", json=body, headers=page, verify=False, timeout=60
        )
        assert answer.status_code == 201 and "max-age" in answer.headers["Strict-Transport-Security"]
        assert answer.headers["Set-Cookie"].count("; Secure") == 2
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(f"http://127.0.0.1:{server.port}/health/live", timeout=10)

        def shown():
            return ssl.get_server_certificate(("127.0.0.1", server.port))

        before = shown()
        for file, text in zip(files, certificate(tmp_path, "second"), strict=True):
            file.write_bytes(text)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: shown() != before, 5, "the new certificate is not shown")
        files[1].write_text("junk")
        server.process.send_signal(signal.SIGHUP)
        assert server.logged("the old ones stay") and shown()


def test_half_a_pair_is_refused(tmp_path):
    with pytest.raises(Exception):
        Market(tmp_path / "data", "gateway.tls_certificate=/x.pem").start(5)


def test_pages_of_other_origins(start):
    server = start("gateway.cors_origins=https://shop.example")
    api = server.url + "/api/v1"
    asked = {**SHOP, "Access-Control-Request-Method": "POST"}
    preflight = requests.options(api + "/orders", headers=asked, timeout=10)
    assert preflight.status_code == 204 and "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Market-Session" not in preflight.headers["Access-Control-Allow-Headers"]
    for path, status in (("/products", 200), ("/orders", 401), ("/nothing", 404), ("/products?x=1", 422)):
        answer = requests.get(api + path, headers=SHOP, timeout=10)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP["Origin"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        foreign = requests.get(api + path, headers={"Origin": "https://evil.example"}, timeout=10)
        assert "Access-Control-Allow-Origin" not in foreign.headers and "Origin" in foreign.headers["Vary"]


def test_what_gateways_alone_say_takes_no_security_line_away(start):
    """nginx and the like pass on whatever field a client invents."""
    server = start("http.trusted_proxies=127.0.0.1")
    url, lines = server.url + "/api/v1/sessions", []
    independent, copy = {"X-Independent": "1"}, {"Market-Request": "0" * 32 + ";copy=2"}
    for forged in ({}, independent, {**independent, **copy}):
        answer = requests.post(url, json={}, headers={"X-Forwarded-For": "9.9.9.9", **forged}, timeout=10)
        assert answer.status_code == 422
        lines.append({name: answer.headers.get(name) for name in SECURITY})
    assert all(lines[0].values()) and lines == [lines[0]] * 3


def test_limits_per_user_and_address(start):
    """The default process limits as a gateway does: each user and each address for itself."""
    server = start("ratelimit.user_per_second=5", "ratelimit.address_per_second=30", limits=True)
    buyer, other = client.sign_up(server.url), client.sign_up(server.url)
    answers = [buyer.get("/orders") for _ in range(15)]
    refused = [each for each in answers if each.status_code == 429]
    assert answers[0].status_code == 200 and refused, [each.status_code for each in answers]
    assert refused[0].json()["code"] == "rate_limited" and int(refused[0].headers["Retry-After"]) >= 1
    assert "RateLimit" in answers[0].headers and "RateLimit-Policy" in refused[0].headers
    other.get("/orders", expect=200)
    anonymous = client.Client(server.url)
    statuses = {anonymous.get("/products").status_code for _ in range(200)}
    assert statuses == {200, 429}
    # A token that is none takes nobody's place, and what operators look at is never refused.
    assert requests.get(server.url + "/health/live", timeout=10).status_code == 200
    assert requests.get(server.url + "/health/ready", timeout=10).status_code == 200
    until(lambda: other.get("/orders").status_code == 200, 5, "the address is never let in again")


def test_more_than_can_be_done_is_shed(start):
    """Whoever browses is refused first, whoever pays last."""
    server = start("gateway.in_flight_max=3")
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product()
    orders = [buyer.order(product).json() for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        payers = [client.Client(server.url, buyer.token) for _ in range(3)]
        slow = [pool.submit(each.pay, order, "slow", None) for each, order in zip(payers, orders)]

        def refused(path, **more):
            answer = buyer.get(path, **more)
            return answer.status_code == 503 and answer.json()["code"] == "overloaded"

        until(lambda: refused("/products"), 2, "nothing is shed")
        shed = buyer.get("/products")
        assert int(shed.headers["Retry-After"]) >= 1
        assert requests.get(server.url + "/health/live", timeout=10).status_code == 200
        assert {each.result().status_code for each in slow} <= {200, 202, 503}
    buyer.get("/products", expect=200)
    metrics = requests.get(server.url + "/metrics", timeout=10).text
    assert "market_gateway_shed_total 0" not in metrics and "market_gateway_in_flight 0" in metrics


def test_streams_have_places_of_their_own(start):
    server = start("gateway.streams_per_address_max=3", "gateway.streams_per_user_max=1", limits=True)
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product()
    order = buyer.order(product).json()
    anonymous = client.Client(server.url)
    path = f"/products/{product['id']}/stock/stream"
    with contextlib.ExitStack() as open_streams:
        streams = [open_streams.enter_context(EventStream(anonymous, path)) for _ in range(2)]
        own = open_streams.enter_context(EventStream(buyer, f"/orders/{order['id']}/events"))
        assert own.answer.status == 200 and {each.answer.status for each in streams} == {200}
        assert requests.get(server.url + "/api/v1" + path, timeout=10).status_code == 429
        buyer.get(f"/orders/{order['id']}/events", expect=(429, "rate_limited"))
        buyer.order(product)
    until(lambda: stream_status(anonymous, path) == 200, 5, "a place is never given back")


def stream_status(caller, path):
    with EventStream(caller, path) as stream:
        return stream.answer.status


def test_routes_to_other_services_and_policies_of_our_own(tmp_path):
    """One chain: routes of the settings lead elsewhere or home, and SIGHUP reads them again."""
    config = tmp_path / "market.toml"

    def write(rate):
        config.write_text(
            f"""
[[gateway.routes]]
id = "blog"
uri = "http://127.0.0.1:{blog.port}"
path = "/blog/**"
strip_prefix = 1

[[gateway.routes]]
id = "closed"
path = "/api/v1/wishlist/**"
answer = {{ status = 503, body = '{{}}' }}

[[gateway.routes]]
id = "cart"
service = "market-order"
path = "/api/v1/cart/**"
authenticated = true
user_rate = {{ per_second = {rate}, burst = {rate} }}
"""
        )

    with FakeUpstream() as blog:
        write(1)
        with Market(tmp_path / "data", "log.level=info", flags=("--config", str(config))) as server:
            buyer = client.sign_up(server.url)
            assert requests.get(server.url + "/blog/first", timeout=10).status_code == 200
            assert blog.requests[-1].path == "/first"
            assert requests.get(server.url + "/api/v1/wishlist", timeout=10).status_code == 503
            # Its own answer, whatever our handler would say of method, query and body.
            for method, path in (("PUT", ""), ("GET", "?x=1"), ("POST", "/x"), ("OPTIONS", "")):
                asked = requests.request(method, server.url + "/api/v1/wishlist" + path, data="a", timeout=10)
                assert asked.status_code == 503, (method, path)
            assert requests.get(server.url + "/api/v1/cart", timeout=10).status_code == 401
            buyer.get("/cart", expect=200)
            buyer.get("/cart", expect=(429, "rate_limited"))
            assert requests.get(server.url + "/nothing/here", timeout=10).status_code == 404
            # Another spelling of a route that is protected is no way around it.
            for spelling in ("/api/v1/%63art", "/api/v1/cart;x=y", "/api/v1//cart"):
                assert requests.get(server.url + spelling, timeout=10).status_code in (401, 404), spelling
            write(1000)
            server.process.send_signal(signal.SIGHUP)
            until(lambda: {buyer.get("/cart").status_code for _ in range(3)} == {200}, 5)


def test_what_is_led_elsewhere_is_judged_there(tmp_path):
    config = tmp_path / "market.toml"
    with FakeUpstream() as canary:
        config.write_text(
            f"""
[[gateway.routes]]
id = "canary"
uri = "http://127.0.0.1:{canary.port}"
path = "/api/v1/products/**"
headers = {{ X-Canary = "1" }}
"""
        )
        with Market(tmp_path / "data", flags=("--config", str(config))) as server:
            url, away = server.url + "/api/v1/products", {"X-Canary": "1"}
            text, long = {"Content-Type": "text/csv"}, "x" * 50_000
            for method, path, fields, body, ours in (
                ("GET", "?foo=1", {}, None, 422),
                ("PUT", "", {}, "a", 405),
                ("POST", "", {**text}, "a,b", 415),
                ("POST", "", {**text}, long, 415),
                ("POST", "/x/pictures", {**text}, long, 404),
                ("GET", "/%61b", {}, None, 404),
                ("OPTIONS", "", {}, None, 204),
            ):
                before = len(canary.requests)
                asked = requests.request(method, url + path, headers=fields, data=body, timeout=10)
                assert (asked.status_code, len(canary.requests)) == (ours, before), (method, path)
                fields |= away
                asked = requests.request(method, url + path, headers=fields, data=body, timeout=10)
                assert asked.status_code == 200, (method, path)
                sent = canary.requests[-1]
                assert (sent.method, sent.body.decode()) == (method, body or "")
            assert requests.get(url, timeout=10).json()["items"] == []


def test_no_path_without_a_safe_form_is_led_elsewhere(tmp_path):
    """Our own handler's pattern takes what the settings lead away: a name of any kind."""
    config = tmp_path / "market.toml"
    with FakeUpstream() as away:
        config.write_text(
            f"""
[[gateway.routes]]
id = "away"
uri = "http://127.0.0.1:{away.port}"
path = "/api/v1/products/**"
"""
        )
        with Market(tmp_path / "data", flags=("--config", str(config))) as server:
            names = (
                "%252e%252e%252fadmin", "..%252fadmin", "a%2Fb", "a%5Cb", "%25252e%25252e", "a%250ab",
                "x/stock/..;/y", "%252e%252e%252f..%252fmetrics/reviews", "%C0%AE%C0%AE%C0%AFadmin",
            )  # fmt: skip
            for name in names:
                for method in ("GET", "POST", "OPTIONS"):
                    path = f"{server.url}/api/v1/products/{name}"
                    answer = requests.request(method, path, timeout=10)
                    assert answer.status_code in (404, 405, 204), (method, name)
                    assert away.requests == [], (method, name, away.requests[-1].target)
            assert requests.get(f"{server.url}/api/v1/products/a%20b", timeout=10).status_code == 200
            assert away.requests[-1].target == "/api/v1/products/a%20b"


@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside others"])
def test_origins_of_one_route_at_home(tmp_path, others):
    config = tmp_path / "market.toml"
    config.write_text(
        """
[[gateway.routes]]
id = "orders"
service = "market-order"
path = ["/api/v1/orders/**"]
cors = { origins = ["https://own.example"] }
"""
    )
    settings = ["gateway.cors_origins=https://shop.example"] * others
    with Market(tmp_path / "data", *settings, flags=("--config", str(config))) as server:
        def answer_to(method, target, fields, origin):
            head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            head += f"{fields}Origin: {origin}\r\n"
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as peer:
                peer.sendall(head.encode() + b"\r\n")
                return peer.recv(65536).decode().split("\r\n\r\n")[0].split("\r\n")

        orders, body = "/api/v1/orders", "Content-Type: application/json\r\nContent-Length: {}\r\n"
        text = body.replace("application/json", "text/csv")
        for status, method, target, fields in (
            (204, "OPTIONS", orders, "Access-Control-Request-Method: POST\r\n"),
            (204, "OPTIONS", orders, ""),
            (401, "GET", orders, ""),
            (405, "PUT", orders, ""),
            (401, "GET", orders + "?foo=1", ""),
            (401, "GET", orders + "/x?foo=1", ""),
            (415, "POST", orders, text.format(50_000)),
            (413, "POST", orders, body.format(2_000_000)),
            (401, "POST", orders, body.format(50_000)),
            (401, "POST", orders, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"),
        ):
            for origin, allowed in (("https://own.example", True), (SHOP["Origin"], False)):
                lines = answer_to(method, target, fields, origin)
                assert int(lines[0].split()[1]) == status, (method, target, fields, lines)
                assert (f"Access-Control-Allow-Origin: {origin}" in lines) == allowed, (status, origin, lines)
                assert lines.count("Vary: Origin") == 1
                told = any(line.startswith("Access-Control-Allow-Methods: ") for line in lines)
                assert told == (allowed and "Request-Method" in fields)
        products = requests.get(server.url + "/api/v1/products", headers=SHOP, timeout=10)
        assert ("Access-Control-Allow-Origin" in products.headers) == others


def test_whose_word_is_believed_changes_with_the_settings(tmp_path):
    """For the routes' policies and for all else that asks who it was: here the access log."""
    config, log = tmp_path / "market.toml", tmp_path / "access.log"

    def write(networks):
        config.write_text(f'[http]\naccess_log = "{log}"\ntrusted_proxies = "{networks}"\n')

    def client_of(name):
        forged = {"X-Forwarded-For": "9.9.9.9", "X-Request-Id": name}
        requests.get(server.url + "/api/v1/categories", headers=forged, timeout=10)
        until(lambda: name in log.read_text(), 5)
        return next(json.loads(line) for line in log.read_text().splitlines() if name in line)["client"]

    write("127.0.0.0/8")
    with Market(tmp_path / "data", "log.level=info", flags=("--config", str(config))) as server:
        assert client_of("trusted") == "9.9.9.9"
        for networks, expected in (("", "127.0.0.1"), ("127.0.0.0/8", "9.9.9.9")):
            write(networks)
            server.process.send_signal(signal.SIGHUP)
            tries = iter(range(50))
            until(lambda: client_of(f"{expected}-{next(tries)}.") == expected, 5)  # noqa: B023


def test_a_crowd_that_searches_stops_nobody(tmp_path):
    """Sixty searches through many products at once, again and again: who signs in, looks at orders or puts
    into the cart does not wait until all have had their turn. Counted in searches, as seconds are the
    machine's."""
    data = tmp_path / "data"
    done = run("seed", "--data", data, "--products", "20000", "--users", "1")
    assert done.returncode == 0, done.stderr
    crowd = 60
    with Market(data, "ratelimit.enabled=false") as server:
        buyer = client.sign_up(server.url)
        product = buyer.get("/products?limit=1").json()["items"][0]
        words = "zzqx%20yyqv%20xxqw%20wwqp%20vvqr"
        answered, enough = [], threading.Event()

        def search(number):
            with requests.Session() as session:
                while not enough.is_set():
                    path = f"/api/v1/products?search={words}{number}-{len(answered)}"
                    answered.append(session.get(server.url + path, timeout=120).status_code)

        def searches_before(step):
            """How many were answered until this was, at best of three."""
            counts = []
            for _ in range(3):
                before = len(answered)
                step()
                counts.append(len(answered) - before)
            return min(counts)

        with concurrent.futures.ThreadPoolExecutor(crowd) as pool:
            searching = [pool.submit(search, number) for number in range(crowd)]
            try:
                until(lambda: len(answered) >= crowd, 60)  # All of them are there.
                counts = {
                    "orders": searches_before(lambda: buyer.get("/orders", expect=200)),
                    "cart": searches_before(lambda: buyer.get("/cart", expect=200)),
                    "wishlist": searches_before(lambda: buyer.put(f"/wishlist/{product['id']}", expect=204)),
                    "session": searches_before(
                        lambda: client.sign_in(server.url, buyer.user["email"], client.PASSWORD)
                    ),
                }
            finally:
                enough.set()
            for each in searching:
                each.result()
    assert set(answered) == {200}
    assert max(counts.values()) < crowd / 2, counts
