"""What is left when files of a store are gone, empty, cut or half made; and what no command overwrites."""

import shutil
import sqlite3
import subprocess
import time

import client
import pytest
from market_server import BINARY, Market, run
from test_store import checked, copy, ok, seeded, two_stores  # noqa: F401
from waiting import until


@pytest.mark.parametrize("empty", [False, True], ids=["gone", "empty"])
@pytest.mark.parametrize("name", ["log.db", "main.db", "payments.db"])
def test_a_store_without_one_of_its_files_is_refused(two_stores, tmp_path, name, empty):  # noqa: F811
    """Nothing in it is the same as no file: it would be begun anew beside orders that others have."""
    data = tmp_path / "data"
    shutil.copytree(two_stores[0], data)
    for file in (*data.glob(name + "*"), *data.glob("records.db*")):
        file.unlink()
    if empty:
        (data / name).touch()
    for _ in range(2):
        done = run("serve", "--data", data, "--listen", "127.0.0.1:0", seconds=20)
        assert done.returncode == 1 and f"{name} is missing beside" in done.stderr, done.stderr
        assert (data / name).exists() == empty, "a refused start makes no file"
        assert not empty or (data / name).stat().st_size == 0
    found = run("check", "--data", data)
    assert found.returncode == 1, found.stdout
    assert any("it is missing" in line and name in line for line in found.stdout.splitlines()), found.stdout


def gone(name):
    def change(data, other):
        for file in data.glob(name + "*"):
            file.unlink()
    return change


def foreign(name):
    def change(data, other):
        gone(name)(data, other)
        shutil.copy(other / name, data / name)
    return change


def half_restored(data, other):
    (data / "restore-unfinished").write_text("a restore of the backup 12 runs or was cut short\n")
    shutil.rmtree(data / "keys")


UNSERVED = {
    "half-restored": (half_restored, "holds an unfinished restore"),
    "no-main": (gone("main.db"), "main.db is missing beside log.db"),
    "no-payments": (gone("payments.db"), "payments.db is missing beside main.db"),
    "no-field-key": (gone("keys/field-encryption"), "field-encryption is missing"),
    "no-index-key": (gone("keys/field-index"), "field-index is missing"),
    "log-of-another": (foreign("log.db"), "belongs to another"),
    "main-of-another": (foreign("main.db"), "another"),
    "records-of-another": (foreign("records.db"), "records.db belongs to another log"),
}


@pytest.mark.parametrize("what", UNSERVED)
def test_what_no_server_would_open_is_not_backed_up(two_stores, tmp_path, what):  # noqa: F811
    """A backup of it would take the place of an older, whole one, and be found out on the day of need."""
    data, (change, words) = tmp_path / "data", UNSERVED[what]
    shutil.copytree(two_stores[0], data)
    change(data, two_stores[1])
    for name in ("backup", "export"):
        done = run(name, "--data", data, "--to", tmp_path / "saved")
        assert done.returncode == 1 and words in done.stderr and not done.stdout, (done.stdout, done.stderr)
        assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "saved").exists()
    checked_as = run("check", "--data", data)
    assert checked_as.returncode == 1 and "VIOLATED" in checked_as.stdout, checked_as.stdout
    for command in (("rebuild",), ("log", "adopt")) if what != "records-of-another" else ():
        assert run(*command, "--data", data).returncode == 1, command
    served = run("serve", "--data", data, "--listen", "127.0.0.1:0", seconds=20)
    assert served.returncode == 1, "a server opens it"


def test_a_shop_that_has_sold_nothing_misses_its_book_of_charges(tmp_path):
    data = tmp_path / "data"
    with Market(data):
        pass
    gone("payments.db")(data, None)
    said = run("check", "--data", data)
    assert said.returncode == 1 and "payments.db: it is missing" in said.stdout, said.stdout
    assert run("backup", "--data", data, "--to", tmp_path / "saved").returncode == 1


def test_a_backup_beside_a_server_whose_rows_were_deleted_is_refused(tmp_path):
    data = tmp_path / "data"
    with Market(data) as server:
        client.admin(server.url).product()
        ok("backup", "--data", data, "--to", tmp_path / "before")
        gone("main.db")(data, None)
        done = run("backup", "--data", data, "--to", tmp_path / "behind")
    assert done.returncode == 1 and "main.db is missing" in done.stderr, done
    assert not (tmp_path / "behind").exists()


def test_keys_that_nothing_needs_any_more_may_be_missing(two_stores, tmp_path):  # noqa: F811
    """Those that were taken away behind a new one, also before a start has seen it."""
    data = tmp_path / "data"
    shutil.copytree(two_stores[0], data)
    ok("keys", "reencrypt", "--data", data)
    ok("keys", "rotate", "--data", data)
    ok("keys", "retire", "k1", "--data", data)
    for name in ("field-encryption", "refresh-tokens"):
        (data / "keys" / name).unlink()
    ok("backup", "--data", data, "--to", tmp_path / "saved")
    checked(tmp_path / "saved")
    (data / "keys" / "field-encryption.2").unlink()
    done = run("backup", "--data", data, "--to", tmp_path / "more")
    assert done.returncode == 1 and "field-encryption.2 is missing" in done.stderr, done


@pytest.mark.parametrize("made", range(5))
def test_a_first_start_that_was_killed_is_begun_again(tmp_path, made):
    """Whatever it had made by then: files in their order, the last one still without bytes."""
    data, whole = tmp_path / "data", tmp_path / "whole"
    with Market(whole):
        pass
    data.mkdir(mode=0o700)
    shutil.copytree(whole / "keys", data / "keys")
    files = ["log.db", "records.db", "main.db", "payments.db"]
    for name in files[:made]:
        if name != "log.db":
            shutil.copy(whole / name, data / name)
    # Its first record comes behind main.db.
    if made > 0:
        with sqlite3.connect(whole / "log.db") as log:
            log.execute("DELETE FROM records WHERE offset > ?", (1 if made > 2 else 0,))
        log.close()
        shutil.copy(whole / "log.db", data / "log.db")
    if made > 2:
        with sqlite3.connect(data / "main.db") as main:
            main.execute("DELETE FROM store")
            main.execute("DELETE FROM key_checks")
        main.close()
    if made == 2:
        with sqlite3.connect(data / "records.db") as records:
            records.execute("UPDATE position SET log_hi = 0, log_lo = 0")
        records.close()
    for name in files[made:made + 1]:
        (data / name).touch()
    with Market(data, "ratelimit.enabled=false") as server:
        client.sign_up(server.url).order(client.admin(server.url).product(stock=3))
    checked(data)


def test_a_backup_that_was_killed_is_no_store_and_is_begun_anew(copy, tmp_path):  # noqa: F811
    saved = tmp_path / "saved"
    for number in range(3000):
        (copy / "pictures" / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        (copy / "pictures" / f"{number:02x}" / "noise").write_bytes(bytes(2000))
    process = subprocess.Popen([BINARY, "backup", "--data", copy, "--to", saved],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: (saved / "pictures").exists(), 20, "nothing is copied")
    process.kill()
    process.wait()
    assert (saved / "log.db").exists() and not (saved / "manifest.txt").exists(), "it was too quick"
    for command in (("serve", "--listen", "127.0.0.1:0", "--data", saved),
                    ("restore", "--from", saved, "--data", tmp_path / "back"),
                    ("backup", "--data", saved, "--to", tmp_path / "more")):
        done = run(*command, seconds=10)
        assert done.returncode == 1, (command, done)
        assert "is an unfinished backup; run 'market backup' again" in done.stderr, (command, done)
    assert "VIOLATED: the copy was finished" in run("check", "--data", saved).stdout
    shutil.rmtree(copy / "pictures")
    ok("backup", "--data", copy, "--to", saved)
    checked(saved)


def test_a_seed_overwrites_only_tokens(copy, tmp_path):  # noqa: F811
    mine = tmp_path / "mine"
    mine.write_text("eyJh.eyJz.a-token\nand a word of mine\n")
    (copy / "empty").touch()
    for path in (mine, copy / "main.db", copy / "keys/field-encryption", copy / "lock", copy / "empty"):
        before = path.read_bytes()
        done = run("seed", "--users", 1, "--data", copy, "--tokens", path)
        words = "no file of tokens" if path == mine else "lies inside"
        assert done.returncode == 2 and words in done.stderr, (path, done)
        assert len(done.stderr.splitlines()) == 1 and path.read_bytes() == before
    checked(copy)
    (tmp_path / "link").symlink_to(copy / "keys")
    (tmp_path / "leads-to-nothing").symlink_to(copy / "keys" / "token-signing.7")
    new = tmp_path / "new"
    for data, path in ((copy, tmp_path / "link" / "token-signing.7"), (copy, tmp_path / "leads-to-nothing"),
                       (new, new / "keys" / "tokens")):
        done = run("seed", "--users", 1, "--data", data, "--tokens", path)
        assert done.returncode == 2 and "lies inside" in done.stderr, (path, done)
        assert len(done.stderr.splitlines()) == 1 and not path.exists() and not new.exists()
    tokens = tmp_path / "tokens"
    tokens.touch(mode=0o644)
    for users in (3, 1):
        ok("seed", "--users", users, "--data", copy, "--tokens", tokens)
        assert len(tokens.read_text().splitlines()) == users and tokens.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("records", ["deleted", "kept"])
@pytest.mark.parametrize("left", ["some", "none"])
def test_a_snapshot_knows_what_the_log_has_lost(tmp_path, records, left):
    """It is all that is left of the answered orders when the records were deleted, too."""
    data = tmp_path / "data"
    with Market(data, "log.snapshot_every=1") as server:
        buyer = client.sign_up(server.url)
        product = client.admin(server.url).product(stock=9)
        orders = [buyer.order(product).json()["id"] for _ in range(4)]
        until(lambda: (data / "gate.snapshot").exists(), 10, "no snapshot")
        time.sleep(0.3)
        orders.append(buyer.order(product).json()["id"])
        time.sleep(0.5)
    with sqlite3.connect(data / "log.db") as log:
        newest = log.execute("SELECT max(offset) FROM records").fetchone()[0]
        log.execute("DELETE FROM records WHERE offset > ?", (newest - 2 if left == "some" else 0,))
    log.close()
    if records == "deleted":
        for file in data.glob("records.db*"):
            file.unlink()
    for command in (("serve", "--listen", "127.0.0.1:0"), ("rebuild",), ("seed", "--products", "1")) * 2:
        done = run(*command, "--data", data, seconds=20)
        assert done.returncode == 1 and "has lost its newest events" in done.stderr, (command, done)
        assert "'market log adopt'" in done.stderr.splitlines()[-1], done.stderr
        assert records == "kept" or "the snapshot (gate.snapshot) knows" in done.stderr, done.stderr
    said = ok("log", "adopt", "--data", data)
    assert f"lost or changed: order {orders[-1]}" in said and "lost: places" in said, said
    checked(data)
    assert "nothing to adopt" in ok("log", "adopt", "--data", data)
    with Market(data, "ratelimit.enabled=false") as server:
        client.admin(server.url).product(stock=9)
    checked(data)


def test_a_snapshot_of_another_log_or_none_is_left_aside(two_stores, tmp_path):  # noqa: F811
    with Market(tmp_path / "other", "log.snapshot_every=1") as server:
        seller, buyer = client.admin(server.url), client.sign_up(server.url)
        for _ in range(30):
            buyer.order(seller.product())
        until(lambda: (tmp_path / "other/gate.snapshot").exists(), 10, "no snapshot")
        time.sleep(0.5)
    foreign = (tmp_path / "other/gate.snapshot").read_bytes()
    for snapshot in (foreign, b"market snapshot 2\nrubbish and more of it"):
        data = tmp_path / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(two_stores[0], data)
        (data / "gate.snapshot").write_bytes(snapshot)
        for file in data.glob("records.db*"):
            file.unlink()
        with Market(data) as server:
            client.sign_up(server.url)
            said = server.log_path.read_text()
            assert "the snapshot is not used" in said or "gate.snapshot: is damaged" in said, said
        ok("rebuild", "--data", data)
