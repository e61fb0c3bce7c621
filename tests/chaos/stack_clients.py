"""Faults that come from outside: crowds at the opening moment, slow clients, strangers at the registry,
receivers of webhooks that take nothing, and public events that come again."""

import asyncio
import collections
import datetime
import json
import socket
import time
import urllib.request
import uuid

import client
from async_http import Alternating
from stack_tools import Tools

SLOW_EACH, HEAD_TIME_MAX = 60, 10  # Of each kind at each gateway; seconds that a head may take.


class Clients(Tools):
    async def opening_at_this_moment(self):
        """Buyers through both gateways from 50 ms before a product opens until 50 ms after."""
        opens = time.time() + 3
        product = await self._in_thread(lambda: client.admin(self.sale.gateway).product(
            stock=40, sale={"opensAt": client.moment(opens - time.time())}))
        first = datetime.datetime.fromisoformat(product["sale"]["opensAt"].replace("Z", "+00:00"))
        statuses, early = collections.Counter(), []

        async def buy(token, moment):
            connection = Alternating(self.sale.ports)
            await asyncio.sleep(max(0, moment - time.time()))
            wanted = {"items": [{"productId": product["id"], "quantity": 1}]}
            for _ in range(200):
                status, body, _ = await self.sale.ask(connection, "POST", "/orders", uuid.uuid4().hex, token,
                                                      wanted)
                statuses[status, body.get("code", "")] += 1
                if status == 201:
                    made = datetime.datetime.fromisoformat(body["createdAt"].replace("Z", "+00:00"))
                    early.append(body["id"]) if made < first else None
                if body.get("code") != "sale_not_open":
                    break
                await asyncio.sleep(0.02)
            connection.close()

        await asyncio.gather(*[buy(token, opens - 0.05 + number * 0.1 / 40)
                               for number, token in enumerate(self.sale.tokens[:40])])
        self.told = f"opening: {dict(statuses)}"
        if early or statuses[201, ""] != 40 or set(statuses) - {(201, ""), (409, "sale_not_open")}:
            self.wrong.append(f"the opening moment: {dict(statuses)}, before it: {early}")

    async def slow_clients_at_the_gateways(self):
        """A byte a second: of heads, of bodies, and of readers of a stream that read nothing."""
        path, began = f"/api/v1/products/{self.sale.product}/stock/stream", time.monotonic()
        head = b"POST /api/v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
        begins = {"heads": b"GET /api/v1/products HTTP/1.1\r\nHost: shop\r\nX-Slow: ",
                  "bodies": head + f"Authorization: Bearer {self.sale.tokens[0]}\r\n".encode()
                  + b"Content-Length: 1000\r\n\r\n{",
                  "readers": f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode()}
        there = {kind: [] for kind in begins}
        for port in self.sale.ports:
            for kind, begin in begins.items():
                for _ in range(SLOW_EACH):
                    one = socket.create_connection(("127.0.0.1", port), timeout=5)
                    one.sendall(begin)
                    one.setblocking(False)
                    there[kind].append(one)
            await asyncio.sleep(0)
        while time.monotonic() < began + HEAD_TIME_MAX + 3:
            for one in (*there["heads"], *there["bodies"]):
                try:
                    one.send(b"a")
                except OSError:
                    pass  # The other end has had enough, as is counted below.
            await asyncio.sleep(1)
        left = sum(not self._has_ended(one) for one in there["heads"])
        for one in sum(there.values(), []):
            one.close()
        if left:
            self.wrong.append(f"{left} heads of a byte a second are still read after {HEAD_TIME_MAX} s")

    @staticmethod
    def _has_ended(connection):
        try:
            while connection.recv(1 << 16):
                pass
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    async def registries_name_strangers(self):
        """Instances of ours that are none: nobody listens there, or somebody who says nothing. Nobody takes
        them away: their leases end."""
        silent = socket.create_server(("127.0.0.1", 0))
        with socket.create_server(("127.0.0.1", 0)) as closed:
            ports = [closed.getsockname()[1], silent.getsockname()[1]]
        end = time.monotonic() + self.draw.uniform(1, 5)
        try:
            while time.monotonic() < end:
                for app in ("MARKET-ORDER", "MARKET-PRODUCT", "MARKET-USER"):
                    for port in ports:
                        await self._in_thread(self._register, app, port)
                await asyncio.sleep(1)
        finally:
            silent.close()

    def _register(self, app, port):
        body = {"instanceId": f"stranger:{app.lower()}:{port}", "hostName": "127.0.0.1", "app": app,
                "ipAddr": "127.0.0.1", "vipAddress": app.lower(), "status": "UP",
                "port": {"$": port, "@enabled": "true"},
                "dataCenterInfo": {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
                                   "name": "MyOwn"},
                "leaseInfo": {"renewalIntervalInSecs": 1, "durationInSecs": 3}}
        for number in (1, 2):
            asked = urllib.request.Request(
                f"http://127.0.0.1:{self.stack.port(f'registry-{number}')}/eureka/apps/{app}",
                json.dumps({"instance": body}).encode(), {"Content-Type": "application/json"})
            try:
                urllib.request.urlopen(asked, timeout=5).close()
            except OSError:
                continue  # It is away, by another fault.

    async def webhooks_are_not_taken(self):
        """The receiver refuses all, takes them and says nothing, or is gone."""
        self.stack.webhooks.misbehave(self.draw.choice([503, "drop", "hang"]))
        try:
            await asyncio.sleep(self.draw.uniform(2, 6))
        finally:
            self.stack.webhooks.misbehave(None)

    async def public_events_come_again_in_kafka(self):
        """The newest of them, as they are, in the middle of the others."""
        await self._in_thread(self.stack.events().write_again, self.draw)
