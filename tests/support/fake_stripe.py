"""Stripe as far as the shop speaks with it: intents, search, cancel and refunds, with idempotency keys."""

import hashlib
import hmac
import itertools
import json
import re
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from served import Served

DECLINED = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
NO_METHOD = {"type": "invalid_request_error", "code": "resource_missing", "param": "payment_method"}


class FakeStripe(Served):
    """`behave(path, form)` answers "drop before", "drop after", a status with an empty error, the members of
    the error of a 400, a status and those, or None."""

    def __init__(self, key="sk_test_1"):
        self.key, self.numbers = key, itertools.count(1)
        self.intents, self.refunds, self.answers, self.calls = {}, [], {}, []
        self.behave, self.search_lags = lambda path, form: None, False
        self.refund_status, self.made_refunds = "succeeded", []
        self.search_status = ""  # What its index still says of them all.
        stripe = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self, form):
                path = urlsplit(self.path).path
                stripe.calls.append((path, form, self.headers.get("Idempotency-Key")))
                wanted = stripe.behave(path, form)
                if wanted == "drop before":
                    return self.hang_up()
                if self.headers.get("Authorization") != "Bearer " + stripe.key:
                    return self.answer(401, {"error": {"type": "invalid_request_error"}})
                if isinstance(wanted, int):
                    return self.answer(wanted, {"error": {"type": "api_error"}})
                if isinstance(wanted, tuple):
                    return self.answer(wanted[0], {"error": wanted[1]})
                if isinstance(wanted, dict):
                    return self.answer(400, {"error": {"type": "invalid_request_error", **wanted}})
                status, body = stripe.once(path, form, self.headers.get("Idempotency-Key"))
                if wanted == "drop after":
                    return self.hang_up()
                return self.answer(status, body)

            def hang_up(self):
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                self.handle_one(dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self.handle_one(dict(parse_qsl(body)))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def once(self, path, form, key):
        """The same key gives the same answer; a key belongs to one request."""
        if key is None:
            if path == "/v1/refunds":
                of = form["payment_intent"]
                data = [each for each in self.made_refunds if each["payment_intent"] == of]
                return 200, {"object": "list", "data": data}
            return self.carry_out(path, form)
        if key not in self.answers:
            self.answers[key] = (form, self.carry_out(path, form))
        if self.answers[key][0] != form:
            return 400, {"error": {"type": "idempotency_error"}}
        return self.answers[key][1]

    def carry_out(self, path, form):
        if path == "/v1/payment_intents/search":
            if self.search_lags:
                return 200, {"object": "search_result", "data": []}
            pattern = r"metadata\['attempt'\]:'(\w+)' AND metadata\['store'\]:'(\w+)'"
            wanted = re.fullmatch(pattern, form["query"])
            found = [
                each
                for each in self.intents.values()
                if (each["metadata"]["attempt"], each["metadata"]["store"]) == wanted.groups()
            ]
            old = {"status": self.search_status} if self.search_status else {}
            return 200, {"object": "search_result", "data": [{**each, **old} for each in found]}
        if path == "/v1/payment_intents":
            return self.charge(form)
        if path.split("/")[3:] and path.split("/")[3] in self.intents and path.count("/") == 3:
            return 200, self.intents[path.split("/")[3]]
        if path.endswith("/cancel"):
            intent = self.intents[path.split("/")[3]]
            intent["status"] = "canceled"
            return 200, intent
        if path == "/v1/refunds":
            intent = self.intents[form["payment_intent"]]
            assert intent["status"] == "succeeded"
            self.refunds.append(intent["id"])
            made = {"id": f"re_{len(self.refunds)}", "payment_intent": intent["id"]}
            made |= {"amount": intent["amount"], "status": self.refund_status}
            self.made_refunds.append(made)
            return 200, dict(made)
        return 404, {"error": {"type": "invalid_request_error"}}

    def charge(self, form):
        token = form["payment_method"]
        if not token.startswith("pm_"):
            return 400, {"error": NO_METHOD}
        metadata = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
        status = {"pm_processing": "processing", "pm_action": "requires_action"}.get(token, "succeeded")
        if token == "pm_declined":
            status = "requires_payment_method"
        intent = {"id": f"pi_{next(self.numbers)}", "object": "payment_intent", "status": status}
        intent |= {"amount": int(form["amount"]), "currency": form["currency"], "metadata": metadata}
        self.intents[intent["id"]] = intent
        return (402, {"error": DECLINED}) if token == "pm_declined" else (200, intent)

    def taken(self):
        return sum(each["amount"] for each in self.intents.values() if each["status"] == "succeeded")


def signed(secret, body, at=None):
    """The header Stripe-Signature."""
    at = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"
