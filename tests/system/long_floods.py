#!/usr/bin/env python3
# runner: timeout=600 alone
"""Floods: a hundred thousand sources against a small table, and one source, or SYNs, against everybody else."""

import contextlib
import socket
import struct
import subprocess
import sys
import time

import harness
import netns
from harness import Daemon

SOURCES, ENTRIES, RANGE = 100_000, 10_000, 10 << 24 | 80 << 16  # from 10.80.0.0 on
GOOD, BAD = "10.77.0.2", "10.77.0.3"
RESET = struct.pack("ii", 1, 0)


@contextlib.contextmanager
def crowd():
    """Namespaces whose clients' side may use every address of 10.80.0.0/15."""
    with netns.Net([GOOD, BAD]) as net:
        netns.run("ip", "-n", net.client, "route", "add", "local", "10.80.0.0/15", "dev", "lo")
        netns.run("ip", "-n", net.server, "route", "add", "10.80.0.0/15", "via", GOOD)
        yield net


def exchanges(net, address, seconds):
    """How often in a second a good client connects and is answered."""
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        with net.connect(address, GOOD) as s:
            assert netns.is_served(s)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        count += 1
    return count / seconds


def test_a_hundred_thousand_sources_cost_what_the_table_may():
    with crowd() as net:
        d = Daemon({"echo": {"listen": "tcp://0.0.0.0:0", "handler": "echo",
                             "limits": {"per_source": {"connections": 5, "rate": "100/s", "entries": ENTRIES}}}},
                   wrapper=net.wrapper).start()
        address = net.target(d.addr("echo"))
        with net.connect(d.addr("echo"), GOOD) as s:
            assert netns.is_served(s)
        before, began, served = d.rss_kib(), time.monotonic(), 0
        with netns.inside(net.client):
            for i in range(SOURCES):
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                s.bind((socket.inet_ntoa(struct.pack("!I", RANGE + i)), 0))
                s.connect(address)
                s.close()
                if i % 1000 == 0:
                    with socket.socket() as good:
                        good.settimeout(harness.PATIENCE_S)
                        good.bind((GOOD, 0))
                        good.connect(address)
                        served += netns.is_served(good)
        took, grown = time.monotonic() - began, d.rss_kib() - before
        print(f"# {SOURCES} sources in {took:.0f} s, {ENTRIES} entries: memory grew by {grown} KiB, "
              f"{served} of {SOURCES // 1000} good clients served")
        assert served == SOURCES // 1000
        assert grown < 8192, grown
        assert d.stop() == 0


def rates(net, d, flood):
    """A good client's exchanges in a second without and with a flood, in turns."""
    quiet, flooded = [], []
    for _ in range(3):
        quiet.append(exchanges(net, d.addr("good"), 2))
        with flood():
            flooded.append(exchanges(net, d.addr("good"), 2))
    return sorted(quiet)[1], sorted(flooded)[1]


def test_a_flood_of_syns_leaves_the_others():
    harness.need_tool("hping3")
    with netns.Net([GOOD, BAD]) as net:
        listeners = {n: {"listen": "tcp://0.0.0.0:0", "handler": "echo"} for n in ("good", "bad")}
        d = Daemon(listeners, wrapper=net.wrapper).start()
        port = d.addr("bad").sockaddr[1]

        @contextlib.contextmanager
        def flood():
            p = net.popen("hping3", "-q", "-S", "-p", port, "-i", "u1000", "--rand-source", netns.SERVER4,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            yield
            p.terminate()
            p.wait()

        quiet, flooded = rates(net, d, flood)
        print(f"# SYN flood: {quiet:.0f} exchanges a second without, {flooded:.0f} with it: {flooded / quiet:.2f}")
        assert flooded / quiet > 0.5  # 0.9 where nothing else runs; the figure is what counts
        assert d.stop() == 0


CONNECT_FLOOD = """
import socket, struct, sys
host, port, source = sys.argv[1], int(sys.argv[2]), sys.argv[3]
while True:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        s.bind((source, 0))
        s.connect((host, port))
    except OSError:
        pass
    s.close()
"""


def test_a_flood_of_connects_from_one_source_leaves_the_others():
    with netns.Net([GOOD, BAD]) as net:
        d = Daemon({n: {"listen": "tcp://0.0.0.0:0", "handler": "echo", "limits": {"per_source": {"rate": rate}}}
                    for n, rate in (("good", "off"), ("bad", "20/s"))}, wrapper=net.wrapper).start()
        port = d.addr("bad").sockaddr[1]

        @contextlib.contextmanager
        def flood():
            # Niced: what the client's side burns of a small machine is not what is asked about.
            p = net.popen("nice", "-n", "19", sys.executable, "-c", CONNECT_FLOOD, netns.SERVER4, port, BAD)
            yield
            p.kill()
            p.wait()

        quiet, flooded = rates(net, d, flood)
        print(f"# connect flood: {quiet:.0f} exchanges a second without, {flooded:.0f} with it: {flooded / quiet:.2f}")
        d.wait_log("conn_refused", listener="bad", source=BAD, cause="source_rate")
        assert flooded / quiet > 0.5
        assert d.stop() == 0


def test_slow_clients_leave_the_others():
    harness.need_tool("slowhttptest")
    with netns.Net([GOOD, BAD]) as net:
        d = Daemon({n: {"listen": "tcp://0.0.0.0:0", "handler": "discard" if n == "bad" else "echo",
                        "timeouts": {"first_byte": "1s", "lifetime": "2s"}} for n in ("good", "bad")},
                   wrapper=net.wrapper).start()
        port = d.addr("bad").sockaddr[1]

        @contextlib.contextmanager
        def flood():
            p = net.popen("slowhttptest", "-H", "-c", "500", "-r", "200", "-i", "1", "-l", "60", "-u",
                          f"http://{netns.SERVER4}:{port}/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            yield
            p.kill()
            p.wait()

        quiet, flooded = rates(net, d, flood)
        print(f"# slowhttptest: {quiet:.0f} exchanges a second without, {flooded:.0f} with it: {flooded / quiet:.2f}")
        d.wait_log("conn_closed", listener="bad", reason="lifetime_timeout")
        assert flooded / quiet > 0.5
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
