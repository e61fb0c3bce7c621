"""The commands on a store: seed, check, backup, restore, rebuild; files that are not ours."""

import concurrent.futures
import fcntl
import json
import shutil
import sqlite3
import time

import client
import pytest
from client import Client
from market_server import PATIENCE, Market, run


def ok(*arguments, **more):
    done = run(*arguments, **more)
    assert done.returncode == 0, f"{arguments}: {done.returncode} {done.stdout[-800:]} {done.stderr[-800:]}"
    return done.stdout


def checked(data):
    text = ok("check", "--data", data)
    assert ", 0 failed" in text and int(text.rsplit("\n", 2)[-2].split()[0]) >= 5, text


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """A store with 200 users and 3 products; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("seeded")
    (folder / "tokens").write_text("eyJh.eyJz.of-an_earlier-run\neyJh.cut-o")
    (folder / "tokens").chmod(0o644)
    text = ok(
        "seed",
        "--users",
        200,
        "--products",
        3,
        "--orders",
        500,
        "--stock",
        1000,
        "--tokens",
        folder / "tokens",
        "--data",
        folder / "data",
    )
    products = [line.split()[1] for line in text.splitlines() if line.startswith("product ")]
    assert len(products) == 3
    return folder / "data", (folder / "tokens").read_text().split(), products


@pytest.fixture
def copy(seeded, tmp_path):
    shutil.copytree(seeded[0], tmp_path / "data")
    return tmp_path / "data"


def test_seeded_tokens_can_buy_at_once(seeded, copy, start):
    _, tokens, products = seeded
    assert len(tokens) == len(set(tokens)) == 200
    checked(copy)
    server = start(data=copy)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda token: Client(server.url, token).order(products[0]), tokens))
    tickets = [answer.json()["items"][0]["ticket"] for answer in answers]
    assert len(set(tickets)) == 200 and max(tickets) - min(tickets) == 199
    assert Client(server.url, tokens[0]).get("/users/me", expect=200).json()["role"] == "customer"
    assert server.stop() == 0
    checked(copy)


def test_the_tokens_file_is_the_owners_alone(seeded):
    assert (seeded[0].parent / "tokens").stat().st_mode & 0o077 == 0
    assert (seeded[0] / "keys").stat().st_mode & 0o077 == 0
    for key in (seeded[0] / "keys").iterdir():
        assert key.stat().st_mode & 0o077 == 0


def test_seeding_twice_adds(copy):
    ok("seed", "--users", 5, "--products", 1, "--data", copy)
    checked(copy)


def test_a_backup_of_a_running_store(seeded, copy, start, tmp_path):
    """Under load; what was answered before it began is in it, what is in it is consistent."""
    _, tokens, products = seeded
    server = start(data=copy)
    before = [Client(server.url, token).order(products[1], key="b").json() for token in tokens[:30]]
    email = client.sign_up(server.url).user["email"]
    with client.buying(server.url, tokens[:3], products[2]):
        said = ok("backup", "--data", copy, "--to", tmp_path / "backup")
    assert "log records" in said
    assert server.stop() == 0
    checked(tmp_path / "backup")
    ok("restore", "--from", tmp_path / "backup", "--data", tmp_path / "restored")
    checked(tmp_path / "restored")
    again = start(data=tmp_path / "restored")
    for order, token in zip(before, tokens):
        assert Client(again.url, token).get("/orders/" + order["id"], expect=200).json() == order
        assert Client(again.url, token).order(products[1], key="b").headers["Idempotency-Replayed"] == "true"
    client.sign_in(again.url, email, client.PASSWORD)


def test_behind_a_restore_of_an_older_backup_events_are_told_as_new_ones(copy, seeded, start, tmp_path):
    """Their places are given again: who counts exactly must not take them for what he has had."""
    _, tokens, products = seeded
    def told(data):  # noqa: E306
        return list(map(json.loads, ok("events", "tail", "--data", data, "--last", 10_000).splitlines()))

    server = start(data=copy)
    Client(server.url, tokens[0]).order(products[1])
    assert server.stop() == 0
    ok("backup", "--data", copy, "--to", tmp_path / "backup")
    before = told(copy)
    server = start(data=copy)
    given_up = [Client(server.url, token).order(products[1]).json()["id"] for token in tokens[1:4]]
    assert server.stop() == 0
    had = {event["id"] for event in told(copy)}
    for number, rebuilt in enumerate((False, True)):
        data = tmp_path / f"restored{number}"
        for _ in range(2):  # The second one finds all of it there.
            ok("restore", "--from", tmp_path / "backup", "--data", data)
        checked(data)
        ok("check", "--data", data, "--same-as", tmp_path / "backup")
        _ = rebuilt and ok("rebuild", "--data", data)
        again = start(data=data)
        made = Client(again.url, tokens[4]).order(products[1]).json()["id"]
        Client(again.url, tokens[1]).get("/orders/" + given_up[0], expect=(404, "order_not_found"))
        assert again.stop() == 0
        checked(data)
        events = told(data)
        assert events[:len(before)] == before, "what the backup has is told as it was"
        new, ids = events[len(before):], {event["id"] for event in events[len(before):]}
        assert made in json.dumps(new) and not had & ids
        assert all(event["generation"] > before[-1]["generation"] for event in new)
        had |= ids
        time.sleep(1.1)  # A generation is named by the clock's second.


def test_a_seed_that_makes_no_sense_makes_nothing(tmp_path):
    for arguments in (("--orders", 5), ("--users", 2, "--orders", 5), ("--users", 1, "--tokens", tmp_path)):
        done = run("seed", "--data", tmp_path / "new", *arguments)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done
        assert not (tmp_path / "new").exists()
    done = run("seed", "--data", tmp_path / "new", "--users", 1, "--token-life", "99999h")
    assert done.returncode == 2 and "87840h at most" in done.stderr, done.stderr


@pytest.mark.parametrize("empty", [True, False])
def test_a_seed_beside_another_command_is_refused(copy, tmp_path, empty):
    """Whoever makes the store, or a key for its personal data, is no server that others may write beside."""
    data = tmp_path / "new" if empty else copy
    data.mkdir(exist_ok=True)
    with open(data / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("seed", "--data", data, "--users", "3")
        assert done.returncode == 1 and f"data folder {data} is in use by process" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not empty or [file.name for file in data.iterdir()] == ["lock"]


def test_backup_and_restore_overwrite_nothing(copy, tmp_path):
    ok("backup", "--data", copy, "--to", tmp_path / "backup")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("mine")
    for arguments in (
        ("backup", "--data", copy, "--to", tmp_path / "backup"),
        ("backup", "--data", copy, "--to", tmp_path / "full"),
        ("restore", "--from", tmp_path / "backup", "--data", copy),
        ("restore", "--from", tmp_path / "backup", "--data", tmp_path / "full"),
        ("restore", "--from", tmp_path / "full", "--data", tmp_path / "new"),
        ("restore", "--from", tmp_path / "missing", "--data", tmp_path / "new"),
    ):
        done = run(*arguments)
        assert done.returncode in (1, 2) and len(done.stderr.strip().splitlines()) == 1, (arguments, done)
    assert (tmp_path / "full/file").read_text() == "mine"
    checked(copy)


def test_a_backup_takes_no_keys_of_another_store(two_stores, tmp_path):
    shutil.copytree(two_stores[0], tmp_path / "data")
    ok("backup", "--data", tmp_path / "data", "--to", tmp_path / "with-its-own")
    shutil.copy(two_stores[1] / "keys" / "refresh-tokens", tmp_path / "data" / "keys")
    said = run("backup", "--data", tmp_path / "data", "--to", tmp_path / "backup")
    assert said.returncode == 1 and "is of another store" in said.stderr, said
    assert len(said.stderr.splitlines()) == 1 and not (tmp_path / "backup").exists()


def test_records_are_made_anew_from_the_log(seeded, copy, start):
    _, tokens, products = seeded
    server = start(data=copy)
    caller = Client(server.url, tokens[0])
    orders = [caller.order(products[0]).json() for _ in range(3)]
    caller.pay(orders[0])
    caller.post(f"/orders/{orders[1]['id']}/cancel", expect=200)
    before = caller.get("/orders?limit=100", expect=200).json()
    assert server.stop() == 0
    for name in copy.glob("records.db*"):
        name.unlink()
    ok("rebuild", "--data", copy)
    checked(copy)
    again = start(data=copy)
    assert Client(again.url, tokens[0]).get("/orders?limit=100", expect=200).json() == before


def test_missing_records_and_snapshot_are_made_anew_at_start(seeded, copy, start):
    _, tokens, products = seeded
    server = start(data=copy)
    order = Client(server.url, tokens[0]).order(products[0]).json()
    assert server.stop() == 0
    for name in (*copy.glob("records.db*"), *copy.glob("gate.snapshot*")):
        name.unlink()
    again = start(data=copy)
    assert Client(again.url, tokens[0]).get("/orders/" + order["id"], expect=200).json() == order
    assert Client(again.url).get(f"/products/{products[0]}/stock").json()["remaining"] == 999


@pytest.mark.parametrize("name", ["log.db", "main.db", "records.db"])
@pytest.mark.parametrize("kind", ["junk", "foreign", "newer"])
def test_files_that_are_not_ours_are_refused_and_left_alone(copy, name, kind):
    path = copy / name
    if kind == "junk":
        path.write_bytes(b"this is no database, and long enough to be read as one " * 100)
    elif kind == "foreign":
        path.unlink()
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA application_id = 12345")
            other.execute("CREATE TABLE songs (title TEXT)")
        other.close()
    else:
        with sqlite3.connect(path) as ours:
            ours.execute("PRAGMA user_version = 99")
        ours.close()
    before = path.read_bytes()
    for command in (("serve", "--listen", "127.0.0.1:0"), ("check",)):
        done = run(*command, "--data", copy, seconds=10)
        assert done.returncode in (1, 2), (command, done)
        said = done.stderr if command[0] == "serve" else done.stdout
        lines = [line for line in said.splitlines() if command[0] == "serve" or line.startswith("VIOLATED")]
        assert any(name in line for line in lines), (command, done)
        assert command[0] == "check" or len(lines) == 1, done.stderr
    assert path.read_bytes() == before


def test_a_damaged_snapshot_is_not_believed(seeded, copy, start):
    (copy / "gate.snapshot").write_bytes(b"\0" * 1000)
    server = start(data=copy)
    Client(server.url, seeded[1][0]).order(seeded[2][0])


def test_check_finds_a_planted_violation(seeded, copy, start):
    """The checker is tested in detail beside its code; here: it is said, and the status is 1."""
    server = start(data=copy)
    Client(server.url, seeded[1][0]).order(seeded[2][0])
    assert server.stop() == 0
    with sqlite3.connect(copy / "records.db") as records:
        assert (
            records.execute("DELETE FROM orders WHERE rowid IN (SELECT rowid FROM orders LIMIT 1)").rowcount
            == 1
        )
    records.close()
    done = run("check", "--data", copy)
    assert done.returncode == 1 and "VIOLATED" in done.stdout and " 0 failed" not in done.stdout, done.stdout


def test_a_restart_gives_open_orders_their_time_back(start):
    first = start("orders.payment_window=2s", "orders.restart_grace=5s")
    seller, buyer = client.admin(first.url), client.sign_up(first.url)
    order = buyer.order(seller.product()).json()
    first.kill()
    time.sleep(2.2)
    second = start("orders.payment_window=2s", "orders.restart_grace=5s", data=first.data)
    again = Client(second.url, buyer.token)
    assert again.get("/orders/" + order["id"], expect=200).json()["state"] == "accepted"
    assert again.pay(order).json()["state"] == "paid"


def test_a_log_that_lost_its_end_is_adopted_or_refused(seeded, copy, start):
    server = start(data=copy)
    order = Client(server.url, seeded[1][0]).order(seeded[2][0]).json()
    assert server.stop() == 0
    with sqlite3.connect(copy / "log.db") as log:
        log.execute("DELETE FROM records WHERE offset = (SELECT max(offset) FROM records)")
    log.close()
    for command in (("serve", "--listen", "127.0.0.1:0"), ("rebuild",), ("seed", "--products", "1")):
        done = run(*command, "--data", copy)
        assert done.returncode == 1 and "market log adopt" in done.stderr, (command, done.stderr)
    assert "lost or changed: order " + order["id"] in ok("log", "adopt", "--data", copy)
    checked(copy)
    # Broken off before the records were folded anew: it is done again, or they are made anew.
    for command in (("log", "adopt"), ("rebuild",)):
        with sqlite3.connect(copy / "records.db") as records:
            records.execute("UPDATE position SET log_generation = 0, log_place = log_place + 1")
        records.close()
        done = run("serve", "--listen", "127.0.0.1:0", "--data", copy)
        assert done.returncode == 1 and "run 'market log adopt' again" in done.stderr, done.stderr
        ok(*command, "--data", copy)
        checked(copy)
    again = start(data=copy)
    Client(again.url, seeded[1][0]).get("/orders/" + order["id"], expect=(404, "order_not_found"))


def test_a_foreign_log_is_neither_rebuilt_nor_adopted(copy, tmp_path):
    ok("rebuild", "--data", copy)
    ok("seed", "--data", tmp_path / "other", "--users", "1", "--products", "1")
    for file in copy.glob("log.db*"):
        file.unlink()
    shutil.copy(tmp_path / "other" / "log.db", copy / "log.db")
    for command in (("rebuild",), ("log", "adopt"), ("serve", "--listen", "127.0.0.1:0")):
        done = run(*command, "--data", copy)
        assert done.returncode == 1 and "another" in done.stderr, (command, done.stderr)


FOREIGN = {
    "log.db": "log.db",
    "main.db": "main.db",
    "records.db": "records.db",
    "payments.db": "payments.db",
    "keys/field-encryption": "field-encryption",
    "keys/field-index": "field-index",
    "keys/token-signing": "token-signing",
    "keys/refresh-tokens": "refresh-tokens",
}


@pytest.fixture(scope="module")
def two_stores(tmp_path_factory):
    """Two stores that have sold and were stopped."""
    stores = []
    for name in ("ours", "theirs"):
        data = tmp_path_factory.mktemp(name) / "data"
        with Market(data) as server:
            buyer = client.sign_up(server.url)
            buyer.pay(buyer.order(client.admin(server.url).product()).json())
        stores.append(data)
    return stores


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_store_is_refused(two_stores, tmp_path, name):
    data = tmp_path / "data"
    shutil.copytree(two_stores[0], data)
    for file in data.glob(name + "*"):
        file.unlink()
    shutil.copy(two_stores[1] / name, data / name)
    done = run("serve", "--data", data, "--listen", "127.0.0.1:0", seconds=10)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1, done.stderr
    assert FOREIGN[name] in lines[0] and "another" in lines[0], lines


@pytest.mark.parametrize("name", ["log.db", "main.db", "records.db", "payments.db"])
@pytest.mark.parametrize("version", [-1, 99])
def test_a_schema_that_is_none_is_refused_without_sql(two_stores, tmp_path, name, version):
    data = tmp_path / "data"
    shutil.copytree(two_stores[0], data)
    with sqlite3.connect(data / name) as ours:
        ours.execute(f"PRAGMA user_version = {version}")
    ours.close()
    before = (data / name).read_bytes()
    done = run("serve", "--data", data, "--listen", "127.0.0.1:0", seconds=10)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert name in done.stderr and str(version) in done.stderr and "PRAGMA" not in done.stderr, done.stderr
    assert (data / name).read_bytes() == before


def test_rights_that_were_written_past_the_market_are_none(start):
    server = start()
    email = client.sign_up(server.url).user["email"]
    assert server.stop() == 0
    with sqlite3.connect(server.data / "main.db") as main:
        with pytest.raises(sqlite3.OperationalError, match="row_mac"):
            main.execute("UPDATE accounts SET role = 'admin'")
        main.execute("DROP TRIGGER accounts_changed")
        main.execute("UPDATE accounts SET role = 'admin'")
    main.close()
    again = start(data=server.data)
    wanted = {"email": email, "password": client.PASSWORD}
    Client(again.url).post("/sessions", wanted, expect=(500, "internal"))


def test_a_damaged_record_is_no_unknown_outcome(start):
    """503 would say: perhaps it happened, ask again. A row that cannot be read is an error of ours."""
    server = start("orders.payment_window=1h")
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product()
    orders = [buyer.order(product).json() for _ in range(2)]
    for order in orders:  # Closed: nobody keeps them in memory.
        buyer.post(f"/orders/{order['id']}/cancel", expect=200)
    assert server.stop() == 0
    with sqlite3.connect(server.data / "records.db") as records:
        records.execute("UPDATE orders SET payment = 'junk' WHERE id = (SELECT min(id) FROM orders)")
    records.close()
    again = start(data=server.data)
    buyer = Client(again.url, buyer.token)
    refused = buyer.get(f"/orders/{orders[0]['id']}", expect=(500, "internal")).json()
    assert "junk" not in refused["detail"] and "record" not in refused["detail"]
    buyer.get(f"/orders/{orders[1]['id']}", expect=200)
    assert again.logged("is damaged")
