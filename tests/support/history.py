"""What clients of a run saw: every operation with its times and its outcome, as Jepsen writes histories.

    operation = history.invoke("order", user=user, key=key, items=[(product, 2)])
    history.complete(operation, status=201, body=order)      # or history.lost(operation)

The outcome is `ok` (done), `fail` (definitely not done) or `info` (unknown: the connection was lost, a 5xx,
or still under way). Times are seconds since 1970, but run on the monotonic clock, so that a step of the wall
clock is not seen.
"""

import dataclasses
import json
import time

_WALL_AT_START = time.time() - time.monotonic()


def now():
    return _WALL_AT_START + time.monotonic()


@dataclasses.dataclass
class Product:
    """What the test itself knows of a product: not what any server says."""

    id: str
    stock: int
    price: int
    limit: int | None = None
    kind: str = "event"
    opens_at: float = 0.0
    restocks: list = dataclasses.field(default_factory=list)  # Acknowledged deltas.


@dataclasses.dataclass
class Operation:
    kind: str  # order, pay, cancel, get, list, stock, foreign_get
    invoked: float
    user: str = ""
    key: str | None = None
    items: tuple = ()  # (product id, quantity), of an order
    order: str | None = None  # Of pay, cancel, get
    token: str | None = None  # Of pay
    completed: float | None = None
    status: int | None = None
    code: str | None = None
    body: dict | None = None
    replayed: bool = False
    outcome: str = "info"


class History:
    def __init__(self):
        self.operations = []
        self.products = {}
        self.lives = []  # (ready, ended) of each server process; the last one's end is None.

    def invoke(self, kind, **members):
        operation = Operation(kind, now(), **members)
        self.operations.append(operation)
        return operation

    def complete(self, operation, status, body=None, headers=None):
        operation.completed = now()
        operation.status = status
        operation.body = body
        operation.code = (body or {}).get("code") if status >= 400 else None
        operation.replayed = (headers or {}).get("idempotency-replayed") == "true"
        operation.outcome = outcome_of(status, operation.code)
        return operation

    def lost(self, operation):
        operation.completed = now()
        operation.outcome = "info"
        return operation

    def orders(self):
        return [each for each in self.operations if each.kind == "order"]

    def save(self, path):
        with open(path, "w") as file:
            for operation in self.operations:
                file.write(json.dumps(dataclasses.asdict(operation)) + "\n")


# Refusals of API.md that say that nothing happened; any other 5xx may hide an effect.
NOTHING_HAPPENED = {"overloaded", "recovering", "insufficient_storage"}


def outcome_of(status, code=None):
    if status == 202:
        return "info"  # A payment whose result is not known yet.
    if status < 300:
        return "ok"
    if status < 500 or code in NOTHING_HAPPENED:
        return "fail"
    return "info"
