"""What went wrong in real shops, each by its name: here it must not."""

import concurrent.futures
import time
import uuid

import pytest
from client import Client, admin, moment, sign_up
from market_server import run
from waiting import until

pytestmark = pytest.mark.books


def at_once(times, work):
    with concurrent.futures.ThreadPoolExecutor(min(times, 16)) as pool:
        return list(pool.map(work, range(times)))


def again(caller):
    """The same caller on a connection of its own."""
    return Client(caller.url, caller.token, caller.user)


def test_check_then_allocate(admin, market):
    """Two requests look at the stock, both see one unit, both take it."""
    product = admin.product(stock=1)
    buyers = [sign_up(market.url) for _ in range(12)]
    statuses = at_once(12, lambda i: buyers[i].order(product, expect=None).status_code)
    assert statuses.count(201) == 1 and statuses.count(409) == 11
    assert admin.stock(product)["remaining"] == 0


def test_an_own_hold_blocks_the_own_retry(admin, market):
    """The answer is lost, the buyer asks again, and is told that they are over their own limit."""
    buyer = sign_up(market.url)
    product = admin.product(stock=1, sale={"opensAt": moment(-60), "perUserLimit": 1})
    first = buyer.order(product, key="once").json()
    retry = buyer.order(product, key="once")
    assert retry.json()["id"] == first["id"] and retry.headers["Idempotency-Replayed"] == "true"
    buyer.order(product, key="twice", expect=(409, "sold_out"))


def test_an_earlier_copy_buys_after_a_later_one_was_refused(start):
    """A gateway sends an order again; the second copy is told no, and the first, which was late, buys."""
    server = start("http.trusted_proxies=127.0.0.1/32")
    product = admin(server.url).product(stock=9, sale={"opensAt": moment(-60), "perUserLimit": 1})

    def copy(buyer, number, request="0" * 31 + "1"):
        headers = {"Market-Request": f"{request};copy={number}", "Idempotency-Key": request}
        answer = buyer.post(
            "/orders", {"items": [{"productId": product["id"], "quantity": 1}]}, headers=headers
        )
        return answer.status_code, answer.json().get("code")

    buyer = sign_up(server.url)
    order = buyer.order(product).json()
    assert copy(buyer, 2) == (409, "limit_exceeded")
    buyer.post(f"/orders/{order['id']}/cancel", {}, expect=200)
    assert copy(buyer, 1) == (409, "limit_exceeded"), "the buyer was told no"
    assert copy(buyer, 1, "0" * 31 + "2")[0] == 201, "another request is free to buy"
    assert copy(sign_up(server.url), 1)[0] == 201, "and so is another buyer, whatever the bits"


def test_a_payment_that_is_begun_again_moves_the_expiry(start):
    """Each new try to pay pushes payBy further: units are held for ever without money."""
    server = start("orders.payment_window=1500ms", "orders.attempt_bound=300ms")
    chief, buyer = admin(server.url), sign_up(server.url)
    product = chief.product(stock=1)
    order = buyer.order(product).json()
    for _ in range(3):
        buyer.pay(order, "declined", expect=(402, "payment_declined"))
        assert buyer.get(f"/orders/{order['id']}").json()["payBy"] == order["payBy"]
        time.sleep(0.2)
    time.sleep(3)
    buyer.pay(order, expect=(409, "order_not_payable"))
    assert chief.stock(product)["remaining"] == 1


def test_stock_is_restored_twice(start):
    """A cancel and the expiry, or two cancels, both give the units back."""
    server = start("orders.payment_window=1s")
    chief, buyer = admin(server.url), sign_up(server.url)
    product = chief.product(stock=3)
    order = buyer.order(product, 2).json()
    at_once(20, lambda _: again(buyer).post(f"/orders/{order['id']}/cancel").status_code)
    assert chief.stock(product)["remaining"] == 3
    time.sleep(2)
    assert chief.stock(product)["remaining"] == 3
    server.stop()
    assert run("check", "--data", server.data).returncode == 0


def test_the_sold_out_flag_stays_after_a_cancel(admin, market):
    """The last unit comes back, and everybody is still told that there is none."""
    buyer, other = sign_up(market.url), sign_up(market.url)
    product = admin.product(stock=1)
    order = buyer.order(product).json()
    other.order(product, expect=(409, "sold_out"))
    assert admin.stock(product)["saleState"] == "sold_out"
    buyer.post(f"/orders/{order['id']}/cancel", expect=200)
    assert admin.stock(product)["saleState"] == "open"
    other.order(product)


def test_one_cart_holds_a_shops_stock(admin, market):
    """Putting things into carts takes them away from those who buy."""
    hoarder, buyer = sign_up(market.url), sign_up(market.url)
    product = admin.product(stock=5)
    hoarder.put(f"/cart/items/{product['id']}", {"quantity": 1000}, expect=200)
    assert admin.stock(product)["remaining"] == 5
    buyer.order(product, 5)


def test_a_key_used_five_times_at_once(admin, market):
    """A double click is five orders."""
    buyer = sign_up(market.url)
    product = admin.product(stock=50)
    key = uuid.uuid4().hex
    ids = at_once(5, lambda _: again(buyer).order(product, key=key).json()["id"])
    assert len(set(ids)) == 1 and admin.stock(product)["remaining"] == 49


def test_one_users_key_answers_another(admin, market):
    """Keys are looked up without their owner: a stranger's guess shows somebody's order."""
    one, two = sign_up(market.url), sign_up(market.url)
    product = admin.product()
    first = one.order(product, key="1").json()
    second = two.order(product, key="1")
    assert second.json()["id"] != first["id"] and "Idempotency-Replayed" not in second.headers
    two.get(f"/orders/{first['id']}", expect=(404, "order_not_found"))


def test_a_price_that_changes_in_the_cart(admin, market):
    """The cart's price is charged, or the order's changes with the product's."""
    buyer = sign_up(market.url)
    product = admin.product(kind="regular", sale=None)
    buyer.put(f"/cart/items/{product['id']}", {"quantity": 1}, expect=200)
    before = buyer.order(product).json()
    admin.patch(f"/products/{product['id']}", {"price": {"amount": 1, "currency": "KRW"}}, expect=200)
    after = buyer.order(product).json()
    assert (before["total"]["amount"], after["total"]["amount"]) == (15000, 1)
    assert buyer.get(f"/orders/{before['id']}").json()["total"]["amount"] == 15000


def test_a_refund_is_paid_twice(start):
    """The buyer cancels, the operator cancels, the server is killed meanwhile: the money goes back once."""
    server = start()
    chief, buyer = admin(server.url), sign_up(server.url)
    order = buyer.order(chief.product()).json()
    buyer.pay(order)

    def cancel(i):
        caller, path = ((buyer, ""), (chief, "/admin"))[i % 2]
        return again(caller).post(f"{path}/orders/{order['id']}/cancel").status_code

    statuses = at_once(20, cancel)
    assert statuses.count(200) == 1 and statuses.count(409) == 19
    server.kill()
    later = start(data=server.data)
    buyer = Client(later.url, buyer.token)
    for _ in range(200):
        if buyer.get(f"/orders/{order['id']}").json()["payment"]["state"] == "refunded":
            break
        time.sleep(0.05)
    assert buyer.get(f"/orders/{order['id']}").json()["payment"]["state"] == "refunded"
    later.stop()
    assert run("check", "--data", server.data).returncode == 0


def test_the_many_orders_of_one_buyer_hold_up_nobody(start, tmp_path):
    """Who looks through all of one's own orders, again and again, lets everybody else wait."""
    seeded = run("seed", "--data", tmp_path / "data", "--users", 1, "--products", 1, "--orders", 20_000,
                 "--tokens", tmp_path / "tokens")
    assert seeded.returncode == 0, seeded.stderr
    server = start(data=tmp_path / "data")
    many, product = Client(server.url, (tmp_path / "tokens").read_text().strip()), seeded.stdout.split()[1]
    until(lambda: "market_fold_lag_events 0" in many.get("//metrics").text, 30, "the records do not follow")
    pages, cursor = 0, ""
    while cursor is not None:
        page = many.get("/orders?state=paid" + cursor, expect=200).json()
        assert page["items"] == []
        pages, cursor = pages + 1, page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert pages == 10, "2,000 orders a page"
    assert len(many.get("/orders?state=expired&limit=100", expect=200).json()["items"]) == 100
    other = sign_up(server.url)
    order = other.order(product, key="mine").json()
    answers, ended = [], []

    def ask_on(caller):
        while not ended:
            answers.append(caller.get("/orders?state=paid").status_code)

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        for _ in range(40):
            pool.submit(ask_on, again(many))
        try:
            waits = []
            for _ in range(7):
                before = len(answers)
                assert other.get("/orders?state=accepted").json()["items"][0]["id"] == order["id"]
                assert other.order(product, key="mine").headers["Idempotency-Replayed"] == "true"
                waits.append(len(answers) - before)
        finally:
            ended.append(True)
    assert sorted(waits)[3] < 40, f"behind all who wait there would be 80 answers before the two: {waits}"
    assert server.stop() == 0


def test_the_currency_of_what_was_sold_changes(admin, market):
    """Its report adds up two currencies."""
    product = admin.product(stock=5, price={"amount": 15_000, "currency": "KRW"})
    dollars = {"price": {"amount": 2_000, "currency": "USD"}}
    admin.patch(f"/products/{product['id']}", dollars, expect=200)
    admin.patch(f"/products/{product['id']}", {"price": {"amount": 900, "currency": "KRW"}}, expect=200)
    buyer = sign_up(market.url)
    buyer.pay(buyer.order(product).json())
    refused = admin.patch(f"/products/{product['id']}", dollars, expect=(422, "validation")).json()
    assert [error["field"] for error in refused["errors"]] == ["price.currency"]
    admin.patch(f"/products/{product['id']}", {"price": {"amount": 800, "currency": "KRW"}}, expect=200)
