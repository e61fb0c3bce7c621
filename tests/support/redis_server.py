"""A redis-server of a test's own, and a few words of its protocol."""

import os
import shutil
import signal
import socket
import subprocess

from market_server import free_port
from waiting import until

SECRET = "the secret of all instances"
# As docs/operations.md gives it.
RIGHTS = ("~market:* resetchannels -@all +ping +role +select +eval +evalsha +hmget +hset +del "
          "+pexpire +type +zadd +zrangebyscore +zremrangebyrank +time")


class RedisServer:
    """The market's user has few rights, ours has all."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.process = None
        folder.mkdir(exist_ok=True)
        (folder / "redis.conf").write_text(f"user market on >secret {RIGHTS}\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [shutil.which("redis-server"), self.folder / "redis.conf", "--port", str(self.port), "--bind",
             "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers, what="redis-server does not start")

    def answers(self):
        try:
            return self.ask("PING") == "PONG"
        except OSError:
            return False

    @property
    def settings(self):
        return (f"redis.servers=127.0.0.1:{self.port}", "redis.user=market", "redis.password=secret",
                f"redis.secret={SECRET}")

    def send(self, which):
        os.kill(self.process.pid, which)

    def kill(self):
        if self.process.poll() is None:
            self.send(signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def ask(self, *words):
        return ask(self.port, *words)

    def stock(self, product):
        """What any instance can read about a product; none: nothing is there."""
        keys = self.ask("KEYS", f"market:{{*}}:stock:{product['id']}")
        if not keys:
            return None
        fields = self.ask("HGETALL", keys[0])
        return dict(zip(fields[::2], fields[1::2]))

    def remaining(self, product):
        stock = self.stock(product)
        return int(stock["remaining"]) if stock else None


def ask(port, *words):
    """One command on a connection of its own."""
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as connection:
        parts = [str(word).encode() for word in words]
        connection.sendall(b"*%d\r\n" % len(parts) + b"".join(
            b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return read(connection.makefile("rb"))


def read(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("the connection ended")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise OSError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2].decode(errors="replace")
    if kind == b"*":
        return [read(stream) for _ in range(int(rest))]
    return rest.decode()
