"""A small HTTP/1.1 client on asyncio: many kept connections at little cost. Standard library only."""

import asyncio
import json


class Lost(Exception):
    """The connection ended before the whole answer: the outcome of the request is unknown."""


class Refused(Lost):
    """Nobody listens: the request was not sent."""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body) if self.body else {}


class Connection:
    """One kept connection, opened when it is needed and again after it was lost."""

    def __init__(self, port, host="127.0.0.1", timeout=30.0):
        self.host, self.port, self.timeout = host, port, timeout
        self.reader = self.writer = None

    async def request(self, method, path, *, token=None, body=None, headers=None):
        """`path` is below /api/v1, or absolute with a leading `//`."""
        path = path[1:] if path.startswith("//") else "/api/v1" + path
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        payload = b"" if body is None else json.dumps(body).encode()
        if token:
            lines.append("Authorization: Bearer " + token)
        if body is not None:
            lines.append("Content-Type: application/json")
        if payload or method == "POST":
            lines.append(f"Content-Length: {len(payload)}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        try:
            return await asyncio.wait_for(
                self._exchange("\r\n".join(lines).encode() + b"\r\n\r\n" + payload), self.timeout
            )
        except ConnectionRefusedError as error:
            raise Refused(repr(error)) from None
        except (OSError, EOFError, asyncio.TimeoutError, ValueError) as error:
            self.close()
            raise Lost(repr(error)) from None
        except BaseException:
            self.close()
            raise

    async def _exchange(self, message):
        if self.writer is not None and self.reader.at_eof():
            self.close()  # The server ended it while it was idle.
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write(message)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        body = await self.reader.readexactly(length) if length else b""
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(head[0].split()[1]), headers, body)

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Alternating:
    """Used like a Connection: each request goes to the next server, or, when that refuses, to another one."""

    def __init__(self, ports):
        self.port = ports
        self.connections = [Connection(port) for port in ports]
        self.turn = 0

    async def request(self, *arguments, **more):
        for _ in self.connections:
            self.turn = (self.turn + 1) % len(self.connections)
            try:
                return await self.connections[self.turn].request(*arguments, **more)
            except Refused as error:
                refused = error
        raise refused

    def last_port(self):
        """The port of the last request."""
        return self.port[self.turn]

    def close(self):
        for connection in self.connections:
            connection.close()
