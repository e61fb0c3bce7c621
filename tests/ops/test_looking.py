"""Looking never writes: check and dump, of backups too and on read-only media; and what they find."""

import os
import pathlib
import shutil
import sqlite3
import subprocess

import client
import pytest
from disks import filled, state_of
from market_server import run


def check(data, *arguments, **more):
    done = run("check", "--data", data, *arguments, **more)
    assert done.stderr == "", done.stderr
    return done


def violations(data, *arguments):
    done = check(data, *arguments)
    found = [line for line in done.stdout.splitlines() if line.startswith("VIOLATED")]
    assert done.returncode == (1 if found else 0) and done.stdout.count(" failed") == 1, done.stdout
    return found


def left_open(store):
    """A store whose server was killed: its databases have a WAL that was not brought in."""
    for name in ("log.db", "records.db", "main.db", "payments.db"):
        assert (store / (name + "-wal")).stat().st_size > 0
    return store


@pytest.fixture
def killed(start, tmp_path):
    server = start(data=tmp_path / "killed")
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    buyer.pay(buyer.order(seller.product()).json())
    server.kill()
    return left_open(server.data)


def test_a_stopped_store_is_whole_and_untouched(store):
    before = state_of(store)
    assert violations(store) == []
    assert run("dump", "--data", store).stdout.count("order_accepted") == 3
    assert state_of(store) == before


def test_a_killed_store_is_read_with_its_wal_and_untouched(killed, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    before = state_of(killed)
    assert violations(killed, "--scratch", scratch) == []
    assert "order_paid" in run("dump", "--data", killed, "--scratch", scratch).stdout
    assert state_of(killed) == before and list(scratch.iterdir()) == []


def test_read_only_media(store, killed, read_only):
    for folder in (store, killed):
        at = read_only(folder)
        assert violations(at) == []
        assert "order_accepted" in run("dump", "--data", at).stdout


def test_the_room_for_private_copies_is_looked_at_first(killed, small_disk):
    scratch = small_disk(1)
    with filled(scratch):
        done = run("check", "--data", killed, "--scratch", scratch)
        assert "--scratch" in done.stdout + done.stderr and done.returncode == 1, done
        assert [path.name for path in scratch.iterdir()] == ["filler"]


def test_a_scratch_folder_that_is_none_is_no_violation(store, tmp_path):
    (tmp_path / "file").touch()
    for scratch in (tmp_path / "nowhere", tmp_path / "file"):
        done = run("check", "--data", store, "--scratch", scratch)
        assert done.returncode == 2 and done.stdout == "", done
        assert f"--scratch {scratch}: cannot be used" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_running_store_is_refused_also_without_its_lock_file(start):
    server = start()
    for gone in (False, True):
        if gone:
            (server.data / "lock").unlink()
        for command in ("check", "dump"):
            done = run(command, "--data", server.data)
            assert done.returncode == 1 and "is in use by process" in done.stderr, (gone, command, done)
            assert len(done.stderr.strip().splitlines()) == 1
            assert gone or str(server.process.pid) in done.stderr


def test_nothing_is_made_where_something_is_missing(store):
    (store / "main.db").unlink()
    (store / "keys/field-index").unlink()
    before = state_of(store)
    found = "\n".join(violations(store))
    assert "main.db is there: it is missing" in found and "field-index is missing" in found
    assert state_of(store) == before


def test_nobody_waits_for_a_pipe(store):
    (store / "log.db").unlink()
    os.mkfifo(store / "log.db")
    for command in ("check", "dump"):
        done = run(command, "--data", store, seconds=20)
        assert done.returncode == 1 and "log.db: is a pipe" in done.stderr, done


@pytest.fixture(scope="module")
def backup(sold_store, tmp_path_factory):
    to = tmp_path_factory.mktemp("backups") / "backup"
    done = run("backup", "--data", sold_store, "--to", to)
    assert done.returncode == 0, done
    return to


def test_a_backup_is_checked_and_can_be_restored_after_it(backup, read_only, tmp_path):
    before = state_of(backup)
    assert violations(backup) == [] and violations(read_only(backup)) == []
    assert state_of(backup) == before
    assert run("restore", "--from", backup, "--data", tmp_path / "restored").returncode == 0
    assert violations(tmp_path / "restored") == []


def test_a_server_does_not_start_in_a_backup(backup):
    before = state_of(backup)
    for command in (("serve", "--listen", "127.0.0.1:0"), ("seed",), ("rebuild",), ("log", "adopt")):
        done = run(*command, "--data", backup, seconds=10)
        assert done.returncode == 1 and "market restore --from" in done.stderr, (command, done)
    assert state_of(backup) == before


DATABASES = ["log.db", "records.db", "main.db", "payments.db"]


@pytest.mark.parametrize("name", [*DATABASES, "gate.snapshot", "manifest.txt"])
def test_a_flipped_bit_in_a_backup_is_found(backup, tmp_path, name):
    shutil.copytree(backup, tmp_path / "backup")
    flip(tmp_path / "backup" / name, 0.6)
    assert violations(tmp_path / "backup")


def test_what_is_missing_or_foreign_in_a_backup_is_named(backup, tmp_path):
    at = tmp_path / "backup"
    shutil.copytree(backup, at)
    (at / "gate.snapshot").unlink()
    (at / "songs.txt").write_text("la")
    found = "\n".join(violations(at))
    assert "gate.snapshot is missing" in found


def test_a_failed_backup_leaves_nothing(store, small_disk, tmp_path):
    disk = small_disk(1)
    with filled(disk, leave=64 * 1024):
        done = run("backup", "--data", store, "--to", disk / "backup")
        assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done
        assert not (disk / "backup").exists()


def flip(path, at):
    """One bit, at this part of the file."""
    with open(path, "r+b") as file:
        where = int(path.stat().st_size * at)
        file.seek(where)
        byte = file.read(1)[0]
        file.seek(where)
        file.write(bytes([byte ^ 4]))


def test_a_flipped_bit_in_the_log_is_found(store):
    with sqlite3.connect(store / "log.db") as log:
        offset, data = log.execute("SELECT offset, data FROM records ORDER BY length(data) DESC").fetchone()
    log.close()
    bytes_ = (store / "log.db").read_bytes()
    at = bytes_.index(data) + len(data) // 2
    (store / "log.db").write_bytes(bytes_[:at] + bytes([bytes_[at] ^ 1]) + bytes_[at + 1 :])
    assert any(f"offset {offset}" in line for line in violations(store))


def test_a_flipped_bit_in_the_snapshot_is_found(store):
    flip(store / "gate.snapshot", 0.5)
    assert any("snapshot" in line for line in violations(store))


ROWS = {
    "records.db": [
        "UPDATE orders SET total = total + 1 WHERE id = (SELECT min(id) FROM orders)",
        "UPDATE orders SET key_lo = key_lo + 1 WHERE key_lo <> 0",
        "UPDATE orders SET place = place + 0, user_id = user_id + 1",
        "DELETE FROM orders WHERE id = (SELECT max(id) FROM orders)",
        "INSERT INTO bound_keys SELECT 1, 2, 3, 4, 5",
        "UPDATE products SET price = 1",
        "UPDATE product_stock SET remaining = remaining + 1",
    ],
    "main.db": [
        "UPDATE accounts SET role = 'admin' WHERE role = 'customer'",
        "UPDATE accounts SET email_verified = 1 - email_verified",
        "UPDATE accounts SET password_hash = 'x' || password_hash",
        "UPDATE accounts SET name = (SELECT max(email) FROM accounts)",
        "UPDATE accounts SET email_index = 'x' || email_index",
        "UPDATE sessions SET ends_at = ends_at + 1",
        "UPDATE sessions SET user_id = 7",
    ],
    "payments.db": [
        "UPDATE charges SET amount = amount - 1",
        "UPDATE charges SET declined = 1",
        "DELETE FROM charges",
    ],
}


@pytest.mark.parametrize("name,change", [(name, each) for name, all_ in ROWS.items() for each in all_])
def test_a_row_that_was_changed_past_the_market_is_found(store, name, change):
    with sqlite3.connect(store / name) as database:
        triggers = database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            database.execute(f"DROP TRIGGER {trigger}")
        assert database.execute(change).rowcount > 0, change
    database.close()
    assert violations(store), change


def test_a_lost_wal_is_said_and_nothing_is_emptied(start, tmp_path):
    server = start()
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    buyer.order(seller.product())
    assert server.stop() == 0
    again = start(data=server.data)
    client.Client(again.url, buyer.token)
    order = client.sign_in(again.url, buyer.user["email"], client.PASSWORD)
    order.order(seller_product(again))
    assert again.stop() == 0
    with sqlite3.connect(server.data / "log.db") as log:
        log.execute("DELETE FROM records WHERE offset = (SELECT max(offset) FROM records)")
    log.close()
    before = state_of(server.data)
    assert any("it has lost its newest events" in line for line in violations(server.data))
    assert state_of(server.data) == before


def seller_product(server):
    return client.admin(server.url).product()


def test_a_picture_is_missing_or_damaged(store):
    pictures = [path for path in (store / "pictures").rglob("*") if path.is_file()]
    assert pictures
    flip(pictures[0], 0.5)
    assert any("is damaged" in line for line in violations(store))
    pictures[0].unlink()
    assert any("picture of product" in line for line in violations(store))


@pytest.mark.parametrize("name", ["field-encryption", "field-index", "token-signing"])
def test_a_foreign_key_is_named(store, name):
    (store / "keys" / name).write_bytes(os.urandom(32))
    assert any(name in line for line in violations(store))


def test_a_key_that_others_may_read_is_said(store):
    (store / "keys/field-index").chmod(0o644)
    assert any("chmod 600" in line for line in violations(store))


@pytest.mark.parametrize("version", [-1, 99])
@pytest.mark.parametrize("name", ["log.db", "records.db", "main.db", "payments.db"])
def test_another_schema_is_said(store, name, version):
    with sqlite3.connect(store / name) as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    assert any(name in line and str(version) in line for line in violations(store))


def test_a_full_output_is_no_success(store):
    for command in ("check", "dump"):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [pathlib.Path(os.environ["MARKET_BINARY"]), command, "--data", store],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert done.returncode == 1 and "cannot be written" in done.stderr, (command, done)
