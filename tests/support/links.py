"""Ways between processes that can be cut, slowed and broken: TCP proxies in a process of their own.

    links = Links({"order-1.kafka": ("127.0.0.1", 9092), ...})
    links.port("order-1.kafka")          # to connect to, instead
    links.set("order-1.kafka", "cut")    # see WAYS; "open" heals it
    links.rename("gateway-1.registry-1", {18081: links.ports["gateway-1.user-1"]})
    links.close()

A name that ends with `.kafka` leads to a broker: in its answers the proxy puts itself where the broker's
address stands. In what comes through a link with new names, ports of five digits are others.
"""

import asyncio
import collections
import json
import re
import subprocess
import sys

# What passes towards the server, what comes back, and what becomes of the connections.
WAYS = {
    "open": "everything passes",
    "cut": "nothing passes; what was sent arrives when it is open again, as TCP sends it again",
    "no_requests": "nothing reaches the server, which can still talk",
    "no_answers": "the server hears everything, and nothing comes back",
    "half_open": "what is sent is lost, and nobody is told; the connections end when it is open again",
    "slow": "each piece needs 400 ms",
    "refused": "connections are reset, new ones at once",
    "gone": "nobody listens any more; what is open goes on",
    "no_answer_to_commit": "MySQL's COMMIT reaches the server, and the connection ends before the answer",
    "halves": "of each answer half a piece comes, then the connection is reset",
}
SLOW = 0.4
COMMIT = b"\x07\0\0\0\x03COMMIT"  # Its packet: length, number, the question, its text.


class Links:
    def __init__(self, targets):
        command = [sys.executable, __file__, json.dumps(targets)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline())

    def address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def set(self, name, way):
        assert way in WAYS, way
        self.process.stdin.write(json.dumps([name, way]) + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def rename(self, name, ports):
        """{port: another one}, wherever it stands by itself in a text."""
        assert all(len(str(port)) == 5 for pair in ports.items() for port in pair), ports
        self.process.stdin.write(json.dumps([name, ports]) + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def heal(self):
        for name in self.ports:
            self.set(name, "open")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Link:
    def __init__(self, name, target):
        self.target, self.is_kafka, self.way = tuple(target), name.endswith(".kafka"), "open"
        self.renamed_ports = {}
        self.changed = asyncio.Event()
        self.open = set()  # The ends of its connections.

    async def listen(self, port=0):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self.server.sockets[0].getsockname()[1]
        host, port = self.target
        self.named = host.encode() + port.to_bytes(4, "big")
        self.renamed = b"127.0.0.1" + self.port.to_bytes(4, "big")

    def rename(self, ports):
        self.renamed_ports = {old.encode(): str(new).encode() for old, new in ports.items()}

    def _with_new_ports(self, text):
        """And the digits at its end, which may be a part of a number."""
        rest = re.search(rb"\d*$", text)[0]
        return re.sub(rb"\d+", lambda found: self.renamed_ports.get(found[0], found[0]),
                      text[:len(text) - len(rest)]), rest

    def set(self, way):
        lost = self.way == "half_open" or way == "refused"
        self.way = way
        self.changed.set()
        self.changed = asyncio.Event()
        for each in list(self.open) if lost else ():
            each.transport.abort()

    async def _serve(self, reader, writer):
        if self.way == "refused":
            return writer.transport.abort()
        try:
            there = await asyncio.open_connection(*self.target)
        except OSError:
            return writer.transport.abort()
        ends = {writer, there[1]}
        self.open |= ends
        committed = asyncio.Event()
        ways = [asyncio.create_task(self._pass_on(reader, there[1], "no_requests", False, committed)),
                asyncio.create_task(self._pass_on(there[0], writer, "no_answers", self.is_kafka, committed))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for each in (*ways, *ends):
            each.cancel() if isinstance(each, asyncio.Task) else each.close()
        self.open -= ends

    async def _pass_on(self, reader, writer, held_by, renames, committed):
        pieces, came, loop = collections.deque(), asyncio.Event(), asyncio.get_running_loop()

        async def read():
            rest = b""
            while True:
                if renames:
                    size = await reader.readexactly(4)
                    piece = await reader.readexactly(int.from_bytes(size, "big"))
                    piece = size + piece.replace(self.named, self.renamed)
                else:
                    piece = await reader.read(1 << 16)
                    if not piece:
                        raise EOFError
                    if self.renamed_ports:
                        piece, rest = self._with_new_ports(rest + piece)
                pieces.append((loop.time() + (SLOW if self.way == "slow" else 0), piece))
                came.set()

        async def write():
            while True:
                while not pieces:
                    came.clear()
                    await came.wait()
                while self.way in ("cut", held_by):
                    await self.changed.wait()
                due, piece = pieces.popleft()
                if self.way == "half_open" or committed.is_set():
                    continue
                if self.way == "halves" and held_by == "no_answers":
                    writer.write(piece[:len(piece) // 2])
                    await writer.drain()
                    raise EOFError
                if (late := due - loop.time()) > 0:
                    await asyncio.sleep(late)
                if self.way == "no_answer_to_commit" and COMMIT in piece and held_by == "no_requests":
                    committed.set()
                writer.write(piece)
                await writer.drain()
                if committed.is_set():
                    await asyncio.sleep(0.1)  # The server does it.
                    raise EOFError

        tasks = [asyncio.create_task(read()), asyncio.create_task(write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            # Whoever ended the connection sees its last words passed on, unless the way is closed.
            for _ in range(100):
                if not pieces or tasks[1].done():
                    break
                await asyncio.sleep(0.02)
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def main(targets):
    links = {name: Link(name, target) for name, target in targets.items()}
    for each in links.values():
        await each.listen()
    print(json.dumps({name: each.port for name, each in links.items()}), flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        name, change = json.loads(line)
        link = links[name]
        (link.rename if isinstance(change, dict) else link.set)(change)
        if change == "gone":
            link.server.close()
        elif not link.server.is_serving():
            await link.listen(link.port)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
