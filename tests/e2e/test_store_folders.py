"""The commands on a store wherever its folders are: keys apart, folders in each other, odd names, owners."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import client
import pytest
from client import Client
from market_server import BINARY, Market, run
from test_store import ok


def sold(start, data, *settings):
    """A stopped store with an order; (user's token, order's id)."""
    server = start(*settings, data=data)
    buyer = client.sign_up(server.url)
    product = client.admin(server.url).product(stock=5)
    order = buyer.order(product).json()["id"]
    assert server.stop() == 0
    return buyer.token, order


def test_keys_that_are_kept_apart_are_used_by_all_commands(start, tmp_path):
    data, keys = tmp_path / "data", tmp_path / "keys"
    apart = f"keys.folder={keys}"
    token, order = sold(start, data, apart)
    for command in (("rebuild",), ("log", "adopt"), ("check",)):
        ok(*command, "--data", data, "--set", apart)
        assert not (data / "keys").exists(), command
    assert "kept apart" in ok("backup", "--data", data, "--to", tmp_path / "backup", "--set", apart)
    ok("restore", "--from", tmp_path / "backup", "--data", tmp_path / "again", "--set", apart)
    server = start(apart, data=tmp_path / "again")
    Client(server.url, token).get(f"/orders/{order}", expect=200)


def test_records_stay_where_the_store_cannot_be_opened(start, tmp_path):
    data, keys = tmp_path / "data", tmp_path / "keys"
    sold(start, data, f"keys.folder={keys}")
    before = (data / "records.db").read_bytes()
    (keys / "token-signing").chmod(0o644)
    refused = run("rebuild", "--data", data, "--set", f"keys.folder={keys}")
    assert refused.returncode == 1 and "open to others" in refused.stderr, refused.stderr
    assert (data / "records.db").read_bytes() == before


def test_folders_inside_each_other_are_refused_by_whatever_name(start, tmp_path):
    (tmp_path / "outer").mkdir()
    data = tmp_path / "outer" / "shop.tmp"
    sold(start, data)
    for arguments, cwd in (
        (("backup", "--data", data, "--to", data.parent), tmp_path),
        (("backup", "--data", "shop.tmp", "--to", "."), data.parent),
        (("backup", "--data", ".", "--to", "x"), data),
        (("backup", "--data", data, "--to", "x/y"), data),
    ):
        done = subprocess.run([BINARY, *arguments], cwd=cwd, capture_output=True, text=True)
        assert done.returncode == 1 and "lies inside" in done.stderr, (arguments, done.stderr)
    ok("backup", "--data", data, "--to", tmp_path / "backup")
    done = subprocess.run([BINARY, "restore", "--from", ".", "--data", "new"], cwd=tmp_path / "backup",
                          capture_output=True, text=True)
    assert done.returncode == 1 and "lies inside" in done.stderr, done.stderr
    ok("check", "--data", data)
    ok("check", "--data", tmp_path / "backup")


def test_a_folder_may_have_any_name(start, tmp_path):
    data = tmp_path / "Joe's 100% #1; -- ünï?"
    sold(start, data)
    assert ", 0 failed" in ok("check", "--data", data)
    ok("rebuild", "--data", data)
    ok("backup", "--data", data, "--to", tmp_path / "it's a backup")
    assert ", 0 failed" in ok("check", "--data", tmp_path / "it's a backup")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_makes_belongs_to_the_owner_of_the_folder(start, tmp_path):
    data, service = tmp_path / "data", 12345
    sold(start, data)
    ok("backup", "--data", data, "--to", tmp_path / "backup")
    again = tmp_path / "again"
    again.mkdir(mode=0o700)
    for folder in (data, again):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, service, service)
    ok("rebuild", "--data", data)
    ok("restore", "--from", tmp_path / "backup", "--data", again)
    for folder in (data, again):
        others = [path for path in folder.rglob("*") if path.stat().st_uid != service]
        assert not others, others


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_root_of_a_volume_is_any_folder(start, tmp_path):
    """It has a lost+found that root alone may read."""
    service, home = 12345, pathlib.Path(tempfile.mkdtemp(prefix="market-volumes-"))
    binary = shutil.copy(BINARY, home / "market")

    def as_service(*arguments):
        return subprocess.run([binary, *map(str, arguments)], user=service, group=service, extra_groups=[],
                              capture_output=True, text=True)

    try:
        sold(start, home / "data")
        volumes = [home / name for name in ("data", "saved", "again")]
        for volume in volumes:
            volume.mkdir(exist_ok=True)
            for path in (home, volume, *volume.rglob("*")):
                os.chown(path, service, service)
            (volume / "lost+found").mkdir(mode=0o700)
        for command in (("backup", "--data", home / "data", "--to", home / "saved"),
                        ("restore", "--from", home / "saved", "--data", home / "again"),
                        ("check", "--data", home / "again"), ("check", "--data", home / "saved"),
                        ("rebuild", "--data", home / "again")):
            done = as_service(*command)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert all((volume / "lost+found").is_dir() for volume in volumes)
        (home / "data" / "mine").mkdir(mode=0o700)
        done = as_service("backup", "--data", home / "data", "--to", home / "more")
        assert done.returncode == 1 and f"{home}/data/mine: cannot be read: Permission denied" in done.stderr
    finally:
        shutil.rmtree(home)


def test_a_restored_backup_without_records_begins_a_generation(start, tmp_path):
    """As every backup of a shared market is: its records are made from the log."""
    sold(start, tmp_path / "data")
    ok("backup", "--data", tmp_path / "data", "--to", tmp_path / "backup")
    manifest = tmp_path / "backup" / "manifest.txt"
    lines = manifest.read_text().splitlines()
    kept = [line for line in lines if not line.endswith(" records.db") and not line.startswith("end ")]
    manifest.write_text("\n".join([*kept, f"end {sum(line.startswith('file ') for line in kept)}", ""]))
    (tmp_path / "backup" / "records.db").unlink()
    ok("restore", "--from", tmp_path / "backup", "--data", tmp_path / "again")
    assert ", 0 failed" in ok("check", "--data", tmp_path / "again", "--same-as", tmp_path / "backup")
    with Market(tmp_path / "again") as server:
        client.admin(server.url).product(stock=5)
        newest = ok("events", "tail", "--last", 1, "--data", tmp_path / "again")
    assert '"generation":0' not in newest.replace(" ", ""), newest
