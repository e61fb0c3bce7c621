"""`market serve` with its log on Kafka: orders are in the topic, and another process goes on from there."""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import uuid

import pytest
import requests

import client
from kafka_cut import KafkaCut
from market_server import PATIENCE, ROOT, Market
from redis_server import RedisServer
from stepped_clock import SteppedClock
from streams import EventStream
from waiting import until

TOOL = ROOT / "tools/stack/engines.py"


def variables(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """The engines that ./dev test has started, else some of our own."""
    shared = pathlib.Path(os.environ.get("MARKET_ENGINES", ROOT / "build/engines/env"))
    if shared.exists() and {"KAFKA", "MYSQL"} <= set(variables(shared)):
        yield variables(shared)
        return
    folder = tmp_path_factory.mktemp("engines")
    command = [sys.executable, TOOL, "up", "kafka", "mariadb", "--any-port", "--dir", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"the engines cannot be started: {done.stderr.strip()}")
    yield variables(folder / "env")
    subprocess.run([sys.executable, TOOL, "down", "--dir", folder], check=False)


@pytest.fixture(scope="module")
def kafka(engines):
    return engines["KAFKA"]


def query(engines, sql):
    host, port = engines["MYSQL"].split(":")
    command = ["mariadb", "--no-defaults", "-h", host, "-P", port, "-u", engines["MYSQL_USER"], "-N", "-B"]
    environment = {**os.environ, "MYSQL_PWD": engines["MYSQL_PASSWORD"]}
    done = subprocess.run([*command, "-e", sql], check=True, env=environment, capture_output=True, text=True)
    return done.stdout


def database_of_a_test(engines):
    """A database of one test: its URL."""
    name = "market_e2e_" + uuid.uuid4().hex
    query(engines, f"CREATE DATABASE {name}")
    yield f"mysql://{engines['MYSQL_USER']}:{engines['MYSQL_PASSWORD']}@{engines['MYSQL']}/{name}"
    query(engines, f"DROP DATABASE {name}")


database = pytest.fixture(database_of_a_test, name="database")
other_database = pytest.fixture(database_of_a_test, name="other_database")


@pytest.fixture
def serve(kafka, tmp_path):
    """serve("a"): a process with a data folder of its own on the test's topic."""
    topic = f"e2e.{uuid.uuid4().hex}"
    started = []

    def begin(name, *settings, keys_of=None, broker=kafka, flags=(), environment=None):
        data = tmp_path / name
        if keys_of:  # Instances of one market share their keys.
            data.mkdir(mode=0o700, exist_ok=True)
            subprocess.run(["cp", "-a", keys_of.data / "keys", data], check=True)
        settings = (f"log.kafka={broker}", f"log.topic={topic}", "ratelimit.enabled=false", *settings)
        one = Market(data, *settings, flags=flags, environment=environment)
        started.append(one.start(40))
        return one

    yield begin
    for one in started:
        one.kill()


def ready(server):
    return requests.get(server.url + "/health/ready", timeout=5)


def listed(server, stock=50):
    return client.admin(server.url).product(stock=stock)["id"]


def order(buyer, product, key=None):
    return buyer.post("/orders", json={"items": [{"productId": product, "quantity": 1}]},
                      headers={"Idempotency-Key": key or uuid.uuid4().hex}, expect=201).json()


def test_the_orders_are_on_the_topic_and_survive_the_data_folder(serve):
    first = serve("a")
    product = listed(first)
    buyer = client.sign_up(first.url)
    orders = [order(buyer, product)["id"] for _ in range(5)]
    first.kill()  # -9, and its disk with it.
    second = serve("b")
    wait_until_it_writes(second, 10)
    page = requests.get(f"{second.url}/api/v1/products/{product}/stock", timeout=5).json()
    assert (page["remaining"], page["capacity"]) == (45, 50)
    # Who bought is in the log; accounts are rows of the store that is gone.
    assert len(set(orders)) == 5


def writes(server):
    lines = requests.get(server.url + "/metrics", timeout=5).text.splitlines()
    return "market_log_writes 1" in lines


def wait_until_it_writes(server, seconds):
    began = time.monotonic()
    while not writes(server):
        assert time.monotonic() - began < seconds * PATIENCE
        time.sleep(0.02)
    return time.monotonic() - began


def test_whoever_is_asked_sells_and_goes_on_when_the_writer_is_killed(serve):
    writer = serve("a")
    product = listed(writer)
    buyer = client.sign_up(writer.url)
    first = order(buyer, product, "once")
    other = serve("b", keys_of=writer)
    assert ready(other).status_code == 200 and not writes(other)
    seen = requests.get(f"{other.url}/api/v1/products/{product}/stock", timeout=5).json()
    assert seen["remaining"] == 49
    headers = {"Authorization": f"Bearer {buyer.token}"}

    def buy(key):
        return requests.post(f"{other.url}/api/v1/orders", timeout=10 * PATIENCE,
                             json={"items": [{"productId": product, "quantity": 1}]},
                             headers={**headers, "Idempotency-Key": key})

    sold = buy("elsewhere")
    assert sold.status_code == 201, sold.text
    assert sold.json()["items"][0]["ticket"] == 2
    # Read where it was answered, and where it was decided.
    for each in (other, writer):
        found = requests.get(f"{each.url}/api/v1/orders/{sold.json()['id']}", headers=headers, timeout=5)
        assert found.status_code == 200, found.text
    replayed = buy("once")
    assert (replayed.status_code, replayed.json()["id"]) == (201, first["id"])
    assert replayed.headers["Idempotency-Replayed"] == "true"
    writer.kill()
    began = time.monotonic()
    third = buy("after-the-kill")
    took = time.monotonic() - began
    assert third.status_code == 201, third.text
    assert third.json()["items"][0]["ticket"] == 3
    assert took <= 2.5 * PATIENCE and writes(other)


def test_a_writer_that_stops_hands_over(serve):
    writer = serve("a")
    product = listed(writer)
    standby = serve("b", keys_of=writer)
    began = time.monotonic()
    assert writer.stop() == 0
    took = wait_until_it_writes(standby, 2.5)
    assert time.monotonic() - began < 3 * PATIENCE
    assert took < 1.2 * PATIENCE, "less than a silence"
    # And back: it reads what happened meanwhile.
    assert requests.get(f"{standby.url}/api/v1/products/{product}", timeout=5).status_code == 200


@pytest.mark.parametrize("seconds, words", [(120, "ahead of"), (-120, "behind")])
def test_an_instance_that_began_with_a_wrong_clock_does_not_write(serve, tmp_path, seconds, words):
    """The clock is set right later; that of the process stays wrong, and would open a sale early, or late."""
    writer = serve("a")
    sale = {"opensAt": client.moment(60 if seconds > 0 else -60)}
    product = client.admin(writer.url).product(stock=5, sale=sale)["id"]
    buyer = client.sign_up(writer.url)
    clock = SteppedClock(tmp_path)
    clock.step(seconds)
    wrong = serve("b", keys_of=writer, environment=clock.environment)
    clock.step(0)
    until(lambda: ready(wrong).status_code == 503, 5, "it knows")
    assert f"{abs(seconds)} s {words} the event log's" in ready(wrong).text

    def buy(server):
        return requests.post(f"{server.url}/api/v1/orders", timeout=10 * PATIENCE,
                             json={"items": [{"productId": product, "quantity": 1}]},
                             headers={"Authorization": f"Bearer {buyer.token}",
                                      "Idempotency-Key": uuid.uuid4().hex})

    writer.kill()
    refused = buy(wrong)
    assert refused.status_code == 503 and not writes(wrong), refused.text
    right = serve("c", keys_of=writer)
    wait_until_it_writes(right, 10)
    assert ready(right).status_code == 200
    asked = buy(right)
    assert asked.status_code == (409 if seconds > 0 else 201), asked.text


def test_two_instances_share_the_records_and_a_sale_survives_kills_of_the_writer(serve, database):
    """100 units, 140 buyers that repeat with their key, the writer killed again and again."""
    records = f"records.mysql={database}"
    a = serve("a", records)
    product = listed(a, stock=100)
    buyer = client.sign_up(a.url)
    b = serve("b", records, keys_of=a)
    headers = {"Authorization": f"Bearer {buyer.token}"}
    body = {"items": [{"productId": product, "quantity": 1}]}
    bought, refused, kills, instances = {}, 0, 0, [a, b]
    for number in range(140):
        if number % 30 == 20:
            writer = next(each for each in instances if writes(each))
            writer.kill()
            kills += 1
        deadline, answer = time.monotonic() + 15 * PATIENCE, None
        while answer is None or answer.status_code == 503:
            assert time.monotonic() < deadline, answer and answer.text
            for each in instances:
                try:
                    answer = requests.post(each.url + "/api/v1/orders", json=body, timeout=5,
                                           headers={**headers, "Idempotency-Key": f"key-{number}"})
                except requests.ConnectionError:
                    continue
                if answer.status_code != 503:
                    break
        if answer.status_code == 201:
            bought[number] = answer.json()["id"]
        else:
            assert (answer.status_code, answer.json()["code"]) == (409, "sold_out"), answer.text
            refused += 1
        for each in instances:
            if each.process.poll() is not None:
                each.start(40)
    assert kills >= 4
    assert (len(bought), refused) == (100, 40)
    assert len(set(bought.values())) == 100
    # Every order that was answered is there, on both, and nothing else.
    for each in instances:
        cursor, found = "", []
        while cursor is not None:
            address = f"{each.url}/api/v1/orders?limit=100{cursor}"
            page = requests.get(address, headers=headers, timeout=10).json()
            found += [order["id"] for order in page["items"]]
            cursor = page["nextCursor"] and "&cursor=" + page["nextCursor"]
        assert sorted(found) == sorted(bought.values())
        stock = requests.get(f"{each.url}/api/v1/products/{product}/stock", timeout=5).json()
        assert stock["remaining"] == 0


@pytest.mark.skipif(not shutil.which("redis-server"), reason="apt-get install redis-server")
def metric(server, name):
    lines = requests.get(server.url + "/metrics", timeout=5).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))


def test_a_standby_and_a_product_instance_begin_with_snapshots_of_their_own(serve, database):
    shared = (f"records.mysql={database}", f"accounts.mysql={database}", "log.snapshot_every=20")
    writer = serve("a", *shared)
    wait_until_it_writes(writer, 10)
    product = listed(writer, 200)
    buyer = client.sign_up(writer.url)
    followers = [serve("b", *shared, keys_of=writer),
                 serve("c", *shared, keys_of=writer, flags=("--role", "product"))]

    def left(server):
        return requests.get(f"{server.url}/api/v1/products/{product}/stock", timeout=5).json()["remaining"]

    def stops(server):
        assert server.stop() == 0, server.log_tail()

    for _ in range(30):
        order(buyer, product)
    for one in followers:
        assert metric(one, "market_started_from_place") == 0
        until(lambda one=one: metric(one, "market_snapshots_total") > 0, 20, "it keeps no snapshot")
        assert not writes(one)
        stops(one)
    order(buyer, product)  # They do not hear of it.
    for one in followers:
        one.start(40)
        assert metric(one, "market_started_from_place") >= 20
        until(lambda one=one: left(one) == 169, 10)
        assert ", behind the snapshot" in one.logged(", behind the snapshot")
        stops(one)
        whole = (one.data / "gate.snapshot").read_bytes()
        (one.data / "gate.snapshot").write_bytes(whole[:-9] + b"damaged!!")
        one.start(40)
        assert metric(one, "market_started_from_place") == 0
        until(lambda one=one: left(one) == 169, 10)
        assert "is damaged" in one.logged("is damaged")
    # Who writes is known to the standby, too, and it sells on what it began with.
    stops(followers[0])
    followers[0].start(40)
    standby = client.sign_in(followers[0].url, buyer.user["email"], client.PASSWORD)
    order(standby, product)
    writer.kill()
    wait_until_it_writes(followers[0], 10)
    order(standby, product)
    assert left(followers[0]) == 167


def test_who_is_cut_off_from_the_log_shows_what_redis_says(serve, kafka, tmp_path):
    """Its page and a stream that is open there go on; the log's own numbers hold when it is back."""
    way = KafkaCut(kafka)
    with RedisServer(tmp_path / "redis") as redis:
        writer = serve("a", *redis.settings)
        product = listed(writer)
        buyer = client.sign_up(writer.url)
        other = serve("b", *redis.settings, keys_of=writer, broker=way.address)
        visitor = client.Client(other.url)

        def shows(left):
            return visitor.get(f"/products/{product}/stock", expect=200).json()["remaining"] == left

        with EventStream(visitor, f"/products/{product}/stock/stream") as stream:
            assert stream.next("stock")[1]["remaining"] == 50
            order(buyer, product)
            until(lambda: shows(49))
            stream.next("stock")
            way.cut()
            for _ in range(5):
                order(buyer, product)
            until(lambda: shows(44), 8, "what Redis says")
            assert stream.next("stock")[1]["remaining"] == 44
            order(buyer, product)
            until(lambda: shows(43), 8, "it goes on")
            assert stream.next("stock")[1]["remaining"] == 43
            assert visitor.get("/products/0000000000001").status_code == 503, "it shows, and denies nothing"
            # What was spoiled there decides nothing, and does not stay.
            key = redis.ask("KEYS", f"*:stock:{product}")[0]
            writer.kill()
            redis.ask("HSET", key, "place", str(2**52), "remaining", "7")
            redis.ask("ZADD", key.split(":stock:")[0] + ":moved", str(2**52), product)
            until(lambda: shows(7), 8)
            assert stream.next("stock")[1]["remaining"] == 7
            way.mend()
            until(lambda: shows(43), 20, "the log is back")
            assert stream.next("stock")[1]["remaining"] == 43
    way.close()


def test_records_that_several_share_need_a_log_that_they_share(tmp_path):
    market = Market(tmp_path / "data", "records.mysql=mysql://u:secret@127.0.0.1:1/d")
    with pytest.raises(RuntimeError) as failed:
        market.start()
    assert "needs log.kafka" in str(failed.value)
    assert "secret" not in str(failed.value)


def test_kafka_that_is_not_there_is_one_clear_line(tmp_path):
    market = Market(tmp_path / "data", "log.kafka=127.0.0.1:1")
    with pytest.raises(RuntimeError) as failed:
        market.start(30)
    assert "Kafka cannot be reached" in str(failed.value)


@pytest.mark.parametrize("setting, words", [
    ("log.kafka=nonsense", "'nonsense' is no address"),
    ("log.kafka_options=acks=1", "acks cannot be set"),
    ("log.kafka_options=secret", "write NAME=VALUE"),
    ("log.topic=a/b", "letters, digits"),
    ("log.replicas=0", "log.replicas"),
])
def test_mistakes_in_the_settings_are_one_clear_line(tmp_path, setting, words):
    market = Market(tmp_path / "data", setting)
    with pytest.raises(RuntimeError) as failed:
        market.start()
    assert words in str(failed.value)
    assert "secret" not in str(failed.value).replace("NAME=VALUE", "")


def test_shared_records_are_what_operators_see_and_deliveries_move(serve, database):
    shared = (f"records.mysql={database}", f"accounts.mysql={database}", "orders.day=400ms")
    a = serve("a", *shared)
    product = listed(a)
    buyer = client.sign_up(a.url)
    b = serve("b", *shared, keys_of=a)
    sold = order(buyer, product)
    buyer.pay(sold)
    kept = order(buyer, product)
    for each in (a, b):
        admin = client.admin(each.url)
        both = f"/admin/orders?productId={product}"
        until(lambda admin=admin: len(admin.get(both).json()["items"]) == 2, 10,
              "no operator sees the orders")
        found = admin.get("/admin/orders?state=accepted", expect=200).json()["items"]
        assert [one["id"] for one in found] == [kept["id"]]
    of_sold = f"/orders/{sold['id']}"
    until(lambda: buyer.get(of_sold).json()["state"] == "delivered", 15, "it is not delivered")
    steps = [each["state"] for each in buyer.get(of_sold).json()["history"]]
    assert steps == ["accepted", "paid", "preparing", "shipped", "delivered"], "each step once"
