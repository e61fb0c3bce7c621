"""The checker's part about money, reads and records: what each order shows, against the log."""

import collections

from store_view import id_text


class AnswerChecks:
    """Mixed into Checker, which has `history`, `store`, `fold`, `accepted`, note() and same_body()."""

    # --- I13: money ---

    def money(self):
        for order in self.fold.orders.values():
            if order.total != sum(
                item["unitPrice"]["amount"] * item["quantity"] for item in order.items
            ):
                self.note("I13", f"order {order.id}: the total is not the sum of its lines")
            for item in order.items:
                product = self.history.products.get(item["productId"])
                if product and item["unitPrice"]["amount"] != product.price:
                    self.note("I13", f"order {order.id} has another price than product {product.id}")
        for operation in self.accepted:
            body = operation.body
            if body["total"]["amount"] != sum(
                i["unitPrice"]["amount"] * i["quantity"] for i in body["items"]
            ):
                self.note("I13", f"order {body['id']} was told with a wrong total")

    def payments(self):
        """The provider's own ledger: a paid order was charged once, a refunded one was given back."""
        if self.store.charges is None:
            return
        charged = {id_text(row["attempt"]): row for row in self.store.charges if not row["declined"]}
        due = collections.Counter()
        for event in self.store.events:
            if event["event"] in ("order_paid", "refund_owed"):
                order, row = self.fold.orders.get(event["order"]), charged.get(event["attempt"])
                if order is None:
                    continue
                if row is None or row["amount"] != order.total:
                    self.note("I13", f"order {order.id} is paid, the provider has no such charge")
                due[order.id] += 1
                if order.payment == "refunded" and row is not None and not row["refunded"]:
                    self.note("I13", f"order {order.id} is refunded, the provider kept the money")
        for order, count in due.items():
            if count > 1:
                self.note("I13", f"order {order} was charged {count} times")

    # --- I16: reads ---

    def reads(self):
        told = {}
        for operation in self.accepted:
            known = told.setdefault(operation.body["id"], operation.completed)
            told[operation.body["id"]] = min(known, operation.completed)
        for operation in self.history.operations:
            if operation.kind == "get" and operation.order in told:
                if operation.status == 404 and operation.invoked > told[operation.order]:
                    self.note("I16", f"order {operation.order} was acknowledged, then not found")
                elif operation.outcome == "ok" and operation.order in self.fold.orders:
                    self.same_body(operation.body, self.fold.orders[operation.order])
            if (
                operation.kind == "list"
                and operation.outcome == "ok"
                and operation.body["nextCursor"] is None
            ):
                shown = [order["id"] for order in operation.body["items"]]
                if shown != sorted(set(shown), reverse=True):
                    self.note(
                        "I16", f"the list of {operation.user} is not newest first, or repeats an order"
                    )
                for each in self.accepted:
                    if each.user == operation.user and each.completed < operation.invoked:
                        if each.body["id"] not in shown:
                            self.note("I16", f"order {each.body['id']} is missing in its owner's list")

    # --- I5, I19: the records are the fold of the log ---

    def records(self):
        if self.store.records is None:
            return
        seen = collections.Counter(id_text(row["id"]) for row in self.store.records)
        for order, count in seen.items():
            if count > 1:
                self.note("I2", f"order {order} has {count} records")
            if order not in self.fold.orders:
                self.note("I4", f"order {order} is in the records and not in the log")
        for row in self.store.records:
            order = self.fold.orders.get(id_text(row["id"]))
            if order and row["total"] != order.total:
                self.note("I19", f"the record of order {order.id} has another total than the log")
            if order and (id_text(row["user_id"]) != order.user or row["state"] not in order.history):
                self.note("I19", f"the record of order {order.id} is not a state of the log's order")
