"""Several user instances on one database: their first start at once, and clocks that were wrong."""

import subprocess
import threading

import pytest
import requests

import client
from market_server import Market
from stepped_clock import SteppedClock
from test_shared_log import database, engines, query  # noqa: F401
from waiting import until

ROLE = ("--role", "user")


@pytest.fixture
def keys(tmp_path):
    """Of a store that was never served with others."""
    with Market(tmp_path / "before") as before:
        pass
    return before.data / "keys"


def with_keys(data, keys, *settings, **more):
    data.mkdir(mode=0o700)
    subprocess.run(["cp", "-a", keys, data], check=True)
    return Market(data, *settings, flags=ROLE, **more)


def begin_at_once(servers):
    """Those that are ready, and what the others said."""
    said = {}

    def begin(one):
        try:
            one.start(60)
        except RuntimeError as refused:
            said[one] = str(refused)

    threads = [threading.Thread(target=begin, args=(one,)) for one in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for one in servers if one not in said], list(said.values())


def test_with_the_same_keys_all_that_start_at_once_are_one(engines, database, tmp_path, keys):  # noqa: F811
    servers = [with_keys(tmp_path / name, keys, f"accounts.mysql={database}") for name in "abcd"]
    schema = database.rpartition("/")[2]
    # Whatever is written there is noted: an id that another one replaces has been some instance's own.
    query(engines, f"USE {schema}; CREATE TABLE drawn(hi BIGINT, lo BIGINT); "
                   "CREATE TABLE store(only_row TINYINT PRIMARY KEY, id_hi BIGINT NOT NULL, "
                   "id_lo BIGINT NOT NULL); "
                   "CREATE TRIGGER note AFTER INSERT ON store FOR EACH ROW "
                   "INSERT INTO drawn VALUES(NEW.id_hi, NEW.id_lo)")
    try:
        ready, said = begin_at_once(servers)
        assert len(ready) == 4, said
        email = client.new_email()
        client.sign_up(ready[0].url, email)
        for one in ready:
            client.sign_in(one.url, email, client.PASSWORD)
            client.admin(one.url)
        drawn = query(engines, f"SELECT DISTINCT hi, lo FROM {schema}.drawn")
        assert len(drawn.splitlines()) == 1, f"each has an id of its own: {drawn}"
    finally:
        for one in servers:
            one.kill()


def test_with_keys_of_their_own_one_of_them_stays(database, tmp_path):  # noqa: F811
    servers = [Market(tmp_path / name, f"accounts.mysql={database}", flags=ROLE) for name in "abc"]
    try:
        ready, said = begin_at_once(servers)
        assert len(ready) == 1 and len(said) == 2, said
        for line in said:
            assert "is of another store; put the right one back" in line, line
        assert ready[0].stop() == 0
        ready[0].start()
    finally:
        for one in servers:
            one.kill()


def status(server, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(server.url + "/api/v1/users/me", headers=headers, timeout=10).status_code


@pytest.fixture
def right_and_wrong(database, tmp_path, keys):  # noqa: F811
    """(one, another, its clock): that one is two minutes behind when it starts."""
    clock = SteppedClock(tmp_path)
    clock.step(-120)
    settings = (f"accounts.mysql={database}", "ratelimit.enabled=false")
    wrong = with_keys(tmp_path / "b", keys, *settings, environment=clock.environment)
    with with_keys(tmp_path / "a", keys, *settings) as right, wrong:
        yield right, wrong, clock


def test_what_ends_at_one_that_began_with_a_wrong_clock_ends_everywhere(right_and_wrong):
    right, wrong, clock = right_and_wrong
    clock.step(0)
    boss = client.admin(right.url)
    for end in ("signs out", "is locked", "has another role", "has a new password", "is gone"):
        email = client.new_email()
        user = client.sign_up(right.url, email)
        there = client.sign_in(wrong.url, email, client.PASSWORD)
        admin = client.sign_in(wrong.url, boss.user["email"], client.ADMIN_PASSWORD)
        assert (status(right, user.token), status(right, there.token)) == (200, 200)
        if end == "signs out":
            there.delete("/sessions", expect=204)
        elif end == "is locked":
            admin.patch(f"/admin/users/{user.user['id']}", json={"locked": True}, expect=200)
        elif end == "has another role":
            admin.patch(f"/users/{user.user['id']}", json={"role": "seller"}, expect=200)
        elif end == "has a new password":
            new = {"currentPassword": client.PASSWORD, "newPassword": "amber canal 5521 lynx"}
            there.put("/users/me/password", json=new, expect=204)
        else:
            there.delete("/users/me", json={"password": client.PASSWORD}, expect=204)
        until(lambda: status(right, user.token) == 401, 3, f"who {end}")


def test_one_whose_clock_is_set_right_hears_what_has_ended_meanwhile(right_and_wrong):
    right, wrong, clock = right_and_wrong
    clock.step(120)  # Ahead it takes what ends now for long known.
    user = client.sign_up(right.url)
    assert status(wrong, user.token) == 200
    user.delete("/sessions", expect=204)
    until(lambda: status(right, user.token) == 401, 3)
    clock.step(0)
    until(lambda: status(wrong, user.token) == 401, 3)
