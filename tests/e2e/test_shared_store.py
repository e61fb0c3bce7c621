"""What operators do with a market on Kafka, MySQL and Redis: seed, check, bench, dump, rebuild, adopt, backup
and restore."""

import json

import confluent_kafka
import pytest
import requests

import client
import pictures
import redis_server
from client import Client
from foreign_records import end_a_transaction
from market_server import run
from shared_store import SharedStore
from test_shared_log import engines  # noqa: F401
from waiting import until


@pytest.fixture
def store(engines, tmp_path):  # noqa: F811
    one = SharedStore(engines, tmp_path / "shared")
    yield one
    one.end()


@pytest.fixture
def other(engines, tmp_path):  # noqa: F811
    """Empty engines, with a database for the records and one for accounts."""
    one = SharedStore(engines, tmp_path / "other", apart=True)
    yield one
    one.end()


def bought(url, product, token, key=None):
    return Client(url, token).order(product, **({"key": key} if key else {})).json()


def folded(server):
    lines = requests.get(server.url + "/metrics", timeout=5).text.splitlines()
    return "market_fold_lag_events 0" in lines


def dumped(text):
    return [json.loads(line) for line in text.splitlines()]


def test_seed_check_and_bench_work_on_shared_engines(store):
    products, tokens = store.seed("--users", 40, "--products", 3, "--stock", 1000)
    assert len(products) == 3 and len(set(tokens)) == 40
    store.check()
    server = store.serve()
    orders = [bought(server.url, products[0], token) for token in tokens[:5]]
    assert [order["items"][0]["ticket"] for order in orders] == [1, 2, 3, 4, 5]
    # Beside the running writer: through it, and known to it at once.
    more, newer = store.seed("--users", 7, "--products", 1, "--stock", 5)
    assert bought(server.url, more[0], newer[0])["items"][0]["ticket"] == 1
    assert Client(server.url, newer[1]).get("/users/me", expect=200).json()["role"] == "customer"
    refused = store.run("seed", "--users", 1, "--products", 1, "--orders", 5)
    assert refused.returncode == 2 and "stop the services" in refused.stderr
    (store.folder / "all").write_text("\n".join(tokens) + "\n")
    said = store.ok("bench", "--tokens", store.folder / "all", "--product", products[1], "--requests", 200,
                    "--connections", 8, "--set", f"http.listen=127.0.0.1:{server.port}")
    assert "accepted     200" in said, said
    assert "live stock in Redis" in store.check()
    assert not (store.folder / "data").exists()
    store.stop()
    store.check()
    # With nobody there a long history can be written, as in a file.
    store.seed("--users", 3, "--products", 1, "--orders", 50)
    said = store.run("check")
    assert said.returncode == 0, said.stdout + said.stderr


def test_seed_goes_through_a_server_that_has_the_folder(start):
    server = start()
    said = run("seed", "--data", server.data, "--users", 5, "--products", 2, "--stock", 3,
               "--url", server.url, "--tokens", server.data.parent / "tokens")
    assert said.returncode == 0, said.stderr
    products = [line.split()[1] for line in said.stdout.splitlines() if line.startswith("product ")]
    tokens = (server.data.parent / "tokens").read_text().split()
    assert [bought(server.url, products[1], token)["items"][0]["ticket"] for token in tokens[:3]] == [1, 2, 3]
    nobody = run("seed", "--data", server.data, "--products", 1, "--url", "http://127.0.0.1:1")
    assert nobody.returncode == 1 and "name it with --url" in nobody.stderr
    assert server.stop() == 0
    checked = run("check", "--data", server.data)
    assert checked.returncode == 0, checked.stdout


@pytest.fixture(scope="module")
def sold(engines, tmp_path_factory):  # noqa: F811
    """A stopped market with a sale behind it; whoever damages it mends it again."""
    one = SharedStore(engines, tmp_path_factory.mktemp("sold") / "shared")
    server = one.serve()
    admin = client.admin(server.url)
    product = admin.product(stock=50)
    admin.put(f"/products/{product['id']}/image", data=pictures.png(), headers={"Content-Type": "image/png"},
              expect=200)
    buyer = client.sign_up(server.url)
    for number in range(6):
        made = buyer.order(product["id"]).json()
        if number % 2:
            buyer.pay(made)
    one.product = product["id"]
    port = engines["REDIS"].rsplit(":", 1)[1]
    until(lambda: redis_line(port, one.product) == "44", 5, "Redis does not show what is left")
    until(lambda: folded(server), 15, "the records do not follow")
    one.stop()
    one.check()
    yield one
    one.end()


def redis_key(port, product):
    keys = redis_server.ask(port, "KEYS", f"market:{{*}}:stock:{product}")
    return keys[0] if keys else None


def redis_line(port, product):
    key = redis_key(port, product)
    return key and redis_server.ask(port, "HGET", key, "remaining")


def without_one(table, order):
    """Takes a row away, and puts it back."""
    one = f"SELECT * FROM {table} ORDER BY {order} LIMIT 1"
    return (f"CREATE TABLE kept AS {one}; DELETE FROM {table} ORDER BY {order} LIMIT 1",
            f"INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept")


DAMAGE = {
    "a changed order": ("UPDATE orders SET total = total + 1 ORDER BY id LIMIT 1",
                        "UPDATE orders SET total = total - 1 ORDER BY id LIMIT 1", "different:"),
    "a missing order": (*without_one("orders", "id"), "missing:"),
    "an order of nobody": ("INSERT INTO orders SELECT id - 1, user_id, state, payment, attempt_id, total, "
                           "currency, pay_by, created_at, updated_at, 0, 0, 0, `lines`, history, place FROM "
                           "orders ORDER BY id LIMIT 1", "DELETE FROM orders ORDER BY id LIMIT 1",
                           "not in the log:"),
    "a wrong stock": ("UPDATE product_stock SET remaining = remaining + 1",
                      "UPDATE product_stock SET remaining = remaining - 1", "product_stock"),
    "a missing ticket": (*without_one("order_lines", "product, ticket"), "order_lines"),
    "a ticket given twice": ("INSERT INTO fold_conflicts(product, ticket, order_id, place) "
                             "VALUES(1, 1, 1, 1)", "DELETE FROM fold_conflicts", "fold_conflicts"),
    "records ahead of the log": ("UPDATE fold SET log_place = log_place + 1000",
                                 "UPDATE fold SET log_place = log_place - 1000", "lost its newest events"),
    "records of another log": ("UPDATE fold SET log_hi = -log_hi", "UPDATE fold SET log_hi = -log_hi",
                               "folded from another"),
    "rights": ("UPDATE accounts SET role = 'admin' WHERE role = 'customer'",
               "UPDATE accounts SET role = 'customer' ORDER BY id DESC LIMIT 1", "rights"),
    "another store's rows": ("UPDATE store SET id_lo = -id_lo", "UPDATE store SET id_lo = -id_lo",
                             "of another store"),
    "a missing charge": (*without_one("charges", "attempt"), "nothing was charged"),
    "a changed charge": ("UPDATE charges SET amount = amount + 1 ORDER BY attempt LIMIT 1",
                         "UPDATE charges SET amount = amount - 1 ORDER BY attempt LIMIT 1", "charge"),
    "a missing picture": (*without_one("pictures", "hash"), "picture"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_check_finds(sold, what):
    damage, repair, words = DAMAGE[what]
    sold.mysql(damage)
    try:
        found = sold.run("check")
    finally:
        sold.mysql(repair)
    violated = [line for line in found.stdout.splitlines() if line.startswith("VIOLATED")]
    assert found.returncode == 1 and any(words in line for line in violated), found.stdout + found.stderr
    assert ", 0 failed" not in found.stdout.splitlines()[-1]


def test_check_finds_wrong_numbers_in_redis(sold, engines):  # noqa: F811
    port = engines["REDIS"].rsplit(":", 1)[1]
    key = redis_key(port, sold.product)
    redis_server.ask(port, "HSET", key, "remaining", "45")
    found = sold.run("check")
    redis_server.ask(port, "HSET", key, "remaining", "44")
    assert found.returncode == 1 and "45 of 50 are left, the log says 44 of 50" in found.stdout, found.stdout


def test_check_finds_a_foreign_log_and_a_missing_one(sold, store):
    store.seed("--users", 1, "--products", 1)
    foreign = run("check", "--config", sold.config, "--set", f"log.topic={store.topic}")
    assert foreign.returncode == 1 and "another" in foreign.stdout, foreign.stdout
    missing = run("check", "--config", sold.config, "--set", "log.topic=e2e.nobody-made-this")
    assert missing.returncode == 1 and "there is no topic" in missing.stdout, missing.stdout
    again = run("check", "--config", sold.config, "--set", "log.topic=e2e.nobody-made-this")
    assert "there is no topic" in again.stdout, "nor was it made"


def test_check_only_looks(sold):
    def rows():
        tables = sold.mysql("SHOW TABLES").split()
        return sold.mysql("CHECKSUM TABLE " + ", ".join(tables)), len(dumped(sold.ok("dump")))

    before = rows()
    sold.check()
    assert rows() == before


def test_commands_say_what_is_missing(sold, tmp_path):
    half = run("check", "--config", sold.config, "--set", "records.mysql=")
    assert half.returncode == 2 and "together, or none" in half.stderr, half.stderr
    keyless = run("backup", "--config", sold.config, "--set", f"keys.folder={tmp_path}/none", "--to",
                  tmp_path / "backup")
    assert keyless.returncode == 1 and "there are no keys" in keyless.stderr, keyless.stderr
    assert len(keyless.stderr.splitlines()) == 1


def test_a_backup_takes_no_keys_of_another_store(sold, store, tmp_path):
    store.seed("--users", 1)
    said = run("backup", "--config", sold.config, "--set", f"keys.folder={store.folder}/keys", "--to",
               tmp_path / "backup")
    assert said.returncode == 1 and "is of another store" in said.stderr, said
    assert len(said.stderr.splitlines()) == 1 and not (tmp_path / "backup").exists()


def test_a_backup_takes_no_log_of_another_market(sold, store, tmp_path):
    store.seed("--users", 1, "--products", 1)
    said = run("backup", "--config", sold.config, "--set", f"log.topic={store.topic}", "--to",
               tmp_path / "backup")
    assert said.returncode == 1 and "belongs to another store than the event log" in said.stderr, said
    assert len(said.stderr.splitlines()) == 1 and not (tmp_path / "backup").exists()


def test_the_folder_of_an_instance_is_no_store(sold, tmp_path):
    before = sorted(path.name for path in sold.data.iterdir())
    for command in (("backup", "--to", tmp_path / "backup"), ("dump",), ("rebuild",), ("log", "adopt"),
                    ("check",), ("seed", "--users", 1), ("serve", "--listen", "127.0.0.1:0"),
                    ("events", "tail"), ("keys", "reencrypt")):
        said = run(*command, "--data", sold.data)
        assert said.returncode == 2 and "an instance of a shared market" in said.stderr, (command, said)
        assert "--config" in said.stderr and len(said.stderr.splitlines()) == 1, said.stderr
    assert not (tmp_path / "backup").exists()
    assert before == sorted(path.name for path in sold.data.iterdir())


def test_what_is_named_must_be_there(sold, tmp_path):
    for command in (("rebuild",), ("log", "adopt")):
        said = sold.run(*command, "--data", tmp_path / "nope")
        assert said.returncode == 1 and f"{tmp_path}/nope: there is no such folder" in said.stderr, said
    said = sold.run("check", "--same-as", tmp_path / "nope")
    assert said.returncode == 2 and f"--same-as {tmp_path}/nope: there is no store" in said.stderr, said
    said = sold.run("events", "tail", "--set", "events.topic=e2e.no-events")
    assert said.returncode == 1 and "the topic e2e.no-events of public events does not exist" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    inside = sold.run("seed", "--users", 1, "--tokens", sold.folder / "keys" / "token-signing.9")
    assert inside.returncode == 2 and "lies inside the folder of the keys" in inside.stderr, inside
    assert not (sold.folder / "keys" / "token-signing.9").exists()


def test_dump_rebuild_and_adopt(store):
    server = store.serve()
    product = client.admin(server.url).product(stock=20)["id"]
    buyer = client.sign_up(server.url)
    orders = {buyer.order(product).json()["id"] for _ in range(4)}
    running = store.run("rebuild")
    assert running.returncode == 1 and "stop all services first" in running.stderr, running.stderr
    events = dumped(store.ok("dump"))
    assert [each["position"] for each in events] == list(range(1, len(events) + 1))
    assert {each["order"] for each in events if each["event"] == "order_accepted"} == orders
    until(lambda: folded(server), 15, "the records do not follow")
    store.stop()
    store.check()
    store.mysql("DELETE FROM orders")
    assert store.run("check").returncode == 1
    assert "folded anew up to position" in store.ok("rebuild")
    store.check()
    assert "nothing to adopt" in store.ok("log", "adopt")
    # The log has lost what the records know.
    store.mysql("UPDATE fold SET log_place = log_place + 1000; "
                "UPDATE orders SET place = place + 1000 ORDER BY id DESC LIMIT 1")
    refused = store.run("rebuild")
    assert refused.returncode == 1 and "market log adopt" in refused.stderr, refused.stderr
    said = store.ok("log", "adopt")
    assert f"lost or changed: order {max(orders)}" in said and "adopted:" in said, said
    store.check()
    store.servers.clear()
    again = store.serve()
    headers = {"Authorization": f"Bearer {buyer.token}"}
    for order in orders:
        found = requests.get(f"{again.url}/api/v1/orders/{order}", headers=headers, timeout=10)
        assert found.status_code == 200, found.text


def test_personal_data_gets_a_new_key(store):
    server = store.serve()
    buyer = client.sign_up(server.url, phone="010-1234-5678")
    running = store.run("keys", "reencrypt")
    assert running.returncode == 1 and "stop all services first" in running.stderr, running.stderr
    store.stop()
    assert "key f2 is made" in store.ok("keys", "reencrypt")
    assert (store.folder / "keys/field-encryption.2").exists()
    assert store.mysql("SELECT count(*) FROM accounts WHERE phone LIKE 'f2.%'").strip() == "1"
    store.check()
    store.servers.clear()
    assert buyer_of(store.serve(), buyer).get("/users/me", expect=200).json()["phone"] == "010-1234-5678"


def test_a_backup_of_a_running_market_restored_onto_empty_engines(store, other, tmp_path):
    products, tokens = store.seed("--users", 30, "--products", 2, "--stock", 100000)
    server = store.serve()
    before = [bought(server.url, products[0], token, key="b") for token in tokens]
    person = client.sign_up(server.url)
    with client.buying(server.url, tokens[:3], products[1]):
        said = store.ok("backup", "--to", tmp_path / "backup")
        assert "log records" in said
        store.check()  # Nothing is wrong while people buy.
    again = store.run("backup", "--to", tmp_path / "backup")
    assert again.returncode == 1 and "is not empty" in again.stderr, again.stderr
    refused = store.run("restore", "--from", tmp_path / "backup")
    assert refused.returncode == 1 and "is not empty" in refused.stderr, refused.stderr
    in_folder = run("check", "--data", tmp_path / "backup")
    assert in_folder.returncode == 0, in_folder.stdout
    store.stop()
    other.ok("restore", "--from", tmp_path / "backup")
    other.check("--same-as", tmp_path / "backup")
    different = store.run("check", "--same-as", tmp_path / "backup")
    assert different.returncode == 1 and "both have the same log" in different.stdout, different.stdout
    restored = other.serve()
    for order, token in zip(before, tokens):
        assert Client(restored.url, token).get("/orders/" + order["id"], expect=200).json() == order
        replayed = Client(restored.url, token).order(products[0], key="b")
        assert replayed.headers["Idempotency-Replayed"] == "true"
    client.sign_in(restored.url, person.user["email"], client.PASSWORD)
    other.check()


def buyer_of(server, buyer):
    return client.sign_in(server.url, buyer.user["email"], client.PASSWORD)


def test_bytes_of_others_in_the_topic_count_for_nobody_and_move_with_it(store, other, engines,  # noqa: F811
                                                                        tmp_path):
    store.seed("--users", 2, "--products", 1)
    server = store.serve()
    product = client.admin(server.url).product(stock=5)["id"]
    buyer = client.sign_up(server.url)
    made = buyer.order(product).json()
    producer = confluent_kafka.Producer({"bootstrap.servers": engines["KAFKA"]})
    for junk in (b"junk", b"", None, bytes(200_000), b"\x02\x01" + bytes(60), b"\xff" * 64):
        producer.produce(store.topic, value=junk)
    producer.flush(20)
    end_a_transaction(engines["KAFKA"], store.topic)
    buyer.order(product)
    until(lambda: folded(server), 15, "the records do not follow")
    store.stop()
    said = store.check()
    assert "has 7 messages of others" in said, said
    assert len(dumped(store.ok("dump"))) > 3
    store.ok("backup", "--to", tmp_path / "backup")
    checked = run("check", "--data", tmp_path / "backup")
    assert checked.returncode == 0, checked.stdout
    other.ok("restore", "--from", tmp_path / "backup")
    other.check("--same-as", tmp_path / "backup")
    store.check("--same-as", tmp_path / "backup")
    again = other.serve()
    assert buyer_of(again, buyer).get(f"/orders/{made['id']}", expect=200).json()["id"] == made["id"]
