"""Reads server-sent events as they come."""

import http.client
import json
import queue
import socket
import threading
import time
import urllib.parse

from market_server import PATIENCE


class EventStream:
    """`with EventStream(client, "/orders/x/events") as stream: name, data, at = stream.next()`

    `known`: the `last_id` of a stream before."""

    def __init__(self, caller, path, known=None):
        where = urllib.parse.urlparse(caller.url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        headers = {"Authorization": "Bearer " + caller.token} if caller.token else {}
        if known is not None:
            headers["Last-Event-ID"] = known
        connection.request("GET", "/api/v1" + path, headers=headers)
        self.socket = connection.sock
        self.answer = connection.getresponse()
        caller.document.check("GET", "/api/v1" + path, self.answer.status, dict(self.answer.headers), "")
        self.events = queue.Queue()
        self.comments = []
        self.last_id = None
        self.ended = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        name, data = None, []
        try:
            for line in self.answer:
                line = line.rstrip(b"\r\n")
                if line.startswith(b":"):
                    self.comments.append(line)
                elif line.startswith(b"event: "):
                    name = line[7:].decode()
                elif line.startswith(b"id: "):
                    self.last_id = line[4:].decode()
                elif line.startswith(b"data: "):
                    data.append(line[6:].decode())
                elif not line and name:
                    self.events.put((name, json.loads("\n".join(data)), time.monotonic()))
                    name, data = None, []
        except (OSError, http.client.HTTPException):
            pass  # Closed by the test, or by the server.
        self.ended.set()

    def next(self, wanted=None, seconds=5.0):
        """The next event, or the next one called `wanted`."""
        deadline = time.monotonic() + seconds * PATIENCE
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"no event {wanted or ''} in {seconds} s"
            try:
                event = self.events.get(timeout=left)
            except queue.Empty:
                continue
            if wanted in (None, event[0]):
                return event

    def until(self, condition, seconds=5.0):
        while True:
            event = self.next(seconds=seconds)
            if condition(*event[:2]):
                return event

    def all(self):
        events = []
        while not self.events.empty():
            events.append(self.events.get())
        return events

    def close(self):
        if not self.ended.is_set():
            self.socket.shutdown(socket.SHUT_RDWR)  # The reader sees the end, and closes.
        self.reader.join()
        self.answer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
