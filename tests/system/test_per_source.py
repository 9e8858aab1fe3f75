#!/usr/bin/env python3
"""How many connections and datagrams one source may have, and how fast."""

import os
import time

import harness
import netns
from harness import Daemon
from test_access import PEOPLE, open_folder

FOUR, OTHER, SIX, SIX_NEAR, SIX_FAR = "10.77.0.2", "10.77.0.3", "fd77::2", "fd77::3", "fd77:0:0:1::2"
CLIENTS = [FOUR, OTHER, SIX, SIX_NEAR, SIX_FAR]


def listener(limits, listen="tcp://[::]:0", handler="echo"):
    return {"echo": {"listen": listen, "handler": handler, "limits": {"per_source": limits}}}


def start(net, *args, **options):
    return Daemon(listener(*args, **options), wrapper=net.wrapper).start()


def count_served(net, d, source, tries):
    """How many of these connections are served while all of them are open."""
    sockets = [net.connect(d.addr("echo"), source) for _ in range(tries)]
    served = sum(netns.is_served(s) for s in sockets)
    return served, sockets


def close_all(sockets):
    for s in sockets:
        s.close()


def test_open_connections_are_limited_by_source():
    with netns.Net(CLIENTS) as net:
        d = start(net, {"connections": 3})
        held = []
        for source in (FOUR, OTHER, SIX_FAR):
            served, sockets = count_served(net, d, source, 5)
            assert served == 3, (source, served)
            held += sockets
        # The two of one /64 are one source.
        one, sockets = count_served(net, d, SIX, 2)
        held += sockets
        two, sockets = count_served(net, d, SIX_NEAR, 3)
        held += sockets
        assert (one, two) == (2, 1)
        d.wait_log("conn_refused", source=FOUR, reason="limit", cause="source_connections")

        close_all(held)
        d.wait_log("conn_closed", count=12)

        served, sockets = count_served(net, d, FOUR, 4)
        assert served == 3
        close_all(sockets)
        assert d.stop() == 0


def test_prefix_lengths_make_wider_sources():
    with netns.Net(CLIENTS) as net:
        d = start(net, {"connections": 2, "ipv4_prefix": 24, "ipv6_prefix": 48})
        for near, far in ((FOUR, OTHER), (SIX, SIX_FAR)):
            one, some = count_served(net, d, near, 1)
            two, more = count_served(net, d, far, 2)
            assert (one, two) == (1, 1)
            close_all(some + more)
        assert d.stop() == 0


def test_new_connections_are_limited_by_rate_and_burst():
    with netns.Net(CLIENTS) as net:
        d = start(net, {"rate": "60/m", "burst": 5})
        served, sockets = count_served(net, d, FOUR, 10)
        assert 5 <= served <= 8, served  # more only if the machine took seconds
        other, more = count_served(net, d, OTHER, 3)
        assert other == 3
        close_all(sockets + more)
        d.wait_log("conn_refused", source=FOUR, reason="limit", cause="source_rate")

        def again():
            with net.connect(d.addr("echo"), FOUR) as s:
                return netns.is_served(s)

        harness.wait_until(again, "the source to be served again by itself")
        assert d.stop() == 0


def test_delayed_connections_are_served_in_their_turn():
    with netns.Net(CLIENTS) as net:
        d = start(net, {"rate": "10/s", "burst": 2, "action": "delay"})
        began = time.monotonic()
        served, sockets = count_served(net, d, FOUR, 4)
        took = time.monotonic() - began
        close_all(sockets)
        assert served == 4
        assert took >= 0.19, took  # two at once, then 100 and 200 ms
        assert d.stop() == 0


def test_what_does_not_fit_the_delay_is_refused():
    with netns.Net(CLIENTS) as net:
        d = start(net, {"rate": "1/m", "burst": 1, "action": "delay"})
        sockets = [net.connect(d.addr("echo"), FOUR) for _ in range(3)]
        assert netns.is_served(sockets[0])
        assert not netns.is_served(sockets[2])
        d.wait_log("conn_refused", cause="source_rate")

        # One waits for a minute: a drain lets it in at once.
        sockets[1].sendall(b"ping")
        assert d.stop() == 0
        assert sockets[1].recv(4) == b"ping"
        close_all(sockets)


def test_a_client_that_waits_is_cut_by_a_stop():
    with netns.Net(CLIENTS) as net:
        d = start(net, {"rate": "1/m", "burst": 1, "action": "delay"})
        with net.connect(d.addr("echo"), FOUR) as a, net.connect(d.addr("echo"), FOUR):
            assert netns.is_served(a)
            d.send(harness.signal.SIGQUIT)
            assert d.wait() == 0


def test_datagrams_are_limited_by_rate():
    for plugin in ("echo", "echo-serve"):
        with netns.Net(CLIENTS) as net:
            d = start(net, {"rate": "5/m", "burst": 5}, listen="udp://[::]:0", handler=plugin)
            with net.datagram(d.addr("echo"), FOUR) as s, net.datagram(d.addr("echo"), OTHER) as other:
                for i in range(20):
                    s.send(b"%d" % i)
                for i in range(3):
                    other.send(b"x%d" % i)
                    assert other.recv(10) == b"x%d" % i
                assert [s.recv(10) for _ in range(5)] == [b"%d" % i for i in range(5)]
                d.wait_log("datagram_refused", source=FOUR, reason="limit", cause="source_rate")
                s.settimeout(0.1)
                try:
                    answer = s.recv(10)
                    raise AssertionError(f"one too many: {answer}")
                except TimeoutError:
                    pass
            assert d.stop() == 0


def test_unix_clients_are_limited_by_user():
    harness.need_root()
    d = Daemon(text="""
version: 1
daemon: {plugin_path: ["${SOCKD_PLUGINS}"]}
listeners:
  echo:
    listen: "unix://${SOCKD_DIR}/s"
    socket: {mode: "0666"}
    handler: echo
    limits: {per_source: {connections: 2}}
""")
    folder = open_folder(d)
    os.chmod(folder.parent, 0o711)
    d.start()
    mine = [d.connect("echo") for _ in range(3)]
    assert [netns.is_served(s) for s in mine] == [True, True, False]
    from test_access import ask_as
    assert ask_as("stream", folder / "s", "user")
    assert not ask_as("stream", folder / "s", "root")
    assert PEOPLE["root"][0] == os.getuid()
    close_all(mine)
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
