"""Links break as they are told to, and what can go on goes on."""

import pathlib
import socket
import sys
import threading

import pytest

from links import SLOW, Links

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "chaos"),
                str(pathlib.Path(__file__).resolve().parents[2] / "tools/stack")]
import stack_faults  # noqa: E402


@pytest.fixture
def link():
    """(links, connect): `connect` opens a connection through the link "a" to a server that repeats what it
    hears, and notes it."""
    server, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve(client):
        while piece := client.recv(100):
            heard.append(piece)
            client.sendall(piece)

    def accept():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    links = Links({"a": server.getsockname()})
    yield links, heard, lambda: socket.create_connection(("127.0.0.1", links.ports["a"]), timeout=0.3)
    links.close()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def repeats(connection, word, timeout=1.5):
    connection.settimeout(timeout)
    connection.sendall(word)
    return connection.recv(100)


def test_what_was_held_back_arrives(link):
    links, heard, connect = link
    for way, reaches in (("cut", False), ("no_requests", False), ("no_answers", True)):
        connection = connect()
        assert repeats(connection, b"one") == b"one"
        links.set("a", way)
        with pytest.raises(TimeoutError):
            repeats(connection, way.encode(), 0.3)
        assert (way.encode() in heard) == reaches
        links.set("a", "open")
        connection.settimeout(2)
        assert connection.recv(100) == way.encode()


def test_a_half_open_connection_loses_what_is_sent_and_ends(link):
    links, heard, connect = link
    connection = connect()
    assert repeats(connection, b"one") == b"one"
    links.set("a", "half_open")
    with pytest.raises(TimeoutError):
        repeats(connection, b"lost", 0.3)
    links.set("a", "open")
    with pytest.raises(ConnectionError):
        if repeats(connection, b"two") == b"":
            raise ConnectionError
    assert b"lost" not in heard
    assert repeats(connect(), b"three") == b"three"


def test_slow_and_refused(link):
    links, _, connect = link
    connection = connect()
    links.set("a", "slow")
    with pytest.raises(TimeoutError):
        repeats(connection, b"one", SLOW)
    connection.settimeout(2)
    assert connection.recv(100) == b"one"
    links.set("a", "refused")
    with pytest.raises(ConnectionError):
        if repeats(connect(), b"two") == b"":
            raise ConnectionError


def test_nobody_listens_for_a_while(link):
    links, _, connect = link
    links.set("a", "gone")
    with pytest.raises(ConnectionRefusedError):
        connect()
    links.set("a", "open")
    assert repeats(connect(), b"two") == b"two"


def test_half_an_answer_comes(link):
    links, heard, connect = link
    connection = connect()
    links.set("a", "halves")
    assert repeats(connection, b"12345678") == b"1234"
    assert connection.recv(100) == b"" and b"12345678" in heard
    links.set("a", "open")
    assert repeats(connect(), b"two") == b"two"


def test_a_commit_reaches_the_server_and_its_answer_nobody(link):
    links, heard, connect = link
    connection, commit = connect(), b"\x07\0\0\0\x03COMMIT"
    assert repeats(connection, commit) == commit
    links.set("a", "no_answer_to_commit")
    assert repeats(connection, b"\x03SELECT") == b"\x03SELECT"
    assert repeats(connection, commit) == b"" and heard.count(commit) == 2
    links.set("a", "open")
    assert repeats(connect(), commit) == commit


def test_ports_get_new_names_also_across_pieces(link):
    links, heard, connect = link
    links.rename("a", {18110: 40001})
    connection = connect()
    assert repeats(connection, b'{"$":18110}') == b'{"$":40001}'
    assert repeats(connection, b"181101 18110") == b"181101 "
    assert repeats(connection, b",18110;118110.") == b"40001,40001;118110."


def test_each_fault_of_the_table_has_its_coroutine():
    assert stack_faults.problems_of_the_table() == []
