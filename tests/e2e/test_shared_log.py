"""`market serve` with its log on Kafka: orders are in the topic, and another process goes on from there."""

import os
import pathlib
import subprocess
import sys
import time
import uuid

import pytest
import requests

import client
from market_server import PATIENCE, ROOT, Market

TOOL = ROOT / "tools/stack/engines.py"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    """The engines that ./dev test has started, else one of our own."""
    shared = pathlib.Path(os.environ.get("MARKET_ENGINES", ROOT / "build/engines/env"))
    if shared.exists():
        found = dict(line.split("=", 1) for line in shared.read_text().splitlines())
        if "KAFKA" in found:
            yield found["KAFKA"]
            return
    folder = tmp_path_factory.mktemp("engines")
    done = subprocess.run([sys.executable, TOOL, "up", "kafka", "--any-port", "--dir", folder],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"Kafka cannot be started: {done.stderr.strip()}")
    yield dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())["KAFKA"]
    subprocess.run([sys.executable, TOOL, "down", "--dir", folder], check=False)


@pytest.fixture
def serve(kafka, tmp_path):
    """serve("a"): a process with a data folder of its own on the test's topic."""
    topic = f"e2e.{uuid.uuid4().hex}"
    started = []

    def begin(name, *settings, keys_of=None):
        data = tmp_path / name
        if keys_of:  # Instances of one market share their keys.
            data.mkdir(mode=0o700, exist_ok=True)
            subprocess.run(["cp", "-a", keys_of.data / "keys", data], check=True)
        settings = (f"log.kafka={kafka}", f"log.topic={topic}", "ratelimit.enabled=false", *settings)
        one = Market(data, *settings)
        started.append(one.start(40))
        return one

    yield begin
    for one in started:
        one.kill()


def ready(server):
    return requests.get(server.url + "/health/ready", timeout=5)


def wait_until_ready(server, seconds):
    began = time.monotonic()
    while ready(server).status_code != 200:
        assert time.monotonic() - began < seconds * PATIENCE, ready(server).text
        time.sleep(0.02)
    return time.monotonic() - began


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
    wait_until_ready(second, 10)
    page = requests.get(f"{second.url}/api/v1/products/{product}/stock", timeout=5).json()
    assert (page["remaining"], page["capacity"]) == (45, 50)
    # Who bought is in the log; accounts are rows of the store that is gone.
    assert len(set(orders)) == 5


def test_another_process_stands_by_and_takes_over_when_the_writer_is_killed(serve):
    writer = serve("a")
    product = listed(writer)
    buyer = client.sign_up(writer.url)
    first = order(buyer, product, "once")
    standby = serve("b", keys_of=writer)
    answer = ready(standby)
    assert answer.status_code == 503
    assert "another instance writes" in answer.text
    # It follows at once, and decides nothing.
    seen = requests.get(f"{standby.url}/api/v1/products/{product}/stock", timeout=5).json()
    assert seen["remaining"] == 49
    token = buyer.token
    refused = requests.post(f"{standby.url}/api/v1/orders", timeout=5,
                            json={"items": [{"productId": product, "quantity": 1}]},
                            headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["code"]) == (503, "recovering")
    writer.kill()
    assert wait_until_ready(standby, 2.5) <= 2.5 * PATIENCE
    again = requests.post(f"{standby.url}/api/v1/orders", timeout=5,
                          json={"items": [{"productId": product, "quantity": 1}]},
                          headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "once"})
    assert again.status_code == 201, again.text
    assert again.json()["id"] == first["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_writer_that_stops_hands_over(serve):
    writer = serve("a")
    product = listed(writer)
    standby = serve("b", keys_of=writer)
    began = time.monotonic()
    assert writer.stop() == 0
    took = wait_until_ready(standby, 2.5)
    assert time.monotonic() - began < 3 * PATIENCE
    assert took < 1.2 * PATIENCE, "less than a silence"
    # And back: it reads what happened meanwhile.
    assert requests.get(f"{standby.url}/api/v1/products/{product}", timeout=5).status_code == 200


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
