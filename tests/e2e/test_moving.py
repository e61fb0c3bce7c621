"""A store moves from one machine to many and back, by commands that may be killed at any moment."""

import json
import pathlib
import random
import signal
import sqlite3
import subprocess
import time

import pytest
import requests

import client
import pictures
from fake_stripe import FakeStripe
from market_server import BINARY, Market, run
from test_shared_log import engines  # noqa: F401
from test_shared_store import buyer_of, store  # noqa: F401
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
    store.stop()
    # Public events begin anew where their topic is new.
    events = [json.loads(line) for line in store.ok("events", "tail", "--last", 1000).splitlines()]
    assert any(order in json.dumps(event) for event in events)
    assert killed_until_done("export", "--to", tmp_path / "back", "--config", store.config) > 0
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
        assert killed_until_done("export", "--to", tmp_path / "back", "--config", store.config) > 0
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


def test_a_restore_that_is_held_up_keeps_its_turn(store, tmp_path):  # noqa: F811
    """MySQL ends a connection of ours that is silent for 3 s; this one holds the turn."""
    source = tmp_path / "source"
    assert run("seed", "--data", source, "--users", 20_000, "--products", 2).returncode == 0
    assert run("backup", "--data", source, "--to", tmp_path / "backup").returncode == 0
    command = [BINARY, "restore", "--from", tmp_path / "backup", "--config", store.config]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def has_begun():
        try:
            return int(store.mysql("SELECT count(*) FROM unfinished_restore")) == 1
        except subprocess.CalledProcessError:  # The table is not there yet.
            return False

    until(has_begun, 20, "it does not begin")
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
    source = tmp_path / "source"
    assert run("seed", "--data", source, "--users", 2).returncode == 0
    assert run("backup", "--data", source, "--to", tmp_path / "backup").returncode == 0
    refused = store.run("restore", "--from", tmp_path / "backup")
    assert refused.returncode == 1 and "of another backup" in refused.stderr, refused.stderr
