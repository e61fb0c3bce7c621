"""A store on the disk as a checker sees it, without a server: the log's events, the records and the payments.

The events come from `market dump`, the records and the payments from their SQLite files. The fold is
written here a second time, in Python: the product's own fold is what is to be checked.
"""

import collections
import dataclasses
import datetime
import json
import pathlib
import sqlite3

from market_server import run

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def id_text(number):
    """An id as clients see it."""
    text = ""
    for _ in range(13):
        text = ALPHABET[number & 31] + text
        number >>= 5
    return text


def id_number(text):
    number = 0
    for letter in text:
        number = number << 5 | ALPHABET.index(letter)
    return number


def seconds(text):
    """Seconds since 1970 of an RFC 3339 time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@dataclasses.dataclass
class FoldedOrder:
    id: str
    user: str
    key: str | None
    items: list
    total: int
    pay_by: float
    accepted_at: float
    state: str = "accepted"
    payment: str = "none"
    history: list = dataclasses.field(default_factory=list)
    payment_started_at: float | None = None

    def quantity_of(self, product):
        return sum(item["quantity"] for item in self.items if item["productId"] == product)

    @property
    def is_live(self):
        return self.state not in ("expired", "cancelled", "returned")


@dataclasses.dataclass
class Store:
    events: list
    records: list | None = None  # Rows of records.db as dictionaries.
    charges: list | None = None  # Rows of payments.db.

    @staticmethod
    def read(folder):
        """Of a stopped store or a backup."""
        folder = pathlib.Path(folder)
        dumped = run("dump", "--data", folder)
        if dumped.returncode != 0:
            raise RuntimeError(f"market dump: {dumped.stderr.strip()}")
        events = [json.loads(line) for line in dumped.stdout.splitlines()]
        return Store(
            events,
            rows(folder / "records.db", "SELECT * FROM orders ORDER BY id"),
            rows(folder / "payments.db", "SELECT * FROM charges ORDER BY attempt"),
        )


def rows(path, query):
    """None when there is no such file; a store without a payment has no payments.db."""
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]
    finally:
        connection.close()


class Fold:
    """The events applied one after the other; complains of each that does not fit."""

    def __init__(self, events):
        self.orders = {}
        self.capacity = collections.Counter()
        self.live = collections.Counter()
        self.bought = collections.Counter()  # (user, product) -> live units
        self.limits = {}
        self.tickets = collections.defaultdict(
            list
        )  # product -> [(ticket, order id)] in the log's order
        self.remaining_over_time = collections.defaultdict(
            list
        )  # product -> [(position, at, remaining)]
        self.problems = []  # (invariant, text)
        self.grace_until = 0.0
        for event in events:
            self.apply(event)

    def note(self, invariant, event, text):
        self.problems.append((invariant, f"position {event['position']}: {text}"))

    def apply(self, event):
        kind, at = event["event"], seconds(event["at"])
        touched = []
        if kind in ("product_listed", "product_changed"):
            product = event["product"]
            self.limits[product] = (event["terms"].get("sale") or {}).get("perUserLimit")
            if kind == "product_listed":
                self.capacity[product] = event["stock"]
            touched = [product]
        elif kind == "stock_adjusted":
            self.capacity[event["product"]] += event["delta"]
            touched = [event["product"]]
        elif kind == "grace_granted":
            self.grace_until = max(self.grace_until, seconds(event["until"]))
        elif kind == "order_accepted":
            touched = self.accept(event, at)
        elif "order" in event:
            touched = self.change(event, kind, at)
        for product in touched:
            remaining = self.capacity[product] - self.live[product]
            if remaining < 0:
                self.note("I1", event, f"product {product} is oversold by {-remaining}")
            self.remaining_over_time[product].append((event["position"], at, remaining))

    def accept(self, event, at):
        if event["order"] in self.orders:
            self.note("I2", event, f"order {event['order']} is accepted a second time")
        order = FoldedOrder(
            event["order"],
            event["user"],
            event.get("key"),
            [dict(item) for item in event["items"]],
            event["total"]["amount"],
            seconds(event["payBy"]),
            at,
        )
        order.history.append("accepted")
        self.orders[order.id] = order
        return self.take(event, order)

    def take(self, event, order):
        for item in order.items:
            product, quantity = item["productId"], item["quantity"]
            self.live[product] += quantity
            self.bought[order.user, product] += quantity
            limit = self.limits.get(product)
            if limit is not None and self.bought[order.user, product] > limit:
                self.note(
                    "I7", event, f"{order.user} has {self.bought[order.user, product]} > {limit} units"
                )
            if item["ticket"]:
                self.tickets[product].append((item["ticket"], order.id))
        return [item["productId"] for item in order.items]

    def give_back(self, event, order, to_state):
        for item in order.items:
            self.live[item["productId"]] -= item["quantity"]
            if to_state != "returned":
                self.bought[order.user, item["productId"]] -= item["quantity"]
        moved = sorted((each["productId"], each["quantity"]) for each in event["units"])
        if moved != sorted((item["productId"], item["quantity"]) for item in order.items):
            self.note("I5", event, f"order {order.id} gives back {moved}, which is not what it took")
        return [item["productId"] for item in order.items]

    FROM = {
        "order_voided": ("accepted",),
        "order_cancelled": ("accepted", "paid", "preparing"),
        "order_paid": ("accepted", "expired"),
        "payment_started": ("accepted",),
    }

    def change(self, event, kind, at):
        order = self.orders.get(event["order"])
        if order is None:
            self.note("I4", event, f"{kind} of order {event['order']}, which was never accepted")
            return []
        if kind in self.FROM and order.state not in self.FROM[kind]:
            self.note("I14", event, f"{kind} of order {order.id}, which is {order.state}")
        if kind == "order_voided":
            self.check_expiry(event, order, at)
            self.move(order, "expired")
            return self.give_back(event, order, "expired")
        if kind == "order_cancelled":
            order.payment = "refunding" if order.payment == "paid" else order.payment
            self.move(order, "cancelled")
            return self.give_back(event, order, "cancelled")
        if kind == "order_paid":
            order.payment = "paid"
            self.move(order, "paid")
            if event["retaken"]:
                for item, ticket in zip(order.items, event["tickets"]):
                    item["ticket"] = ticket
                return self.take(event, order)
        elif kind == "payment_started":
            order.payment, order.payment_started_at = "pending", at
        elif kind == "payment_not_charged":
            order.payment = event["payment"]
        elif kind in ("payment_declined", "refund_owed", "refunded"):
            order.payment = {"payment_declined": "declined", "refund_owed": "refunding"}.get(
                kind, "refunded"
            )
        elif kind == "order_moved":
            self.move(order, event["state"])
            if event["state"] == "returned":
                return self.give_back(event, order, "returned")
        return []

    @staticmethod
    def move(order, state):
        order.state = state
        order.history.append(state)

    def check_expiry(self, event, order, at):
        if at + 0.001 < order.pay_by:
            early = order.pay_by - at
            self.note("I6", event, f"order {order.id} expires {early:.3f} s before it is due")
