"""`market keys`: the keys that sign access tokens change while everything runs."""

import contextlib
import json
import re
import secrets
import signal
import time

import client
from client import Client
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import PATIENCE, run
from streams import EventStream
from tokens import Forger, decode
from waiting import until

CLOSED = """
[gateway.services]
fake = ["127.0.0.1:{port}"]
[[gateway.routes]]
id = "closed"
service = "fake"
path = "/closed/**"
authenticated = true
"""


def kid(token):
    return json.loads(decode(token.split(".")[0]))["kid"]


def keys(data, *arguments, expect=0):
    done = run("keys", *arguments, "--data", data)
    assert done.returncode == expect, done
    return done.stderr if expect else done.stdout


def rotate(data):
    """The new key's id."""
    return re.match(r"key (k\d+) is made", keys(data, "rotate")).group(1)


def told(server, word="token keys were"):
    """SIGHUP, and its end."""
    before = server.log_path.read_text().count(word)
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.log_path.read_text().count(word) > before, 10, "the keys were not read again")


def fresh_token(server, caller):
    """Renews the session, as a page does when its token ends."""
    answer = Client(server.url).post("/sessions/refresh", {"refreshToken": caller.refresh}, expect=201).json()
    caller.refresh = answer["refreshToken"]
    return answer["accessToken"]


def test_old_tokens_live_on_and_a_retired_key_opens_nothing(start):
    server = start()
    caller = client.sign_up(server.url)
    old = caller.token
    assert kid(old) == "k1"
    new_id = rotate(server.data)
    file = server.data / f"keys/token-signing.{new_id[1:]}"
    assert file.stat().st_mode & 0o777 == 0o600 and len(file.read_bytes()) == 32
    assert kid(fresh_token(server, caller)) == "k1", "the server was not told yet"
    told(server)
    new = fresh_token(server, caller)
    assert kid(new) == new_id
    for token in (old, new):
        Client(server.url, token).get("/users/me", expect=200)
    unknown = Forger(server.data, new).with_head(kid="k1999999999")
    Client(server.url, unknown).get("/users/me", expect=(401, "unauthenticated"))
    swapped = Forger(server.data, old).with_head(kid=new_id)  # The new key's name, signed with the old one.
    Client(server.url, swapped).get("/users/me", expect=(401, "unauthenticated"))
    listed = keys(server.data, "list").splitlines()
    assert [line.split(":")[0] for line in listed] == [new_id, "k1"]
    assert listed[0].endswith("; signs") and "needed until" in listed[1]

    assert str(server.process.pid) in keys(server.data, "retire", "k1")
    assert not (server.data / "keys/token-signing").exists()
    told(server)
    Client(server.url, old).get("/users/me", expect=(401, "unauthenticated"))
    Client(server.url, new).get("/users/me", expect=200)
    newest = fresh_token(server, caller)  # Nobody is signed out by it.
    assert server.stop() == 0
    again = start(data=server.data)
    assert not (server.data / "keys/token-signing").exists()
    Client(again.url, newest).get("/users/me", expect=200)
    Client(again.url, old).get("/users/me", expect=401)


def test_a_stream_ends_with_the_key_that_opened_it(start):
    server = start()
    buyer = client.sign_up(server.url)
    product = client.admin(server.url).product(stock=5)
    order = buyer.order(product).json()
    with EventStream(buyer, f"/orders/{order['id']}/events") as stream:
        assert stream.next()[0] == "order"
        rotate(server.data)
        told(server)
        assert not stream.ended.wait(1), "the old key is still good"
        keys(server.data, "retire", "k1")
        told(server)
        assert stream.ended.wait(5 * PATIENCE)


def test_a_restart_takes_the_new_key_too(start):
    server = start()
    caller = client.sign_up(server.url)
    assert server.stop() == 0
    done = keys(server.data, "rotate")
    assert "the store is stopped" in done
    again = start(data=server.data)
    Client(again.url, caller.token).get("/users/me", expect=200)
    assert kid(fresh_token(again, caller)) != "k1"


def test_a_gateway_knows_the_new_key_before_it_signs(tmp_path, start):
    server = start()
    caller = client.sign_up(server.url)
    first = server.data / "keys/token-signing"
    with FakeUpstream() as upstream, contextlib.ExitStack() as stack:
        config = CLOSED.format(port=upstream.port)
        gateway = stack.enter_context(Gateway(tmp_path, config, f"auth.key_file={first}"))

        def status(token):
            return gateway.ask("/closed/x", headers={"Authorization": "Bearer " + token}).status

        assert status(caller.token) == 200
        rotate(server.data)
        gateway.reload(config)
        told(server)
        new = fresh_token(server, caller)
        assert (status(caller.token), status(new)) == (200, 200)
        keys(server.data, "retire", "k1")
        gateway.reload(config)
        assert (status(caller.token), status(new)) == (401, 200)
        # The file that is named is gone; what lies beside it is what counts, after a restart as well.
        assert not first.exists() and gateway.stop() == 0
        gateway = stack.enter_context(Gateway(tmp_path, config, f"auth.key_file={first}"))
        assert gateway.ask("/health/ready").status == 200
        assert (status(caller.token), status(new)) == (401, 200)


def test_a_shorter_token_life_takes_no_key_away_from_the_tokens_of_before(start):
    server = start("users.access_token_life=24h")
    caller = client.sign_up(server.url)
    assert server.stop() == 0
    second = server.data / f"keys/token-signing.{int(time.time()) - 20 * 3600}"
    second.write_bytes(secrets.token_bytes(32))
    second.chmod(0o600)
    done = keys(server.data, "rotate")
    assert "is removed" not in done
    again = start("users.access_token_life=15m", data=server.data)
    Client(again.url, caller.token).get("/users/me", expect=200)


def test_rotating_removes_what_no_token_needs(start):
    server = start()
    assert server.stop() == 0
    folder = server.data / "keys"
    for second in ("1000000000", "1000000100"):
        file = folder / f"token-signing.{second}"
        file.write_bytes(secrets.token_bytes(32))
        file.chmod(0o600)
    done = keys(server.data, "rotate")
    assert "key k1 is removed" in done and "key k1000000000 is removed" in done
    left = sorted(file.name for file in folder.glob("token-signing*"))
    assert len(left) == 2 and left[0] == "token-signing.1000000100", "what signed until now is kept"
    start(data=server.data)


def test_a_bad_key_changes_nothing(start):
    server = start()
    caller = client.sign_up(server.url)
    file = server.data / f"keys/token-signing.{rotate(server.data)[1:]}"
    for bad, mode in ((b"short", 0o600), (bytes(32), 0o600), (secrets.token_bytes(32), 0o640)):
        file.write_bytes(bad)
        file.chmod(mode)
        told(server)
        assert "the old ones stay: " in server.logged("the old ones stay: ")
        assert kid(fresh_token(server, caller)) == "k1"
        caller.get("/users/me", expect=200)


def test_mistakes_on_the_command_line(start, tmp_path):
    server = start()
    assert "k1 signs" in keys(server.data, "retire", "k1", expect=2)
    assert "no key 'k2'" in keys(server.data, "retire", "k2", expect=2)
    assert "there are no keys" in keys(tmp_path / "none", "rotate", expect=2)
    assert not (tmp_path / "none").exists()
    for arguments in ((), ("rotat",), ("retire",), ("list", "k1")):
        keys(server.data, *arguments, expect=2)
    assert len(keys(server.data, "list").splitlines()) == 1


def test_the_keys_of_a_backup_stay(start, tmp_path):
    """Another key, or one less, and it could not be restored any more."""
    server, backup = start(), tmp_path / "backup"
    rotate(server.data)
    assert run("backup", "--data", server.data, "--to", backup).returncode == 0
    assert "is a backup" in keys(backup, "rotate", expect=2)
    assert "is a backup" in keys(backup, "retire", "k1", expect=2)
    assert len(keys(backup, "list").splitlines()) == 2
    assert run("restore", "--from", backup, "--data", tmp_path / "new").returncode == 0
    keys(tmp_path / "new", "retire", "k1")
