"""The whole life of an order (API.md, States), with a day of seconds."""

import concurrent.futures
import time

import pytest
from client import Client, admin, sign_up
from market_server import PATIENCE, run

pytestmark = pytest.mark.books

DAY = 1.5


def settled(get, wanted, seconds=10.0):
    """The first answer whose state is `wanted`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while (order := get())["state"] != wanted:
        assert time.monotonic() < deadline, f"{order['state']} instead of {wanted}: {order['history']}"
        time.sleep(0.03)
    return order


@pytest.fixture
def shop(start):
    """A shop with short days; in the end its books are right."""
    server = start(f"orders.day={int(DAY * 1000)}ms")
    yield server
    server.stop()
    checked = run("check", "--data", server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def bought(server, **members):
    chief, buyer = admin(server.url), sign_up(server.url)
    product = chief.product(**members)
    order = buyer.order(product).json()
    buyer.pay(order)
    return chief, buyer, product, f"/orders/{order['id']}"


def test_paid_to_returned(shop):
    chief, buyer, product, path = bought(shop)

    def get():
        return buyer.get(path, expect=200).json()

    delivered = settled(get, "delivered")
    assert [each["state"] for each in delivered["history"]] == [
        "accepted",
        "paid",
        "preparing",
        "shipped",
        "delivered",
    ]
    buyer.post(path + "/cancel", expect=(409, "order_not_cancellable"))
    returned = buyer.post(path + "/return", {"reason": "너무 작아요"}, expect=200).json()
    assert returned["state"] == "return_requested"
    buyer.post(path + "/return", {"reason": "again"}, expect=200)
    assert chief.stock(product)["remaining"] == 9, "units come back a day later"
    order = settled(get, "returned")
    assert chief.stock(product)["remaining"] == 10
    deadline = time.monotonic() + 5 * PATIENCE
    while get()["payment"]["state"] != "refunded":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    buyer.post(path + "/return", {"reason": "again"}, expect=(409, "order_not_returnable"))
    times = [each["at"] for each in order["history"]]
    assert times == sorted(times)


def test_a_return_comes_too_late(shop):
    _, buyer, product, path = bought(shop)
    settled(lambda: buyer.get(path).json(), "delivered")
    time.sleep(DAY + 0.1)
    buyer.post(path + "/return", {"reason": "late"}, expect=(409, "order_not_returnable"))
    assert buyer.get(path).json()["state"] == "delivered"


def test_sixty_returns_at_once_are_one(shop):
    chief, buyer, product, path = bought(shop, stock=3)
    settled(lambda: buyer.get(path).json(), "delivered")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        statuses = list(
            pool.map(
                lambda _: Client(buyer.url, buyer.token)
                .post(path + "/return", {"reason": "small"})
                .status_code,
                range(60),
            )
        )
    assert set(statuses) == {200}
    order = settled(lambda: buyer.get(path).json(), "returned")
    assert [each["state"] for each in order["history"]].count("return_requested") == 1
    assert chief.stock(product)["remaining"] == 3, "units come back once"


def test_a_cancel_races_with_shipping(shop):
    chief, buyer = admin(shop.url), sign_up(shop.url)
    product = chief.product(stock=12)
    paths = []
    for _ in range(12):
        order = buyer.order(product).json()
        buyer.pay(order)
        paths.append(f"/orders/{order['id']}")
    time.sleep(DAY * 0.9)

    def cancel(path):
        caller = Client(buyer.url, buyer.token)
        for _ in range(40):
            status = caller.post(path + "/cancel").status_code
            if status == 409:
                return "shipped"
            time.sleep(0.02)
            if caller.get(path).json()["state"] == "cancelled":
                return "cancelled"
        return "?"

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(cancel, paths))
    for path, outcome in zip(paths, outcomes, strict=True):
        states = [each["state"] for each in buyer.get(path).json()["history"]]
        assert ("cancelled" in states) != ("shipped" in states), states
    cancelled = sum(outcome == "cancelled" for outcome in outcomes)
    assert chief.stock(product)["remaining"] == cancelled


def test_another_buyers_order_is_not_there(shop):
    _, buyer, _, path = bought(shop)
    stranger = sign_up(shop.url)
    for method, body in (("return", {"reason": "mine"}), ("cancel", None)):
        stranger.post(f"{path}/{method}", body, expect=(404, "order_not_found"))
    settled(lambda: buyer.get(path).json(), "delivered")
    stranger.post(path + "/return", {"reason": "mine"}, expect=(404, "order_not_found"))


def test_days_pass_while_the_server_is_down(start, tmp_path):
    server = start(f"orders.day={int(DAY * 1000)}ms")
    chief, buyer, product, path = bought(server)
    server.kill()
    time.sleep(DAY)
    again = start(f"orders.day={int(DAY * 1000)}ms", data=server.data)
    buyer = Client(again.url, buyer.token)
    settled(lambda: buyer.get(path).json(), "delivered")
    buyer.post(path + "/return", {"reason": "small"}, expect=200)
    again.kill()
    last = start(f"orders.day={int(DAY * 1000)}ms", data=server.data)
    buyer = Client(last.url, buyer.token)
    settled(lambda: buyer.get(path).json(), "returned")
    assert Client(last.url).get(f"/products/{product['id']}/stock").json()["remaining"] == 10
    last.stop()
    assert run("check", "--data", server.data).returncode == 0


@pytest.mark.parametrize("reason", ["", " ", None, 1, "x" * 501, "\u0000", ["x"]])
def test_wrong_reasons(shop, reason):
    _, buyer, _, path = bought(shop)
    buyer.post(path + "/return", {"reason": reason}, expect=(422, "validation"))
