"""The session of a web page: two cookies that no script reads, and no page of another origin can use."""

import http.client
import re
import socket
import urllib.parse

import pytest
import requests
from fake_upstream import FakeUpstream
from gateway import Gateway
from openapi_check import Document
from waiting import until

import client
from client import PASSWORD

ASKS = {"Market-Session": "cookie"}
OURS = {"Sec-Fetch-Site": "same-origin"}


class Page:
    """A browser's page of this origin, as far as cookies go."""

    def __init__(self, url, origin=None):
        self.url = url
        self.origin = origin or OURS
        self.jar = requests.Session()

    def send(self, method, path, json=None, expect=None, headers=None, **more):
        fields = {**self.origin, **(headers or {})}
        answer = self.jar.request(
            method, self.url + "/api/v1" + path, json=json, headers=fields, timeout=30, **more
        )
        if not more.get("stream"):
            Document.load().check(
                method, "/api/v1" + path.split("?")[0], answer.status_code, answer.headers, answer.text
            )
        if expect is not None:
            status, code = expect if isinstance(expect, tuple) else (expect, None)
            assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            assert code is None or answer.json()["code"] == code, answer.text
        return answer

    def sign_in(self, email):
        return self.send("POST", "/sessions", {"email": email, "password": PASSWORD}, 201, ASKS)

    @property
    def names(self):
        return sorted(cookie.name for cookie in self.jar.cookies)


def behind_gateway(market):
    return not market.url.endswith(f":{market.port}")


def set_cookies(answer):
    """{name: (value, {attribute: value})}"""
    fields = [value for name, value in answer.raw.headers.items() if name.lower() == "set-cookie"]
    found = {}
    for field in fields:
        pair, *rest = field.split("; ")
        name, value = pair.split("=", 1)
        found[name] = value, dict((part.split("=", 1) + [""])[:2] for part in rest)
    assert len(found) == len(fields)
    return found


@pytest.fixture
def page(market, buyer):
    page = Page(market.url)
    page.sign_in(buyer.user["email"])
    return page


def test_sign_in_gives_no_script_a_token(market, buyer):
    page = Page(market.url)
    answer = page.sign_in(buyer.user["email"])
    assert set(answer.json()) == {"expiresIn", "user"}
    assert answer.headers["Cache-Control"] == "no-store"
    cookies = set_cookies(answer)
    assert set(cookies) == {"market_access", "market_refresh"}
    for name, path in (("market_access", "/api"), ("market_refresh", "/api/v1/sessions")):
        value, attributes = cookies[name]
        assert re.fullmatch(r"[\w.~-]+", value)
        life = int(attributes.pop("Max-Age"))
        assert attributes == {"Path": path, "HttpOnly": "", "SameSite": "Strict"}
        if name == "market_access":
            assert life == answer.json()["expiresIn"]
        else:
            assert 13 * 86400 < life <= 14 * 86400
    assert page.send("GET", "/users/me", expect=200).json()["email"] == buyer.user["email"]
    # As a proxy in front says; nobody else can write that field into a page's request.
    secure = page.send(
        "POST", "/sessions", {"email": buyer.user["email"], "password": PASSWORD}, 201,
        {**ASKS, "X-Forwarded-Proto": "https"},
    )
    # A gateway believes its trusted proxies alone.
    assert all(("Secure" in life) != behind_gateway(market) for _, life in set_cookies(secure).values())


@pytest.mark.parametrize("value", ["token", "Cookie", "cookie, cookie", "", "cookie;"])
def test_another_kind_of_session(market, buyer, value):
    who = {"email": buyer.user["email"], "password": PASSWORD}
    answer = Page(market.url).send("POST", "/sessions", who, 422, {"Market-Session": value})
    assert answer.json()["errors"][0]["field"] == "Market-Session" and not set_cookies(answer)


def test_without_the_field_all_is_as_it_was(market, buyer):
    who = {"email": buyer.user["email"], "password": PASSWORD}
    answer = Page(market.url).send("POST", "/sessions", who, 201)
    assert not set_cookies(answer) and {"accessToken", "tokenType", "refreshToken"} < set(answer.json())


def test_a_purchase_by_cookie(admin, page):
    product = admin.product()
    order = page.send("POST", "/orders", {"items": [{"productId": product["id"], "quantity": 1}]}, 201).json()
    path = f"/orders/{order['id']}"
    page.send("POST", path + "/payment", {"method": "card", "token": "ok"}, 200)
    assert page.send("GET", path, expect=200).json()["state"] == "paid"


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin, same-origin"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "OWN.evil.example"},
    {"Origin": "http://evil.example/OWN"},
    {"Origin": "OWN/"},
    {"Origin": "HOST"},
    {"Referer": "OWN/"},
    {},
]


@pytest.mark.parametrize("origin", FOREIGN, ids=str)
def test_no_other_origin_can_change_anything(market, admin, page, origin):
    host = urllib.parse.urlparse(market.url).netloc
    own = "http://" + host
    page.origin = {name: text.replace("OWN", own).replace("HOST", host) for name, text in origin.items()}
    product = admin.product()
    wanted = {"items": [{"productId": product["id"], "quantity": 1}]}
    page.send("POST", "/orders", wanted, (403, "forbidden"))
    page.send("PATCH", "/users/me", {"name": "Mallory"}, (403, "forbidden"))
    change = {"currentPassword": PASSWORD, "newPassword": "another horse 98 staple"}
    page.send("PUT", "/users/me/password", change, (403, "forbidden"))
    page.send("DELETE", "/sessions/current", expect=(403, "forbidden"))
    page.send("DELETE", "/sessions", expect=(403, "forbidden"))
    refused = page.send("POST", "/sessions/refresh", expect=(403, "forbidden"))
    assert not set_cookies(refused)
    assert page.send("GET", "/users/me", expect=200).json()["name"] != "Mallory"
    assert admin.stock(product)["remaining"] == product["stock"]["remaining"]


def test_origin_alone_will_do(market, page):
    """Over plain HTTP, but for this machine, browsers send no Sec-Fetch-Site."""
    page.origin = {"Origin": market.url}
    page.send("PATCH", "/users/me", {"name": "Kim Min"}, 200)
    page.origin = {"Origin": market.url.upper().replace("HTTP", "http")}
    page.send("PATCH", "/users/me", {"name": "Kim"}, 200)


def test_authorization_counts_alone(market, page, other):
    """A script that has a token needs no origin, and a broken one is not mended by a cookie."""
    page.origin = {"Origin": "https://evil.example"}
    mine = {"Authorization": "Bearer " + other.token}
    assert page.send("GET", "/users/me", None, 200, mine).json()["id"] == other.user["id"]
    page.send("PATCH", "/users/me", {"name": "Kim"}, 200, mine)
    page.origin = OURS
    for broken in ("", "Bearer", "Bearer x", "Basic eDp5"):
        page.send("GET", "/users/me", None, (401, "unauthenticated"), {"Authorization": broken})


def test_cookies_that_do_not_say_who_asks(market, page):
    token = page.jar.cookies.get("market_access")
    anonymous = Page(market.url)
    good = [f"market_access={token}", f"a=b; market_access={token};", f"x;  market_access={token}  ;b"]
    bad = ["", "market_access", "market_access=", f"market_acces={token}", f"Market_Access={token}",
           f'market_access="{token}"', f"market_access={token}x", f"xmarket_access={token}",
           f"market_access={token}; market_access={token}", f"market_access={token}; market_access=evil",
           f"market_access=evil; market_access={token}", f"market_refresh={token}"]
    for cookie in good:
        anonymous.send("GET", "/users/me", None, 200, {"Cookie": cookie})
    for cookie in bad:
        anonymous.send("GET", "/users/me", None, (401, "unauthenticated"), {"Cookie": cookie})
        anonymous.send("GET", "/products?limit=1", None, 200, {"Cookie": cookie})


def test_a_cookie_counts_for_whom_the_page_names(market, page, buyer):
    """Somebody else signs in beside a page whose request is still under way: it does not become his."""
    mine = buyer.user["id"]
    page.send("GET", "/users/me", None, 200, {"Market-User": mine})
    for other in ("0", "", mine.lower() + "x", f"{mine},{mine}"):
        page.send("GET", "/users/me", None, (401, "unauthenticated"), {"Market-User": other})
        order = {"items": [{"productId": "0", "quantity": 1}]}
        fields = {"Market-User": other, "Idempotency-Key": "k"}
        page.send("POST", "/orders", order, (401, "unauthenticated"), fields)
    token = {"Authorization": f"Bearer {page.jar.cookies.get('market_access')}"}
    Page(market.url).send("GET", "/users/me", None, 200, {"Market-User": "0", **token})


def test_refresh_by_cookie(market, page):
    old = {cookie.name: cookie.value for cookie in page.jar.cookies}
    answer = page.send("POST", "/sessions/refresh", None, 201, ASKS)
    assert set(answer.json()) == {"expiresIn", "user"}
    new = {name: value for name, (value, _) in set_cookies(answer).items()}
    assert set(new) == set(old) and new["market_refresh"] != old["market_refresh"]
    for body in (None, {}):  # The field is not needed: what came as a cookie stays one.
        again = page.send("POST", "/sessions/refresh", body, 201)
        assert set(again.json()) == {"expiresIn", "user"} and len(set_cookies(again)) == 2
    page.send("GET", "/users/me", expect=200)
    page.send("POST", "/sessions/refresh", {"refreshToken": ""}, 422, ASKS)
    page.send("POST", "/sessions/refresh", {"x": 1}, 422, ASKS)
    broken = page.send("POST", "/sessions/refresh", None, 400, {"Content-Type": "application/json"}, data="{")
    assert not set_cookies(broken)


def test_refresh_with_nothing(market):
    page = Page(market.url)
    page.send("POST", "/sessions/refresh", None, (401, "unauthenticated"), ASKS)
    page.send("POST", "/sessions/refresh", {}, 422)


def test_a_session_of_tokens_becomes_one_of_cookies(market, buyer):
    page = Page(market.url)
    answer = page.send("POST", "/sessions/refresh", {"refreshToken": buyer.refresh}, 201, ASKS)
    assert len(set_cookies(answer)) == 2 and "accessToken" not in answer.json()
    page.send("GET", "/users/me", expect=200)


def test_an_ended_session_leaves_no_cookies(market, buyer, page):
    buyer.delete("/sessions", expect=204)
    until(lambda: page.send("GET", "/users/me").status_code == 401, 2, "a session goes on")
    assert page.names == ["market_access", "market_refresh"]
    page.send("POST", "/sessions/refresh", None, (401, "session_revoked"), ASKS)
    assert page.names == []


@pytest.mark.parametrize("path", ["/sessions/current", "/sessions"])
def test_signing_out(market, page, path):
    token = page.jar.cookies.get("market_access")
    refresh = page.jar.cookies.get("market_refresh")
    answer = page.send("DELETE", path, expect=204)
    assert all(life["Max-Age"] == "0" for _, life in set_cookies(answer).values())
    assert page.names == []
    page.send("GET", "/users/me", None, (401, "unauthenticated"), {"Cookie": f"market_access={token}"})
    page.send("POST", "/sessions/refresh", None, 401, {"Cookie": f"market_refresh={refresh}", **ASKS})


def test_the_page_that_changes_the_password_stays(market, buyer, page):
    elsewhere = Page(market.url)
    elsewhere.sign_in(buyer.user["email"])
    new = {"currentPassword": PASSWORD, "newPassword": "another horse 98 staple"}
    page.send("PUT", "/users/me/password", new, 204)
    page.send("GET", "/users/me", expect=200)
    page.send("POST", "/sessions/refresh", None, 201, ASKS)
    until(lambda: elsewhere.send("GET", "/users/me").status_code == 401, 2, "another session goes on")
    elsewhere.send("POST", "/sessions/refresh", None, (401, "session_revoked"), ASKS)
    assert elsewhere.names == []


def test_sixty_tabs_refresh_at_once(market, page):
    import concurrent.futures

    cookies = dict(page.jar.cookies)

    def refresh(_):
        answer = requests.post(
            market.url + "/api/v1/sessions/refresh", headers={**OURS, **ASKS}, cookies=cookies, timeout=60
        )
        return answer.status_code, set_cookies(answer).get("market_refresh", ("", {}))[0]

    with concurrent.futures.ThreadPoolExecutor(20) as tabs:
        answers = list(tabs.map(refresh, range(60)))
    assert {status for status, _ in answers} == {201} and len({token for _, token in answers}) == 1


def events_of(market, path, headers):
    """The answer and the first second of an event stream, as a browser's EventSource asks for it."""
    where = urllib.parse.urlparse(market.url)
    peer = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    peer.request("GET", "/api/v1" + path, headers={"Accept": "text/event-stream", **headers})
    sock = peer.sock
    answer = peer.getresponse()
    text = b""
    sock.settimeout(1)
    try:
        while piece := answer.read1(65536):
            text += piece
    except (TimeoutError, socket.timeout):
        pass
    answer.close()
    return answer, text.decode()


def test_event_source(market, admin, page):
    product = admin.product()
    order = page.send("POST", "/orders", {"items": [{"productId": product["id"], "quantity": 1}]}, 201).json()
    cookie = {"Cookie": f"market_access={page.jar.cookies.get('market_access')}"}
    streams = [f"/orders/{order['id']}/events", f"/products/{product['id']}/stock/stream"]
    for path, name in zip(streams, ("order", "stock"), strict=True):
        answer, text = events_of(market, path, cookie)
        assert answer.status == 200 and text.startswith("retry: 3000\n\n")
        event = re.search(rf"^event: {name}\nid: (\S+)\ndata: (.*)\n\n", text, re.M)
        assert event, text
        # Whoever comes back with it has missed nothing; a foreign one is told everything.
        _, again = events_of(market, path, {**cookie, "Last-Event-ID": event[1]})
        # Behind a gateway, who joins the stream of all others hears all again.
        assert "data:" not in again or (name == "stock" and behind_gateway(market))
        _, other = events_of(market, path, {**cookie, "Last-Event-ID": "x" * 100})
        assert f"event: {name}" in other
        head = page.send("HEAD", path, None, 200)
        for field in ("Content-Type", "Cache-Control", "X-Accel-Buffering"):
            assert head.headers[field] == answer.headers[field], field
        assert "Content-Length" not in head.headers and not head.content
    answer, _ = events_of(market, f"/orders/{order['id']}/events", {})
    assert answer.status == 401
    admin.delete("/products/" + product["id"], expect=204)
    assert page.send("HEAD", f"/products/{product['id']}/stock/stream").status_code == 404


def test_what_is_not_public_yet_is_its_sellers_stream_alone(market, admin, page):
    """Through a gateway too, where all who read a public product share one stream."""
    hidden = admin.product(publishAt=client.moment(3600))
    path = f"/products/{hidden['id']}/stock/stream"
    cookie = {"Cookie": f"market_access={page.jar.cookies.get('market_access')}"}
    assert events_of(market, path, cookie)[0].status == 404
    answer, text = events_of(market, path, {"Authorization": "Bearer " + admin.token})
    assert answer.status == 200 and '"remaining":10' in text
    assert events_of(market, path, cookie)[0].status == 404
    assert events_of(market, path, {})[0].status == 404


def test_a_gateways_protected_route(tmp_path, market, page):
    """The gateway checks the same cookie in the same way, and a public page does not fall for a stale one."""
    config = """
[gateway.services]
fake = ["127.0.0.1:{port}"]
[[gateway.routes]]
id = "open"
service = "fake"
path = "/api/open/**"
[[gateway.routes]]
id = "closed"
service = "fake"
path = "/api/closed/**"
authenticated = true
"""
    key = market.data / "keys/token-signing"
    cookie = {"Cookie": f"market_access={page.jar.cookies.get('market_access')}"}
    with FakeUpstream() as fake, Gateway(
        tmp_path, config.format(port=fake.port), f"auth.key_file={key}"
    ) as gateway:
        own = {"Origin": f"http://127.0.0.1:{gateway.port}"}
        assert gateway.ask("/api/closed/x").status == 401
        assert gateway.ask("/api/closed/x", headers={"Cookie": "market_access=a.b.c"}).status == 401
        assert gateway.ask("/api/closed/x", headers=cookie).status == 200
        evil = {**cookie, "Origin": "https://evil.example"}
        assert gateway.ask("/api/closed/x", "POST", evil).status == 403
        assert gateway.ask("/api/closed/y", "POST", cookie).status == 403
        assert fake.count("/api/closed/y") == 0
        assert gateway.ask("/api/closed/x", "POST", {**cookie, **own}).status == 200
        assert gateway.ask("/api/closed/x", "POST", {**cookie, **OURS}).status == 200
        assert gateway.ask("/api/open/x", headers={"Cookie": "market_access=a.b.c"}).status == 200
        assert gateway.ask("/api/open/x", "POST", cookie).status == 200, "the service decides"
