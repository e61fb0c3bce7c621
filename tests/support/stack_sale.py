"""A sale on the distributed stack: many buyers through two gateways, each once and with a key; and what
must be true of it whatever was killed meanwhile."""

import asyncio
import collections
import dataclasses
import time
import urllib.parse
import uuid

import client
from async_http import Alternating, Lost
from tokens import Forger, now

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Cards of the test provider, in turn: each is charged once, though of some it is not known at once.
CARDS = ("ok", "twice", "ok", "slow", "ok", "lost")


@dataclasses.dataclass
class Bought:
    """One buyer's answer."""

    status: int
    code: str
    order: str
    ticket: int
    seconds: float
    token: str
    asked: int  # How often: more than once only when 503 told to come again.


def listed(gateway, patience=1.0, **members):
    """A new product. A Kafka that is silent for a second, as on a machine with too much to do, is a 503."""
    deadline = time.monotonic() + 20 * patience
    admin = client.admin(gateway)
    while True:
        try:
            return admin.product(**members)
        except AssertionError as refused:
            if "503" not in str(refused) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class StackSale:
    """`patient`: whoever is told 503 asks again with the same key, for `patience` seconds; else that is an
    answer. `breaks`: so does whose connection ends. Of `paying` buyers one pays; somebody looks at the stock
    all the time, and somebody buys another thing, pays and cancels."""

    def __init__(self, gateways, first_data, units, buyers, at_once=60, patient=False, breaks=False,
                 paying=0, patience=60):
        self.patient, self.breaks, self.paying, self.patience = patient, breaks, paying, patience
        self.paid, self.given_back, self.payments = [], [], 0
        self.seen, self.found = collections.Counter(), collections.Counter()
        self.ports = [urllib.parse.urlsplit(url).port for url in gateways]
        self.gateway = gateways[0]
        self.product = listed(self.gateway, stock=units)["id"]
        self.probe = listed(self.gateway, stock=1_000)["id"] if paying else None
        self.returned = listed(self.gateway, stock=1_000)["id"] if paying else None
        person = client.sign_up(self.gateway)
        forger, user = Forger(first_data, person.token), person.user["id"]
        self.tokens = [
            forger.token(sub=user[:-4] + self.digits(number), sid=None, iat=now(), exp=now(3_600))
            for number in range(buyers)]
        self.units, self.at_once = units, at_once
        self.answers, self.left = [], list(reversed(self.tokens))

    @staticmethod
    def digits(number):
        text = ""
        for _ in range(4):
            text, number = DIGITS[number % 32] + text, number // 32
        return text

    def run(self, *faults, rate=None):
        """Every buyer asks once; `faults` are coroutines beside them. `rate`: buyers a second, at most."""
        self.pause = self.at_once / rate if rate else 0
        asyncio.run(self._run(faults))

    async def _run(self, faults):
        buyers = [asyncio.create_task(self._buy()) for _ in range(self.at_once)]
        beside = [asyncio.create_task(fault) for fault in faults]
        self.over = not self.paying
        all_the_time = [asyncio.create_task(each) for each in (self._look(), self._give_back())]
        await asyncio.gather(*buyers)
        await asyncio.gather(*beside)
        self.over = True
        await asyncio.gather(*all_the_time)

    async def ask(self, connection, method, path, key, token, body):
        """(status, members, how often it was asked); status 0: the connection ended."""
        end, asked = time.monotonic() + self.patience, 0
        while True:
            asked += 1
            try:
                answer = await connection.request(method, path, token=token, body=body,
                                                  headers={"Idempotency-Key": key})
                status, members = answer.status, answer.json()
            except Lost:
                status, members = 0, {}
            # 202: it is not known yet whether the payment was made.
            again = status == 202 or self.patient and status == 503 or self.breaks and status == 0
            if not again or time.monotonic() > end:
                return status, members, asked
            await asyncio.sleep(0.2)

    async def _look(self):
        """At the stock, through both gateways: it is always shown, unless the log is away."""
        connection = Alternating(self.ports)
        while not self.over:
            try:
                answer = await connection.request("GET", f"/products/{self.product}/stock")
                self.seen[answer.status] += 1
            except Lost:
                self.seen[0] += 1
            await asyncio.sleep(0.05)
        connection.close()

    async def _pay(self, connection, order, token):
        self.payments += 1
        card = {"method": "card", "token": CARDS[self.payments % len(CARDS)]}
        status, _, _ = await self.ask(connection, "POST", f"/orders/{order}/payment", uuid.uuid4().hex,
                                       token, card)
        return status

    async def _give_back(self):
        connection, token = Alternating(self.ports), self.tokens[-1]
        while not self.over:
            wanted = {"items": [{"productId": self.returned, "quantity": 1}]}
            status, body, _ = await self.ask(connection, "POST", "/orders", uuid.uuid4().hex, token, wanted)
            told, order = [status], body.get("id")
            if status == 201:
                told.append(await self._pay(connection, order, token))
                status, _, _ = await self.ask(connection, "POST", f"/orders/{order}/cancel",
                                               uuid.uuid4().hex, token, {})
                told.append(status)
            self.given_back.append((told, order))
            await asyncio.sleep(0.1)
        connection.close()

    async def _find(self, connection, order, token):
        """Whoever was told of an order finds it at once, wherever he asks."""
        try:
            self.found[(await connection.request("GET", f"/orders/{order}", token=token)).status] += 1
        except Lost:
            self.found[0] += 1

    async def _buy(self):
        connection = Alternating(self.ports)
        while self.left:
            token = self.left.pop()
            began = time.monotonic()
            wanted = {"items": [{"productId": self.product, "quantity": 1}]}
            status, body, asked = await self.ask(connection, "POST", "/orders", uuid.uuid4().hex, token,
                                                  wanted)
            item = (body.get("items") or [{}])[0]
            self.answers.append(Bought(status, body.get("code", ""), body.get("id", ""),
                                       item.get("ticket") or 0, time.monotonic() - began, token, asked))
            if self.paying and status == 201 and len(self.answers) % 5 == 1:
                await self._find(connection, body["id"], token)
            if self.paying and status == 201 and len(self.answers) % self.paying == 0:
                self.paid.append((await self._pay(connection, body["id"], token), body["id"], token))
            if self.pause:
                await asyncio.sleep(max(0, self.pause - (time.monotonic() - began)))
        connection.close()

    @property
    def sold(self):
        return [each for each in self.answers if each.status == 201]

    def slowest(self):
        return max(each.seconds for each in self.answers)

    def problems(self, seconds_max):
        """What is wrong, in words; empty: nothing."""
        found = []
        other = sorted({(each.status, each.code) for each in self.answers} - {(201, ""), (409, "sold_out")})
        if other:
            found.append(f"answers that no buyer with a key may get: {other}")
        if len(self.answers) != len(self.tokens):
            found.append(f"{len(self.tokens)} asked, {len(self.answers)} were answered")
        wanted = min(self.units, len(self.tokens))
        if len(self.sold) != wanted:
            found.append(f"{len(self.sold)} sold of {wanted}")
        if len({each.order for each in self.sold}) != len(self.sold):
            found.append("an order was answered twice")
        tickets = sorted(each.ticket for each in self.sold)
        if any(tickets) and tickets != list(range(1, len(tickets) + 1)):
            found.append("tickets are not 1 to n, each once")
        if self.slowest() > seconds_max:
            found.append(f"the longest answer took {self.slowest():.2f} s")
        found += asyncio.run(self._lost())
        found += asyncio.run(self._unpaid()) + asyncio.run(self._not_given_back())
        allowed = {200} | ({503} if self.patient else set()) | ({0} if self.breaks else set())
        if set(self.seen) - allowed:
            found.append(f"the stock was asked for, and answered {dict(self.seen)}")
        if set(self.found) - allowed:
            found.append(f"fresh orders were asked for, and answered {dict(self.found)}")
        return found

    def resumes(self, longest):
        """Seconds until an order is accepted again."""
        async def until_sold():
            connection, began = Alternating(self.ports), time.monotonic()
            wanted = {"items": [{"productId": self.probe, "quantity": 1}]}
            while time.monotonic() < began + longest:
                try:
                    answer = await connection.request("POST", "/orders", token=self.tokens[0], body=wanted,
                                                      headers={"Idempotency-Key": uuid.uuid4().hex})
                    if answer.status == 201:
                        break
                except Lost:
                    pass
                await asyncio.sleep(0.05)
            connection.close()
            return time.monotonic() - began
        return asyncio.run(until_sold())

    async def _unpaid(self):
        """Whoever was told that his payment is taken has paid, in the end."""
        told = sorted({status for status, _, _ in self.paid} - {200})
        found = [f"payments were answered {told}"] if told else []
        connection, end, state = Alternating(self.ports), time.monotonic() + 20, None
        for status, order, token in self.paid:
            while status == 200:
                state = (await self._get(connection, f"/orders/{order}", token)).json().get("state")
                if state != "accepted" or time.monotonic() > end:
                    break
                await asyncio.sleep(0.1)
            if status == 200 and state not in ("paid", "preparing", "shipped", "delivered"):
                found.append(f"order {order} is {state}, and was paid")
        connection.close()
        return found[:3]

    async def _not_given_back(self):
        """Whoever cancelled what he had paid has his money, and the units are there for others."""
        if not self.paying:
            return []
        told = sorted({str(statuses) for statuses, _ in self.given_back} - {"[201, 200, 200]"})
        found = [f"who bought, paid and cancelled was answered {told}"] if told else []
        found += [] if self.given_back else ["nobody bought, paid and cancelled"]
        connection, end, owed = Alternating(self.ports), time.monotonic() + 20, {}
        for statuses, order in self.given_back:
            while statuses == [201, 200, 200]:
                shown = (await self._get(connection, f"/orders/{order}", self.tokens[-1])).json()
                state = shown.get("state"), shown.get("payment", {}).get("state")
                if state == ("cancelled", "refunded"):
                    break
                if time.monotonic() > end:
                    owed[order] = state
                    break
                await asyncio.sleep(0.1)
        stock = (await self._get(connection, f"/products/{self.returned}/stock")).json()
        connection.close()
        found += [f"paid and cancelled, but {owed}"] if owed else []
        if not told and stock["remaining"] != 1_000:
            found.append(f"{stock['remaining']} of 1000 units are left of which all came back")
        return found

    async def _get(self, connection, path, token=None):
        deadline = time.monotonic() + (30 if self.patient else 0)
        while True:
            answer = await connection.request("GET", path, token=token)
            if answer.status != 503 or time.monotonic() >= deadline:
                return answer
            await asyncio.sleep(0.1)

    async def _lost(self):
        """Each order that was answered is there, through either gateway; the stock is what is left."""
        lost, left = [], list(self.sold)

        async def look():
            connection = Alternating(self.ports)
            while left:
                each = left.pop()
                answer = await self._get(connection, f"/orders/{each.order}", each.token)
                if answer.status != 200 or answer.json()["id"] != each.order:
                    lost.append(each.order)
            connection.close()

        await asyncio.gather(*[look() for _ in range(20)])
        connection = Alternating(self.ports)
        stock = (await self._get(connection, f"/products/{self.product}/stock")).json()
        connection.close()
        found = [f"{len(lost)} orders that were answered are not there: {lost[:3]}"] if lost else []
        if stock["remaining"] != self.units - len(self.sold):
            found.append(f"{stock['remaining']} units are left of {self.units}, {len(self.sold)} were sold")
        return found
