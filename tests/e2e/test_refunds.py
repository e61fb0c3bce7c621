"""Money that operators give back, pauses, and what a report says of both."""

import concurrent.futures
import time

import pytest
from client import Client, admin, moment, sign_up
from market_server import run
from waiting import until

pytestmark = pytest.mark.books


def advance(chief, order, state, expect=200):
    return chief.post(f"/admin/orders/{order['id']}/advance", {"state": state}, expect=expect)


def paid_order(buyer, product):
    order = buyer.order(product).json()
    return buyer.pay(order).json()


def order_of(buyer, order):
    return buyer.get(f"/orders/{order['id']}", expect=200).json()


def charged(server):
    """What the provider's book has taken and not given back: orders minus refunds."""
    checked = run("check", "--data", server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "what orders have paid was charged" in checked.stdout


def test_a_shipped_order_is_refunded_once(start):
    server = start()
    chief, buyer = admin(server.url), sign_up(server.url)
    product = chief.product(stock=2)
    order, other = buyer.order(product).json(), buyer.order(product).json()
    path, reason = f"/admin/orders/{order['id']}/refund", {"reason": "lost on its way, <b>twice</b>"}
    chief.post(path, reason, expect=(409, "order_not_refundable"))
    buyer.pay(order)
    buyer.pay(other)
    for state in ("preparing", "shipped"):
        chief.post(path, reason, expect=(409, "order_not_refundable"))
        advance(chief, order, state)
    for wrong in ({}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "x", "amount": 1}):
        chief.post(path, wrong, expect=(422, "validation"))
    buyer.post(path, reason, expect=(403, "forbidden"))
    chief.post("/admin/orders/0C3KQ2V8M0G00/refund", reason, expect=(404, "order_not_found"))
    refunded = chief.post(path, reason, expect=200).json()
    assert refunded["state"] == "shipped" and refunded["payment"]["state"] in ("refunding", "refunded")
    until(lambda: (o := order_of(buyer, order)) and (o["payment"]["state"] == "refunded") and o)
    # Twice is fine, and the money goes back once. Nothing can owe it again.
    assert chief.post(path, reason, expect=200).json()["payment"]["state"] == "refunded"
    for state in ("delivered", "return_requested", "returned"):
        advance(chief, order, state, (409, "order_not_movable"))
    buyer.post(f"/orders/{order['id']}/return", {"reason": "x"}, expect=(409, "order_not_returnable"))
    buyer.post(f"/orders/{order['id']}/cancel", expect=(409, "order_not_cancellable"))
    chief.post(f"/admin/orders/{order['id']}/cancel", expect=(409, "order_not_cancellable"))
    assert chief.stock(product)["remaining"] == 0, "the unit is with the buyer"
    path = f"/admin/orders/report?productId={product['id']}"
    report = until(lambda: (r := chief.get(path).json())["refunded"]["amount"] == 15000 and r)
    assert report["revenue"]["amount"] == 15000, "the other order's"
    log = chief.get("/admin/audit").json()["items"]
    assert any(e["action"].endswith("/refund") and "lost on its way" in e["detail"] for e in log)
    assert server.stop() == 0
    charged(server)


def test_a_refund_races_with_the_return_that_would_refund_too(start):
    """Whichever comes first: the money goes back once."""
    server = start()
    chief = admin(server.url)
    product = chief.product(stock=8)
    orders = []
    for _ in range(8):
        buyer = sign_up(server.url)
        orders.append((buyer, paid_order(buyer, product)))
    for _, order in orders:
        for state in ("preparing", "shipped", "delivered", "return_requested"):
            advance(chief, order, state)

    def race(number):
        caller, (_, order) = Client(server.url, chief.token), orders[number // 8]
        if number % 2:
            return caller.post(f"/admin/orders/{order['id']}/refund", {"reason": "race"})
        return caller.post(f"/admin/orders/{order['id']}/advance", {"state": "returned"})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(race, range(64)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    for buyer, order in orders:
        until(
            lambda buyer=buyer, order=order: (o := order_of(buyer, order))["payment"]["state"] == "refunded"
            and o["state"] in ("returned", "return_requested")
        )
    assert server.stop() == 0
    charged(server)


def test_sixty_refunds_at_once_are_one(start):
    server = start()
    chief, buyer = admin(server.url), sign_up(server.url)
    order = paid_order(buyer, chief.product())
    for state in ("preparing", "shipped"):
        advance(chief, order, state)

    def refund(_):
        return Client(server.url, chief.token).post(f"/admin/orders/{order['id']}/refund", {"reason": "lost"})

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert {answer.status_code for answer in pool.map(refund, range(60))} == {200}
    until(lambda: (o := order_of(buyer, order)) and (o["payment"]["state"] == "refunded") and o)
    assert server.stop() == 0
    charged(server)


def test_a_refunded_order_stays_where_it_is_when_its_day_comes(start):
    server = start("orders.day=1s")
    chief, buyer = admin(server.url), sign_up(server.url)
    product = chief.product()
    order, other = paid_order(buyer, product), paid_order(buyer, product)
    shipped = until(lambda: (o := order_of(buyer, order)) and (o["state"] == "shipped") and o)
    answer = chief.post(f"/admin/orders/{shipped['id']}/refund", {"reason": "lost"}, expect=200)
    state = answer.json()["state"]  # Shipped, or delivered in this very moment.
    until(lambda: (o := order_of(buyer, other)) and (o["state"] == "delivered") and o)
    time.sleep(1.5)
    assert buyer.get(f"/orders/{order['id']}").json()["state"] == state
    assert server.stop() == 0
    charged(server)


def test_a_pause_is_no_end(start):
    shop = start()
    chief, buyer = admin(shop.url), sign_up(shop.url)
    ends = moment(3600)
    product = chief.product(sale={"opensAt": moment(-60), "closesAt": ends})
    path = f"/admin/products/{product['id']}/sale"
    assert product["sale"]["paused"] is False and chief.stock(product)["paused"] is False
    sale = chief.post(path + "/pause", expect=200).json()["sale"]
    assert (sale["state"], sale["paused"], sale["closesAt"]) == ("closed", True, ends)
    stock = buyer.stock(product)
    assert (stock["remaining"], stock["saleState"], stock["paused"]) == (10, "closed", True)
    assert "paused" in buyer.order(product, expect=(409, "sale_closed")).json()["detail"]
    # Other changes of the sale leave it paused, by whomever.
    patched = chief.patch(f"/products/{product['id']}", {"sale": {"opensAt": moment(-60), "closesAt": ends}})
    assert patched.json()["sale"]["paused"] is True
    for wrong in ("yes", 1, None, []):
        body = {"sale": {"opensAt": moment(-60), "paused": wrong}}
        chief.patch(f"/products/{product['id']}", body, expect=(422, "validation"))
    gone_on = chief.post(path + "/extend", {"closesAt": ends}, expect=200).json()["sale"]
    assert (gone_on["state"], gone_on["paused"], gone_on["closesAt"]) == ("open", False, ends)
    buyer.order(product)
    # A seller has the same switch in the product itself.
    body = {"sale": {"opensAt": moment(-60), "closesAt": ends, "paused": True}}
    assert chief.patch(f"/products/{product['id']}", body, expect=200).json()["sale"]["state"] == "closed"


def test_a_paused_sale_is_paused_after_a_restart(start):
    server = start()
    chief = admin(server.url)
    product = chief.product()
    chief.post(f"/admin/products/{product['id']}/sale/pause", expect=200)
    assert server.stop() == 0
    server.start()
    buyer = sign_up(server.url)
    assert buyer.get(f"/products/{product['id']}").json()["sale"]["paused"] is True
    buyer.order(product, expect=(409, "sale_closed"))
    assert server.stop() == 0
    charged(server)


def test_the_report_tells_who_was_refused_and_why(start):
    server = start()
    chief = admin(server.url)
    product = chief.product(stock=1, sale={"opensAt": moment(-60), "perUserLimit": 1})
    early = chief.product(sale={"opensAt": moment(3600)})
    first = sign_up(server.url)
    first.order(product)
    first.order(product, expect=(409, "sold_out"))
    chief.post(f"/products/{product['id']}/stock", {"delta": 1, "reason": "more"}, expect=200)
    first.order(product, expect=(409, "limit_exceeded"))
    other = sign_up(server.url)
    other.order(early, expect=(409, "sale_not_open"))
    other.order("0C3KQ2V8M0G00", expect=(404, "product_not_found"))

    def refusals(of):
        return chief.get(f"/admin/orders/report?productId={of['id']}", expect=200).json()["refusals"]

    found = until(lambda: sum((r := refusals(product))["reasons"].values()) == 2 and r)
    assert found["reasons"] == {"sold_out": 1, "limit_exceeded": 1} and found["stepSeconds"] == 1
    assert sum(sum(item["reasons"].values()) for item in found["items"]) == 2
    assert until(lambda: refusals(early)["reasons"]) == {"sale_not_open": 1}
    # What was refused in the last moment before a stop is written down by it, and is there afterwards.
    other.order(early, expect=(409, "sale_not_open"))
    assert server.stop() == 0
    server.start()
    chief = admin(server.url)
    assert refusals(early)["reasons"] == {"sale_not_open": 2}
    assert refusals(product)["reasons"] == {"sold_out": 1, "limit_exceeded": 1}
    assert server.stop() == 0
    charged(server)


def test_sixty_reports_at_once_count_once(start):
    shop = start()
    chief = admin(shop.url)
    product = chief.product()

    def report(_):
        return Client(shop.url, chief.token).get(f"/admin/orders/report?productId={product['id']}")

    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(report, range(60)))
    assert {answer.status_code for answer in answers} == {200}
