"""Files that are missing, of another user, or badly named; a clock that was put right."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import client
import pytest
from market_server import BINARY, PATIENCE, Market, run
from stepped_clock import SteppedClock
from waiting import until


def test_a_deleted_book_of_payments_refuses_the_start(store):
    """What was paid would be asked for again, or never be given back."""
    assert run("check", "--data", store).returncode == 0
    for name in ("payments.db", "payments.db-wal", "payments.db-shm"):
        (store / name).unlink(missing_ok=True)
    for _ in range(2):
        done = run("serve", "--data", store, "--listen", "127.0.0.1:0", seconds=20)
        assert done.returncode == 1 and "payments.db is missing beside main.db" in done.stderr, done
        assert len(done.stderr.strip().splitlines()) == 1 and not (store / "payments.db").exists()


@pytest.mark.parametrize("name", ["log.db", "main.db", "records.db", "payments.db"])
@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_left_overs_of_another_mode_are_named(tmp_path, name, ending):
    """Root may write everything: as another user, who must learn which file it is."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    home = pathlib.Path(tempfile.mkdtemp(prefix="market-modes-", dir="/tmp"))
    try:
        shutil.copy(BINARY, home / "market")
        os.chown(home, 65534, 65534)
        command = [*user, home / "market", "serve", "--data", home / "data", "--listen", "127.0.0.1:0"]

        def begin():
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        first = begin()
        assert "ready" in first.stdout.readline()
        first.kill()
        first.wait()
        file = home / "data" / (name + ending)
        if not file.exists():
            pytest.skip(f"{file.name} is not left over by a kill")
        file.chmod(0o400)
        refused = begin()
        told = refused.communicate(timeout=20 * PATIENCE)[1].strip().splitlines()
        assert refused.returncode == 1 and len(told) == 1, told
        assert f"{file} cannot be read and written by this user" in told[0], told
        file.chmod(0o600)
        again = begin()
        assert "ready" in again.stdout.readline()
        again.terminate()
        assert again.wait(20 * PATIENCE) == 0
    finally:
        shutil.rmtree(home)


def test_a_folder_that_may_not_be_written_is_no_mistake_in_flags(tmp_path):
    """systemd starts again what ended with 1, and only that (deploy/systemd)."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    home = pathlib.Path(tempfile.mkdtemp(prefix="market-modes-", dir="/tmp"))
    try:
        home.chmod(0o755)
        with Market(home / "data"):
            pass
        for path in (home / "data").rglob("*"):
            os.chown(path, 65534, 65534)
        (home / "data").chmod(0o755)
        done = subprocess.run([*user, BINARY, "serve", "--data", home / "data", "--listen", "127.0.0.1:0"],
                              capture_output=True, text=True, timeout=20 * PATIENCE)
        assert done.returncode == 1 and "Permission denied" in done.stderr.splitlines()[-1], done
    finally:
        shutil.rmtree(home)


def test_a_folder_whose_name_sqlite_reads_otherwise(tmp_path):
    for name, code in (("file:odd?mode=ro", 0), ("50%25 off #1", 0)):
        server = subprocess.Popen(
            [BINARY, "serve", "--data", name, "--listen", "127.0.0.1:0"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "ready" in server.stdout.readline()
        assert (tmp_path / name / "log.db").exists(), sorted(tmp_path.iterdir())
        server.terminate()
        assert server.wait(20 * PATIENCE) == code
        command = [BINARY, "check", "--data", name]
        checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert checked.returncode == 0, checked
    for name in ('a"b', "", "a\nb"):
        for command in ("serve", "check", "dump", "seed"):
            done = run(command, "--data", name, seconds=20)
            assert done.returncode == 2 and "folder's name" in done.stderr, (command, name, done)


def test_lists_stay_newest_first_when_the_clock_is_set_back(tmp_path):
    """The machine was an hour ahead; it is put right while the server is down."""
    clock = SteppedClock(tmp_path)
    server = Market(tmp_path / "data", "ratelimit.enabled=false", environment=clock.environment)
    clock.step(3600)
    made = {"orders": [], "products": [], "users": [], "sessions": []}

    def trade(seller, buyer):
        for _ in range(3):
            product = seller.product()
            made["products"].insert(0, product["id"])
            made["orders"].insert(0, buyer.order(product).json()["id"])
        made["users"].insert(0, client.sign_up(server.url).user["id"])

    with server.start():
        seller, buyer = client.admin(server.url), client.sign_up(server.url, "buyer@market.example")
        trade(seller, buyer)
    clock.step(0)
    with server.start():
        seller = client.admin(server.url)
        buyer = client.sign_in(server.url, "buyer@market.example", client.PASSWORD)
        trade(seller, buyer)

        def listed(caller, path):
            return [each["id"] for each in caller.get(path, expect=200).json()["items"]]

        assert listed(buyer, "/orders") == made["orders"]
        assert listed(seller, "/products?limit=6") == made["products"]
        # What operators search is the records, which follow.
        until(lambda: listed(seller, "/admin/orders?limit=6") == made["orders"])
        assert [each for each in listed(seller, "/admin/users") if each in made["users"]] == made["users"]
        audited = seller.get("/admin/audit?limit=6", expect=200).json()["items"]
        times = [each["at"] for each in audited]
        assert max(times[:3]) < min(times[3:]), "what was done last stands first, whatever its clock said"
