"""Networks of their own for processes of a test, joined by a link that can fail in one direction.

Needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN) and `ip`; all vanishes with the threads and processes in there.
"""

import concurrent.futures
import ctypes
import os
import shutil
import subprocess
import threading

CLONE_NEWNET = 0x40000000


def unusable():
    """Why this machine cannot do it; None when it can."""
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "ip or unshare is absent"
    made = "ip link add name probe type veth peer name other && ip route add blackhole 192.0.2.1"
    if subprocess.run(["unshare", "-n", "sh", "-c", made], capture_output=True).returncode != 0:
        return "network namespaces need root"
    return None


class Namespace:
    """A thread in a network of its own; what it starts and connects is in there too."""

    def __init__(self, address):
        self.address = address
        self.thread = concurrent.futures.ThreadPoolExecutor(1)
        self.thread_id = self.call(self.leave)

    def leave(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.ip("link", "set", "lo", "up")
        return threading.get_native_id()

    def call(self, function, *arguments):
        """In there; waits for the answer."""
        return self.thread.submit(function, *arguments).result()

    def ip(self, *arguments):
        """To be called in there."""
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def join(self, other):
        """A link between the two; both addresses are of one /24."""
        peer = ("peer", "name", "veth0", "netns", str(other.thread_id))
        self.call(self.ip, "link", "add", "veth0", "type", "veth", *peer)
        for each in (self, other):
            each.call(each.ip, "address", "add", f"{each.address}/24", "dev", "veth0")
            each.call(each.ip, "link", "set", "veth0", "up")

    def mute(self, towards):
        """Nothing reaches `towards` from here any more, answers included; its own packets still come."""
        self.call(self.ip, "route", "add", "blackhole", towards.address)

    def unmute(self, towards):
        self.call(self.ip, "route", "del", "blackhole", towards.address)

    def close(self):
        self.thread.shutdown()


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def threads(process):
    return len(os.listdir(f"/proc/{process.pid}/task"))
