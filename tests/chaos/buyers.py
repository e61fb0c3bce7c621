"""A crowd of buyers that writes down everything it sees: orders, payments, cancels, reads."""

import asyncio
import base64
import contextlib
import datetime
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from async_http import Connection, Lost  # noqa: E402
from history import Product, now  # noqa: E402
from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, run  # noqa: E402


def seed_users(data, count, tokens_file):
    """(user id, token) of accounts made in a stopped store."""
    done = run("seed", "--data", data, "--users", count, "--tokens", tokens_file)
    if done.returncode != 0:
        raise RuntimeError(f"market seed: {done.stderr}")
    return [(user_of(token), token) for token in pathlib.Path(tokens_file).read_text().split()]


def user_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["sub"]


class Crowd:
    def __init__(self, history, users, rng, connect=Connection):
        """`connect(port)` makes what an operation's `connection` is."""
        self.connect = connect
        self.history, self.users, self.rng = history, users, rng
        self.tokens = dict(users)
        self.unknown = []  # Orders with a key whose outcome is not known.
        self.acknowledged = []  # (user, order id), the newest last.
        self.serial = 0
        self.admin_token = None
        self.open_for_buying = False

    # --- one operation each ---

    async def send(self, connection, operation, method, path, body=None, headers=None):
        try:
            answer = await connection.request(
                method, path, token=self.tokens[operation.user], body=body, headers=headers
            )
        except Lost:
            self.history.lost(operation)
            return operation
        except asyncio.CancelledError:
            self.history.lost(operation)
            raise
        return self.history.complete(operation, answer.status, answer.json(), answer.headers)

    async def order(self, connection, user, items, key):
        operation = self.history.invoke("order", user=user, key=key, items=tuple(items))
        body = {"items": [{"productId": product, "quantity": quantity} for product, quantity in items]}
        try:
            await self.send(
                connection,
                operation,
                "POST",
                "/orders",
                body,
                {"Idempotency-Key": key} if key else None,
            )
        finally:
            if operation.outcome == "info" and key:
                self.unknown.append(operation)
        if operation.outcome == "ok":
            self.acknowledged.append((user, operation.body["id"]))
        return operation

    async def pay(self, connection, user, order, token):
        operation = self.history.invoke("pay", user=user, order=order, token=token)
        return await self.send(
            connection,
            operation,
            "POST",
            f"/orders/{order}/payment",
            {"method": "card", "token": token},
        )

    async def cancel(self, connection, user, order):
        operation = self.history.invoke("cancel", user=user, order=order)
        return await self.send(connection, operation, "POST", f"/orders/{order}/cancel")

    async def get(self, connection, user, order, kind="get"):
        operation = self.history.invoke(kind, user=user, order=order)
        return await self.send(connection, operation, "GET", f"/orders/{order}")

    async def list(self, connection, user):
        operation = self.history.invoke("list", user=user)
        return await self.send(connection, operation, "GET", "/orders?limit=100")

    async def stock(self, connection, product):
        operation = self.history.invoke("stock", user=self.users[0][0], items=((product, 0),))
        return await self.send(connection, operation, "GET", f"/products/{product}/stock")

    # --- the administrator ---

    async def add_product(
        self, connection, stock, price=15000, limit=None, kind="event", opens_in=-60.0
    ):
        if self.admin_token is None:
            answer = await connection.request(
                "POST", "/sessions", body={"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
            )
            self.admin_token = answer.json()["accessToken"]
        opens_at = now() + opens_in
        body = {
            "name": f"Ticket {len(self.history.products)}",
            "price": {"amount": price, "currency": "KRW"},
            "stock": stock,
            "kind": kind,
            "sale": {"opensAt": rfc3339(opens_at), **({"perUserLimit": limit} if limit else {})},
        }
        answer = await connection.request("POST", "/products", token=self.admin_token, body=body)
        if answer.status != 201:
            raise RuntimeError(f"a product was refused: {answer.status} {answer.body[:300]}")
        product = Product(answer.json()["id"], stock, price, limit, kind, opens_at)
        self.history.products[product.id] = product
        return product.id

    # --- the crowd ---

    def new_key(self):
        self.serial += 1
        return f"key-{self.serial}"

    async def buy_once(self, connection, products):
        rng = self.rng
        user = rng.choice(self.users)[0]
        items = [(rng.choice(products), rng.choice((1, 1, 1, 2)))]
        if rng.random() < 0.1:
            other = rng.choice(products)
            items += [(other, 1)] if other != items[0][0] else []
        key = self.new_key() if rng.random() < 0.9 else None
        if key and rng.random() < 0.03:
            # Twice at once: the second waits for the first and gets the same order.
            second = self.connect(connection.port)
            try:
                operation, _ = await asyncio.gather(
                    self.order(connection, user, items, key), self.order(second, user, items, key)
                )
            finally:
                second.close()
        else:
            operation = await self.order(connection, user, items, key)
        if operation.outcome == "info":
            await asyncio.sleep(0.02)
        if operation.outcome == "ok":
            await self.follow_up(connection, operation)

    async def follow_up(self, connection, operation):
        rng, user, order = self.rng, operation.user, operation.body["id"]
        choice = rng.random()
        if choice < 0.25:
            await self.pay(connection, user, order, rng.choice(("ok", "ok", "ok", "declined", "twice")))
        if choice < 0.06 or 0.9 < choice:
            await self.cancel(connection, user, order)
        elif choice < 0.45:
            await self.get(connection, user, order)
        elif choice < 0.48:
            stranger = rng.choice([each for each, _ in self.users[:8] if each != user])
            await self.get(connection, stranger, order, kind="foreign_get")
        elif choice < 0.52 and operation.key:
            await self.order(connection, user, operation.items, operation.key)
        elif choice < 0.55 and operation.key:
            product, quantity = operation.items[0]
            await self.order(connection, user, ((product, quantity + 1),), operation.key)
        elif choice < 0.58 and operation.key:
            await self.order(connection, rng.choice(self.users)[0], operation.items, operation.key)

    @contextlib.asynccontextmanager
    async def buying(self, port, products, connections):
        """Buyers at work while the block runs."""
        self.open_for_buying = True
        tasks = [asyncio.create_task(self.keep_buying(port, products)) for _ in range(connections)]
        try:
            yield
        finally:
            self.open_for_buying = False  # A cancellation alone may be swallowed by asyncio.wait_for.
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            for result in done:
                if isinstance(result, Exception) and not isinstance(result, asyncio.CancelledError):
                    raise result

    async def keep_buying(self, port, products):
        connection = self.connect(port)
        try:
            while self.open_for_buying:
                await self.buy_once(connection, products)
        finally:
            connection.close()

    async def until_acknowledged(self, count, seconds=30.0):
        """Waits until so many more orders are acknowledged."""
        wanted, deadline = len(self.acknowledged) + count, now() + seconds
        while len(self.acknowledged) < wanted:
            if now() > deadline:
                raise RuntimeError(
                    f"{wanted - len(self.acknowledged)} of {count} orders are not acknowledged"
                )
            await asyncio.sleep(0.01)

    async def settle_unknown(self, port, seconds=15.0):
        """Sends everything unknown again, with its key, until the answer is definite."""
        connection, deadline = self.connect(port), now() + seconds
        waiting, self.unknown = self.unknown, []
        for operation in waiting:
            while True:
                again = await self.order(connection, operation.user, operation.items, operation.key)
                if again.outcome == "info" or again.code in (
                    "recovering",
                    "overloaded",
                    "insufficient_storage",
                ):
                    if now() > deadline:
                        raise RuntimeError(
                            f"key {operation.key} got no answer: {again.status} {again.code}"
                        )
                    await asyncio.sleep(0.1)
                    continue
                break
        self.unknown = []
        connection.close()
        return len(waiting)

    async def look(self, port, orders=200, lists=10):
        """Reads what clients can see: newest and random orders, some lists, the stock of every product."""
        connection, rng = self.connect(port), self.rng
        newest = self.acknowledged[-orders:]
        older = rng.sample(self.acknowledged, min(len(self.acknowledged), orders // 4))
        for user, order in dict.fromkeys(newest + older):
            await self.get(connection, user, order)
        for user, _ in rng.sample(self.users, lists):
            await self.list(connection, user)
        for product in list(self.history.products):
            await self.stock(connection, product)
        connection.close()


def rfc3339(at):
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
