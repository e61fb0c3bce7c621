"""A store moves from one machine to many and back, by commands that may be killed at any moment."""

import json
import pathlib
import random
import signal
import sqlite3
import subprocess
import time

import confluent_kafka
import pytest
import requests

import client
import pictures
from fake_stripe import FakeStripe
from market_server import BINARY, Market, run
from test_shared_log import engines  # noqa: F401
from test_shared_store import buyer_of, other, store  # noqa: F401
from test_stripe import settings as stripe_settings
from waiting import until


def killed_until_done(*arguments, first=0.05):
    """Runs it again and again, killed a little later each time; how often it was killed."""
    kills = 0
    while True:
        process = subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=first * (1 + 2 * kills) + random.random() * first)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        if not finished_before(arguments, err):
            assert process.returncode == 0, out + err
        return kills


def finished_before(arguments, said):
    """Killed behind its end: a backup is whole then, and nothing is written over it."""
    to = pathlib.Path(arguments[arguments.index("--to") + 1]) if "--to" in arguments else None
    return to and "is not empty" in said and {"manifest.txt"} == {
        path.name for path in to.iterdir()} & {"manifest.txt", "copy-unfinished"}


def in_use(server):
    """Something of everything that a market keeps. (buyer, order)"""
    admin = client.admin(server.url)
    product = admin.product(stock=20)["id"]
    admin.put(f"/products/{product}/image", data=pictures.png(), headers={"Content-Type": "image/png"},
              expect=200)
    admin.post("/admin/webhooks", {"url": "https://hooks.example/market"}, expect=201)
    buyer = client.sign_up(server.url, phone="010-1234-5678")
    paid = buyer.order(product).json()
    buyer.pay(paid)
    buyer.order(product)
    cancelled = buyer.order(product).json()
    buyer.post(f"/orders/{cancelled['id']}/cancel", expect=200)
    buyer.put(f"/cart/items/{product}", {"quantity": 2}, expect=200)
    buyer.put(f"/wishlist/{product}", expect=204)
    return buyer, paid["id"], product


def expect_the_same_market(url, buyer, order, product):
    person = client.sign_in(url, buyer.user["email"], client.PASSWORD)
    assert person.user["phone"] == "010-1234-5678"
    assert person.get(f"/orders/{order}", expect=200).json()["state"] in ("paid", "preparing")
    assert len(person.get("/orders", expect=200).json()["items"]) == 3
    assert person.get("/cart", expect=200).json()["items"][0]["quantity"] == 2
    wishes = person.get("/wishlist", expect=200).json()["items"]
    assert [each["product"]["id"] for each in wishes] == [product]
    shown = person.get(f"/products/{product}", expect=200).json()
    assert requests.get(url + shown["imageUrl"], timeout=10).content == pictures.png()
    boss = client.admin(url)
    hooks = boss.get("/admin/webhooks", expect=200).json()["items"]
    assert [hook["url"] for hook in hooks] == ["https://hooks.example/market"]
    assert boss.get("/admin/audit", expect=200).json()["items"]
    return shown["stock"]["remaining"]


def test_a_store_moves_from_one_machine_to_many_and_back(store, tmp_path):  # noqa: F811
    home = Market(tmp_path / "home", "ratelimit.enabled=false").start()
    try:
        buyer, order, product = in_use(home)
        assert home.stop() == 0
    finally:
        home.kill()
    assert run("export", "--data", home.data, "--to", tmp_path / "out").returncode == 0
    assert killed_until_done("import", "--from", tmp_path / "out", "--config", store.config) > 0
    said = store.check("--same-as", tmp_path / "out")
    assert "both have the same rows" in said
    server = store.serve()
    assert expect_the_same_market(server.url, buyer, order, product) == 18
    later = buyer_of(server, buyer).order(product).json()["id"]
    # Public events begin anew where their topic is new.
    until(lambda: order in store.run("events", "tail", "--last", 1000).stdout, 15, "no events are published")
    store.stop()
    events = [json.loads(line) for line in store.ok("events", "tail", "--last", 1000).splitlines()]
    assert any(order in json.dumps(event) for event in events)
    assert killed_until_done("export", "--to", tmp_path / "back", "--config", store.config, first=0.02) > 0
    store.check("--same-as", tmp_path / "back")
    killed_until_done("import", "--from", tmp_path / "back", "--data", tmp_path / "home-again", first=0.005)
    same = run("check", "--data", tmp_path / "home-again", "--same-as", tmp_path / "back")
    assert same.returncode == 0, same.stdout
    home_again = Market(tmp_path / "home-again", "ratelimit.enabled=false").start()
    try:
        person = buyer_of(home_again, buyer)
        assert person.get(f"/orders/{later}", expect=200).json()["state"] == "accepted"
        assert person.get(f"/products/{product}", expect=200).json()["stock"]["remaining"] == 17
        assert home_again.stop() == 0
    finally:
        home_again.kill()
    checked = run("check", "--data", tmp_path / "home-again")
    assert checked.returncode == 0, checked.stdout


def test_the_book_of_a_shop_at_stripe_moves_with_it_and_outlives_who_charged(store, tmp_path):  # noqa: F811
    with FakeStripe() as stripe:
        at_stripe = stripe_settings(tmp_path, stripe.url)
        store.write_settings(**dict(setting.split("=", 1) for setting in at_stripe))
        home = Market(tmp_path / "home", "ratelimit.enabled=false", *at_stripe).start()
        try:
            product = client.admin(home.url).product(stock=20)["id"]
            buyer = client.sign_up(home.url)
            orders = [buyer.order(product).json() for _ in range(3)]
            for order in orders[:2]:
                buyer.pay(order, "pm_card_visa")
            assert home.stop() == 0
        finally:
            home.kill()
        assert run("export", "--data", home.data, "--to", tmp_path / "out").returncode == 0
        assert killed_until_done("import", "--from", tmp_path / "out", "--config", store.config) > 0
        assert "ok: both have the same charges" in store.check("--same-as", tmp_path / "out")
        first = store.serve()
        buyer_of(first, buyer).pay(orders[2], "pm_card_visa")
        assert "ok: what orders have paid was charged" in store.check()
        first.kill()  # And its data folder is nobody's.
        second = store.serve()
        person = buyer_of(second, buyer)
        until(lambda: person.post(f"/orders/{orders[2]['id']}/cancel", expect=None).status_code == 200, 20)
        until(lambda: person.get(f"/orders/{orders[2]['id']}").json()["payment"]["state"] == "refunded", 20)
        assert second.stop() == 0
        assert "ok: what orders have paid was charged" in store.check()
        back = ("export", "--to", tmp_path / "back", "--config", store.config)
        assert killed_until_done(*back, first=0.02) > 0
        assert "ok: both have the same charges" in store.check("--same-as", tmp_path / "back")
        home_again = tmp_path / "home-again"
        killed_until_done("import", "--from", tmp_path / "back", "--data", home_again, first=0.005)
        same = run("check", "--data", home_again, "--same-as", tmp_path / "back")
        assert same.returncode == 0 and "ok: what orders have paid was charged" in same.stdout, same.stdout
        charges = store.mysql("SELECT count(*) FROM charges").strip()
        assert charges == "3" == str(len(stripe.intents)) and len(stripe.refunds) == 1
        store.servers.clear()


@pytest.mark.parametrize("named", [True, False], ids=["of now", "of before"])
def test_a_store_that_was_only_seeded_moves(store, tmp_path, named):  # noqa: F811
    """`of before`: what a seed of an earlier version has made does not say which store it is."""
    said = run("seed", "--data", tmp_path / "data", "--users", 3, "--products", 1)
    assert said.returncode == 0, said.stderr
    with sqlite3.connect(tmp_path / "data" / "main.db") as main:
        found = main.execute("SELECT count(*) FROM store").fetchone()[0]
        if not named:
            main.execute("DELETE FROM store")
    main.close()
    assert found == 1
    done = run("backup", "--data", tmp_path / "data", "--to", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    store.ok("restore", "--from", tmp_path / "backup")
    store.check()
    store.ok("restore", "--from", tmp_path / "backup")


def test_of_two_restores_to_one_market_one_works_at_a_time(store, tmp_path):  # noqa: F811
    source = tmp_path / "source"
    assert run("seed", "--data", source, "--users", 2000, "--products", 2).returncode == 0
    assert Market(source).start().stop() == 0
    assert run("backup", "--data", source, "--to", tmp_path / "backup").returncode == 0
    command = [BINARY, "restore", "--from", tmp_path / "backup", "--config", store.config]
    restoring = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [(each.communicate()[1], each.returncode) for each in restoring]
    assert 0 in {code for _, code in ended}
    assert all(code == 0 or "another restore" in said for said, code in ended), ended
    store.check("--same-as", tmp_path / "backup")


def has_begun(store):  # noqa: F811
    try:
        return int(store.mysql("SELECT count(*) FROM unfinished_restore")) == 1
    except subprocess.CalledProcessError:  # The table is not there yet.
        return False


@pytest.mark.parametrize("later", [0, 0.2], ids=["at its beginning", "while it copies"])
def test_a_restore_that_is_held_up_keeps_its_turn(store, tmp_path, later):  # noqa: F811
    """Servers end our connections after 3 s of rest, and transactions after 2; this one holds the turn."""
    source = tmp_path / "source"
    assert run("seed", "--data", source, "--users", 20_000, "--products", 2).returncode == 0
    assert run("backup", "--data", source, "--to", tmp_path / "backup").returncode == 0
    command = [BINARY, "restore", "--from", tmp_path / "backup", "--config", store.config]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until(lambda: has_begun(store), 20, "it does not begin")
    time.sleep(later)
    first.send_signal(signal.SIGSTOP)
    time.sleep(5)
    second = store.run("restore", "--from", tmp_path / "backup")
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 1 and "another restore" in second.stderr, second.stderr
    assert first.wait(60) == 0, first.stderr.read()
    store.check("--same-as", tmp_path / "backup")


def test_an_unfinished_restore_is_served_by_nobody_and_is_of_one_backup(store, tmp_path):  # noqa: F811
    store.seed("--users", 1)
    store.mysql("INSERT INTO unfinished_restore VALUES(1, 'another backup')")
    with pytest.raises(RuntimeError, match="unfinished restore"):
        store.serve()
    refuses(store, "of another backup", "restore", "--from", backup_of(tmp_path))
    keys = sorted(path.name for path in (store.folder / "keys").iterdir())
    half = tmp_path / "half"
    for command in (("backup", "--to", half), ("export", "--to", half), ("rebuild",), ("log", "adopt"),
                    ("keys", "rotate"), ("keys", "reencrypt")):
        refuses(store, "unfinished restore", *command)
    assert not half.exists()
    assert keys == sorted(path.name for path in (store.folder / "keys").iterdir())
    checked = store.run("check")
    assert checked.returncode == 1 and "unfinished restore" in checked.stdout, checked.stdout
    away = "mysql://nobody:no@127.0.0.1:1/none"
    store.ok("keys", "rotate", "--set", f"accounts.mysql={away}", "--set", f"records.mysql={away}")


def refuses(store, words, *arguments):  # noqa: F811
    done = store.run(*arguments)
    assert done.returncode == 1 and words in done.stderr, (done.stdout, done.stderr)
    assert len(done.stderr.splitlines()) == 1 and not done.stdout, done
    return done.stderr


def backup_of(folder, users=2):
    """A store with that many accounts and two products."""
    made = run("seed", "--data", folder / "source", "--users", users, "--products", 2)
    assert made.returncode == 0, made.stderr
    assert run("backup", "--data", folder / "source", "--to", folder / "backup").returncode == 0
    return folder / "backup"


def killed_in_the_middle(store, backup):  # noqa: F811
    """Its restore has noted itself, and has copied nothing of the log."""
    restoring = subprocess.Popen([BINARY, "restore", "--from", backup, "--config", store.config])
    until(lambda: has_begun(store), 20, "it does not begin")
    restoring.kill()
    restoring.wait()
    assert int(store.mysql("SELECT count(*) FROM unfinished_restore")) == 1, "it has ended before"
    until(lambda: not int(store.mysql("SELECT count(*) FROM information_schema.processlist WHERE db = "
                                      "DATABASE() AND id <> CONNECTION_ID()")), 10)


@pytest.mark.parametrize("noted", ["where to", "before that was noted"])
def test_a_restore_that_goes_on_takes_nothing_of_another_market(store, other, tmp_path, noted):  # noqa: F811
    other.seed("--users", 3, "--products", 1, "--orders", 5)
    other.ok("rebuild")
    sums = "CHECKSUM TABLE orders, order_lines, products, fold"
    held = other.ok("dump"), other.mysql(sums, other.records)
    backup = backup_of(tmp_path, users=20_000)
    killed_in_the_middle(store, backup)
    if noted != "where to":
        store.mysql("UPDATE unfinished_restore SET backup = substring_index(backup, char(10), 1)")
    again = ("restore", "--from", backup)
    said = refuses(store, other.topic, *again, "--set", f"log.topic={other.topic}")
    assert noted != "where to" or store.topic in said
    said = refuses(store, other.records, *again, "--set", f"records.mysql={other.server}{other.records}")
    assert noted != "where to" or store.database in said
    assert held == (other.ok("dump"), other.mysql(sums, other.records))
    other.check()
    store.ok(*again)
    store.check("--same-as", backup)


@pytest.mark.parametrize("more", [[], [b"of somebody else"]], ids=["alone", "and another's"])
def test_a_topic_with_the_backups_records_twice_is_made_anew(store, engines, tmp_path, more):  # noqa: F811
    backup = backup_of(tmp_path, users=20_000)
    killed_in_the_middle(store, backup)
    producer = confluent_kafka.Producer({"bootstrap.servers": engines["KAFKA"]})
    with sqlite3.connect(backup / "log.db") as log:
        (first,) = log.execute("SELECT data FROM records ORDER BY offset LIMIT 1").fetchone()
    for record in [first, first, *more]:
        producer.produce(store.topic, value=record)
    producer.flush(20)
    if more:
        refuses(store, "records of another log", "restore", "--from", backup)
        refuses(store, "records of another log", "restore", "--from", backup)  # And they are there still.
        return
    store.ok("restore", "--from", backup)
    store.check("--same-as", backup)


def test_a_restore_that_is_repeated_says_only_what_is_there(store, other, tmp_path):  # noqa: F811
    backup = backup_of(tmp_path)
    again = ("restore", "--from", backup)
    store.ok(*again)
    store.ok(*again)
    refuses(store, "is missing", *again, "--set", f"keys.folder={tmp_path / 'no-keys'}")
    (tmp_path / "keys").mkdir(mode=0o700)
    for key in (store.folder / "keys").iterdir():
        (tmp_path / "keys" / key.name).write_bytes(bytes(reversed(key.read_bytes())))
    refuses(store, "is of another store", *again, "--set", f"keys.folder={tmp_path / 'keys'}")
    assert not (tmp_path / "no-keys").exists()
    refuses(store, "does not hold the records", *again, "--set",
            f"records.mysql={other.server}{other.records}")
    store.mysql("UPDATE fold SET log_hi = log_hi + 1")
    refuses(store, "does not hold the records", *again)
    store.mysql("UPDATE fold SET log_hi = log_hi - 1")
    store.check("--same-as", backup)


def test_tables_that_were_emptied_without_their_place_are_refused(store, other, tmp_path):  # noqa: F811
    backup = backup_of(tmp_path)
    store.ok("restore", "--from", backup)
    store.mysql("DELETE FROM orders; DELETE FROM order_lines; DELETE FROM bound_keys; DELETE FROM products; "
                "DELETE FROM product_names; DELETE FROM product_stock")
    refuses(other, "fold has rows", "restore", "--from", backup, "--set",
            f"records.mysql={store.server}{store.records}")


def test_a_refused_start_makes_no_keys(store, tmp_path):  # noqa: F811
    backup = backup_of(tmp_path, users=20_000)
    killed_in_the_middle(store, backup)
    for key in (store.folder / "keys").glob("*"):
        key.unlink()
    with pytest.raises(RuntimeError, match="unfinished restore"):
        store.serve()
    refuses(store, "unfinished restore", "seed", "--users", 1)
    away = "mysql://nobody:no@127.0.0.1:1/none"
    for setting in ("records.mysql", "accounts.mysql"):
        with pytest.raises(RuntimeError):
            store.serve(f"{setting}={away}")
    assert not list((store.folder / "keys").glob("*"))
    store.ok("restore", "--from", backup)
    store.check("--same-as", backup)
