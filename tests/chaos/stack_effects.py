"""Whoever hears of orders outside: a reader of the public events, and the receiver of a webhook."""

import collections
import json
import time

from market_server import PATIENCE
from webhook_receiver import Receiver

TOPIC = "market.events"


class PublicEvents:
    """Follows the topic by the rule of api/events.yaml: each place counts once, and none is left out."""

    def __init__(self, brokers):
        import confluent_kafka as kafka
        self.part = kafka.TopicPartition(TOPIC, 0)
        servers = {"bootstrap.servers": brokers, "log_level": 0}
        self.reader = kafka.Consumer({**servers, "group.id": "chaos-events", "enable.auto.commit": False})
        self.reader.assign([kafka.TopicPartition(TOPIC, 0, 0)])
        self.writer = kafka.Producer({**servers, "linger.ms": 0, "message.timeout.ms": 10_000})
        self.last, self.offset = (-1, 0), 0
        self.newest = collections.deque(maxlen=100)
        self.orders = collections.defaultdict(list)  # By product.

    def close(self):
        self.reader.close()

    def look(self):
        """Reads on to the topic's end."""
        _, end = self.reader.get_watermark_offsets(self.part, timeout=10)
        deadline = time.monotonic() + 20
        while self.offset < end:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the public events cannot be read from {self.offset} to {end}")
            for message in self.reader.consume(1_000, timeout=0.05):
                if not message.error():  # A broker that is away is found again.
                    self.offset = message.offset() + 1
                    self.newest.append(message)
                    self.take(json.loads(message.value()))

    def take(self, event):
        at = event["generation"], event["place"]
        # It has come before; or one before it is missing, and comes again with this one behind it.
        if at <= self.last or at[0] == self.last[0] and (event["previous"] or 0) > self.last[1]:
            return
        self.last = at
        if event["type"] == "order.accepted":
            for item in event["data"]["items"]:
                self.orders[item["productId"]].append(event["data"]["orderId"])

    def write_again(self, draw):
        self.look()
        known = list(self.newest)
        for message in known[draw.randrange(len(known)):]:
            self.writer.produce(TOPIC, value=message.value(), key=message.key(), partition=0)
        if self.writer.flush(10):
            raise RuntimeError("the public events cannot be written again")

    def problems(self, sale):
        """Whether they tell of all that was sold, of each once."""
        wanted, end = sorted(each.order for each in sale.sold), time.monotonic() + 20 * PATIENCE
        while True:
            self.look()
            told = sorted(self.orders[sale.product])
            if told == wanted or time.monotonic() > end:
                break
            time.sleep(0.2)
        if told == wanted:
            return []
        return [f"public events tell of {len(told)} orders ({len(set(told))} of them differ), {len(wanted)} "
                "were sold"]


class ToldByWebhook:
    """A receiver that an administrator has registered; for one sale."""

    def __init__(self, admin):
        self.admin, self.receiver = admin, Receiver().__enter__()
        made = admin.post("/admin/webhooks", {"url": self.receiver.url, "events": ["order.accepted"]},
                          expect=201).json()
        self.receiver.secret, self.id = made["secret"], made["id"]

    def misbehave(self, how):
        self.receiver.behave = lambda number: how

    def problems(self, sale, again):
        """All that was sold was told, each under one id; `again`: something came twice."""
        wanted, end = {each.order for each in sale.sold}, time.monotonic() + 60 * PATIENCE
        while True:
            taken = list(self.receiver.taken)
            ids = collections.defaultdict(set)
            for event in taken:
                ids[event["data"]["order"]["id"]].add(event["id"])
            if wanted <= set(ids) or time.monotonic() > end:
                break
            time.sleep(0.2)
        found = []
        if wanted - set(ids):
            found.append(f"{len(wanted - set(ids))} orders were told to nobody")
        if several := [order for order, of_one in ids.items() if len(of_one) > 1]:
            found.append(f"told under several ids: {several[:3]}")
        if self.receiver.bad_signatures:
            found.append(f"{self.receiver.bad_signatures} wrong signatures")
        if again and len(taken) == len({event["id"] for event in taken}):
            found.append("the one that was taken and not written down did not come again")
        return found

    def close(self):
        self.admin.delete(f"/admin/webhooks/{self.id}", expect=204)
        self.receiver.__exit__()
