"""Connections that hold something of a server: idle, TLS, half a body, a stream, answers nobody reads."""

import resource
import selectors
import socket
import ssl


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Held:
    """held.add(100): so many more; close() lets go of all."""

    def __init__(self, port, say, until=b"", tls=False):
        self.port, self.say, self.until = port, say, until
        self.peers = []
        self.context = None
        if tls:
            self.context = ssl.create_default_context()
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE

    def add(self, count):
        for _ in range(count):
            peer = socket.create_connection(("127.0.0.1", self.port), 30)
            if self.context:
                peer = self.context.wrap_socket(peer)
            peer.sendall(self.say)
            self.peers.append(peer)
        if self.until:
            self.read_answers(self.peers[-count:])

    def read_answers(self, peers):
        waiting = selectors.DefaultSelector()
        for peer in peers:
            waiting.register(peer, selectors.EVENT_READ, bytearray())
        while waiting.get_map():
            ready = waiting.select(30)
            assert ready, f"{len(waiting.get_map())} have no answer"
            for key, _ in ready:
                got = key.fileobj.recv(65536)
                key.data.extend(got)
                if not got or self.until in key.data:
                    assert got, f"closed: {bytes(key.data)!r}"
                    waiting.unregister(key.fileobj)

    def close(self):
        for peer in self.peers:
            peer.close()
        self.peers = []
