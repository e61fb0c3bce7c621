"""Two instances with their accounts in one MariaDB: whoever signed up at one is known at the other."""

import os
import struct
import subprocess
import sys
import threading
import time
import zlib

import pytest
import requests

import client
import mail_server
from links import Links
from market_server import PATIENCE, Market
from test_shared_log import (  # noqa: F401
    TOOL, database, engines, kafka, listed, order, other_database, serve, variables)
from test_users import codes_to
from waiting import until

PASSWORD = "violet harbour 9182 kite"


@pytest.fixture
def two(serve, database):  # noqa: F811
    """Writer and standby, with records and accounts in one database."""
    shared = (f"records.mysql={database}", f"accounts.mysql={database}", "orders.restart_grace=0s")
    writer = serve("a", *shared)
    return writer, serve("b", *shared, keys_of=writer)


def png(side=8):
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    rows = b"".join(b"\0" + os.urandom(side * 3) for _ in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def get(server, path, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{server.url}/api/v1{path}", headers=headers, timeout=10)


def test_an_account_made_at_one_signs_in_at_the_other(two):
    a, b = two
    email = client.new_email()
    made = client.sign_up(a.url, email, name="김철수", phone="010-1234-5678")
    known = client.sign_in(b.url, email, client.PASSWORD)
    me = known.get("/users/me", expect=200).json()
    assert (me["id"], me["name"], me["phone"]) == (made.user["id"], "김철수", "010-1234-5678")
    known.patch("/users/me", json={"address": "서울 1"}, expect=200)
    assert get(a, "/users/me", made.token).json()["address"] == "서울 1"
    assert len(get(a, "/sessions", made.token).json()["items"]) == 2
    again = requests.post(b.url + "/api/v1/users", timeout=10,
                          json={"email": email.upper(), "password": PASSWORD, "name": "Other"})
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


def test_who_signs_out_at_one_is_out_at_the_other_within_a_second(two):
    a, b = two
    email = client.new_email()
    buyer = client.sign_up(a.url, email)
    assert get(b, "/users/me", buyer.token).status_code == 200
    buyer.delete("/sessions", expect=204)
    began = time.monotonic()
    while get(b, "/users/me", buyer.token).status_code != 401:
        assert time.monotonic() - began < 1 * PATIENCE
        time.sleep(0.02)
    # A role that changes makes the tokens of before worthless there as well.
    seller = client.sign_in(a.url, email, client.PASSWORD)
    boss = client.admin(b.url)
    boss.patch(f"/users/{seller.user['id']}", json={"role": "seller"}, expect=200)
    began = time.monotonic()
    while get(a, "/users/me", seller.token).status_code != 401:
        assert time.monotonic() - began < 1 * PATIENCE
        time.sleep(0.02)


def test_the_same_at_once_at_both_happens_once(two):
    email = client.new_email()
    answers = []

    def ask(number):
        answers.append(requests.post(two[number % 2].url + "/api/v1/users", timeout=60,
                                     json={"email": email, "password": PASSWORD, "name": f"Kim {number}"}))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(each.status_code for each in answers)
    assert codes.count(201) == 1 and set(codes) <= {201, 409, 429}, codes
    session = requests.post(two[1].url + "/api/v1/sessions", timeout=60,
                            json={"email": email, "password": PASSWORD}).json()
    answers.clear()

    def refresh(number):
        answers.append(requests.post(two[number % 2].url + "/api/v1/sessions/refresh", timeout=60,
                                     json={"refreshToken": session["refreshToken"]}))

    threads = [threading.Thread(target=refresh, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["refreshToken"] for each in answers}) == 1, "the same successor for all"


def test_carts_wishes_pictures_and_payments_are_those_of_both_and_survive_a_kill(two):
    a, b = two
    boss = client.admin(a.url)
    product = boss.product(stock=10)["id"]
    picture = png()
    shown = boss.put(f"/products/{product}/image", data=picture,
                     headers={"Content-Type": "image/png"}, expect=200).json()["imageUrl"]
    buyer = client.sign_up(a.url)
    buyer.put(f"/cart/items/{product}", json={"quantity": 2}, expect=200)
    buyer.put(f"/wishlist/{product}", expect=204)
    paid, open_one = order(buyer, product), order(buyer, product)
    buyer.pay(paid)
    # The charge is made and its answer lost; whoever writes next must find out.
    lost = buyer.post(f"/orders/{open_one['id']}/payment", json={"method": "card", "token": "lost"})
    assert lost.status_code in (200, 202), lost.text
    a.kill()
    assert get(b, "/cart", buyer.token).json()["items"][0]["quantity"] == 2
    assert [each["id"] if "id" in each else each["productId"]
            for each in get(b, "/wishlist", buyer.token).json()["items"]] == [product]
    found = requests.get(b.url + shown, timeout=10)
    assert found.status_code == 200 and found.content == picture
    deadline = time.monotonic() + 15 * PATIENCE
    while (state := get(b, f"/orders/{open_one['id']}", buyer.token).json())["state"] != "paid":
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    assert get(b, f"/orders/{paid['id']}", buyer.token).json()["payment"]["state"] == "paid"
    cancelled = requests.post(f"{b.url}/api/v1/orders/{paid['id']}/cancel", timeout=10,
                              headers={"Authorization": f"Bearer {buyer.token}"})
    assert cancelled.status_code == 200, cancelled.text


def test_the_database_shows_no_personal_data(two, engines, database):  # noqa: F811
    email = client.new_email()
    client.sign_up(two[0].url, email, name="Hidden Name", phone="010-7777-1234", address="Hidden Street 5")
    host, port = engines["MYSQL"].split(":")
    dump = subprocess.run(
        ["mariadb-dump", "--no-defaults", "-h", host, "-P", port, "-u", engines["MYSQL_USER"],
         "--skip-lock-tables", database.rpartition("/")[2]],
        check=True, capture_output=True, env={**os.environ, "MYSQL_PWD": engines["MYSQL_PASSWORD"]}).stdout
    assert b"INSERT INTO `accounts`" in dump
    for word in (email, "Hidden Name", "010-7777", "Hidden Street", client.PASSWORD):
        assert word.encode() not in dump


def test_an_instance_with_keys_of_its_own_is_refused(two, serve, database):  # noqa: F811
    client.sign_up(two[0].url)
    with pytest.raises(RuntimeError) as refused:
        serve("c", f"records.mysql={database}", f"accounts.mysql={database}")
    assert "of another store" in str(refused.value)
    assert database.split(":")[2].split("@")[0] not in str(refused.value), "the password is nobody's to read"


@pytest.mark.parametrize("role", ["all", "order", "user"])
def test_an_instance_with_other_accounts_is_refused(two, serve, database, other_database, role):  # noqa: F811
    """A name that is not there yet makes an empty database: sessions, carts and charges of nobody."""
    client.sign_up(two[0].url)
    with pytest.raises(RuntimeError) as refused:
        serve("c", f"records.mysql={database}", f"accounts.mysql={other_database}", keys_of=two[0],
              flags=("--role", role))
    assert "accounts.mysql belongs to another store than the event log" in str(refused.value)


def test_who_confirms_at_one_buys_at_the_other_at_once(serve, database):  # noqa: F811
    shared = (f"records.mysql={database}", f"accounts.mysql={database}", "users.email_verification=required",
              *mail_server.shared().settings)
    sells = serve("a", *shared)
    users = serve("u", *shared, keys_of=sells, flags=("--role", "user"))
    product, email = client.admin(sells.url).product()["id"], client.new_email()
    token = client.sign_up(users.url, email).token
    buyer = client.Client(sells.url, token)
    buyer.order(product, expect=(403, "email_unverified"))
    [code] = until(lambda: codes_to(email), 20)
    client.Client(users.url).post("/users/verification", {"email": email, "code": code}, expect=204)
    buyer.order(product)


def test_a_user_instance_alone_knows_who_has_products_for_sale(serve, database):  # noqa: F811
    shared = (f"records.mysql={database}", f"accounts.mysql={database}")
    sells = serve("a", *shared)
    users = serve("u", *shared, keys_of=sells, flags=("--role", "user"))
    account, proof = client.sign_up(users.url), {"password": client.PASSWORD}
    client.admin(sells.url).patch("/users/" + account.user["id"], {"role": "seller"}, expect=200)
    seller = client.sign_in(users.url, account.user["email"], client.PASSWORD)
    market = client.Client(sells.url, seller.token)
    product = market.product()["id"]
    until(lambda: "market_fold_lag_events 0" in market.get("//metrics").text, 30)
    seller.delete("/users/me", json=proof, expect=(409, "products_for_sale"))
    market.delete(f"/products/{product}", expect=204)
    until(lambda: "market_fold_lag_events 0" in market.get("//metrics").text, 30)
    until(lambda: seller.delete("/users/me", json=proof).status_code == 204, 10)


@pytest.mark.parametrize("way", ["cut", "refused"])
def test_a_user_instance_without_its_database_is_not_ready(engines, database, tmp_path, way):  # noqa: F811
    """It can do nothing then; gone or silent, it says so."""
    host, port = engines["MYSQL"].split(":")
    links = Links({"accounts": (host, int(port))})
    accounts = database.replace(engines["MYSQL"], links.address("accounts"))

    def ready():
        answer = requests.get(server.url + "/health/ready", timeout=10)
        return answer.status_code, answer.text

    try:
        with Market(tmp_path / "u", "accounts.mysql=" + accounts, flags=("--role", "user")) as server:
            time.sleep(6)
            assert ready()[0] == 200
            links.set("accounts", way)
            until(lambda: ready()[0] == 503 and "the accounts' database is away" in ready()[1], 20)
            links.set("accounts", "open")
            until(lambda: ready()[0] == 200, 30)
    finally:
        links.close()


def test_who_does_not_follow_the_log_calls_no_export_complete(serve, database):  # noqa: F811
    """It knows the records alone, and they may be behind what was acknowledged."""
    shared = (f"records.mysql={database}", f"accounts.mysql={database}")
    follows = serve("a", *shared)
    buyer = client.sign_up(follows.url)
    made = order(buyer, listed(follows))["id"]
    alone = serve("u", *shared, keys_of=follows, flags=("--role", "user"))

    def export(server):
        answer = get(server, "/users/me/export", buyer.token).json()
        return [one["id"] for one in answer["orders"]], answer["ordersComplete"]

    assert export(follows) == ([made], True)
    until(lambda: export(alone) == ([made], False), 20)


@pytest.fixture
def own_mariadb(tmp_path_factory):
    """(the URL of a database, as_root(SQL)) of a server that nobody else uses."""
    folder = tmp_path_factory.mktemp("own")
    command = [sys.executable, TOOL, "up", "mariadb", "--any-port", "--dir", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"MariaDB cannot be started: {done.stderr.strip()}")
    own = variables(folder / "env")

    def as_root(sql):
        command = ["mariadb", "--no-defaults", "-uroot", "--socket=mariadb.sock", "-e", sql]
        subprocess.run(command, check=True, cwd=folder / "mariadb/data")

    yield f"mysql://{own['MYSQL_USER']}:{own['MYSQL_PASSWORD']}@{own['MYSQL']}/market", as_root
    subprocess.run([sys.executable, TOOL, "down", "--dir", folder], check=False)


def test_an_instance_starts_while_its_database_is_read_only(serve, own_mariadb):  # noqa: F811
    """That lasts: whoever ends meanwhile comes back and sells, as those that went on do."""
    url, as_root = own_mariadb
    market = serve("a", f"records.mysql={url}", f"accounts.mysql={url}")
    product, buyer = listed(market), client.sign_up(market.url)
    assert market.stop() == 0
    as_root("SET GLOBAL read_only=1")
    market.start(40)
    order(client.Client(market.url, buyer.token), product)


def test_a_database_that_is_not_there_is_one_clear_line(serve):  # noqa: F811
    with pytest.raises(RuntimeError) as failed:
        serve("a", "accounts.mysql=mysql://u:secret@127.0.0.1:1/d")
    assert "MySQL at 127.0.0.1:1" in str(failed.value)
    assert "secret" not in str(failed.value)
    with pytest.raises(RuntimeError) as failed:
        serve("b", "accounts.mysql=nonsense:secret")
    assert "write mysql://USER:PASSWORD@HOST:PORT/DATABASE" in str(failed.value)
    assert "secret" not in str(failed.value)
