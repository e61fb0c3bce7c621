"""Sessions that end, at a gateway's routes to services that are not ours and check nothing."""

import socket

import client
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import Market, free_port
from waiting import until

CONFIG = """
[gateway.services]
market-user = {users}
market-product = {users}
market-order = {users}

[[gateway.routes]]
id = "partner"
uri = "http://127.0.0.1:{partner}"
path = "/partner/**"
authenticated = true
"""
UNKNOWN = "no user instance tells which sessions have ended"


def test_a_token_stops_working_at_routes_of_others_too(tmp_path):
    dead = free_port()
    with (
        FakeUpstream() as partner,
        Market(tmp_path / "store", flags=("--role", "user,product,order")) as services,
    ):
        key = f"auth.key_file={services.data}/keys/token-signing"
        # One is not there: the other is asked.
        users = f'["127.0.0.1:{dead}", "127.0.0.1:{services.port}"]'
        with Gateway(tmp_path, CONFIG.format(users=users, partner=partner.port), key) as entry:

            def status(person):
                return entry.ask("/partner/ok", headers={"Authorization": f"Bearer {person.token}"}).status

            buyer = client.sign_up(services.url)
            elsewhere = client.sign_in(services.url, buyer.user["email"], client.PASSWORD)
            assert (status(buyer), status(elsewhere)) == (200, 200)
            buyer.delete("/sessions/current", expect=204)
            until(lambda: status(buyer) == 401, 1, "its token is good still")
            assert status(elsewhere) == 200
            # Who has lost the one that told asks it again, for everything, once it is back.
            services.stop()
            assert UNKNOWN in entry.logged(UNKNOWN)
            assert any(UNKNOWN in each for each in entry.ask("/health/ready").json()["warnings"])
            assert (status(buyer), status(elsewhere)) == (401, 200)
            services.start()
            client.Client(services.url, elsewhere.token).delete("/sessions/current", expect=204)
            until(lambda: status(elsewhere) == 401, 3, "it does not learn any more")
            assert entry.ask("/internal/ended-sessions").status == 404
        # A gateway that starts later knows all of them.
        with Gateway(tmp_path, CONFIG.format(users=users, partner=partner.port), key) as entry:
            until(lambda: status(buyer) == 401 and status(elsewhere) == 401, 1, "it learns nothing")


def test_gateways_without_such_routes_ask_nobody(tmp_path):
    with Market(tmp_path / "store", flags=("--role", "user,product,order")) as services:
        key = f"auth.key_file={services.data}/keys/token-signing"
        users = f'["127.0.0.1:{free_port()}"]'
        config = CONFIG.format(users=users, partner=free_port()).replace("authenticated = true", "")
        with Gateway(tmp_path, config, key) as entry:
            assert UNKNOWN not in str(entry.ask("/health/ready").json())


def test_no_other_origin_opens_a_websocket_by_cookie(tmp_path, market, buyer):
    """No CORS stands between a page and its WebSocket: another port of this host is the same site."""
    key = f"auth.key_file={market.data / 'keys/token-signing'}"
    config = CONFIG.format(users=f'["127.0.0.1:{market.port}"]', partner="{port}")
    handshake = (
        "GET /partner/{name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: {connection}\r\n"
        "Upgrade: {upgrade}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
    )
    by_cookie = f"Cookie: market_access={buyer.token}\r\n"
    with FakeUpstream() as fake, Gateway(tmp_path, config.format(port=fake.port), key) as gateway:

        def status(fields, upgrade="websocket", connection="Upgrade", name="ws"):
            head = handshake.format(
                name=name, port=gateway.port, fields=fields, upgrade=upgrade, connection=connection
            )
            with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as peer:
                peer.sendall(head.encode())
                return int(peer.recv(65536).split()[1])

        own = f"Origin: http://127.0.0.1:{gateway.port}\r\n"
        other = f"Origin: http://127.0.0.1:{gateway.port + 1}\r\n"
        evil, sibling = "Origin: https://evil.example\r\n", own + "Sec-Fetch-Site: same-site\r\n"
        for foreign in ("", other, evil, sibling):
            assert status(by_cookie + foreign) == 403, foreign
            assert status(by_cookie + foreign, "WebSocket", "keep-alive, upgrade") == 403, foreign
        assert fake.count("/partner/ws") == 0
        assert status(other) == 401
        assert status(by_cookie + own) == 101
        assert status(by_cookie + "Sec-Fetch-Site: same-origin\r\n") == 101
        assert status(f"Authorization: Bearer {buyer.token}\r\n" + other) == 101, "no page can write that"
        assert status(by_cookie, "h2c", name="ok") == 200, "no page asks for that, and nobody gets it"
        assert status(by_cookie, connection="close", name="ok") == 200, "it asks for no WebSocket"
        # Which pages may ask an open route, its service says; but nobody asks behind a handshake.
        gateway.reload(gateway.config.read_text().replace("authenticated = true", ""))
        for foreign in ("", other, evil, sibling):
            assert status(by_cookie + foreign) == 403, foreign
        for ours in (by_cookie + own, other, f"Authorization: Bearer {buyer.token}\r\n" + other):
            assert status(ours) == 101, ours


OPEN = """
[[gateway.routes]]
id = "partner"
uri = "http://127.0.0.1:{port}"
path = "/partner/**"
user_rate = {{ per_second = 1, burst = 1 }}
"""


def test_nobody_is_a_stranger_to_the_limits_whom_the_service_knows(tmp_path, market, buyer):
    """What the gateway takes from a request before it leaves, or says itself, is nothing to judge it by."""
    cookie = f"market_access={buyer.token}"
    hidden = {
        "a token": {"Authorization": "Bearer x", "Connection": "close, authorization"},
        "two tokens": {"Authorization": "Basic YTpi", "Connection": "AUTHORIZATION"},
        "another user": {"Market-User": "999", "Connection": "market-user"},
        "a WebSocket": {"Upgrade": "websocket", "Origin": None},
        "half a WebSocket": {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": None},
        "another site": {"Sec-Fetch-Site": "cross-site", "Connection": "sec-fetch-site"},
        "another origin": {"Origin": "https://evil.example", "Connection": "origin"},
        "TLS": {"X-Forwarded-Proto": "https"},
        "no page": {},
    }
    key = f"auth.key_file={market.data / 'keys/token-signing'}"
    with FakeUpstream() as fake:
        with Gateway(tmp_path, OPEN.format(port=fake.port), key, limits=True) as gateway:
            own = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{gateway.port}"}
            for method in ("GET", "POST"):
                for name, fields in hidden.items():
                    fields = {name: text for name, text in {**own, **fields}.items() if text}
                    statuses = [gateway.ask("/partner/ok", method, fields).status for _ in range(5)]
                    assert 429 in statuses, (method, name, statuses)
            seen = [request for request in fake.requests if request.get("Market-User")]
            assert not seen and all(request.get("Cookie") == cookie for request in fake.requests)
