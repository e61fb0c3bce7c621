"""Public events: the example readers count exactly whatever is killed; `market events tail` shows them."""

import importlib.util
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid

import jsonschema
import pytest
import requests
import yaml

import client
from foreign_records import end_a_transaction
from market_server import BINARY, PATIENCE, ROOT, Market
from test_shared_log import (  # noqa: F401
    database, engines, kafka, order, query, serve, writes)
from waiting import until

DOCUMENT = yaml.safe_load((ROOT / "api/events.yaml").read_text())
KAFKA_LIBS = ROOT / "build/kafka/libs"


def validators():
    """By type of event."""
    found = {}
    for schema in ("ProductListed", "ProductChanged", "ProductStockAdjusted", "OrderAccepted", "OrderPaid",
                   "OrderMoved"):
        kind = DOCUMENT["components"]["schemas"][schema]["properties"]["type"]
        whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
        for each in kind.get("enum", [kind.get("const")]):
            found[each] = jsonschema.Draft7Validator(whole)
    return found


VALIDATORS = validators()


def check(event):
    VALIDATORS[event["type"]].validate(event)
    return event


def whole_life(chief, buyer, order):
    """Paid, and by every step to the shelf again."""
    buyer.pay(order)
    for state in ("preparing", "shipped", "delivered", "return_requested", "returned"):
        chief.post(f"/admin/orders/{order['id']}/advance", {"state": state}, expect=200)


def tail(*arguments):
    done = subprocess.run([BINARY, "events", "tail", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return [check(json.loads(line)) for line in done.stdout.splitlines()]


class Reader:
    """One of the examples, which may be killed and goes on."""

    def __init__(self, command, state):
        self.command, self.state = [str(part) for part in command], pathlib.Path(state)
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def numbers(self):
        assert self.process.poll() is None, self.process.stderr.read()
        return json.loads(self.state.read_text()) if self.state.exists() else {"events": 0}


def examples(kafka, topic, folder):  # noqa: F811
    folder = pathlib.Path(folder)
    python = [sys.executable, ROOT / "examples/events/count_orders.py", "--kafka", kafka, "--topic", topic,
              "--state", folder / "python.json"]
    readers = [Reader(python, folder / "python.json")]
    if shutil.which("java") and any(KAFKA_LIBS.glob("jackson-databind-*.jar")):
        java = ["java", "-cp", f"{KAFKA_LIBS}/*", ROOT / "examples/events/CountOrders.java", kafka, topic,
                folder / "java.json"]
        readers.append(Reader(java, folder / "java.json"))
    return readers


def test_readers_count_exactly_though_writer_and_readers_are_killed(
        serve, kafka, database, tmp_path):  # noqa: F811
    pytest.importorskip("confluent_kafka")
    topic = f"e2e.events.{uuid.uuid4().hex}"
    shared = (f"records.mysql={database}", f"accounts.mysql={database}", f"events.topic={topic}")
    a = serve("a", *shared)
    product = client.admin(a.url).product(stock=200, name="선착순 Shoe \" \\ &amp;")["id"]
    buyer = client.sign_up(a.url)
    b = serve("b", *shared, keys_of=a)
    readers = [each.start() for each in examples(kafka, topic, tmp_path)]
    until(lambda: readers[0].numbers()["events"], 20, "nothing is published")
    sold, instances = [], [a, b]

    def buy(key):
        body = {"items": [{"productId": product, "quantity": 1 + key % 2}]}
        deadline = time.monotonic() + 20 * PATIENCE
        while time.monotonic() < deadline:
            for each in instances:
                try:
                    answer = requests.post(
                        each.url + "/api/v1/orders", json=body, timeout=5 * PATIENCE,
                        headers={"Authorization": f"Bearer {buyer.token}", "Idempotency-Key": f"key-{key}"})
                except requests.RequestException:
                    continue
                if answer.status_code == 201:
                    return sold.append(answer.json())
        return sold.append(None)

    def crowd(keys):
        threads = [threading.Thread(target=buy, args=(key,)) for key in keys]
        for each in threads:
            each.start()
        return threads

    under_way = crowd(range(30))
    readers[0].kill()
    writer = next(each for each in instances if writes(each))
    writer.kill()
    readers[0].start()
    for each in under_way + crowd(range(30, 60)):
        each.join()
    assert None not in sold and len({each["id"] for each in sold}) == 60
    other = next(each for each in instances if each is not writer)
    there = client.Client(other.url, buyer.token)
    for each in sold[:5]:
        there.post(f"/orders/{each['id']}/payment", {"method": "card", "token": "ok"}, expect=200)
    there.post(f"/orders/{sold[5]['id']}/cancel", expect=200)
    whole_life(client.admin(other.url), there, sold[6])
    stock = there.stock({"id": product})
    units = sum(item["quantity"] for each in sold[:5] + sold[7:] for item in each["items"])
    assert stock["capacity"] - stock["remaining"] == units
    wanted = {"orders": 60, "paid": 6, "units": units}
    for reader in readers:
        until(lambda reader=reader: wanted.items() <= reader.numbers().items(), 40,
              f"counted {reader.numbers()}, wanted {wanted}")
    time.sleep(1.5)
    for reader in readers:
        assert {name: reader.numbers()[name] for name in wanted} == wanted, "and it stays so"
        reader.kill()
    end_a_transaction(kafka, topic)
    events = tail("--last", 10_000, "--set", f"log.kafka={kafka}", "--set", f"events.topic={topic}")
    places = [each["place"] for each in events]
    assert places == sorted(set(places)), "in order, each once"
    assert sum(each["type"] == "order.accepted" for each in events) == 60
    text = json.dumps(events)
    assert buyer.user["id"] not in text and buyer.user["email"] not in text
    assert requests.get(other.url + "/metrics", timeout=5).text.count("market_events_published_total ") >= 1


def test_the_tail_of_a_store_that_runs(tmp_path):
    with Market(tmp_path / "data").start() as market:
        admin = client.admin(market.url)
        shown = admin.product(stock=5, name="Hat")
        hidden = admin.product(stock=5, name="secret", publishAt=client.moment(3_600))
        admin.post(f"/products/{hidden['id']}/stock", {"delta": 2, "reason": "x"}, expect=200)
        admin.post(f"/products/{shown['id']}/stock", {"delta": 2, "reason": "my name is Kim"}, expect=200)
        kinds = [(each["type"], each["data"]["productId"]) for each in tail("--data", market.data)]
        assert kinds == [("product.listed", shown["id"]), ("product.stock_adjusted", shown["id"])]
        command = [BINARY, "events", "tail", "--data", market.data, "--last", "0", "--follow"]
        follow = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.5)
            buyer = client.sign_up(market.url)
            bought = buyer.order(shown, expect=201).json()
            event = check(json.loads(follow.stdout.readline()))
            assert (event["type"], event["data"]["orderId"]) == ("order.accepted", bought["id"])
            assert event["data"]["items"][0]["ticket"] == 1
        finally:
            follow.terminate()
            follow.wait()
    assert len(tail("--data", market.data)) == 3, "and of one that does not"


def example_reader(folder):
    """What the example in Python counts by."""
    spec = importlib.util.spec_from_file_location("count_orders", ROOT / "examples/events/count_orders.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Count(folder / "count.json")


def test_an_order_is_counted_like_the_stock_at_each_step_of_its_life(tmp_path):
    pytest.importorskip("confluent_kafka")
    settings = ("orders.payment_window=1s", "orders.attempt_bound=1s")
    with Market(tmp_path / "data", *settings).start() as market:
        chief, buyer = client.admin(market.url), client.sign_up(market.url)
        product = chief.product(stock=10)
        count, seen = example_reader(tmp_path), {}

        def agree():
            for event in tail("--data", market.data, "--last", 1_000):
                if count.wants(event):
                    count.take(event)
                    seen.setdefault(event["type"], []).append(event["data"])
            stock = chief.stock(product)
            assert count.numbers["units"] == stock["capacity"] - stock["remaining"], (seen, stock)
            return count.numbers["units"]

        order = buyer.order(product, 2).json()
        assert agree() == 2
        buyer.pay(order)
        for state, units in (("preparing", 2), ("shipped", 2), ("delivered", 2), ("return_requested", 2),
                             ("returned", 0)):
            chief.post(f"/admin/orders/{order['id']}/advance", {"state": state}, expect=200)
            assert agree() == units, state
        order = buyer.order(product).json()
        buyer.post(f"/orders/{order['id']}/cancel", expect=200)
        assert agree() == 0
        late = buyer.order(product, 3).json()
        buyer.pay(late, "late", expect=202)
        until(lambda: buyer.get(f"/orders/{late['id']}").json()["state"] == "paid", 10)
        assert agree() == 3
        assert len(seen["order.expired"]) == 1
        item = buyer.get(f"/orders/{late['id']}").json()["items"][0]
        assert item["ticket"] != late["items"][0]["ticket"]
        assert seen["order.paid"][-1]["unitsTaken"] == [
            {"productId": product["id"], "quantity": 3, "ticket": item["ticket"]}], "as the order has it"
        for verb, body, paused in (("pause", {}, True), ("extend", {"closesAt": None}, False)):
            chief.post(f"/admin/products/{product['id']}/sale/{verb}", body, expect=200)
            agree()
            assert seen["product.changed"][-1]["sale"]["paused"] == paused


def all_of(kafka, topic):  # noqa: F811
    """Also what came again."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition
    reader = Consumer({"bootstrap.servers": kafka, "group.id": "all", "enable.auto.commit": False})
    reader.assign([TopicPartition(topic, 0, 0)])
    found = []
    try:
        _, end = reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    except KafkaException:  # It is not made yet.
        return found
    while len(found) < end:
        found += [check(json.loads(each.value())) for each in reader.consume(100, 0.5) if not each.error()]
    reader.close()
    return found


def test_behind_the_stored_place_the_terms_of_its_time_count(
        serve, kafka, engines, database):  # noqa: F811
    pytest.importorskip("confluent_kafka")
    topic = f"e2e.events.{uuid.uuid4().hex}"
    a = serve("a", f"records.mysql={database}", f"accounts.mysql={database}", f"events.topic={topic}")
    chief = client.admin(a.url)
    hidden = chief.product(publishAt=client.moment(3_600))["id"]
    shown = chief.product()["id"]
    names = {hidden: "hidden", shown: "shown"}

    def told():
        return [(each["type"].removeprefix("product."), names[each["data"]["productId"]],
                 each["data"].get("delta")) for each in all_of(kafka, topic)]

    def stored(sql):
        return query(engines, f"USE {database.rsplit('/', 1)[1]}; {sql}")

    until(lambda: stored("SELECT done FROM followers WHERE name = 'events'"), 20, "it does not begin")
    place = until(lambda: all_of(kafka, topic), 20, "nothing is published")[0]["place"]
    until(lambda: stored(f"SELECT done FROM followers WHERE name = 'events' AND done >= {place}"), 20)
    stored("CREATE TABLE kept AS SELECT * FROM followers WHERE name = 'events'")
    for product in (shown, hidden):
        chief.post(f"/products/{product}/stock", {"delta": 1, "reason": "x"}, expect=200)
    for product, publish_at in ((shown, client.moment(3_600)), (hidden, None)):
        chief.patch(f"/products/{product}", {"publishAt": publish_at}, expect=200)
    for product in (shown, hidden):
        chief.post(f"/products/{product}/stock", {"delta": 2, "reason": "x"}, expect=200)
    again = [("stock_adjusted", "shown", 1), ("changed", "hidden", None), ("stock_adjusted", "hidden", 2)]
    wanted = [("listed", "shown", None), *again]
    until(lambda: told()[-1] == wanted[-1], 20)
    assert told() == wanted
    a.kill()
    stored("REPLACE INTO followers SELECT * FROM kept")  # As if it had been killed before it kept its place.
    a.start(40)
    until(lambda: len(told()) >= len(wanted + again), 30 * PATIENCE)
    assert told() == wanted + again


@pytest.mark.parametrize("arguments, said", [
    (("--data", "/nowhere"), "there is no store"),
    (("--last", "-1"), "--last"),
    (("--set", "events.topic=a b", "--set", "log.kafka=127.0.0.1:1"), "events.topic"),
    (("--set", "events.topic=market.log", "--set", "log.kafka=127.0.0.1:1"), "private"),
    (("--set", "events.topic=", "--set", "log.kafka=127.0.0.1:1"), "no events are published"),
])
def test_a_tail_that_cannot_be_is_refused(arguments, said):
    command = [BINARY, "events", "tail", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done


def test_the_examples_in_the_document_are_right():
    shown = DOCUMENT["components"]["schemas"]["ProductListed"]["examples"]
    assert [check(each)["type"] for each in shown] == ["product.listed"]
    with pytest.raises(jsonschema.ValidationError):
        check({**shown[0], "place": 0})


def test_the_document_is_served_and_shown(tmp_path):
    with Market(tmp_path / "data").start() as market:
        assert requests.get(market.url + "/events.json", timeout=10).json() == DOCUMENT
        page = requests.get(market.url + "/docs", timeout=10).text
        assert "/docs/events.js" in page and "/events.json" in page
        assert requests.get(market.url + "/docs/events.js", timeout=10).status_code == 200
