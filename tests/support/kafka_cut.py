"""A way to Kafka that can be cut, for one process: a proxy that puts its name where the broker's stands."""

import contextlib
import socket
import threading

from market_server import free_port


class KafkaCut:
    """`address` instead of the broker's; cut() and mend()."""

    def __init__(self, broker):
        self.broker = broker
        host, port = broker.split(":")
        self.there = (host, int(port))
        self.port = free_port()
        self.address = f"{host}:{self.port}"
        self.is_cut = False
        self.open = []
        # In metadata: the name, then the port in four bytes.
        self.named = host.encode() + self.there[1].to_bytes(4, "big")
        self.renamed = host.encode() + self.port.to_bytes(4, "big")
        self.listening = socket.create_server((host, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Nothing passes, nothing is answered; new connections hang likewise."""
        self.is_cut = True

    def mend(self):
        """Of the connections that hung something is missing: they end."""
        self.is_cut = False
        for each in self.open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.open.clear()

    def close(self):
        self.listening.close()
        self.mend()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                broker = socket.create_connection(self.there)
                self.open += [client, broker]
                for ends in ((client, broker, self._as_it_is), (broker, client, self._renamed)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    @staticmethod
    def _as_it_is(frame):
        return frame

    def _renamed(self, frame):
        return frame.replace(self.named, self.renamed)

    def _pass_on(self, source, sink, change):
        stream = source.makefile("rb")
        with contextlib.suppress(OSError, ValueError):
            while size := stream.read(4):
                frame = stream.read(int.from_bytes(size, "big"))
                if not self.is_cut:
                    sink.sendall(size + change(frame))
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.close()
