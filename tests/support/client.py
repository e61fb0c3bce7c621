"""A client whose every answer is validated against the document."""

import concurrent.futures
import contextlib
import itertools
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone

import requests

from market_server import ADMIN_EMAIL, ADMIN_PASSWORD
from openapi_check import Document

PASSWORD = "correct horse 99 staple"
numbers = itertools.count(1)


def moment(seconds=0.0):
    """RFC 3339, so many seconds from now."""
    at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class Client:
    """One caller: `client.get("/products")`. `path` is below /api/v1, or absolute with a leading `//`."""

    def __init__(self, url, token=None, user=None, refresh=None):
        self.url = url
        self.session = requests.Session()
        self.token = token
        self.user = user
        self.refresh = refresh
        self.document = Document.load()

    def send(self, method, path, *, json=None, data=None, headers=None, expect=None, **more):
        path = path[1:] if path.startswith("//") else "/api/v1" + path
        wanted = dict(headers or {})
        if self.token and "Authorization" not in wanted:
            wanted["Authorization"] = "Bearer " + self.token
        if json is not None:
            more["json"] = json
        if data is not None:
            more["data"] = data
            wanted.setdefault("Content-Type", "application/json")
        more.setdefault("timeout", 60)
        answer = self.session.request(method, self.url + path, headers=wanted, allow_redirects=False, **more)
        if not more.get("stream"):
            self.document.check(method, path.split("?")[0], answer.status_code, answer.headers, answer.text)
        if expect is not None:
            status, code = expect if isinstance(expect, tuple) else (expect, None)
            assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
            if code is not None:
                assert answer.json()["code"] == code, answer.text
        return answer

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def post(self, path, json=None, **more):
        return self.send("POST", path, json=json, **more)

    def patch(self, path, json=None, **more):
        return self.send("PATCH", path, json=json, **more)

    def put(self, path, json=None, **more):
        return self.send("PUT", path, json=json, **more)

    def delete(self, path, **more):
        return self.send("DELETE", path, **more)

    # What tests do all the time.
    def product(self, **members):
        wanted = {
            "name": "A ticket",
            "price": {"amount": 15000, "currency": "KRW"},
            "stock": 10,
            "kind": "event",
            "sale": {"opensAt": moment(-60)},
            **members,
        }
        return self.post("/products", wanted, expect=201).json()

    def order(self, product, quantity=1, *, key=None, expect=201):
        headers = {"Idempotency-Key": key} if key else None
        identity = product["id"] if isinstance(product, dict) else product
        return self.post(
            "/orders",
            {"items": [{"productId": identity, "quantity": quantity}]},
            headers=headers,
            expect=expect,
        )

    def pay(self, order, token="ok", expect=200):
        return self.post(f"/orders/{order['id']}/payment", {"method": "card", "token": token}, expect=expect)

    def stock(self, product):
        return self.get(f"/products/{product['id']}/stock", expect=200).json()


def new_email():
    return f"user{next(numbers)}-{uuid.uuid4().hex[:10]}@market.example"


def sign_in(url, email, password):
    anonymous = Client(url)
    tokens = anonymous.post("/sessions", {"email": email, "password": password}, expect=201).json()
    return Client(url, tokens["accessToken"], tokens["user"], tokens["refreshToken"])


def sign_up(url, email=None, **members):
    email = email or new_email()
    Client(url).post("/users", {"email": email, "password": PASSWORD, "name": "Kim", **members}, expect=201)
    return sign_in(url, email, PASSWORD)


def admin(url):
    return sign_in(url, ADMIN_EMAIL, ADMIN_PASSWORD)


@contextlib.contextmanager
def buying(url, tokens, product):
    """One buyer for each token, who buys again and again beside what happens inside, however that ends."""
    ended = threading.Event()

    def buy(token):
        buyer, bought = Client(url, token), 0
        while not ended.is_set():
            buyer.order(product, expect=None)
            bought += 1
        return bought

    with concurrent.futures.ThreadPoolExecutor(len(tokens)) as pool:
        buyers = [pool.submit(buy, token) for token in tokens]
        try:
            time.sleep(0.3)
            yield
        finally:
            ended.set()
        assert min(each.result() for each in buyers) > 0
