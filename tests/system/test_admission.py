#!/usr/bin/env python3
"""Who is let in: limits.connections over all loops, one loop where that is asked, the least loaded one else."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

PLUGINS = ("echo", "echo-serve")
LIMIT = 10


def roundtrip(c):
    """@return whether it is served"""
    try:
        c.sendall(b"x")
        return c.recv(1) == b"x"
    except ConnectionError:
        return False


def test_above_the_limit_a_client_is_closed_at_once(tmp):
    for plugin in PLUGINS:
        d = Daemon({"t": {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/s"], "handler": plugin,
                          "limits": {"connections": LIMIT}}}, daemon={"threads": 3}).start()
        addresses = d.addresses("t")
        crowd = [harness.connect(addresses[i % 2]) for i in range(LIMIT)]
        assert all(map(roundtrip, crowd))

        for _ in range(5):
            for address in addresses:
                with harness.connect(address) as c:
                    assert not roundtrip(c), "one above the limit is served"
        refused = d.wait_log("conn_refused", reason="limit")
        assert refused["limit"] == str(LIMIT) and refused["level"] == "info"
        assert all(map(roundtrip, crowd)), "the others are served on"

        crowd.pop().close()
        d.wait_log("conn_closed", reason="eof")

        def let_in():
            c = harness.connect(addresses[0])
            if roundtrip(c):
                crowd.append(c)
                return True
            c.close()
            return False

        harness.wait_until(let_in, "a place that was given back")
        for c in crowd:
            c.close()
        assert d.stop() == 0


def loops_of(d, count):
    """The loops on which connections live: the upper bits of their numbers."""
    crowd = [d.connect("t") for _ in range(count)]
    assert all(map(roundtrip, crowd))
    for c in crowd:
        c.close()
    d.wait_log("conn_closed", count=count)
    return [int(e["conn"]) >> 48 for e in d.find_logs("conn_closed")]


def test_connections_go_to_the_least_loaded_loop(tmp):
    d = Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}, daemon={"threads": 3}).start()

    loops = loops_of(d, 30)

    assert [loops.count(i) for i in range(3)] == [10, 10, 10], loops
    assert d.stop() == 0


def test_one_thread_is_one_loop(tmp):
    d = Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": "echo", "threads": 1}}, daemon={"threads": 3}).start()

    assert len(set(loops_of(d, 20))) == 1
    assert d.stop() == 0


def test_the_backlog_is_served_in_full(tmp):
    """All of those that come at once."""
    d = Daemon({"t": {"listen": f"unix://{tmp}/s", "handler": "echo-serve", "backlog": 500}}).start()
    crowd = [d.connect("t") for _ in range(500)]

    assert all(map(roundtrip, crowd))
    for c in crowd:
        c.close()
    assert d.stop() == 0
    assert int(d.wait_log("stopped")["served"]) == 500


if __name__ == "__main__":
    harness.main()
