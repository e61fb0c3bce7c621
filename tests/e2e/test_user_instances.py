"""Several user instances on one database: their first start at once."""

import subprocess
import threading

import pytest

import client
from market_server import Market
from test_shared_log import database, engines, query  # noqa: F401

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
