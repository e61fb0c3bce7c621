"""What operators do: orders, accounts, sales, the audit log."""

import concurrent.futures
import csv
import io
import time

import pytest
from client import PASSWORD, Client, admin, moment, sign_in, sign_up
from market_server import PATIENCE, run

pytestmark = pytest.mark.books


def until(get, wanted, seconds=10.0):
    deadline = time.monotonic() + seconds * PATIENCE
    while not wanted(found := get()):
        assert time.monotonic() < deadline, found
        time.sleep(0.03)
    return found


@pytest.fixture
def shop(start):
    """A shop of one test; in the end its books are right."""
    server = start()
    yield server
    server.stop()
    checked = run("check", "--data", server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def paid_order(buyer, product):
    order = buyer.order(product).json()
    return buyer.pay(order).json()


def advance(chief, order, state, expect=200):
    return chief.post(f"/admin/orders/{order['id']}/advance", {"state": state}, expect=expect)


def test_an_order_is_taken_step_by_step(shop):
    chief, buyer = admin(shop.url), sign_up(shop.url)
    product = chief.product()
    order = buyer.order(product).json()
    for state in ("preparing", "shipped", "delivered", "return_requested", "returned"):
        advance(chief, order, state, (409, "order_not_movable"))
    buyer.pay(order)
    for state in ("preparing", "shipped", "delivered", "return_requested"):
        for later in ("returned",):
            advance(chief, order, later, (409, "order_not_movable"))
        moved = advance(chief, order, state).json()
        assert moved["state"] == state and moved["userId"] == buyer.user["id"]
        advance(chief, order, state)  # Once more is fine.
    assert chief.stock(product)["remaining"] == 9
    advance(chief, order, "returned")
    assert chief.stock(product)["remaining"] == 10
    until(lambda: buyer.get(f"/orders/{order['id']}").json(), lambda o: o["payment"]["state"] == "refunded")
    states = [each["state"] for each in chief.get(f"/admin/orders/{order['id']}").json()["history"]]
    assert states == [
        "accepted",
        "paid",
        "preparing",
        "shipped",
        "delivered",
        "return_requested",
        "returned",
    ]
    for wrong in ("accepted", "paid", "expired", "cancelled", "", "x", None, 1):
        advance(chief, order, wrong, 422)


def test_sixty_operators_at_once_take_one_step(shop):
    chief, buyer = admin(shop.url), sign_up(shop.url)
    order = paid_order(buyer, chief.product())

    def step(_):
        caller = Client(shop.url, chief.token)
        return caller.post(f"/admin/orders/{order['id']}/advance", {"state": "preparing"})

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert {answer.status_code for answer in pool.map(step, range(60))} == {200}
    history = buyer.get(f"/orders/{order['id']}").json()["history"]
    assert [each["state"] for each in history] == ["accepted", "paid", "preparing"]


def test_an_operator_cancels_with_refund(shop):
    chief, buyer = admin(shop.url), sign_up(shop.url)
    product = chief.product(stock=1)
    order = paid_order(buyer, product)
    path = f"/admin/orders/{order['id']}/cancel"
    assert chief.post(path, expect=200).json()["state"] == "cancelled"
    chief.post(path, expect=(409, "order_not_cancellable"))
    until(lambda: buyer.get(f"/orders/{order['id']}").json(), lambda o: o["payment"]["state"] == "refunded")
    sign_up(shop.url).order(product)


def test_orders_are_found(shop):
    chief, kim, lee = admin(shop.url), sign_up(shop.url), sign_up(shop.url)
    bag, cap = chief.product(name="=Bag"), chief.product(name="Cap")
    orders = [kim.order(bag).json(), lee.order(bag).json(), kim.order(cap).json()]
    kim.pay(orders[2])

    def ids(query):
        found, cursor = [], ""
        for _ in range(20):
            page = chief.get(f"/admin/orders?limit=1&{query}{cursor}", expect=200).json()
            found += [each["id"] for each in page["items"]]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"
        raise AssertionError("pages without end")

    until(lambda: ids(""), lambda found: len(found) == 3)
    newest = [each["id"] for each in reversed(orders)]
    assert ids("") == newest
    assert ids(f"productId={bag['id']}") == newest[1:]
    assert ids(f"userId={kim.user['id']}") == [newest[0], newest[2]]
    assert ids(f"userId={kim.user['id']}&productId={bag['id']}") == [newest[2]]
    assert ids("state=paid") == [newest[0]]
    assert ids("state=returned") == []
    for wrong in ("state=x", "userId=x", "productId='", "cursor=x", "limit=0", "unknown=1"):
        chief.get("/admin/orders?" + wrong, expect=422)
    chief.get("/admin/orders/0C3KQ2V8M0G00", expect=(404, "order_not_found"))
    report = chief.get(f"/admin/orders/report?productId={bag['id']}", expect=200).json()
    assert report["liveOrders"] == 2 and report["remaining"] == 8 and report["revenue"]["amount"] == 0
    report = chief.get(f"/admin/orders/report?productId={cap['id']}").json()
    assert report["states"]["paid"] == {"orders": 1, "units": 1} and report["revenue"]["amount"] == 15000
    assert report["firstOrderAt"] <= report["lastOrderAt"]
    steps = report["timeline"]["items"]
    assert sum(step["units"] - step["givenBack"] for step in steps) == report["liveUnits"]
    assert sum(step["paid"] for step in steps) == 1 and report["timeline"]["stepSeconds"] == 1
    assert {step["at"][-5:] for step in steps} == {".000Z"}
    rows = list(csv.DictReader(io.StringIO(chief.get("/admin/orders/export", expect=200).text)))
    assert [row["order_id"] for row in rows] == newest
    assert rows[2]["name"] == "'=Bag", "a spreadsheet must calculate nothing"


def test_accounts_are_found_and_locked(shop):
    chief, kim = admin(shop.url), sign_up(shop.url, email="Kim.Lock@market.example")
    [found] = chief.get("/admin/users?email=kim.lock@MARKET.example", expect=200).json()["items"]
    assert found["id"] == kim.user["id"] and found["lockedAt"] is None
    assert chief.get("/admin/users?email=kim", expect=200).json()["items"] == []
    path = f"/admin/users/{kim.user['id']}"
    assert chief.patch(path, {"locked": True}, expect=200).json()["lockedAt"]
    until(lambda: kim.get("/users/me").status_code, lambda status: status == 401, 3)
    credentials = {"email": "kim.lock@market.example", "password": PASSWORD}
    Client(shop.url).post("/sessions", credentials, expect=(401, "invalid_credentials"))
    Client(shop.url).post("/sessions/refresh", {"refreshToken": kim.refresh}, expect=(401, "session_revoked"))
    locked = chief.get("/admin/users?locked=true").json()["items"]
    assert [each["id"] for each in locked] == [kim.user["id"]]
    chief.patch(path, {"locked": False, "role": "seller"}, expect=200)
    tokens = Client(shop.url).post("/sessions", credentials, expect=201).json()
    assert tokens["user"]["role"] == "seller"
    chief.patch(f"/admin/users/{chief.user['id']}", {"locked": True}, expect=(403, "forbidden"))
    for wrong in ({"locked": "true"}, {"locked": None}, {"role": "god"}, {"email": "x@y.zz"}, {"id": ""}):
        chief.patch(path, wrong, expect=(422, "validation"))
    assert "passwordHash" not in chief.get("/admin/users").text


def test_a_sale_is_paused_and_goes_on(shop):
    chief, buyer = admin(shop.url), sign_up(shop.url)
    product = chief.product(stock=5)
    path = f"/admin/products/{product['id']}/sale"
    checks = chief.get(path + "/preflight", expect=200).json()
    assert checks["ready"] and not all(each["ok"] for each in checks["checks"])
    buyer.order(product)
    assert chief.post(path + "/pause", expect=200).json()["sale"]["state"] == "closed"
    buyer.order(product, expect=(409, "sale_closed"))
    chief.post(path + "/pause", expect=(409, "sale_closed"))
    assert not chief.get(path + "/preflight").json()["ready"]
    chief.post(path + "/extend", {"closesAt": moment(-5)}, expect=(422, "validation"))
    chief.post(path + "/extend", {"closesAt": moment(3600)}, expect=200)
    buyer.order(product)
    chief.post(path + "/extend", {"closesAt": None}, expect=200)
    chief.post(path + "/extend", {}, expect=(422, "validation"))
    early = chief.product(sale={"opensAt": moment(3600)})
    chief.post(f"/admin/products/{early['id']}/sale/pause", expect=(409, "sale_not_open"))
    hidden = chief.product(name="Secret", publishAt=moment(3600))
    assert hidden["id"] in [p["id"] for p in chief.get("/admin/products?search=secret").json()["items"]]
    assert Client(shop.url).get("/products?search=secret").json()["items"] == []


def test_everything_is_written_down(shop):
    chief, seller_account = admin(shop.url), sign_up(shop.url)
    chief.patch(f"/admin/users/{seller_account.user['id']}", {"role": "seller"}, expect=200)
    from client import sign_in

    seller = sign_in(shop.url, seller_account.user["email"], PASSWORD)
    product = seller.product(name="Mine")
    seller.patch(f"/products/{product['id']}", {"name": ""}, expect=422)
    seller.post(f"/products/{product['id']}/stock", {"delta": 5, "reason": "\u202edelivery\n"}, expect=200)
    seller_account_order = sign_up(shop.url).order(product).json()
    chief.post(f"/admin/orders/{seller_account_order['id']}/cancel", expect=200)
    entries = chief.get("/admin/audit?limit=100", expect=200).json()["items"]
    found = [(e["action"], e["actorId"], e["status"]) for e in entries]
    assert ("POST /api/v1/products", seller.user["id"], 201) in found
    assert ("PATCH /api/v1/products/{id}", seller.user["id"], 422) in found
    assert ("POST /api/v1/admin/orders/{id}/cancel", chief.user["id"], 200) in found
    assert ("PATCH /api/v1/admin/users/{id}", chief.user["id"], 200) in found
    own = chief.get(f"/admin/audit?actorId={seller.user['id']}&limit=2", expect=200).json()
    assert len(own["items"]) == 2 and own["nextCursor"]
    assert all(e["actorId"] == seller.user["id"] for e in own["items"])
    subjects = [e["subject"] for e in entries if e["action"].startswith("PATCH /api/v1/products")]
    assert subjects == [product["id"]]
    details = {e["action"]: e["detail"] for e in entries}
    assert details["PATCH /api/v1/products/{id}"] == "", "refused: nothing has happened"
    assert '"delta"' in details["POST /api/v1/products/{id}/stock"]


def test_no_address_of_a_webhook_is_written_down(shop):
    chief = admin(shop.url)
    hook = {"url": "https://hooks.example/T0/s3cret", "events": []}
    made = chief.post("/admin/webhooks", hook, expect=201).json()
    chief.patch(f"/admin/webhooks/{made['id']}", {"url": "https://hooks.example/s3cret2"}, expect=200)
    entries = chief.get("/admin/audit", expect=200).json()["items"]
    told = [e for e in entries if "webhooks" in e["action"]]
    assert [e["status"] for e in told] == [200, 201] and "s3cret" not in str(entries)


def test_buyers_write_nothing_down(shop):
    chief, buyer = admin(shop.url), sign_up(shop.url)
    product = chief.product()
    buyer.patch(f"/products/{product['id']}", {"name": "x"}, expect=403)
    Client(shop.url).post(f"/admin/orders/{product['id']}/cancel", expect=401)
    entries = chief.get("/admin/audit").json()["items"]
    assert {e["actorId"] for e in entries} == {chief.user["id"]}


def test_sellers_list_their_own(shop):
    """Public or not, found by words, page by page; nobody else's, and none that was taken from the shop."""
    chief, one, other = admin(shop.url), sign_up(shop.url), sign_up(shop.url)
    for each in (one, other):
        chief.patch(f"/users/{each.user['id']}", {"role": "seller"}, expect=200)
    one, other = (sign_in(shop.url, each.user["email"], PASSWORD) for each in (one, other))
    chief.product(name="Of the house")
    other.product(name="Of another")
    made = [one.product(name=f"Bag {number}", publishAt=moment(3600 * number)) for number in range(3)]
    gone = one.product(name="Bag gone")
    one.delete(f"/products/{gone['id']}", expect=204)
    seen, cursor = [], None
    while not seen or cursor:
        page = one.get("/seller/products", params={"limit": 2, "cursor": cursor}, expect=200).json()
        seen, cursor = seen + [each["name"] for each in page["items"]], page["nextCursor"]
    assert seen == [each["name"] for each in reversed(made)]
    found = one.get("/seller/products?search=bag%201", expect=200).json()["items"]
    assert [each["name"] for each in found] == ["Bag 1"]
    assert [each["name"] for each in other.get("/seller/products").json()["items"]] == ["Of another"]


def test_search_and_categories(shop):
    chief, anybody = admin(shop.url), Client(shop.url)
    chief.product(name="한정판 가방", category="가방")
    chief.product(name="Café Concert", category="음악", description="in Seoul")
    chief.product(name="Secret", category="비밀", publishAt=moment(3600))

    def names(**query):
        return [p["name"] for p in anybody.get("/products", params=query, expect=200).json()["items"]]

    for query in ("ㅎㅈㅍ", "ㄱㅂ", "가바", "가방 한정판", "\u1100\u1161\u1107\u1161\u11bc"):
        assert names(search=query) == ["한정판 가방"], query
    for query in ("CAFÉ", "cafe", "concret", "concert café", "SEOUL"):
        assert names(search=query) == ["Café Concert"], query
    for query in ("ㅂㅁ", "secret", "비밀", "%", "_", "' OR 1=1 --", "*"):
        assert names(search=query) == [], query
    assert names(search="ㄱㅂ", category="음악") == []
    found = anybody.get("/categories", expect=200).json()["items"]
    assert found == [{"name": "가방", "products": 1}, {"name": "음악", "products": 1}]
    anybody.get("/categories?x=1", expect=422)
    first = anybody.get("/categories?limit=1", expect=200).json()
    then = anybody.get("/categories", params={"limit": 1, "cursor": first["nextCursor"]}, expect=200).json()
    assert first["items"] + then["items"] == found and then["nextCursor"] is None
