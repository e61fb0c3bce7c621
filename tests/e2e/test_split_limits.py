"""The README's three commands, without one setting more: what clients can take of each other, and that the
services see who asks. Clients differ by what a proxy in front of the gateway says of them."""

import collections
import concurrent.futures
import http.client
import json
import resource
import socket
import time

import client
import pytest
import requests
from client import PASSWORD
from market_server import Market
from pictures import png
from split_market import SplitMarket
from waiting import until

BEHIND_A_PROXY = "http.trusted_proxies=127.0.0.0/8"  # Of the gateway alone.


@pytest.fixture(autouse=True)
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def sign_in(port, email, password, address):
    """The status of a sign-in by a client at that address."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        body = json.dumps({"email": email, "password": password})
        headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
        connection.request("POST", "/api/v1/sessions", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def lock_out(port, email):
    """Guesses from many addresses, and then what the owner is told."""
    assert sign_in(port, email, PASSWORD, "7.7.7.7") == 201
    told = [sign_in(port, email, "a wrong one", f"6.6.6.{i}") for i in range(12)]
    assert told == [401] * 12
    told = [sign_in(port, email, "a wrong one", "6.6.7.1") for _ in range(8)]
    assert told[:5] == [401] * 5 and told[-1] == 429, "one address alone is held"
    assert sign_in(port, email, PASSWORD, "7.7.7.7") == 201, "the owner, at home"
    assert sign_in(port, email, PASSWORD, "7.7.8.8") == 201, "the owner, on a journey"


def test_strangers_lock_no_owner_out(tmp_path):
    with SplitMarket(tmp_path / "data", gateway=[BEHIND_A_PROXY]) as market:
        email = client.new_email()
        client.sign_up(market.url, email)
        lock_out(market.gateway.port, email)


@pytest.mark.parametrize("role", ["user,product,order"])
def test_clients_of_a_gateway_that_nobody_named_are_told_apart(tmp_path, role):
    """Before the registry shows it, and where there is none."""
    with Market(tmp_path / "data", flags=("--role", role)) as services:
        assert "cannot be verified" in services.logged("cannot be verified")
        email = client.new_email()
        client.sign_up(services.url, email)
        lock_out(services.port, email)


def test_one_clients_flood_of_guesses_is_its_own_queue(tmp_path):
    with SplitMarket(tmp_path / "data", gateway=[BEHIND_A_PROXY]) as market:
        port = market.gateway.port
        emails = [client.new_email() for _ in range(6)]
        for email in emails:
            client.sign_up(market.url, email)
        end = time.monotonic() + 6

        def flood(number):
            seen = collections.Counter()
            while time.monotonic() < end:
                seen[sign_in(port, f"x{number}-{sum(seen.values())}@market.example", "wrong", "6.6.6.6")] += 1
            return seen

        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            floods = [pool.submit(flood, number) for number in range(60)]
            time.sleep(0.5)
            told = [sign_in(port, email, PASSWORD, f"7.7.7.{i}") for i, email in enumerate(emails)]
            refused = sum((each.result() for each in floods), collections.Counter())
        assert told == [201] * len(emails), refused
        assert refused[429] + refused[503] > 0, "it was no flood"


class Streams:
    """Event streams of one path, each of a client at the next of the addresses."""

    def __init__(self, port, path, count, addresses, token=None):
        self.peers, self.seen = [], collections.Counter()
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        for number in range(count):
            peer = socket.create_connection(("127.0.0.1", port), 10)
            peer.settimeout(20)
            head = f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\n{authorization}"
            peer.sendall(f"{head}X-Forwarded-For: {addresses[number % len(addresses)]}\r\n\r\n".encode())
            self.peers.append(peer)
            if number % 50 == 49:
                time.sleep(0.1)
        for peer in self.peers:
            try:
                self.seen[int(peer.recv(200).split()[1])] += 1
            except (OSError, IndexError):
                self.seen["closed"] += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.close()


def expect_ordinary(url, buyer, product):
    """Everybody's ordinary requests, each on a connection of its own."""
    for number in range(20):
        headers = {"X-Forwarded-For": f"8.8.{number}.1"}
        for path in (f"/products/{product['id']}", "/products?limit=1"):
            assert requests.get(f"{url}/api/v1{path}", headers=headers, timeout=20).status_code == 200
    buyer.get("/orders", expect=200)
    buyer.order(product)


@pytest.mark.parametrize("threads", [2, 8])
def test_streams_take_nothing_from_ordinary_requests_nor_from_others(tmp_path, threads):
    with SplitMarket(tmp_path / "data", gateway=[BEHIND_A_PROXY, f"http.threads={threads}"]) as market:
        port = market.gateway.port
        product = client.admin(market.url).product(stock=1_000)
        greedy = [client.sign_up(market.url) for _ in range(8)]
        others = [client.sign_up(market.url) for _ in range(2)]
        orders = [each.order(product).json() for each in greedy]
        theirs = [each.order(product).json() for each in others]
        # One user, at one address.
        with Streams(port, f"/orders/{orders[0]['id']}/events", 500, ["5.5.5.1"], greedy[0].token) as streams:
            assert streams.seen[200] == 100 and streams.seen[429] == 400, streams.seen
            expect_ordinary(market.url, others[0], product)
        # More users at one address, then others at many.
        paths = [f"/orders/{order['id']}/events" for order in orders]
        opened = [
            Streams(port, path, 60, ["5.5.5.2"], each.token)
            for path, each in zip(paths, greedy, strict=True)
        ]
        held = sum(each.seen[200] for each in opened)
        assert 100 < held <= 128, [each.seen for each in opened]
        with Streams(port, f"/orders/{theirs[0]['id']}/events", 1, ["6.6.6.6"], others[0].token) as one:
            assert one.seen == {200: 1}, "another's own stream"
        spread = [f"5.6.{i}.1" for i in range(100)]
        opened += [
            Streams(port, path, 90, spread, each.token) for path, each in zip(paths, greedy, strict=True)
        ]
        held = sum(each.seen[200] for each in opened)
        assert 300 < held <= 384, [each.seen for each in opened]
        expect_ordinary(market.url, others[1], product)
        for streams in opened:
            streams.__exit__()
        streams = f"http://127.0.0.1:{port}/metrics"
        until(
            lambda: "\nmarket_gateway_streams 0\n" in requests.get(streams, timeout=20).text,
            20,
            "places that were never given back",
        )
        with Streams(port, paths[0], 5, ["5.5.5.2"], greedy[0].token) as again:
            assert again.seen == {200: 5}


def test_streams_of_one_address_leave_it_its_ordinary_requests(tmp_path):
    """Of the process that is all, and of services that are asked directly."""
    for role in ((), ("--role", "user,product,order")):
        settings = ("http.connections_per_address_max=60", "gateway.streams_per_address_max=60")
        folder = tmp_path / f"data{len(role)}"
        with Market(folder, *settings, flags=role) as market:
            seller = client.admin(market.url)
            product = seller.product()
            path = f"/products/{product['id']}/stock/stream"
            with Streams(market.port, path, 100, ["-"]) as streams:
                assert streams.seen[200] == 60, streams.seen
                assert streams.seen[429] == 40, streams.seen
                expect_ordinary(market.url, client.sign_up(market.url), product)

            def is_free(path=path, market=market):
                with Streams(market.port, path, 1, ["-"]) as again:
                    return again.seen == {200: 1}

            until(is_free, 10, "places that were never given back")


def test_a_service_without_room_for_a_body_says_so_itself_through_the_gateway(tmp_path):
    settings = ("http.unfinished_bytes_max=1048576", "ratelimit.enabled=false")
    with SplitMarket(tmp_path / "data", *settings) as market:
        seller = client.admin(market.url)
        path = f"/products/{seller.product()['id']}/image"
        for n in range(7):
            headers = {"Content-Type": "image/png", "X-Request-Id": f"upload-{n}"}
            refused = seller.put(path, data=png(3 << 20), headers=headers, expect=503)
            assert refused.json()["code"] == "overloaded", refused.text
            assert refused.headers["Retry-After"] == "1" and refused.headers["X-Request-Id"] == f"upload-{n}"
        assert "ejected" not in market.gateway.log_path.read_text(), "it is well"
        seller.put(path, data=png(), headers={"Content-Type": "image/png"}, expect=200)


def test_public_operations_answer_also_with_a_token_that_has_ended(tmp_path):
    """As clients send it that attach theirs to each call; the gateway knows the key as well."""
    data = tmp_path / "data"
    settings = ("users.access_token_life=1s", "ratelimit.enabled=false")
    with SplitMarket(data, *settings, gateway=[f"auth.key_file={data}/keys/token-signing"]) as market:
        product = client.admin(market.url).product()["id"]
        account = client.sign_up(market.url)
        credentials = {"email": account.user["email"], "password": PASSWORD}
        session = client.Client(market.url).post("/sessions", credentials, expect=201).json()
        ended = client.Client(market.url, session["accessToken"])
        until(lambda: ended.get("/users/me").status_code == 401, 5, "its token does not end")
        for token in (session["accessToken"], "nonsense"):
            caller = client.Client(market.url, token)
            caller.get("/products", expect=200)
            caller.get(f"/products/{product}", expect=200)
            caller.post("/sessions", credentials, expect=201)
            caller.get("/users/me", expect=401)
        refreshed = ended.post("/sessions/refresh", {"refreshToken": session["refreshToken"]}, expect=201)
        client.Client(market.url, refreshed.json()["accessToken"]).get("/users/me", expect=200)
