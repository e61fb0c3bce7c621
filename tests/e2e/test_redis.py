"""Redis: the live stock is the truth within a moment, limits hold for all instances together, and nothing
needs it."""

import shutil
import signal
import subprocess
import threading
import time

import pytest
import requests

import client
from gateway import Gateway
from market_server import BINARY, PATIENCE, Market, run
from redis_server import SECRET, RedisServer
from waiting import until

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="apt-get install redis-server")


@pytest.fixture
def redis(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        yield server


def listed(market, stock, **members):
    shoe = {"name": "Shoe", "price": {"amount": 1000, "currency": "KRW"}, "stock": stock, **members}
    return client.admin(market.url).post("/products", shoe, expect=201).json()


def health(market):
    answer = requests.get(market.url + "/health/ready", timeout=5)
    return answer.status_code, answer.json()


def metric(market, name):
    lines = requests.get(market.url + "/metrics", timeout=5).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_the_live_stock_is_readable_and_heals_itself(start, redis):
    market = start(*redis.settings)
    products = [listed(market, 10 + number) for number in range(30)]
    buyer = client.sign_up(market.url)
    for product in products[:10]:
        buyer.order(product)
    truth = {product["id"]: 10 + number - (number < 10) for number, product in enumerate(products)}

    def is_true():
        return all(redis.remaining(product) == truth[product["id"]] for product in products)

    until(is_true, seconds=2)
    fields = redis.stock(products[0])
    assert set(fields) == {"generation", "place", "remaining", "capacity", "opens", "closes"}
    assert fields["capacity"] == "10" and int(fields["place"]) > 0
    redis.ask("FLUSHALL")
    until(is_true, seconds=2, what="FLUSHALL")
    redis.ask("SCRIPT", "FLUSH")
    for key in redis.ask("KEYS", "market:*"):
        redis.ask("SET", key, "\r\nspoiled")
    until(lambda: redis.ask("TYPE", redis.ask("KEYS", "*:mark")[0]) == "hash", seconds=2)
    redis.kill()
    until(lambda: "warnings" in health(market)[1], seconds=2)
    buyer.order(products[0])
    truth[products[0]["id"]] -= 1
    assert health(market)[0] == 200, "everything works without it"
    assert buyer.get(f"/products/{products[0]['id']}/stock", expect=200).json()["remaining"] == 8
    redis.start()
    until(is_true, seconds=3, what="empty after its restart")
    until(lambda: not health(market)[1].get("warnings"), seconds=2)
    assert metric(market, "market_redis_connected") == 1
    assert metric(market, "market_redis_connections_total") == 2
    for product in products[1:5]:
        key = redis.ask("KEYS", f"*:stock:{product['id']}")[0]
        redis.ask("HSET", key, "place", str(2**52), "remaining", "0")
        assert buyer.get(f"/products/{product['id']}/stock", expect=200).json()["remaining"] > 0
        buyer.order(product)  # It decides nothing.


def test_a_sale_does_not_notice_what_becomes_of_redis(start, redis):
    market = start(*redis.settings)
    units, buyers = 1_000, 12
    product = listed(market, units)
    sold, wrong = [], []
    tokens = [client.sign_up(market.url).token for _ in range(4)]

    wanted = {"items": [{"productId": product["id"], "quantity": 1}]}

    def buy(token):
        buyer = client.Client(market.url, token)
        while True:
            began = time.monotonic()
            answer = buyer.send("POST", "/orders", json=wanted)
            took = time.monotonic() - began
            if answer.status_code == 409:
                return
            if answer.status_code != 201 or took > 1.5 * PATIENCE:
                wrong.append((answer.status_code, took))
                return
            sold.append(answer.json()["id"])

    threads = [threading.Thread(target=buy, args=(tokens[number % 4],)) for number in range(buyers)]
    for thread in threads:
        thread.start()
    for step in (lambda: redis.ask("FLUSHALL"), lambda: redis.send(signal.SIGSTOP),
                 lambda: redis.send(signal.SIGCONT), redis.kill, redis.start,
                 lambda: redis.ask("CONFIG", "SET", "maxmemory", "1")):
        time.sleep(0.3)
        step()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(set(sold)) == units
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    until(lambda: redis.remaining(product) == 0, seconds=4)
    assert market.stop() == 0
    check = run("check", "--data", market.data)
    assert check.returncode == 0, check.stdout


def test_guesses_at_two_instances_count_together(tmp_path, redis):
    email = client.new_email()
    with Market(tmp_path / "a", *redis.settings) as one, Market(tmp_path / "b", *redis.settings) as two:
        for market in (one, two):
            client.sign_up(market.url, email=email)

        def guess(market, words="wrong password"):
            return requests.post(market.url + "/api/v1/sessions", json={"email": email, "password": words},
                                 timeout=20)

        answers = [guess((one, two)[number % 2]).status_code for number in range(8)]
        assert answers == [401] * 5 + [429] * 3
        refused = guess(two, client.PASSWORD)
        assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 30
        keys = redis.ask("KEYS", "market:limit:*")
        assert keys and not any(email in key or "127.0.0.1" in key for key in keys), "no personal data"
        redis.kill()  # Each counts alone, and has counted its own.
        until(lambda: "warnings" in health(two)[1], seconds=2)
        statuses = [guess(two).status_code for _ in range(6)]
        assert statuses.count(401) in (2, 3) and statuses[-1] == 429
        assert guess(one).status_code in (401, 429)
        redis.start()
        until(lambda: not health(two)[1].get("warnings") and not health(one)[1].get("warnings"), seconds=3)


def test_sixty_guesses_at_once_at_two_instances(tmp_path, redis):
    email = client.new_email()
    with Market(tmp_path / "a", *redis.settings) as one, Market(tmp_path / "b", *redis.settings) as two:
        for market in (one, two):
            client.sign_up(market.url, email=email)
        statuses = []

        def guess(market):
            statuses.append(requests.post(market.url + "/api/v1/sessions", timeout=60,
                                          json={"email": email, "password": "wrong password"}).status_code)

        threads = [threading.Thread(target=guess, args=((one, two)[number % 2],)) for number in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses.count(401) <= 5 and statuses.count(429) >= 55 - statuses.count(503)


RATE, BURST = 20, 40


@pytest.fixture
def two_gateways(tmp_path, redis, start):
    """In front of one market; a client has RATE requests a second, BURST at once."""
    market = start()
    config = f"""
[ratelimit]
address_per_second = {RATE}
[gateway.services]
market-product = "{market.url.removeprefix('http://')}"
"""
    settings = (*redis.settings, "http.trusted_proxies=127.0.0.0/8")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with Gateway(tmp_path / "one", config, *settings, limits=True) as one, \
            Gateway(tmp_path / "two", config, *settings, limits=True) as two:
        wait_for_redis(one, two)
        yield one, two


def wait_for_redis(*gateways, seconds=2):
    for each in gateways:
        until(lambda each=each: metric(Address(each), "market_redis_connected") == 1, seconds=seconds)


class Address:
    def __init__(self, gateway):
        self.url = f"http://127.0.0.1:{gateway.port}"


class Visitor:
    """A client behind the proxy that the gateways trust, with a connection to each of them."""

    def __init__(self, gateways, name):
        self.headers = {"X-Forwarded-For": name}
        self.doors = [(each, requests.Session()) for each in gateways]

    def gets(self, number):
        gateway, session = self.doors[number % len(self.doors)]
        answer = session.get(f"http://127.0.0.1:{gateway.port}/api/v1/products?limit=1", timeout=5,
                             headers=self.headers)
        assert answer.status_code in (200, 429), answer.text
        return answer.status_code == 200

    def allowed(self, seconds, each_second):
        """(How many of its requests were allowed, how long it took.)"""
        allowed, began = 0, time.monotonic()
        for number in range(int(seconds * each_second)):
            time.sleep(max(0, began + number / each_second - time.monotonic()))
            allowed += self.gets(number)
        return allowed, time.monotonic() - began


def test_two_gateways_share_the_rate_of_a_client(two_gateways, redis):
    allowed, took = Visitor(two_gateways, "203.0.113.1").allowed(4, each_second=150)
    most = BURST + RATE * took
    assert 0.8 * most <= allowed <= 1.25 * most, (allowed, most)
    # One that never comes near the limit of one gateway alone.
    allowed, took = Visitor(two_gateways, "203.0.113.2").allowed(8, each_second=2 * RATE - 4)
    most = BURST + RATE * took
    assert allowed <= 1.15 * most < 0.9 * (2 * RATE - 4) * took, (allowed, most)
    keys = redis.ask("KEYS", "*")
    assert not any("203.0.113" in key for key in keys), "no personal data"


def test_gateways_limit_alone_while_redis_is_away(two_gateways, redis):
    client = Visitor(two_gateways, "203.0.113.3")
    client.allowed(1, each_second=150)
    redis.send(signal.SIGSTOP)
    slowest = 0
    for number in range(100):
        began = time.monotonic()
        client.gets(number)
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 0.15 * PATIENCE, "nobody waits for a Redis that hangs"
    redis.kill()
    until(lambda: all(metric(Address(each), "market_redis_connected") == 0 for each in two_gateways))
    time.sleep(2)  # Debts are paid.
    allowed, took = client.allowed(3, each_second=150)
    assert 0.8 * 2 * RATE * took <= allowed <= 2 * (BURST + RATE * took), "each allows what one may"
    redis.start()
    wait_for_redis(*two_gateways, seconds=1)
    allowed, took = client.allowed(3, each_second=150)
    assert allowed <= 1.4 * RATE * took, "of one again, and what both had left"


def test_clients_that_no_proxy_tells_apart_are_not_one_client_at_all_gateways(two_gateways):
    """The gateways name them after their connections, and count those from one."""
    at_one, at_two = (Visitor([each], "unknown") for each in two_gateways)
    for number in range(BURST + 10):
        at_one.gets(number)
    assert at_two.allowed(0.2, each_second=150)[0] == 30


def test_a_start_does_not_wait_for_redis(start, redis):
    redis.kill()
    market = start(*redis.settings)
    status, body = health(market)
    assert status == 200 and "Redis is away" in body["warnings"][0]
    assert "Redis is away" in market.logged("Redis is away")
    product = listed(market, 3)
    redis.start()
    until(lambda: redis.remaining(product) == 3, seconds=3)


@pytest.mark.parametrize(("settings", "line"), [
    (["redis.secret=short", "redis.servers=127.0.0.1:1"], "redis.secret: needs 16 characters"),
    (["redis.servers=127.0.0.1:1"], "redis.secret: needs 16 characters"),
    ([f"redis.secret={SECRET}"], "redis.secret: needs redis.servers"),
    (["redis.servers=nowhere"], "redis.servers: 'nowhere' is no address"),
    (["redis.servers=127.0.0.1:0", f"redis.secret={SECRET}"], "redis.servers"),
    (["redis.servers=a:1,a:1", f"redis.secret={SECRET}"], "stands twice"),
    (["redis.servers=a:1", f"redis.secret={SECRET}", "redis.user=x"], "redis.user: needs redis.password"),
    (["redis.servers=a:1", f"redis.secret={SECRET}", "redis.tls=true", "redis.tls_ca=/nowhere.pem"],
     "redis.tls_ca: /nowhere.pem cannot be used"),
    (["redis.servers=a:1", f"redis.secret={SECRET}", "redis.timeout=1ms"], "redis.timeout"),
    (["redis.servers=a:1", "redis.secret_file=/nowhere"], "redis.secret_file: there is no file"),
])
@pytest.mark.parametrize("role", ["all", "gateway"])
def test_settings_that_make_no_sense_are_refused(tmp_path, settings, line, role):
    words = [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run([BINARY, "serve", "--role", role, "--data", tmp_path / "data", *words],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1, done.stderr
