"""Verifies the invariants of a sale: what clients were told against what the store holds.

    findings = check(history, store)              # store: Store.read(folder) of a stopped store or a backup
    findings += check_past(earlier.events, store.events)

Each finding is (invariant, text); the names are those of the table in tests/chaos/README.md. No counter of
the server is used: the truth is the log's events, the records, the payments and the clients' own history.
"""

import collections
import hashlib

from checker_answers import AnswerChecks
from history import NOTHING_HAPPENED, now
from store_view import Fold, id_number, seconds

COMMIT_TIME_MAX = (
    2.0  # Between an event's time and the moment every client sees it: a commit on a busy machine.
)
HOLD_SLACK = 5.0  # How late an expiry may be.
MILLISECOND = 0.0015  # Times in the log are cut to milliseconds.


def key_text(user, key):
    """A request key as the log has it: a hash of the user and the key."""
    digest = hashlib.blake2b(
        id_number(user).to_bytes(8, "little") + key.encode(), digest_size=16
    ).digest()
    high, low = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
    return f"{high:016x}{low:016x}"


def check(history, store, quiescent_at=None):
    """`quiescent_at`: when the store was read; the default is now."""
    return Checker(history, store, quiescent_at or now()).findings


def check_past(earlier, later):
    """The log only grows: what an earlier look saw is still there, unchanged."""
    if later[: len(earlier)] == earlier:
        return []
    return [("I2", f"the log's first {len(earlier)} events are not those of an earlier look")]


def items_of(body):
    return tuple((item["productId"], item["quantity"]) for item in body["items"])


class Checker(AnswerChecks):
    def __init__(self, history, store, quiescent_at):
        self.history, self.store, self.at = history, store, quiescent_at
        self.findings = []
        self.fold = Fold(store.events)
        self.findings += self.fold.problems
        self.by_key = collections.defaultdict(list)  # (user, key) -> operations
        for operation in history.orders():
            if operation.key:
                self.by_key[operation.user, operation.key].append(operation)
        self.accepted = [each for each in history.orders() if each.outcome == "ok"]
        for step in (
            self.positions,
            self.acknowledged_orders,
            self.refused_orders,
            self.orders_from_nowhere,
            self.changes,
            self.conservation,
            self.tickets,
            self.served_in_order,
            self.holds_end,
            self.keys,
            self.money,
            self.reads,
            self.records,
            self.payments,
        ):
            step()

    def note(self, invariant, text):
        self.findings.append((invariant, text))

    def positions(self):
        for expected, event in enumerate(self.store.events, 1):
            if event["position"] != expected:
                return self.note(
                    "I19", f"the log has position {event['position']} where {expected} is due"
                )

    # --- I2, I3, I4: acknowledged, refused, from nowhere ---

    def acknowledged_orders(self):
        for operation in self.accepted:
            order = self.fold.orders.get(operation.body["id"])
            if order is None:
                self.note("I2", f"order {operation.body['id']} was acknowledged and is not in the log")
                continue
            if order.user != operation.user:
                self.note("I2", f"order {order.id} of {operation.user} is {order.user}'s in the log")
            wanted = tuple(operation.items)
            stored = tuple((item["productId"], item["quantity"]) for item in order.items)
            if not wanted == items_of(operation.body) == stored:
                self.note(
                    "I2",
                    f"order {order.id}: asked {wanted}, told {items_of(operation.body)}, is {stored}",
                )
            self.same_body(operation.body, order)
            if operation.key and order.key != key_text(operation.user, operation.key):
                self.note("I2", f"order {order.id} does not have the key it was sent with")

    def same_body(self, body, order):
        """A body shows an order as it was at some moment: its history is the beginning of the log's."""
        shown = [change["state"] for change in body["history"]]
        if shown != order.history[: len(shown)] or body["state"] != shown[-1]:
            self.note("I16", f"order {order.id} was shown as {shown}, the log has {order.history}")
        prices = [item["unitPrice"]["amount"] for item in body["items"]]
        if prices != [item["unitPrice"]["amount"] for item in order.items]:
            self.note("I13", f"order {order.id} was shown with prices {prices}")

    def refused_orders(self):
        stored = collections.Counter(order.key for order in self.fold.orders.values() if order.key)
        for (user, key), operations in self.by_key.items():
            count = stored[key_text(user, key)]
            if count > 1:
                self.note("I3", f"key {key} of {user} has {count} orders")
            possible = any(each.outcome == "ok" for each in operations)
            last_refusal = max(
                (each.invoked for each in operations if each.outcome == "fail" and each.status != 422),
                default=0.0,
            )
            # An unknown request that was over before a later refusal with its key cannot have been accepted.
            possible |= any(
                e.outcome == "info" and (e.completed or self.at) > last_refusal for e in operations
            )
            if count and not possible:
                self.note("I3", f"key {key} of {user} was refused and has an order")

    def orders_from_nowhere(self):
        known = {key_text(user, key): operations for (user, key), operations in self.by_key.items()}
        keyless = collections.Counter()
        for operation in self.history.orders():
            if not operation.key and operation.outcome != "fail":
                keyless[operation.user, tuple(operation.items)] += 1
        for order in self.fold.orders.values():
            items = tuple((item["productId"], item["quantity"]) for item in order.items)
            if order.key:
                if not any(
                    e.user == order.user and tuple(e.items) == items for e in known.get(order.key, ())
                ):
                    self.note("I4", f"order {order.id} answers no request of {order.user} for {items}")
                continue
            keyless[order.user, items] -= 1
            if keyless[order.user, items] < 0:
                self.note(
                    "I4",
                    f"order {order.id} without a key: {order.user} never asked for {items} that often",
                )

    def changes(self):
        """Payments and cancellations: answered means logged; logged means asked for."""
        logged = collections.defaultdict(set)
        for event in self.store.events:
            if event["event"] in ("order_paid", "order_cancelled", "payment_declined"):
                logged[event["order"]].add(event["event"])
        asked = collections.defaultdict(set)
        for operation in self.history.operations:
            if operation.kind not in ("pay", "cancel"):
                continue
            if operation.kind == "cancel":
                asked[operation.order, "order_cancelled"].add(operation.outcome)
                expected = "order_cancelled" if operation.outcome == "ok" else None
            else:
                asked[operation.order, "order_paid"].add(operation.outcome)
                expected = "order_paid" if operation.outcome == "ok" else None
                if operation.status == 402:
                    expected = "payment_declined"
            if expected and expected not in logged[operation.order]:
                self.note(
                    "I2",
                    f"{expected} of order {operation.order} was acknowledged and is not in the log",
                )
        for order, kinds in logged.items():
            for kind in kinds - {"payment_declined"}:
                outcomes = asked[order, kind]
                if not outcomes:
                    self.note("I4", f"{kind} of order {order}, which nobody asked for")
                elif outcomes == {"fail"}:
                    self.note("I3", f"{kind} of order {order}, which was refused")

    # --- I1, I5, I8, I9, I10: units and tickets ---

    def conservation(self):
        for product in self.history.products.values():
            capacity = self.fold.capacity[product.id]
            known = product.stock + sum(product.restocks)
            if capacity != known:
                self.note(
                    "I5", f"product {product.id} was given {known} units, the log says {capacity}"
                )
            if self.fold.live[product.id] > known:
                self.note(
                    "I1",
                    f"product {product.id}: {self.fold.live[product.id]} of {known} units are sold",
                )
        for operation in self.history.operations:
            if operation.kind != "stock" or operation.outcome != "ok":
                continue
            product, body = operation.items[0][0], operation.body
            shown = body["remaining"]
            if not any(
                low <= shown <= high for low, high in [self.remaining_between(product, operation)]
            ):
                low, high = self.remaining_between(product, operation)
                self.note("I5", f"product {product} showed {shown} units, the log had {low} to {high}")

    def remaining_between(self, product, operation, slack=COMMIT_TIME_MAX):
        """The least and the most units left between a request and its answer, in the log's view."""
        before, seen = None, []
        for _, at, remaining in self.fold.remaining_over_time[product]:
            if at < operation.invoked - slack:
                before = remaining
            elif at <= operation.completed + MILLISECOND:
                seen.append(remaining)
        if before is not None:
            seen.append(before)
        return (min(seen), max(seen)) if seen else (0, 0)

    def spans(self):
        """For each order id: when its request was first sent and when its first acknowledgement came."""
        spans = {}
        for operation in self.accepted:
            first = operation.invoked
            if operation.key:
                first = min(each.invoked for each in self.by_key[operation.user, operation.key])
            known = spans.get(operation.body["id"], (first, operation.completed))
            spans[operation.body["id"]] = (min(known[0], first), min(known[1], operation.completed))
        return spans

    def tickets(self):
        for product, given in self.fold.tickets.items():
            numbers = [ticket for ticket, _ in given]
            if len(set(numbers)) != len(numbers):
                self.note("I8", f"product {product}: a ticket was given twice")
            elif numbers != sorted(numbers):
                self.note("I8", f"product {product}: tickets do not rise")
            elif numbers and numbers != list(range(1, len(numbers) + 1)):
                self.note("I5", f"product {product}: a ticket belongs to no order")
        spans = self.spans()
        told = collections.defaultdict(dict)
        for operation in self.accepted:
            for item in operation.body["items"]:
                if item["ticket"]:
                    told[item["productId"]].setdefault(item["ticket"], set()).add(operation.body["id"])
        for product, orders in told.items():
            earliest_answer, of_ticket = float("inf"), None
            for ticket in sorted(orders, reverse=True):
                if len(orders[ticket]) > 1:
                    self.note(
                        "I8",
                        f"product {product}: ticket {ticket} was told to {len(orders[ticket])} orders",
                    )
                for order in orders[ticket]:
                    sent, answered = spans[order]
                    if earliest_answer < sent:
                        self.note(
                            "I8",
                            f"ticket {of_ticket} was answered before ticket {ticket} was asked for",
                        )
                    if answered < earliest_answer:
                        earliest_answer, of_ticket = answered, ticket

    def served_in_order(self):
        """I9, I10: who was told "sold out" was told the truth, and nobody who came later got that unit."""
        for operation in self.history.orders():
            if operation.code not in ("sold_out", "insufficient_stock"):
                continue
            truths = []
            for product, quantity in operation.items:
                low, _ = self.remaining_between(product, operation)
                truths.append(low < (1 if operation.code == "sold_out" else quantity))
            if not any(truths):
                self.note("I10", f"{operation.user} was told {operation.code}, but units were left")
        self.overtaken()

    def overtaken(self):
        refused = collections.defaultdict(list)
        for operation in self.history.orders():
            if operation.code == "sold_out" and len(operation.items) == 1:
                refused[operation.items[0][0]].append(operation)
        spans = self.spans()
        for product, operations in refused.items():
            line = self.fold.remaining_over_time[product]
            back = [b[1] for a, b in zip(line, line[1:]) if b[2] > a[2]]
            first = min(operations, key=lambda each: each.completed)
            for order, (sent, answered) in spans.items():
                units = self.fold.orders[order].quantity_of(product) if order in self.fold.orders else 0
                if not units or sent <= first.completed:
                    continue
                if not any(first.invoked - COMMIT_TIME_MAX <= at <= answered for at in back):
                    self.note(
                        "I9", f"order {order} got a unit after {first.user} was told that none is left"
                    )
                    break

    # --- I6: holds end ---

    def holds_end(self):
        lives = self.history.lives
        voided = {
            e["order"]: seconds(e["at"]) for e in self.store.events if e["event"] == "order_voided"
        }
        for order in self.fold.orders.values():
            if order.state != "accepted" and order.id not in voided or order.payment_started_at:
                continue
            due = max(
                order.pay_by, self.fold.grace_until if self.fold.grace_until > order.pay_by else 0.0
            )
            # A dead server expires nothing: the due moment moves to the next start.
            for ended, ready in zip([e for _, e in lives], [r for r, _ in lives[1:]]):
                if ended is not None and ended <= due + HOLD_SLACK and ready > due:
                    due = ready
            late = voided.get(order.id, self.at) - due
            if late > HOLD_SLACK:
                self.note("I6", f"order {order.id} holds its units {late:.1f} s too long")

    # --- I11, I12: keys ---

    def keys(self):
        owner = {}
        for (user, key), operations in self.by_key.items():
            told = [each for each in operations if each.outcome == "ok"]
            if len({each.body["id"] for each in told}) > 1:
                self.note("I11", f"key {key} of {user} was answered with different orders")
            for each in told:
                if owner.setdefault(each.body["id"], user) != user:
                    self.note(
                        "I12",
                        f"order {each.body['id']} was told to {user} and to {owner[each.body['id']]}",
                    )
            if sum(not each.replayed for each in told) > 1:
                self.note("I11", f"key {key} of {user}: two answers say that they are the first")
            fixed = {(e.body["total"]["amount"], e.body["payBy"], e.body["createdAt"]) for e in told}
            if len(fixed) > 1:
                self.note("I11", f"key {key} of {user} was answered with different contents")
            bound = min((each.completed for each in told), default=None)
            if bound is None:
                continue
            right = tuple(min(told, key=lambda each: each.completed).items)
            for each in operations:
                if (
                    each.invoked > bound
                    and tuple(each.items) != right
                    and each.code != "idempotency_mismatch"
                ):
                    if each.outcome != "info" and each.code not in NOTHING_HAPPENED:
                        self.note(
                            "I11", f"key {key} of {user} with another body was answered {each.status}"
                        )
        for operation in self.history.operations:
            if operation.kind == "foreign_get" and operation.status not in (404, None, 503):
                self.note(
                    "I12",
                    f"{operation.user} got {operation.status} for another's order {operation.order}",
                )
