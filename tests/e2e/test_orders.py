"""Buying, paying, cancelling, expiring; the limits of a sale; request keys."""

import concurrent.futures
import time
import uuid

import client
import pytest
from client import moment
from market_server import PATIENCE

pytestmark = pytest.mark.books


def test_buys_pays_and_sees_the_order(admin, buyer):
    product = admin.product(stock=3)
    answer = buyer.order(product, 2)
    order = answer.json()
    assert answer.headers["Location"] == "/api/v1/orders/" + order["id"]
    assert order["state"] == "accepted" and order["payment"]["state"] == "none"
    assert order["total"] == {"amount": 30000, "currency": "KRW"}
    assert order["items"][0]["ticket"] == 1 and order["items"][0]["name"] == product["name"]
    assert buyer.get("/orders/" + order["id"], expect=200).json() == order
    assert admin.stock(product)["remaining"] == 1
    paid = buyer.pay(order).json()
    assert paid["state"] == "paid" and paid["payment"]["state"] == "paid"
    assert [change["state"] for change in paid["history"]] == ["accepted", "paid"]
    assert buyer.pay(order, expect=200).json() == paid, "paying again after success answers the paid order"


def test_regular_products_have_no_ticket(admin, buyer):
    product = admin.product(kind="regular", sale=None)
    assert buyer.order(product).json()["items"][0]["ticket"] is None


def test_opens_on_time_and_not_before(admin, buyer):
    opens_at = moment(1.5)
    product = admin.product(sale={"opensAt": opens_at})
    assert product["sale"]["state"] == "scheduled"
    refused = buyer.order(product, expect=(409, "sale_not_open"))
    assert refused.json()["opensAt"] == opens_at
    deadline = time.monotonic() + 5 * PATIENCE
    while (answer := buyer.order(product, expect=None)).status_code == 409 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert answer.status_code == 201 and answer.json()["createdAt"] >= opens_at


def test_closed_sale(admin, buyer):
    product = admin.product(sale={"opensAt": moment(-10), "closesAt": moment(-5)})
    buyer.order(product, expect=(409, "sale_closed"))
    assert admin.stock(product)["saleState"] == "closed"


def test_sold_out_insufficient_and_limit(admin, buyer, other):
    product = admin.product(stock=3, sale={"opensAt": moment(-10), "perUserLimit": 2})
    buyer.order(product, 3, expect=(409, "limit_exceeded"))
    buyer.order(product, 2)
    buyer.order(product, 1, expect=(409, "limit_exceeded"))
    other.order(product, 2, expect=(409, "insufficient_stock"))
    other.order(product, 1)
    other.order(product, 1, expect=(409, "sold_out"))
    assert admin.stock(product) | {"asOf": ""} == {
        "remaining": 0,
        "capacity": 3,
        "saleState": "sold_out",
        "paused": False,
        "asOf": "",
    }


def test_all_items_or_none(admin, buyer):
    full, empty = admin.product(stock=5), admin.product(stock=0)
    items = [{"productId": full["id"], "quantity": 1}, {"productId": empty["id"], "quantity": 1}]
    buyer.post("/orders", {"items": items}, expect=(409, "sold_out"))
    assert admin.stock(full)["remaining"] == 5


def test_unknown_product(buyer):
    buyer.order("0" * 13, expect=(404, "product_not_found"))
    buyer.order("no-such-thing", expect=(404, "product_not_found"))


def test_needs_a_token(admin, anonymous):
    anonymous.order(admin.product(), expect=(401, "unauthenticated"))


def test_wrong_bodies_name_the_member(admin, buyer):
    product = admin.product()["id"]
    for quantity in (0, -1, 1.5, "1", 1001, 10**9, 2**31, 2**63, None, [], True):
        answer = buyer.order(product, quantity, expect=(422, "validation"))
        assert answer.json()["errors"][0]["field"] == "items[0].quantity", quantity
    item = {"productId": product, "quantity": 1}
    for body in (
        {},
        {"items": []},
        {"items": [item] * 21},
        {"items": [item], "userId": "x"},
        {"items": [{**item, "price": 1}]},
        {"items": [{"quantity": 1}]},
        {"items": {}},
        [],
        "text",
        {"items": [item], "total": 0, "state": "paid"},
    ):
        buyer.post("/orders", body, expect=(422, "validation"))


def test_a_key_repeats_the_same_order(admin, buyer, other):
    product, key = admin.product(stock=5), str(uuid.uuid4())
    first = buyer.order(product, key=key)
    assert "Idempotency-Replayed" not in first.headers
    again = buyer.order(product, key=key)
    assert again.json() == first.json() and again.headers["Idempotency-Replayed"] == "true"
    buyer.order(product, 2, key=key, expect=(422, "idempotency_mismatch"))
    buyer.pay(first.json())
    assert buyer.order(product, key=key).json()["state"] == "paid"
    assert other.order(product, key=key).json()["id"] != first.json()["id"]
    assert admin.stock(product)["remaining"] == 3


def test_a_refusal_does_not_bind_the_key(admin, buyer):
    product, key = admin.product(stock=0), str(uuid.uuid4())
    buyer.order(product, key=key, expect=(409, "sold_out"))
    admin.post(f"/products/{product['id']}/stock", {"delta": 2, "reason": "more"}, expect=200)
    buyer.order(product, 2, key=key)


def test_bad_keys(admin, buyer):
    product = admin.product()
    for key in ("x" * 65, "with space", "tab\there"):
        buyer.order(product, key=key, expect=(422, "validation"))
    buyer.order(product, key="x" * 64)


def test_a_key_sent_twenty_times_at_once_buys_once(admin, buyer):
    product, key = admin.product(stock=50), str(uuid.uuid4())
    callers = [client.Client(buyer.url, buyer.token) for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda caller: caller.order(product, key=key), callers))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert admin.stock(product)["remaining"] == 49


def test_a_limit_holds_when_one_buyer_sends_many_at_once(admin, buyer):
    product = admin.product(stock=50, sale={"opensAt": moment(-1), "perUserLimit": 3})
    callers = [client.Client(buyer.url, buyer.token) for _ in range(40)]
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda caller: caller.order(product, expect=None), callers))
    assert sum(answer.status_code == 201 for answer in answers) == 3
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} == {"limit_exceeded"}


def test_an_unknown_token_is_no_declined_card(admin, buyer):
    order = buyer.order(admin.product()).json()
    buyer.pay(order, "bogus", expect=(422, "validation"))
    assert buyer.get("/orders/" + order["id"], expect=200).json()["payment"]["state"] == "none"
    buyer.pay(order, "declined", expect=(402, "payment_declined"))
    buyer.pay(order, "bogus", expect=(422, "validation"))
    assert buyer.get("/orders/" + order["id"], expect=200).json()["payment"]["state"] == "declined"


def test_declined_and_paid_later(admin, buyer):
    order = buyer.order(admin.product()).json()
    buyer.pay(order, "declined", expect=(402, "payment_declined"))
    declined = buyer.get("/orders/" + order["id"], expect=200).json()
    assert declined["state"] == "accepted" and declined["payment"]["state"] == "declined"
    assert declined["payBy"] == order["payBy"]
    assert buyer.pay(order).json()["state"] == "paid"


def test_cancel_returns_units_and_limit(admin, buyer):
    product = admin.product(stock=1, sale={"opensAt": moment(-1), "perUserLimit": 1})
    order = buyer.order(product).json()
    cancelled = buyer.post(f"/orders/{order['id']}/cancel", expect=200).json()
    assert cancelled["state"] == "cancelled" and admin.stock(product)["saleState"] == "open"
    buyer.post(f"/orders/{order['id']}/cancel", expect=(409, "order_not_cancellable"))
    buyer.pay(order, expect=(409, "order_not_payable"))
    again = buyer.order(product).json()
    assert again["items"][0]["ticket"] == 2
    buyer.pay(again)
    buyer.post(f"/orders/{again['id']}/cancel", expect=200)
    deadline = time.monotonic() + 5 * PATIENCE
    while time.monotonic() < deadline:
        state = buyer.get("/orders/" + again["id"], expect=200).json()["payment"]["state"]
        if state == "refunded":
            break
        assert state == "refunding"
        time.sleep(0.05)
    assert state == "refunded"


def test_another_users_order_is_not_there(admin, buyer, other):
    order = buyer.order(admin.product()).json()
    path = "/orders/" + order["id"]
    for caller in (other, admin):
        caller.get(path, expect=(404, "order_not_found"))
        caller.pay(order, expect=(404, "order_not_found"))
        caller.post(path + "/cancel", expect=(404, "order_not_found"))
        caller.post(path + "/return", {"reason": "mine now"}, expect=(404, "order_not_found"))
        caller.get(path + "/events", expect=(404, "order_not_found"))
        assert order["id"] not in [each["id"] for each in caller.get("/orders?limit=100").json()["items"]]
    buyer.get("/orders/not-an-id", expect=(404, "order_not_found"))


def test_cancel_takes_no_members(admin, buyer):
    path = f"/orders/{buyer.order(admin.product()).json()['id']}"
    for body, expect in (
        ("garbage", (400, "invalid_json")),
        ("\0", (400, "invalid_json")),
        ("[]", (422, "validation")),
        ('{"reason": "x"}', (422, "validation")),
    ):
        buyer.post(path + "/cancel", data=body, expect=expect)
        assert buyer.get(path).json()["state"] == "accepted", body
    buyer.post(path + "/cancel", data="{}", expect=200)


def test_not_returnable_before_delivery(admin, buyer):
    order = buyer.order(admin.product()).json()
    buyer.post(f"/orders/{order['id']}/return", {"reason": "too small"}, expect=(409, "order_not_returnable"))


def test_lists_newest_first_in_pages(admin, buyer):
    product = admin.product(stock=50)
    ids = [buyer.order(product).json()["id"] for _ in range(7)]
    buyer.post(f"/orders/{ids[3]}/cancel", expect=200)
    seen, cursor = [], ""
    while True:
        page = buyer.get("/orders?limit=3" + (f"&cursor={cursor}" if cursor else ""), expect=200).json()
        seen += [order["id"] for order in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    only = buyer.get("/orders?state=cancelled", expect=200).json()["items"]
    assert [order["id"] for order in only] == [ids[3]]
    for query in ("limit=0", "limit=101", "limit=x", "state=gone", "cursor=%21%21"):
        buyer.get("/orders?" + query, expect=(422, "validation"))


def test_expires_and_its_unit_comes_back(start):
    server = start("orders.payment_window=2s")
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product(stock=1, sale={"opensAt": moment(-1), "perUserLimit": 1})
    order = buyer.order(product).json()
    assert seller.stock(product)["saleState"] == "sold_out"
    deadline = time.monotonic() + 7 * PATIENCE
    while buyer.get("/orders/" + order["id"], expect=200).json()["state"] != "expired":
        assert time.monotonic() < deadline, "the order did not expire"
        time.sleep(0.05)
    assert seller.stock(product)["remaining"] == 1 and seller.stock(product)["saleState"] == "open"
    buyer.pay(order, expect=(409, "order_not_payable"))
    buyer.order(product)


def test_orders_keys_and_stock_survive_a_restart(start, tmp_path):
    first = start()
    seller, buyer = client.admin(first.url), client.sign_up(first.url)
    product, key = seller.product(stock=4), str(uuid.uuid4())
    open_order, paid = buyer.order(product, key=key).json(), buyer.order(product).json()
    paid = buyer.pay(paid).json()
    assert first.stop() == 0
    second = start(data=first.data)
    again = client.Client(second.url, buyer.token)
    assert again.get("/orders/" + paid["id"], expect=200).json() == paid
    assert again.get("/orders/" + open_order["id"], expect=200).json()["state"] == "accepted"
    replay = again.order(product, key=key)
    assert replay.json()["id"] == open_order["id"] and replay.headers["Idempotency-Replayed"] == "true"
    assert again.stock(product)["remaining"] == 2
    assert again.order(product).json()["items"][0]["ticket"] == 3
