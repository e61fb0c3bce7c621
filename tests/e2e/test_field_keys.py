"""`market keys reencrypt`: a new key for personal data, and everything encrypted with it."""

import re
import sqlite3

import client
from client import PASSWORD
from mail_server import MailServer
from market_server import run

COLUMNS = {
    "accounts": ("email", "name", "phone", "address"),
    "mails": ("recipient", "subject", "body"),
    "webhooks": ("url", "secret", "previous_secret"),
}


def key_ids(data):
    """Of all encrypted values; and no column that is not known here is encrypted."""
    found = set()
    with sqlite3.connect(f"file:{data / 'main.db'}?mode=ro", uri=True) as sql:
        tables = [name for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for _, column, *_ in sql.execute(f"PRAGMA table_info({table})").fetchall():
                for (value,) in sql.execute(f'SELECT "{column}" FROM {table}'):
                    if isinstance(value, str) and re.fullmatch(r"f\d+\.[A-Za-z0-9_-]{54,}", value):
                        assert column in COLUMNS.get(table, ()), f"{table}.{column}"
                        found.add(value.split(".")[0])
    return found


def test_everything_is_encrypted_with_the_new_key(start):
    mails = MailServer().settings  # Nobody there: mails wait.
    server = start(*mails)
    admin = client.admin(server.url)
    buyer = client.sign_up(server.url, name="김철수", phone="010-1234-5678", address="Seoul")
    webhook = admin.post("/admin/webhooks", {"url": "https://nobody.invalid/"}, expect=201).json()
    admin.post(f"/admin/webhooks/{webhook['id']}/secret", expect=200)
    buyer.order(admin.product())
    refused = run("keys", "reencrypt", "--data", server.data)
    assert refused.returncode == 1 and "in use" in refused.stderr
    assert server.stop() == 0
    assert key_ids(server.data) == {"f1"}
    for number in (2, 3):
        done = run("keys", "reencrypt", "--data", server.data)
        assert done.returncode == 0 and f"key f{number} is made" in done.stdout, done
        assert key_ids(server.data) == {f"f{number}"}
        assert run("check", "--data", server.data).returncode == 0
    (server.data / "keys/field-encryption").unlink()
    (server.data / "keys/field-encryption.2").unlink()
    assert run("check", "--data", server.data).returncode == 0
    server = start(*mails, data=server.data)
    again = client.sign_in(server.url, buyer.user["email"].upper(), PASSWORD)
    assert again.get("/users/me", expect=200).json() == buyer.user
    found = client.admin(server.url).get(f"/admin/webhooks/{webhook['id']}", expect=200).json()
    assert found["url"] == "https://nobody.invalid/"
    waiting = client.admin(server.url).get("/admin/mails?state=waiting", expect=200).json()["items"]
    assert waiting and all(mail["to"].endswith("***@market.example") for mail in waiting)


def test_one_that_was_broken_off_is_done_again(start):
    server = start()
    client.sign_up(server.url)
    server.stop()
    key = server.data / "keys/field-encryption.2"  # The key was made, and nothing more.
    key.write_bytes(b"x" * 32)
    key.chmod(0o600)
    done = run("keys", "reencrypt", "--data", server.data)
    assert done.returncode == 0 and key_ids(server.data) == {"f3"}
    assert run("check", "--data", server.data).returncode == 0


def test_a_value_that_cannot_be_read_changes_nothing(start):
    server = start()
    client.sign_up(server.url)
    server.stop()
    with sqlite3.connect(server.data / "main.db") as sql:
        sql.execute("UPDATE accounts SET name = email WHERE id = (SELECT max(id) FROM accounts)")
    failed = run("keys", "reencrypt", "--data", server.data)
    assert failed.returncode == 1 and failed.stderr.count("\n") == 1 and "accounts name" in failed.stderr
    assert key_ids(server.data) == {"f1"}


def test_there_must_be_a_store(tmp_path):
    missing = run("keys", "reencrypt", "--data", tmp_path / "nothing")
    assert missing.returncode == 2 and "there are no keys" in missing.stderr
    assert not (tmp_path / "nothing").exists()
