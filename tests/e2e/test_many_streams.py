"""Five thousand event streams through one gateway: everybody sees each change, and orders go on."""

import resource
import selectors
import socket
import time

import client
import pytest
import requests
from market_server import PATIENCE
from split_market import SplitMarket

STREAMS = 5_000


class Watcher:
    """Open streams of one product; what each has seen last."""

    def __init__(self, port, path):
        self.selector = selectors.DefaultSelector()
        self.seen = []
        head = f"GET /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        for number in range(STREAMS):
            peer = socket.create_connection(("127.0.0.1", port), 30)
            peer.sendall(head)
            peer.setblocking(False)
            self.selector.register(peer, selectors.EVENT_READ, number)
            self.seen.append(b"")
            if number % 100 == 0:
                self.read(0)

    def read(self, seconds):
        for key, _ in self.selector.select(seconds):
            got = key.fileobj.recv(65536)
            assert got, f"stream {key.data} ended: {self.seen[key.data]!r}"
            self.seen[key.data] = (self.seen[key.data] + got)[-2000:]

    def until_all_see(self, text, seconds):
        end = time.monotonic() + seconds * PATIENCE
        while missing := sum(text not in each for each in self.seen):
            assert time.monotonic() < end, f"{missing} of {STREAMS} have not seen {text!r}: {self.seen[0]!r}"
            self.read(0.2)

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def open_streams(market):
    text = requests.get(f"http://127.0.0.1:{market.gateway.port}/metrics", timeout=20).text
    lines = [line for line in text.splitlines() if line.startswith("market_gateway_streams ")]
    return int(lines[0].split()[1])


def test_five_thousand_streams_and_orders_go_on(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < STREAMS + 500:
        pytest.skip(f"only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with SplitMarket(tmp_path / "data", "ratelimit.enabled=false") as market:
            seller, buyer = client.admin(market.url), client.sign_up(market.url)
            product = seller.product(stock=1_000)
            watcher = Watcher(market.gateway.port, f"/products/{product['id']}/stock/stream")
            try:
                watcher.until_all_see(b'"remaining":1000', 60)
                assert open_streams(market) == STREAMS
                slowest = 0.0
                for _ in range(50):
                    began = time.monotonic()
                    buyer.pay(buyer.order(product).json())
                    slowest = max(slowest, time.monotonic() - began)
                    watcher.read(0)
                assert slowest < 5 * PATIENCE, f"an order took {slowest:.1f} s"
                watcher.until_all_see(b'"remaining":950', 30)
                buyer.get("/products", expect=200)
            finally:
                watcher.close()
            end = time.monotonic() + 30 * PATIENCE
            while open_streams(market) and time.monotonic() < end:
                time.sleep(0.2)
            assert open_streams(market) == 0, "places that were never given back"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
