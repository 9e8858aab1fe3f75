#!/usr/bin/env python3
"""TLS under load: silent crowds, a gibibyte both ways, certificates replaced a hundred times."""

import os
import signal
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority
from harness import Daemon
from test_tls import Tap, client_context, exchange, listener, settings, tls_connect
from test_tls_reload import put

MIB = 1 << 20


def p95(d, context, count=100):
    """How long a good client's connection and round trip takes, in milliseconds."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        with tls_connect(d, "echo", context) as c:
            c.sendall(b"x")
            assert harness.receive_exactly(c, 1) == b"x"
        times.append((time.monotonic() - began) * 1000)
    return sorted(times)[count * 95 // 100]


def test_a_thousand_silent_clients(tmp):
    ca = Authority(tmp)
    d = Daemon({"echo": listener(settings(ca.issue("site", dns=["localhost"])), timeouts={"handshake": "10s"})}).start()
    context = client_context(ca)
    empty = p95(d, context)
    began = time.monotonic()
    silent = [d.connect("echo") for _ in range(1000)]
    connected = time.monotonic() - began
    crowded = p95(d, context)
    for c in silent:
        c.settimeout(60)
        assert c.recv(1) == b""
        c.close()
    ended = time.monotonic() - began
    print(f"# empty {empty:.1f} ms, among 1,000 silent clients {crowded:.1f} ms (95 of 100); all ended after {ended:.1f} s, "
          f"connected within {connected:.1f} s")
    assert 9 < ended < 30 + connected
    d.wait_log("conn_closed", detail="the client said nothing in time", count=1000)
    assert len(d.find_logs("conn_closed", detail="the client said nothing in time")) == 1000
    assert crowded < 3 * empty + 50


def test_a_gibibyte_both_ways(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"echo": listener(settings(site)), "serve": listener(settings(site), "echo-serve")}).start()
    marker = b"PLAINTEXT-OF-THIS-TEST-MUST-NOT-TRAVEL-"
    data = (marker * (MIB // len(marker) + 1))[:MIB]
    for name, size in (("echo", 1024 * MIB), ("serve", 256 * MIB)):
        tap = Tap(d.addr(name), marker)
        c = client_context(ca).wrap_socket(socket.create_connection(tap.address), server_hostname="localhost")
        exchange(c, data, size)
        c.unwrap()
        c.close()
        tap.end()
        assert tap.size > 2 * size and not tap.met, (tap.size, tap.met)
    assert d.stop() == 0


def test_a_hundred_replacements_under_load(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    spare = [ca.issue(f"s{i}", dns=["localhost"]) for i in range(2)]
    d = Daemon({"echo": listener(settings(site, watch=False))}).start()
    context = client_context(ca)
    old = [tls_connect(d, "echo", context) for _ in range(20)]
    over, failures, done, memory = threading.Event(), [], [0], []

    def clients():
        while not over.is_set():
            try:
                with tls_connect(d, "echo", context) as c:
                    c.sendall(b"x")
                    assert harness.receive_exactly(c, 1) == b"x"
                done[0] += 1
            except (OSError, AssertionError) as e:
                failures.append(e)

    threads = [threading.Thread(target=clients, daemon=True) for _ in range(3)]
    for t in threads:
        t.start()
    for i in range(100):
        since = d.mark()
        put(spare[i % 2], site)
        d.send(signal.SIGHUP)
        d.wait_log("reloaded", since=since)
        if i in (19, 99):
            memory.append(d.own_kib())
    over.set()
    for t in threads:
        t.join()
    for c in old:
        c.sendall(b"y")
        assert harness.receive_exactly(c, 1) == b"y"
    print(f"# {done[0]} handshakes, {len(failures)} failed; {memory[0]} KiB after 20 replacements, {memory[1]} after 100")
    assert not failures and done[0] > 100
    assert memory[1] < memory[0] + 2048
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
