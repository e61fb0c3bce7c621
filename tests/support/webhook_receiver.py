"""A real HTTP server that takes webhooks, checks their signatures, and can be made to misbehave."""

import json
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from served import Served
from standardwebhooks.webhooks import Webhook


class Receiver(Served):
    """`behave(number)` answers a status, (status, headers), "hang", "drop", or None for 204."""

    def __init__(self, port=0):
        self.secret = None
        self.taken, self.heads, self.bad_signatures, self.requests = [], [], 0, 0
        self.behave = lambda number: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                receiver.requests += 1
                self.send_error(405)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests += 1
                wanted = receiver.behave(receiver.requests)
                if wanted == "hang":
                    time.sleep(30)
                if wanted in ("hang", "drop"):
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, headers = wanted if isinstance(wanted, tuple) else (wanted or 204, {})
                if status < 300:
                    receiver.take(body, dict(self.headers))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def take(self, body, headers):
        if self.secret:
            try:
                Webhook(self.secret).verify(body, {name.lower(): value for name, value in headers.items()})
            except Exception:  # noqa: BLE001 - whatever the library finds wrong
                self.bad_signatures += 1
        self.heads.append({name.lower(): value for name, value in headers.items()})
        self.taken.append(json.loads(body))

    def kinds(self, order=None):
        events = list(self.taken)
        return [event["type"] for event in events if order in (None, event["data"]["order"]["id"])]
