"""Networks of a test's own: two namespaces, one for the daemon and one for its clients, joined by a veth pair.

    with netns.Net(clients=["10.77.0.2", "fd77::2"]) as net:
        d = Daemon(..., wrapper=net.wrapper).start()
        with net.connect(d.addr("echo"), source="10.77.0.2") as c: ...

The daemon's side has 10.77.0.1/16 and fd77::1/64; the clients' side has what the test names. Nothing leaves the two
namespaces, and both end with the test. Needs root and ip(8).
"""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import threading

import harness

CLONE_NEWNET = 0x40000000
SERVER4, SERVER6 = "10.77.0.1", "fd77::1"
serial = itertools.count()
libc = ctypes.CDLL(None, use_errno=True)


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def setns(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(name):
    """This thread is in the namespace; sockets that it makes stay there."""
    with open(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net", "rb") as home, \
            open(f"/run/netns/{name}", "rb") as there:
        setns(there.fileno())
        try:
            yield
        finally:
            setns(home.fileno())


class Net:
    def __init__(self, clients=("10.77.0.2",), prefix=None):
        harness.need_root()
        harness.need_tool("ip")
        name = f"sk{os.getpid()}-{next(serial)}"
        self.server, self.client = name + "s", name + "c"
        self.wrapper = ["ip", "netns", "exec", self.server]
        self.near, self.far = f"s{os.getpid()}"[:12], f"c{os.getpid()}"[:12]
        self.clients, self.prefix = clients, prefix

    def __enter__(self):
        made = subprocess.run(["ip", "netns", "add", self.server], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            harness.skip(f"no network namespaces here: {made.stderr.strip()}")
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self):
        run("ip", "netns", "add", self.client)
        run("ip", "-n", self.server, "link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns",
            self.client)
        self.batch(self.server, [f"addr add {SERVER4}/16 dev {self.near}",
                                 f"addr add {SERVER6}/48 dev {self.near} nodad",
                                 f"link set {self.near} up", "link set lo up"])
        self.batch(self.client, [f"addr add {a}/{48 if ':' in a else 16} dev {self.far}"
                                 + (" nodad" if ":" in a else "") for a in self.clients]
                   + [f"link set {self.far} up", "link set lo up"])
        harness.wait_until(self._is_up, "the link between the namespaces")

    def _is_up(self):
        return "state UP" in run("ip", "-n", self.client, "link", "show", self.far)

    def batch(self, namespace, lines):
        """Many ip(8) commands in one run."""
        run("ip", "-n", namespace, "-batch", "-", input="\n".join(lines) + "\n")

    def __exit__(self, *_):
        for name in (self.server, self.client):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def socket(self, family, kind, source=None, port=0):
        """A socket on the clients' side, bound to one of its addresses."""
        with inside(self.client):
            s = socket.socket(family, kind)
        s.settimeout(harness.PATIENCE_S)
        if source is not None:
            s.bind((source, port))
        return s

    def target(self, address, family=None):
        """Where the clients' side reaches a listener that is bound to any address."""
        family = family or address.family
        return (SERVER6 if family == socket.AF_INET6 else SERVER4, address.sockaddr[1])

    def connect(self, address, source):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        s = self.socket(family, socket.SOCK_STREAM, source)
        try:
            s.connect(self.target(address, family))
        except BaseException:
            s.close()
            raise
        return s

    def datagram(self, address, source):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        s = self.socket(family, socket.SOCK_DGRAM, source)
        s.connect(self.target(address, family))
        return s

    def popen(self, *words, side="client", **options):
        """A program on one side."""
        return subprocess.Popen(["ip", "netns", "exec", getattr(self, side), *map(str, words)], **options)


def is_served(s):
    """Whether an echo listener answers; a refused client sees the end of the stream or a reset."""
    try:
        s.sendall(b"ping")
        return s.recv(4) == b"ping"
    except ConnectionError:
        return False
