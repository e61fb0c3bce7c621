#!/usr/bin/env python3
"""Counts the orders of a market exactly, from its public events. See README.md."""

import argparse
import json
import os
import pathlib

from confluent_kafka import Consumer, KafkaException, TopicPartition


class Count:
    """What was counted, and from which place it is: both are kept in one file, at once."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.numbers = {"orders": 0, "paid": 0, "units": 0, "events": 0, "skipped": 0,
                        "generation": -1, "place": 0, "offset": 0}
        if self.path.exists():
            self.numbers = json.loads(self.path.read_text())

    def wants(self, event):
        """The rule of api/events.yaml: nothing twice, nothing left out."""
        last = (self.numbers["generation"], self.numbers["place"])
        if (event["generation"], event["place"]) <= last:
            return False  # It has come before.
        same = event["generation"] == last[0]
        return not (same and event["previous"] is not None and event["previous"] > last[1])

    def take(self, event):
        numbers, data = self.numbers, event["data"]
        numbers["events"] += 1
        if event["type"] == "order.accepted":
            numbers["orders"] += 1
            numbers["units"] += sum(item["quantity"] for item in data["items"])
        elif event["type"] == "order.paid":
            numbers["paid"] += 1
            numbers["units"] += sum(each["quantity"] for each in data["unitsTaken"])
        numbers["units"] -= sum(each["quantity"] for each in data.get("unitsReturned", []))
        numbers["generation"], numbers["place"] = event["generation"], event["place"]

    def keep(self):
        beside = self.path.with_suffix(".new")
        with beside.open("w") as out:
            json.dump(self.numbers, out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self.path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", default="127.0.0.1:9092")
    parser.add_argument("--topic", default="market.events")
    parser.add_argument("--state", default="count.json")
    options = parser.parse_args()
    count = Count(options.state)
    # Our own place decides where to go on, not Kafka's groups: `group.id` is only asked for by the client.
    consumer = Consumer({"bootstrap.servers": options.kafka, "group.id": "count-orders",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(options.topic, 0, count.numbers["offset"])])
    quiet = True
    while True:
        message = consumer.poll(0.5)
        if message is None:
            if not quiet:
                count.keep()
                print(json.dumps(count.numbers), flush=True)
            quiet = True
            continue
        if message.error():
            if not message.error().retriable():
                raise KafkaException(message.error())
            continue
        event = json.loads(message.value())
        if count.wants(event):
            count.take(event)
        else:
            count.numbers["skipped"] += 1
        count.numbers["offset"] = message.offset() + 1
        quiet = False


if __name__ == "__main__":
    main()
