"""Each step of an order, asked for by sixty at once, and by two who want different things at the same time:
one of them happens, once, and stock and money are right."""

import concurrent.futures
import itertools
import time

import pytest
from client import Client, admin, sign_up
from waiting import until

pytestmark = pytest.mark.books
WAY = ("accepted", "paid", "preparing", "shipped", "delivered", "return_requested", "returned")
STOCK = 5


class Order:
    """An order that was taken to a state, and who may take it further."""

    def __init__(self, server, state):
        self.server = server
        self.chief, self.buyer = admin(server.url), sign_up(server.url)
        sale = {"opensAt": "2020-01-01T00:00:00Z", "perUserLimit": 1}
        self.product = self.chief.product(stock=STOCK, sale=sale)
        self.id = self.buyer.order(self.product).json()["id"]
        for step in WAY[1 : WAY.index(state) + 1]:
            self.ask(step, expect=200)

    def ask(self, step, **more):
        """Has the order take a step, as whoever does so: from a connection of its own."""
        buyer, chief = Client(self.server.url, self.buyer.token), Client(self.server.url, self.chief.token)
        if step == "paid":
            return buyer.post(f"/orders/{self.id}/payment", {"method": "card", "token": "ok"}, **more)
        if step == "cancelled":
            return buyer.post(f"/orders/{self.id}/cancel", **more)
        if step == "return_requested":
            return buyer.post(f"/orders/{self.id}/return", {"reason": "small"}, **more)
        if step == "refunded":
            return chief.post(f"/admin/orders/{self.id}/refund", {"reason": "lost"}, **more)
        if step == "cancelled by an operator":
            return chief.post(f"/admin/orders/{self.id}/cancel", **more)
        return chief.post(f"/admin/orders/{self.id}/advance", {"state": step}, **more)

    def now(self):
        return self.buyer.get(f"/orders/{self.id}", expect=200).json()

    def states(self):
        return [each["state"] for each in self.now()["history"]]

    def remaining(self):
        return self.chief.stock(self.product)["remaining"]

    def settled(self):
        """When no payment and no refund is under way."""
        return until(lambda: (o := self.now())["payment"]["state"] not in ("pending", "refunding") and o)


def at_once(asks, threads=20):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(ask) for ask in asks]
        return [future.result() for future in futures]


@pytest.mark.parametrize("step", [*WAY[1:], "cancelled", "refunded"])
def test_sixty_at_once_take_one_step(start, step):
    before = {"cancelled": "paid", "refunded": "delivered"}.get(step) or WAY[WAY.index(step) - 1]
    order = Order(start(), before)
    answers = at_once([lambda: order.ask(step)] * 60)
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {200, 202, 409} and 200 in codes, codes
    if step == "cancelled":
        assert codes.count(200) == 1, codes
    done = order.settled()
    wanted = list(WAY[: WAY.index(before) + 1]) + ([] if step == "refunded" else [step])
    assert order.states() == wanted
    gone_back = step in ("cancelled", "refunded", "returned")
    assert done["payment"]["state"] == ("refunded" if gone_back else "paid")
    assert order.remaining() == (STOCK if step in ("cancelled", "returned") else STOCK - 1)


RACES = [
    ("accepted", "paid", "cancelled"),
    ("paid", "preparing", "cancelled"),
    ("preparing", "shipped", "cancelled"),
    ("preparing", "shipped", "cancelled by an operator"),
    ("shipped", "delivered", "refunded"),
    ("delivered", "return_requested", "refunded"),
    ("return_requested", "returned", "refunded"),
]


@pytest.mark.parametrize(("state", "one", "other"), RACES)
def test_of_two_steps_one_comes_first(start, state, one, other):
    """Whoever is first: the history is legal, units are held or free, and the money is paid or gone back."""
    server = start()
    for _ in range(4):
        order = Order(server, state)
        asks = [lambda step=step, order=order: order.ask(step) for step in (one, other)]
        answers = at_once(list(itertools.chain(*[asks] * 6)), 12)
        assert {answer.status_code for answer in answers} <= {200, 202, 409}, [a.text for a in answers]
        done, states = order.settled(), order.states()
        legal = list(WAY[: WAY.index(states[-1]) + 1]) if states[-1] != "cancelled" else None
        assert legal is None or states == legal, states
        free = states[-1] in ("cancelled", "returned")
        assert order.remaining() == (STOCK if free else STOCK - 1), states
        was_paid = "paid" in states
        gone_back = states[-1] in ("cancelled", "returned") or other == "refunded" and was_paid
        if other == "refunded":
            # It is legal before and after the other step; and what came back first is refunded by that.
            assert done["payment"]["state"] == "refunded", done
        elif was_paid:
            assert done["payment"]["state"] == ("refunded" if gone_back else "paid"), done
        else:
            assert done["payment"]["state"] in ("none", "declined"), done
        # Whether the limit of one is free again: after a cancel, and after nothing else.
        again = 201 if states[-1] == "cancelled" else (409, "limit_exceeded")
        order.buyer.order(order.product, expect=again)


def test_paying_races_with_the_end_of_its_time(start):
    """Late money takes the units again, or goes back: it is never kept for an order that has ended."""
    server = start("orders.payment_window=700ms")
    chief = admin(server.url)
    product = chief.product(stock=12)
    buyers = [sign_up(server.url) for _ in range(12)]
    orders = [buyer.order(product).json() for buyer in buyers]

    def pay(number):
        # From well before the end to behind it.
        time.sleep(0.5 + number * 0.04)
        caller = Client(server.url, buyers[number].token)
        return caller.post(f"/orders/{orders[number]['id']}/payment", {"method": "card", "token": "ok"})

    codes = [answer.status_code for answer in at_once([lambda n=n: pay(n) for n in range(12)], 12)]
    assert set(codes) <= {200, 202, 409}, codes

    def ended():
        found = [b.get(f"/orders/{o['id']}").json() for b, o in zip(buyers, orders, strict=True)]
        over = all(o["state"] in ("paid", "expired") and o["payment"]["state"] != "pending" for o in found)
        return over and found

    found = until(ended)
    paid = sum(order["state"] == "paid" for order in found)
    assert chief.stock(product)["remaining"] == 12 - paid
    for order in found:
        kept = order["payment"]["state"] == "paid"
        assert kept == (order["state"] == "paid"), order
