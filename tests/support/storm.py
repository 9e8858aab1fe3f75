"""Many clients at once that send, rest, end and break off as the dice say, on every way that a byte can take through a
daemon which stands still every now and then: each byte comes back in its place, nobody waits in vain, and afterwards
nothing turns without a reason."""

import concurrent.futures
import contextlib
import json
import os
import random
import select
import socket
import ssl
import struct
import time

import certs
import harness
import scenarios
from harness import Daemon

CLIENTS = 24
SIZES = (0, 1, 300, 5_000, 70_000, 400_000)
PIECES = (1, 10, 1000, 16_384, 70_000, 200_000)
SMALL = {"buffers": {"read": "4KiB", "write": "4KiB"}, "socket": {"send_buffer": "16KiB", "receive_buffer": "32KiB"}}
PACED = {"limits": {"bandwidth": {"connection": {"read": "2MiB/s", "write": "2MiB/s"},
                                  "listener": {"read": "8MiB/s", "write": "8MiB/s"}}}}
BLOB = random.Random(0).randbytes(2 * max(SIZES))


def listeners(tmp, tls):
    """@return {name: listener}; those whose name ends with _tls speak it"""
    def proxy(to, **more):
        return {"plugin": "proxy", "config": {"upstream": [f"unix://{tmp}/{to}"], **more}}
    encrypted = {"tls": "up", "server_name": "localhost"}
    found = {}
    for name, handler, more in (
            ("event", "echo", {}), ("event_small", "echo", SMALL), ("event_paced", "echo", PACED),
            ("fiber", "echo-serve", {}), ("fiber_small", "echo-serve", SMALL), ("fiber_paced", "echo-serve", PACED),
            ("pausing", str(scenarios.build("pausing")), {}), ("pausing_small", str(scenarios.build("pausing")), SMALL),
            ("exec", {"plugin": "exec", "config": {"command": ["/bin/cat"]}}, {}),
            ("exec_splice", {"plugin": "exec", "config": {"command": ["/bin/cat"]}}, {"splice": True}),
            ("proxy", proxy("fiber"), {}), ("proxy_small", proxy("event_small"), SMALL),
            ("proxy_splice", proxy("fiber"), {"splice": True}),
            ("proxy_splice_small", proxy("event_small"), {"splice": True, **SMALL}),
            ("proxy_paced", proxy("pausing"), PACED), ("proxy_up", proxy("fiber_tls", **encrypted), {}),
            ("proxy_up_small", proxy("event_small_tls", **encrypted), SMALL)):
        found[name] = {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/{name}"], "handler": handler, **more}
        found[name + "_tls"] = {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/{name}_tls"], "handler": handler,
                                "tls": tls, **more}
    return found


class Client:
    """One connection after the other, as the dice say."""

    def __init__(self, addresses, context, seed, until):
        self.addresses, self.context, self.dice, self.until = addresses, context, random.Random(seed), until
        self.count, self.problem, self.doing = 0, None, None

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.one()
                self.count += 1
        except Exception as e:  # told by the thread that waits for us
            self.problem = f"{self.doing}: {e!r}"

    def one(self):
        name, address = self.dice.choice(self.addresses)
        self.size, self.begin = self.dice.choice(SIZES), self.dice.randrange(max(SIZES))
        self.sent = self.got = 0
        self.breaks_at = self.dice.randrange(self.size + 1) if self.dice.random() < 0.15 else None
        self.lazy = self.dice.random() < 0.3
        self.doing = f"{name} over {address.transport}, {self.size} bytes, breaks at {self.breaks_at}"
        s = self.connect(address)
        self.tls = name.endswith("_tls")
        if self.tls:
            s = self.context.wrap_socket(s, server_hostname="localhost")
        with s:
            s.setblocking(False)
            if self.carry(s):
                self.end(s)
            elif self.dice.random() < 0.5 and address.transport == "tcp":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def connect(self, address):
        s = socket.socket(address.family)
        s.settimeout(harness.PATIENCE_S)
        if address.transport == "tcp":
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, self.dice.randrange(2))
            # A loopback segment of 64 KiB can be more than a small buffer holds: then only timers go on.
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            if self.dice.random() < 0.3:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        s.connect(address.sockaddr)
        return s

    def carry(self, s):
        """@return whether all of it went there and back; else it is to be broken off"""
        piece, moved_at, ended = b"", time.monotonic(), False
        while self.got < self.size:
            if self.breaks_at is not None and self.sent >= self.breaks_at:
                return False
            if not piece and self.sent < self.size:
                size = min(self.dice.choice(PIECES), self.size - self.sent)
                piece = BLOB[self.begin + self.sent:self.begin + self.sent + size]
            if self.sent == self.size and not ended and not self.tls and self.dice.random() < 0.5:
                s.shutdown(socket.SHUT_WR)
                ended = True
            before = self.sent + self.got
            n = self.send(s, piece) if piece else 0
            piece = piece[n:]
            if not (self.lazy and self.dice.random() < 0.8 and self.sent < self.size and n > 0):
                self.receive(s)
            if self.dice.random() < 0.03:
                time.sleep(self.dice.random() * 0.01)
            if self.sent + self.got != before:
                moved_at = time.monotonic()
            elif not (self.tls and s.pending() > 0):
                select.select([s], [s] if piece else [], [], 1)
                if time.monotonic() > moved_at + harness.PATIENCE_S:
                    raise AssertionError(f"nothing moves: {self.sent} sent, {self.got} back, ended {ended}")
        return True

    def send(self, s, piece):
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            n = s.send(piece)
            self.sent += n
            return n
        return 0

    def receive(self, s):
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            data = s.recv(self.dice.choice(PIECES))
            assert data, f"the end after {self.got} of {self.sent}"
            assert data == BLOB[self.begin + self.got:self.begin + self.got + len(data)], f"wrong from {self.got} on"
            self.got += len(data)

    def end(self, s):
        s.settimeout(harness.PATIENCE_S)
        if self.tls:
            if self.dice.random() < 0.5:
                s.unwrap().close()
        elif self.dice.random() < 0.8:
            with contextlib.suppress(OSError):  # said before, and the answer has come
                s.shutdown(socket.SHUT_WR)
            assert s.recv(1) == b"", "more than was sent"


def stand_still_at_times(d, dice, until):
    while time.monotonic() < until:
        time.sleep(dice.random() * 0.3)
        with d.standing_still():
            time.sleep(dice.random() * 0.1)


def clients_that_say_nothing_more(addresses, context):
    """One of each kind that has been answered and is there still."""
    kept = []
    for name, address in addresses:
        s = harness.connect(address)
        if name.endswith("_tls"):
            s = context.wrap_socket(s, server_hostname="localhost")
        s.sendall(b"x" * 10)
        assert harness.receive_exactly(s, 10) == b"x" * 10
        kept.append(s)
    return kept


def storm(tmp, seconds, seed=None):
    seed = int.from_bytes(os.urandom(4), "big") if seed is None else seed
    ca = certs.Authority(tmp)
    leaf = ca.issue("server", dns=("localhost",))
    context = ssl.create_default_context(cafile=str(ca.cert))
    context.suppress_ragged_eofs = False
    tls = {"certificates": [{"cert": str(leaf.cert), "key": str(leaf.key)}]}
    text = {"version": 1, "daemon": {"plugin_path": ["${SOCKD_PLUGINS}"], "threads": 2,
                                      "coalesce_us": random.Random(seed).choice((0, 50))},
            "tls": {"up": {"server": {"ca": str(ca.cert)}}}, "listeners": listeners(tmp, tls)}
    d = Daemon(text=json.dumps(text)).start()
    addresses = [(name, a) for name in text["listeners"] for a in d.addresses(name)]
    until = time.monotonic() + seconds
    clients = [Client(addresses, context, seed + i, until) for i in range(CLIENTS)]
    with concurrent.futures.ThreadPoolExecutor(CLIENTS + 1) as pool:
        at_once = [pool.submit(stand_still_at_times, d, random.Random(seed), until), *(pool.submit(c.run) for c in clients)]
    for one in at_once:
        one.result()
    problems = [c.problem for c in clients if c.problem is not None]
    assert not problems, f"seed {seed}:\n" + "\n".join(problems)
    assert min(c.count for c in clients) > 0
    harness.wait_until(lambda: not d.ask("connections"), f"seed {seed}: the end of all connections")
    kept = clients_that_say_nothing_more(addresses, context)
    used = d.cpu_seconds()
    time.sleep(1)
    assert d.cpu_seconds() - used < 0.3, "it turns without a reason"
    for s in kept:
        s.close()
    assert d.stop() == 0
    return sum(c.count for c in clients)
