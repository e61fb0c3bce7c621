"""Who may do what (RELIABILITY.md 4.3): every operation of the document × every role, own and another's."""

import http.client
import socket

import client
import pytest
from client import Client, new_email
from openapi_check import Document
from streams import EventStream
from tokens import Forger
from waiting import until
from who_may import (
    ADMIN,
    ELSEWHERE,
    LOCAL,
    OPEN,
    OWN_ORDER,
    OWN_PRODUCT,
    OWN_WEBHOOK,
    SELLING,
    TABLE,
)

ROLES = ("anonymous", "buyer", "stranger", "seller", "admin")
API = "/api/v1"
OPERATIONS = sorted(
    (method, path.removeprefix(API) if path.startswith(API) else "/" + path)
    for method, path in Document.load().operations()
)


@pytest.fixture(scope="module")
def callers(market):
    buyer, stranger, seller, other, chief = (client.sign_up(market.url) for _ in range(5))
    # By their accounts too: a webhook of one whose account says otherwise is told nothing, and whoever
    # changes what somebody may do is looked up.
    for user, role in ((other.user, "seller"), (chief.user, "admin")):
        client.admin(market.url).patch(f"/users/{user['id']}", {"role": role}, expect=200)

    # Tokens of sessions that nobody ends, so that signing out does not end the test.
    def lasting(caller, **claims):
        return Client(market.url, Forger(market.data, caller.token).token(sid=None, **claims), caller.user)

    return {
        "anonymous": Client(market.url),
        "buyer": lasting(buyer),
        "stranger": lasting(stranger),
        "seller": lasting(seller, role="seller"),
        "other seller": lasting(other, role="seller"),
        "admin": lasting(chief, role="admin"),
    }


def identity_of(path, callers):
    """A product of the admin, not of the seller; an order of the buyer; a user of its own."""
    if path.startswith(("/wishlist/{id}", "/cart/items/{id}", "/admin/products/{id}")):
        return callers["admin"].product()["id"]
    if path.startswith("/products/{id}"):
        product = callers["admin"].product()["id"]
        if path.endswith("/image"):
            picture = {"data": TABLE["PUT", path][1], "headers": {"Content-Type": "image/png"}}
            callers["admin"].put(path.replace("{id}", product), **picture, expect=200)
        return product
    if "/orders/{id}" in path:
        return callers["buyer"].order(callers["admin"].product()).json()["id"]
    if path.startswith("/admin/mails/{id}"):
        client.sign_up(callers["anonymous"].url)
        chief = client.admin(callers["anonymous"].url)
        return until(lambda: chief.get("/admin/mails").json()["items"])[0]["id"]
    if path.startswith(("/seller/webhooks/{id}", "/seller/webhook-deliveries/{id}")):
        owner = callers["other seller"]
        made = owner.get("/seller/webhooks").json()["items"]
        if not made:
            wanted = {"url": "https://nobody.invalid/", "events": ["order.accepted"]}
            made = [owner.post("/seller/webhooks", wanted, expect=201).json()]
        if path.startswith("/seller/webhooks"):
            return made[0]["id"]
        callers["buyer"].order(owner.product())
        return until(lambda: owner.get("/seller/webhook-deliveries").json()["items"])[0]["id"]
    if path.startswith(("/admin/webhooks/{id}", "/admin/webhook-deliveries/{id}")):
        chief = client.admin(callers["anonymous"].url)
        made = [each for each in chief.get("/admin/webhooks").json()["items"] if not each["sellerId"]]
        if not made:
            wanted = {"url": "https://nobody.invalid/", "events": ["order.accepted"]}
            made = [chief.post("/admin/webhooks", wanted, expect=201).json()]
        if path.startswith("/admin/webhooks"):
            return made[0]["id"]
        callers["buyer"].order(callers["admin"].product())
        return until(lambda: chief.get("/admin/webhook-deliveries").json()["items"])[0]["id"]
    if path.endswith("/users/{id}"):
        return client.sign_up(callers["anonymous"].url).user["id"]
    return ""


def allowed(rule, role):
    """None: reaches the operation. Else the status that refuses."""
    if rule in (OPEN, LOCAL):
        return None
    if rule == ELSEWHERE:
        return 404
    if role == "anonymous":
        return 401
    if rule in (SELLING, OWN_PRODUCT, OWN_WEBHOOK) and role in ("buyer", "stranger"):
        return 403
    if rule == ADMIN and role != "admin":
        return 403
    if rule == OWN_PRODUCT and role == "seller":
        return 404  # Another seller's product is not there.
    if rule == OWN_WEBHOOK and role != "owner":
        return 404  # Nor is another's webhook: below /seller/ not even an administrator's is.
    if rule == OWN_ORDER and role != "buyer":
        return 404
    return None


def test_the_table_says_what_the_document_says():
    """Who needs a token, and who must be an administrator, is told by the document itself."""
    spec = Document.load().spec["paths"]
    for method, path in OPERATIONS:
        full = path[1:] if path.startswith("//") else API + path
        security = spec[full][method.lower()].get("security") or []
        needs_token = bool(security)
        assert security in ([], [{"bearer": []}, {"cookie": []}]), f"{method} {path}"
        rule = TABLE[method, path][0]
        assert needs_token == (rule not in (OPEN, LOCAL, ELSEWHERE)), f"{method} {path}"
        assert (rule == ADMIN) == (path.startswith("/admin/") or path == "/users/{id}"), f"{method} {path}"


def test_every_operation_stands_in_the_table():
    assert set(OPERATIONS) <= set(TABLE), f"missing: {set(OPERATIONS) - set(TABLE)}"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_who_may(callers, method, path, role):
    rule, body = TABLE[method, path]
    caller = callers[role]
    path = path.replace("{id}", identity_of(path, callers))
    more = {}
    if isinstance(body, bytes):
        more = {"data": body, "headers": {"Content-Type": "image/png"}}
    elif body is not None:
        more = {"json": {**body, "email": new_email()} if path == "/users" else body}
    wanted = allowed(rule, role)
    if wanted is None and path.endswith(("/stream", "/events")):
        with EventStream(caller, path) as stream:
            assert stream.answer.status == 200
        return
    status = caller.send(method, path, **more).status_code
    if wanted is not None:
        assert status == wanted
    elif path.startswith("/sessions") and method == "POST":
        assert status == 401  # Wrong credentials, which is the operation's own answer.
    else:
        assert status not in (401, 403, 404, 405, 500), status


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_who_asks_comes_before_what_is_asked(callers, method, path):
    """A wrong query and a wrong body are named to those alone who may ask."""
    rule, body = TABLE[method, path]
    more = {}
    if body is not None:
        more = {"data": b"{", "headers": {"Content-Type": "application/json"}}
    for role in ROLES:
        wanted = allowed(rule, role)
        if wanted not in (401, 403):
            continue
        for query in ("?no_such=1", "?limit=x&limit=y", ""):
            sent = path.replace("{id}", "0000000000000") + query
            assert callers[role].send(method, sent, **more).status_code == wanted, (role, sent)


@pytest.mark.parametrize("role", ROLES)
def test_malformed_and_unknown_ids(callers, role):
    for identity in ("0" * 13, "x", "-1", "%2e%2e", "1;x=y", "a" * 100, "%00", "*"):
        for method, path in OPERATIONS:
            if "{id}" not in path:
                continue
            rule, body = TABLE[method, path]
            more = {"json": body} if isinstance(body, dict) else {}
            if isinstance(body, bytes):
                more = {"data": body, "headers": {"Content-Type": "image/png"}}
            status = callers[role].send(method, path.replace("{id}", identity), **more).status_code
            assert status in (401, 403, 404), f"{method} {path} {identity}: {status}"


def test_a_seller_has_own_products_alone(callers):
    seller = callers["seller"]
    product = seller.product(name="Mine")
    assert product["sellerId"] == seller.user["id"]
    path = "/products/" + product["id"]
    seller.patch(path, {"name": "Still mine"}, expect=200)
    seller.post(path + "/stock", {"delta": 1, "reason": "x"}, expect=200)
    callers["admin"].patch(path, {"name": "Checked"}, expect=200)
    callers["stranger"].delete(path, expect=(403, "forbidden"))
    seller.delete(path, expect=204)


def raw(market, method, target, token, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", market.port, timeout=10)
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in (("Authorization", "Bearer " + token), *headers):
        connection.putheader(name, value)
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_no_way_around_by_spelling(market, callers):
    """Another method name, path spelling or override header must not reach what a role may not do."""
    product = callers["admin"].product()
    token = callers["buyer"].token
    target = f"{API}/products/{product['id']}"
    for spelled in (
        target + "/",
        "/" + target,
        target.replace("/products", "//products"),
        target.replace("products", "PRODUCTS"),
        target.replace("products", "%70roducts"),
        target + ";x=y",
        target + "/.",
        target + "/%2e",
        f"{API}/users/../products/{product['id']}",
        f"{API}/x/%2e%2e/products/{product['id']}",
        target + "%2f",
        target + "?_method=DELETE",
        target + "%00",
        "/API/v1/products/" + product["id"],
        target + "\\",
        target + "/..;/",
    ):
        assert raw(market, "DELETE", spelled, token) in (400, 403, 404, 422), spelled
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert raw(market, "POST", target, token, [(header, "DELETE")]) == 405
        raw(market, "GET", target, token, [(header, "DELETE")])
    for header in ("X-Original-URL", "X-Rewrite-URL"):
        assert raw(market, "GET", API + "/nobody/here", token, [(header, target)]) == 404
    for name in ("X-User-Id", "X-User-Role", "X-Role", "X_User_Id", "X-Forwarded-User", "X-Admin"):
        headers = [(name, "admin"), (name, callers["admin"].user["id"])]
        assert raw(market, "DELETE", target, token, headers) in (400, 403), name
    callers["anonymous"].get("/products/" + product["id"], expect=200)


def test_identity_headers_make_nobody_of_an_anonymous(market, callers):
    for name in ("X-User-Id", "X-Forwarded-User", "X-Remote-User"):
        headers = {name: callers["admin"].user["id"], "X-User-Role": "admin", "X-Role": "admin"}
        callers["anonymous"].get("/users/me", headers=headers, expect=(401, "unauthenticated"))


def own_address():
    """An address of this machine that is not a loopback one; None on a machine without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def test_management_answers_loopback_callers_only(start):
    address = own_address()
    if address is None:
        pytest.skip("this machine has a loopback address only")
    server = start(host="0.0.0.0")
    outside, inside = Client(f"http://{address}:{server.port}"), Client(server.url)
    outside.get("//health/live", expect=200)
    for path in ("//metrics", "//info"):
        inside.get(path, expect=200)
        for headers in (
            {},
            {"X-Forwarded-For": "127.0.0.1"},
            {"X-Real-IP": "127.0.0.1"},
            {"Host": "localhost"},
        ):
            outside.get(path, headers=headers, expect=(404, "not_found"))


def test_management_on_an_address_of_its_own(start, tmp_path):
    from market_server import free_port

    port = free_port()
    server = start(f"management.listen=127.0.0.1:{port}")
    manage = Client(f"http://127.0.0.1:{port}")
    assert "market_orders_accepted_total" in manage.get("//metrics", expect=200).text
    manage.get("//info", expect=200)
    manage.get("//health/ready", expect=200)
    for path in ("//metrics", "//info"):
        Client(server.url).get(path, expect=(404, "not_found"))
    manage.get("/products", expect=404)


@pytest.mark.parametrize("role", ["gateway", "registry"])
def test_every_role_has_management(tmp_path, role):
    from market_server import Market, free_port

    port = free_port()
    setting = f"management.listen=127.0.0.1:{port}"
    with Market(tmp_path / "data", setting, flags=("--role", role)) as server:
        manage = Client(f"http://127.0.0.1:{port}")
        assert manage.get("//info", expect=200).json()["role"] == role
        manage.get("//metrics", expect=200)
        for path in ("//metrics", "//info"):
            Client(server.url).get(path, expect=(404, "not_found"))


def test_internal_paths_do_not_exist(anonymous):
    for path in (
        "//actuator",
        "//actuator/env",
        "//eureka/apps",
        "//debug/pprof",
        "//.env",
        "//.git/config",
        "//server-status",
        "//admin.php",
        "//api/v1",
        "//api/v2/products",
    ):
        assert anonymous.get(path).status_code == 404, path


def test_another_buyers_key_is_another_key(callers):
    product = callers["admin"].product()
    first = callers["buyer"].order(product, key="shared").json()
    second = callers["stranger"].order(product, key="shared")
    assert second.json()["id"] != first["id"] and "Idempotency-Replayed" not in second.headers
