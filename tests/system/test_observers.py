#!/usr/bin/env python3
"""Observers: the states of every listener's connections, in their order; errors and server events."""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

NEW, READ, CLOSE_READ, HANDLER, WRITE, CLOSE_WRITE, CLOSE = range(1, 8)


def start(tmp, **daemon):
    observer = harness.build_plugin(tmp, "observer")
    return Daemon({"one": {"listen": "tcp://127.0.0.1:0", "handler": "echo"},
                   "two": {"listen": f"unix://{tmp}/s", "handler": "echo-serve"}},
                  daemon={"observers": [{"plugin": str(observer)}], **daemon}).start()


def states(d, listener, since):
    found = [e["msg"].split() for e in d.find_logs("state", since)]
    assert all(own == "1" for _, _, own in found), "each is told with the observer's own instance"
    return [int(state) for name, state, _ in found if name == listener]


def test_states_come_in_their_order(tmp):
    d = start(tmp)
    for listener in ("one", "two"):
        since = d.mark()
        with d.connect(listener) as c:
            c.sendall(b"x")
            assert harness.receive_exactly(c, 1) == b"x"
            c.sendall(b"more")
            assert harness.receive_exactly(c, 4) == b"more"
            c.shutdown(socket.SHUT_WR)
            assert c.recv(1) == b""
        d.wait_log("conn_closed", since=since)
        seen = states(d, listener, since)
        assert [s for s in seen if s != CLOSE_READ] == [NEW, HANDLER, READ, WRITE, CLOSE_WRITE, CLOSE], (listener, seen)
        assert listener == "two" or seen.index(CLOSE_READ) == 4, seen
    assert d.stop() == 0


def test_server_events_and_reopen_are_told(tmp):
    d = start(tmp)
    d.wait_log("server", msg="ready")
    d.send(signal.SIGUSR1)
    d.wait_log("reopened", msg="1")
    assert d.stop() == 0
    assert [e["msg"] for e in d.find_logs("server")].count("draining") == 1


if __name__ == "__main__":
    harness.main()
