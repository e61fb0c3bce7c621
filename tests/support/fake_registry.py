"""A registry that says what a test wants, and writes down what it is told."""

import http.server
import json

from served import Served


class FakeRegistry(Served):
    def __init__(self, *instances):
        self.instances = instances
        self.told = []  # Methods and paths, as they come.
        self.hold = None  # Called with each of them before it is answered; may answer another status.
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                listed = self.path.startswith("/eureka/apps")
                self.answer(200 if listed else 404, registry.list() if listed else b"")

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                registry.told.append((self.command, self.path))
                status = registry.hold and registry.hold(self.command, self.path)
                self.answer(status or (204 if self.command == "POST" else 200), b"")

            do_PUT = do_DELETE = do_POST

            def answer(self, status, body):
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/eureka/"

    def list(self):
        listed = [{"name": each["app"], "instance": [each]} for each in self.instances]
        count = f"UP_{len(listed)}_" if listed else ""
        whole = {"versions__delta": "1", "apps__hashcode": count, "application": listed}
        return json.dumps({"applications": whole}).encode()
