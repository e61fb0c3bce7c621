"""Every token of the test provider, also across a kill -9; what the order says meanwhile."""

import concurrent.futures
import time

import client
import pytest
from client import Client, moment
from market_server import run
from waiting import until

pytestmark = pytest.mark.books


def order_of(caller, order):
    return caller.get("/orders/" + order["id"], expect=200).json()


def ends_as(caller, order, state, payment, seconds=15.0):
    """Waits for the order's state and its payment's."""

    def reached():
        now = order_of(caller, order)
        return (now["state"], now["payment"]["state"]) == (state, payment) and now

    return until(reached, seconds, f"not {state}/{payment}: {order_of(caller, order)}")


def test_the_shape_of_an_order(admin, buyer):
    product, bag = admin.product(name="Seat", stock=9), admin.product(name="Bag", kind="regular", sale=None)
    items = [{"productId": product["id"], "quantity": 2}, {"productId": bag["id"], "quantity": 3}]
    order = buyer.post("/orders", {"items": items}, expect=201).json()
    price = {"amount": 15000, "currency": "KRW"}
    assert order["items"] == [
        {"productId": product["id"], "name": "Seat", "quantity": 2, "unitPrice": price, "ticket": 1},
        {"productId": bag["id"], "name": "Bag", "quantity": 3, "unitPrice": price, "ticket": None},
    ]
    assert order["total"] == {"amount": 75000, "currency": "KRW"}
    assert order["payment"] == {"state": "none"}
    assert order["history"] == [{"state": "accepted", "at": order["createdAt"]}]
    assert order["createdAt"] == order["updatedAt"] < order["payBy"]


def test_an_order_has_one_currency(admin, buyer):
    won, dollar = admin.product(), admin.product(price={"amount": 5, "currency": "USD"})
    items = [{"productId": product["id"], "quantity": 1} for product in (won, dollar)]
    refused = buyer.post("/orders", {"items": items}, expect=(422, "validation"))
    assert refused.json()["errors"][0]["field"].startswith("items")
    twice = [{"productId": won["id"], "quantity": 1}] * 2
    buyer.post("/orders", {"items": twice}, expect=(422, "validation"))
    assert admin.stock(won)["remaining"] == 10


def test_wrong_payments(admin, buyer):
    order = buyer.order(admin.product()).json()
    path = f"/orders/{order['id']}/payment"
    for body in (
        {},
        {"method": "card"},
        {"token": "ok"},
        {"method": "cash", "token": "ok"},
        {"method": "card", "token": ""},
        {"method": "card", "token": "stolen"},
        {"method": "card", "token": 1},
        {"method": "card", "token": "x" * 201},
        {"method": "card", "token": "ok", "amount": 1},
        [],
        {"method": ["card"], "token": "ok"},
    ):
        buyer.post(path, body, expect=(422, "validation"))
    buyer.post(path, data=b"{", expect=(400, "invalid_json"))
    buyer.post(
        "/orders/" + "0" * 13 + "/payment", {"method": "card", "token": "ok"}, expect=(404, "order_not_found")
    )
    assert buyer.pay(order).json()["state"] == "paid"


def test_slow(admin, buyer):
    order = buyer.order(admin.product()).json()
    began = time.monotonic()
    answer = buyer.pay(order, "slow", expect=None)
    assert answer.status_code in (200, 202)
    if answer.status_code == 200:
        assert time.monotonic() - began >= 1.9 and answer.json()["state"] == "paid"
    ends_as(buyer, order, "paid", "paid")


def test_while_a_payment_is_under_way(admin, buyer):
    """No second charge, no cancelling between charge and answer."""
    order = buyer.order(admin.product()).json()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(Client(buyer.url, buyer.token).pay, order, "slow", None)
        until(lambda: order_of(buyer, order)["payment"]["state"] == "pending", 2)
        buyer.pay(order, expect=(409, "order_not_payable"))
        buyer.post(f"/orders/{order['id']}/cancel", expect=(409, "order_not_cancellable"))
        assert slow.result().status_code in (200, 202)
    ends_as(buyer, order, "paid", "paid")


def test_lost(admin, buyer):
    order = buyer.order(admin.product()).json()
    answer = buyer.pay(order, "lost", expect=202)
    assert answer.json()["payment"]["state"] == "pending" and answer.json()["id"] == order["id"]
    assert [each["state"] for each in ends_as(buyer, order, "paid", "paid")["history"]] == [
        "accepted",
        "paid",
    ]


def test_a_payment_that_was_settled_later_is_replayed(start):
    """The provider's answer was lost; what the resolver found out binds the key."""
    first = start()
    seller, buyer = client.admin(first.url), client.sign_up(first.url)
    product = seller.product()

    def pay(caller, order, token, expect, key="pay-1"):
        body, headers = {"method": "card", "token": token}, {"Idempotency-Key": key}
        return caller.post(f"/orders/{order['id']}/payment", body, headers=headers, expect=expect)

    order = buyer.order(product).json()
    assert pay(buyer, order, "lost", 202).json()["payment"]["state"] == "pending"
    paid = ends_as(buyer, order, "paid", "paid")
    for _ in range(3):
        again = pay(buyer, order, "lost", 200)
        assert again.headers["Idempotency-Replayed"] == "true" and again.json() == paid
    pay(buyer, order, "ok", (422, "idempotency_mismatch"))
    pay(buyer, buyer.order(product).json(), "lost", (422, "idempotency_mismatch"))
    stranger = client.sign_up(first.url)
    pay(stranger, order, "lost", (404, "order_not_found"))
    # One more whose settlement a restart has cut off from its request: its key is bound to nothing.
    other = buyer.order(product).json()
    pay(buyer, other, "lost", 202, "pay-2")
    first.kill()
    second = start(data=first.data)
    back = Client(second.url, buyer.token)
    paid = ends_as(back, other, "paid", "paid")
    again = pay(back, other, "lost", 200, "pay-2")
    assert "Idempotency-Replayed" not in again.headers and again.json() == paid
    pay(back, other, "ok", (409, "order_not_payable"), "pay-2")


def test_a_paid_order_answers_its_token_whatever_else_is_under_way(admin, buyer):
    order = buyer.order(admin.product()).json()
    buyer.pay(order)

    def pay(token):
        return [Client(buyer.url, buyer.token).pay(order, token, None).status_code for _ in range(20)]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        right, wrong = ([pool.submit(pay, token) for _ in range(2)] for token in ("ok", "slow"))
    assert {status for each in right for status in each.result()} == {200}
    assert {status for each in wrong for status in each.result()} == {409}


def test_a_key_that_paid_nothing_is_free(admin, buyer):
    order = buyer.order(admin.product()).json()
    path = f"/orders/{order['id']}/"

    def pay(key):
        headers = {"Idempotency-Key": key}
        return buyer.post(path + "payment", {"method": "card", "token": "ok"}, headers=headers, expect=200)

    assert "Idempotency-Replayed" not in pay("pay-a").headers
    assert "Idempotency-Replayed" not in pay("pay-b").headers
    assert pay("pay-a").headers["Idempotency-Replayed"] == "true"
    buyer.post(path + "cancel", headers={"Idempotency-Key": "pay-a"}, expect=(422, "idempotency_mismatch"))
    buyer.post(path + "cancel", headers={"Idempotency-Key": "pay-b"}, expect=200)


def test_twice(admin, buyer):
    order = buyer.order(admin.product()).json()
    assert buyer.pay(order, "twice").json()["state"] == "paid"
    assert buyer.pay(order, "twice").json()["state"] == "paid"  # Paid already: nothing is charged.
    cancelled = buyer.post(f"/orders/{order['id']}/cancel", expect=200).json()
    assert cancelled["state"] == "cancelled"
    ends_as(buyer, order, "cancelled", "refunded")


def test_paying_twice_at_once_charges_once(admin, buyer):
    order = buyer.order(admin.product()).json()
    callers = [Client(buyer.url, buyer.token) for _ in range(10)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda caller: caller.pay(order, expect=None), callers))
    paid = [answer for answer in answers if answer.status_code == 200]
    assert paid and {answer.json()["state"] for answer in paid} == {"paid"}
    assert {answer.json()["code"] for answer in answers if answer not in paid} <= {"order_not_payable"}
    cancelled = buyer.post(f"/orders/{order['id']}/cancel", expect=200).json()
    assert [each["state"] for each in cancelled["history"]] == ["accepted", "paid", "cancelled"]


@pytest.fixture
def hasty(start):
    """A payment window short enough to see late money."""
    return start("orders.payment_window=1s", "orders.attempt_bound=1s")


def test_late_money_takes_the_units_again(hasty):
    seller, buyer = client.admin(hasty.url), client.sign_up(hasty.url)
    product = seller.product(stock=2)
    order = buyer.order(product).json()
    buyer.pay(order, "late", expect=202)
    paid = ends_as(buyer, order, "paid", "paid")
    assert [each["state"] for each in paid["history"]] == ["accepted", "expired", "paid"]
    assert seller.stock(product)["remaining"] == 1
    assert paid["payBy"] == order["payBy"]


def test_late_money_without_units_goes_back(hasty):
    seller, buyer, quick = client.admin(hasty.url), client.sign_up(hasty.url), client.sign_up(hasty.url)
    product = seller.product(stock=1)
    order = buyer.order(product).json()
    buyer.pay(order, "late", expect=202)
    until(lambda: order_of(buyer, order)["state"] == "expired", 5)
    second = quick.order(product).json()
    quick.pay(second)
    ends_as(buyer, order, "expired", "refunded")
    assert order_of(quick, second)["state"] == "paid"


def test_money_under_way_survives_a_kill(start):
    """kill -9 between charge and answer: the log knows the attempt, the provider knows what became of it."""
    first = start("orders.payment_window=6s", "orders.attempt_bound=2s")
    seller, buyer = client.admin(first.url), client.sign_up(first.url)
    product = seller.product(stock=10)
    orders = {
        token: buyer.order(product, key=token).json() for token in ("lost", "slow", "ok", "none", "declined")
    }
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(Client(buyer.url, buyer.token).pay, orders["slow"], "slow", None)
        buyer.pay(orders["lost"], "lost", expect=202)
        buyer.pay(orders["ok"])
        buyer.pay(orders["declined"], "declined", expect=402)
        until(lambda: order_of(buyer, orders["slow"])["payment"]["state"] == "pending", 2)
        time.sleep(0.2)  # Until the provider has the charge.
        first.kill()
        with pytest.raises(Exception):
            slow.result()
    second = start("orders.payment_window=6s", "orders.attempt_bound=2s", data=first.data)
    again = Client(second.url, buyer.token)
    for token in ("lost", "slow", "ok"):
        ends_as(again, orders[token], "paid", "paid")
    replay = again.order(product, key="ok")
    assert replay.headers["Idempotency-Replayed"] == "true" and replay.json()["id"] == orders["ok"]["id"]
    ends_as(again, orders["none"], "expired", "none")
    ends_as(again, orders["declined"], "expired", "declined")
    assert again.stock(product)["remaining"] == 7
    assert second.stop() == 0
    checked = run("check", "--data", second.data)
    assert checked.returncode == 0 and ", 0 failed" in checked.stdout, checked.stdout


def test_an_order_that_expires_while_the_server_is_away(start):
    first = start("orders.payment_window=1s", "orders.restart_grace=0s")
    seller, buyer = client.admin(first.url), client.sign_up(first.url)
    product = seller.product(stock=1, sale={"opensAt": moment(-1), "perUserLimit": 1})
    order = buyer.order(product).json()
    first.kill()
    time.sleep(1.2)
    second = start("orders.payment_window=1s", "orders.restart_grace=0s", data=first.data)
    again = Client(second.url, buyer.token)
    ends_as(again, order, "expired", "none", 5)
    assert again.stock(product)["saleState"] == "open"
    again.order(product)
