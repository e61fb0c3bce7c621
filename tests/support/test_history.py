"""The checker is checked: a clean history gives nothing, each planted violation is found."""

import copy
import datetime

import pytest

from checker import check, check_past, key_text
from history import History, Operation, Product
from store_view import Store, id_number, id_text

START = 1_800_000_000.0
USERS = [id_text(1000 + number) for number in range(4)]
TICKET, PLAIN = id_text(1), id_text(2)


def at(offset):
    moment = datetime.datetime.fromtimestamp(START + offset, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def money(amount):
    return {"amount": amount, "currency": "KRW"}


class Run:
    """A run that is right: 3 units with a limit of 2; sold out, given back, expired and paid."""

    def __init__(self):
        self.history, self.events, self.records = History(), [], []
        self.history.lives = [(START - 1, None)]
        self.charges = []
        self.product(TICKET, 3, 1000, 2)
        self.product(PLAIN, 10, 500, None)
        self.first = self.buy(0, "a", TICKET, 2, 1.0, ticket=1)
        self.second = self.buy(1, "b", TICKET, 1, 2.0, ticket=2)
        self.refused = self.refuse(2, "c", TICKET, 3.0, "sold_out")
        self.limited = self.refuse(0, "d", TICKET, 3.5, "limit_exceeded")
        self.cancelled = self.change("cancel", self.second, 6.0, "order_cancelled")
        self.third = self.buy(2, "c", TICKET, 1, 10.0, ticket=3)
        self.replay = self.copy_of(self.third, 11.0)
        self.paid = self.change("pay", self.first, 12.0, "order_paid")
        self.plain = self.buy(3, "a", PLAIN, 2, 13.0)
        self.got = self.read("get", self.third, 14.0)
        self.foreign = self.read("foreign_get", self.third, 14.5, user=USERS[3], status=404)
        self.listed = self.add("list", 15.0, user=USERS[3], status=200, outcome="ok")
        self.listed.body = {"items": [copy.deepcopy(self.plain.body)], "nextCursor": None}
        self.stock = self.add("stock", 16.0, items=((PLAIN, 0),), status=200, outcome="ok")
        self.stock.body = {"remaining": 8, "capacity": 10}
        self.voided = self.event(700.0, "order_voided", order=self.third.body["id"])
        self.voided["units"] = [{"productId": TICKET, "quantity": 1}]
        plain = self.event(703.0, "order_voided", order=self.plain.body["id"])
        plain["units"] = [{"productId": PLAIN, "quantity": 2}]
        for row in self.records:
            row["state"] = {1: "paid", 2: "cancelled"}.get(row["id"] - 100, "expired")

    def event(self, offset, kind, **members):
        event = {
            "position": len(self.events) + 1,
            "at": at(offset),
            "epoch": 0,
            "event": kind,
            **members,
        }
        self.events.append(event)
        return event

    def add(self, kind, offset, **members):
        operation = Operation(kind, START + offset, completed=START + offset + 0.01, **members)
        self.history.operations.append(operation)
        return operation

    def product(self, product, stock, price, limit):
        terms = {
            "price": money(price),
            "kind": "event",
            "sale": {"perUserLimit": limit} if limit else {},
        }
        self.history.products[product] = Product(product, stock, price, limit)
        self.event(0.0, "product_listed", product=product, stock=stock, terms=terms)

    def buy(self, user, key, product, quantity, offset, ticket=0):
        price = self.history.products[product].price
        order, total = id_text(101 + len(self.records)), money(price * quantity)
        item = {"productId": product, "quantity": quantity, "unitPrice": money(price), "ticket": ticket}
        self.event(
            offset + 0.005,
            "order_accepted",
            order=order,
            user=USERS[user],
            key=key_text(USERS[user], key),
            items=[item],
            total=total,
            payBy=at(offset + 690),
        )
        row = {"id": id_number(order), "user_id": id_number(USERS[user]), "total": total["amount"]}
        self.records.append({**row, "state": "accepted"})
        body = {"id": order, "state": "accepted", "items": [dict(item)], "total": total}
        body |= {"payBy": at(offset + 690), "createdAt": at(offset), "history": [{"state": "accepted"}]}
        return self.add(
            "order",
            offset,
            user=USERS[user],
            key=key,
            items=((product, quantity),),
            status=201,
            body=body,
            outcome="ok",
        )

    def refuse(self, user, key, product, offset, code, quantity=1):
        return self.add(
            "order",
            offset,
            user=USERS[user],
            key=key,
            items=((product, quantity),),
            status=409,
            code=code,
            outcome="fail",
        )

    def copy_of(self, operation, offset):
        again = copy.deepcopy(operation)
        again.invoked, again.completed, again.replayed = START + offset, START + offset + 0.01, True
        self.history.operations.append(again)
        return again

    def change(self, kind, operation, offset, event):
        order = operation.body["id"]
        if kind == "pay":
            self.event(offset, "payment_started", order=order, attempt=id_text(500))
            self.event(
                offset + 0.002, event, order=order, attempt=id_text(500), retaken=False, tickets=[]
            )
            self.charges.append({"attempt": 500, "amount": 2000, "declined": 0, "refunded": 0})
        else:
            units = [
                {k: item[k] for k in ("productId", "quantity")} for item in operation.body["items"]
            ]
            self.event(offset, event, order=order, units=units)
        return self.add(kind, offset, user=operation.user, order=order, status=200, outcome="ok")

    def read(self, kind, operation, offset, user=None, status=200):
        outcome = "ok" if status == 200 else "fail"
        body = copy.deepcopy(operation.body)
        who = user or operation.user
        return self.add(
            kind, offset, user=who, order=body["id"], status=status, body=body, outcome=outcome
        )

    def accepted(self, operation):
        return next(e for e in self.events if e.get("order") == operation.body["id"])

    def findings(self):
        for position, event in enumerate(self.events, 1):
            event["position"] = position
        return check(self.history, Store(self.events, self.records, self.charges), START + 800)


def drop(run, operation, records=True):
    order = operation.body["id"]
    run.events[:] = [e for e in run.events if e.get("order") != order]
    if records:
        run.records[:] = [row for row in run.records if id_text(row["id"]) != order]


def extra_order(run, **changes):
    event = copy.deepcopy(run.accepted(run.plain))
    event |= {"order": id_text(900), **changes}
    run.events.insert(run.events.index(run.accepted(run.plain)) + 1, event)


def edit(target, **members):
    target.update(members)


VIOLATIONS = {
    "oversold": ("I1", lambda r: edit(r.events[0], stock=2)),
    "more sold than the seller gave": ("I1", lambda r: setattr(r.history.products[TICKET], "stock", 1)),
    "an acknowledged order is lost": ("I2", lambda r: drop(r, r.third)),
    "an order is accepted twice": ("I2", lambda r: r.events.append(dict(r.accepted(r.plain)))),
    "another user's in the log": ("I2", lambda r: edit(r.accepted(r.plain), user=USERS[1])),
    "another quantity": ("I2", lambda r: edit(r.accepted(r.plain)["items"][0], quantity=3)),
    "two records": ("I2", lambda r: r.records.append(dict(r.records[0]))),
    "a cancel is lost": ("I2", lambda r: r.events.remove(_of(r, "order_cancelled"))),
    "a payment is lost": ("I2", lambda r: r.events.remove(_of(r, "order_paid"))),
    "a refused order exists": (
        "I3",
        lambda r: extra_order(r, user=USERS[0], key=key_text(USERS[0], "d")),
    ),
    "two orders for one key": ("I3", lambda r: extra_order(r)),
    "a refused cancel happened": ("I3", lambda r: setattr(r.cancelled, "outcome", "fail")),
    "an order from nowhere": ("I4", lambda r: extra_order(r, key=key_text(USERS[3], "zz"))),
    "a keyless order from nowhere": ("I4", lambda r: extra_order(r, key=None)),
    "a record without an event": ("I4", lambda r: r.records.append({**r.records[0], "id": 777})),
    "a cancel nobody asked for": ("I4", lambda r: r.history.operations.remove(r.cancelled)),
    "more given back than taken": (
        "I5",
        lambda r: edit(_of(r, "order_cancelled")["units"][0], quantity=2),
    ),
    "a wrong stock is shown": ("I5", lambda r: edit(r.stock.body, remaining=9)),
    "a ticket is skipped": ("I5", lambda r: edit(r.accepted(r.third)["items"][0], ticket=4)),
    "an order never expires": ("I6", lambda r: r.events.remove(r.voided)),
    "an order expires early": ("I6", lambda r: edit(r.voided, at=at(100))),
    "over the limit": ("I7", lambda r: edit(r.events[0]["terms"]["sale"], perUserLimit=1)),
    "a ticket is given twice": ("I8", lambda r: edit(r.accepted(r.third)["items"][0], ticket=2)),
    "tickets fall": (
        "I8",
        lambda r: (
            edit(r.accepted(r.first)["items"][0], ticket=2),
            edit(r.accepted(r.second)["items"][0], ticket=1),
        ),
    ),
    "who came first is served later": (
        "I8",
        lambda r: (
            edit(r.first.body["items"][0], ticket=2),
            edit(r.second.body["items"][0], ticket=1),
        ),
    ),
    "who was refused is overtaken": ("I9", lambda r: r.refuse(3, "e", PLAIN, 12.5, "sold_out")),
    "sold out with units left": ("I10", lambda r: r.refuse(3, "e", PLAIN, 20.0, "sold_out")),
    "a key gives two orders": ("I11", lambda r: edit(r.replay.body, id=r.first.body["id"])),
    "a replay that claims to be first": ("I11", lambda r: setattr(r.replay, "replayed", False)),
    "a replay with other contents": ("I11", lambda r: edit(r.replay.body, payBy=at(1))),
    "another body with the same key": ("I11", lambda r: r.refuse(2, "c", TICKET, 12.0, "sold_out", 2)),
    "another's order is shown": ("I12", lambda r: setattr(r.foreign, "status", 200)),
    "another's key gives his order": ("I12", lambda r: setattr(r.replay, "user", USERS[1])),
    "a wrong price": ("I13", lambda r: edit(r.accepted(r.plain)["items"][0]["unitPrice"], amount=499)),
    "a wrong total": ("I13", lambda r: edit(r.plain.body["total"], amount=999)),
    "paid without a charge": ("I13", lambda r: r.charges.clear()),
    "paid after it was cancelled": (
        "I14",
        lambda r: edit(_of(r, "order_paid"), order=r.second.body["id"]),
    ),
    "acknowledged, then not found": ("I16", lambda r: setattr(r.got, "status", 404)),
    "missing in its list": ("I16", lambda r: r.listed.body["items"].clear()),
    "shown in a state it never had": ("I16", lambda r: edit(r.got.body, state="paid")),
    "a hole in the log": ("I19", None),
    "another total in the records": ("I19", lambda r: edit(r.records[0], total=1)),
    "another state in the records": ("I19", lambda r: edit(r.records[0], state="shipped")),
}


def _of(run, kind):
    return next(event for event in run.events if event["event"] == kind)


def test_a_right_run_has_no_findings():
    assert Run().findings() == []


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_planted_violation_is_found(name):
    run = Run()
    invariant, plant = VIOLATIONS[name]
    if plant is None:
        events = run.events[:3] + run.events[4:]
        found = check(run.history, Store(events, run.records, run.charges), START + 800)
    else:
        plant(run)
        found = run.findings()
    assert invariant in {each for each, _ in found}, found


def test_a_changed_past_is_found():
    run = Run()
    assert check_past(run.events[:5], run.events) == []
    earlier = copy.deepcopy(run.events[:5])
    earlier[2]["user"] = USERS[3]
    assert check_past(earlier, run.events)
    assert check_past(run.events, run.events[:-1])
