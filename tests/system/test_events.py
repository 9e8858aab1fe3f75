#!/usr/bin/env python3
"""Event handlers: each entry is called when it should, and every ending has its reason (tests/system/plugins/events.c)."""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

TIMEOUTS = {"r": (1, "idle_timeout"), "w": (2, "write_timeout"), "i": (3, "idle_timeout"), "l": (4, "lifetime_timeout")}


def start(tmp, **more):
    plugin = harness.build_plugin(tmp, "events")
    return Daemon({"t": {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/s"], "handler": str(plugin),
                         "buffers": {"write": "64KiB"}, **more}}).start()


def each(d, **options):
    for address in d.addresses("t"):
        with harness.connect(address, **options) as c:
            yield c, d.mark()


def ask(c, order, size=100):
    c.sendall(order)
    return c.recv(size)


def test_mistakes_are_told_and_change_nothing(tmp):
    d = start(tmp)
    for c, _ in each(d):
        assert ask(c, b"m") == b"ok\n"
        assert ask(c, b"x") == b"x"
    assert d.stop() == 0


def test_a_full_writer_takes_nothing_and_tells_when_there_is_room(tmp):
    d = start(tmp)
    for c, since in each(d, receive_buffer=4096):
        c.sendall(b"f")
        filled = int(d.wait_log("filled", since=since)["msg"])
        assert filled > 0 and filled % 10000 == 0, "every write was whole"
        assert not d.find_logs("writable", since)
        assert harness.receive_exactly(c, filled) == bytes(filled)
        assert int(d.wait_log("writable", since=since)["msg"]) >= 32768, "half of the buffer is free"
        assert ask(c, b"x") == b"x"
    assert d.stop() == 0


def test_every_ending_has_its_reason(tmp):
    d = start(tmp)
    for order, reason, number in ((b"c", "handler", 2), (b"a", "handler", 2), (b"d", "denied", 9)):
        for c, since in each(d):
            c.sendall(order + b"xyz")  # what follows the end is not answered
            try:
                said = harness.receive_all(c)
                assert said == (b"bye" if order == b"c" else b""), said
            except ConnectionResetError:
                assert order == b"a"
            d.wait_log("closed", since=since, msg=number)
            d.wait_log("conn_closed", since=since, reason=reason)
    for c, since in each(d):
        c.sendall(b"x")
        c.shutdown(socket.SHUT_WR)
        assert harness.receive_all(c) == b"xseen", "eof() may still answer"
        d.wait_log("closed", since=since, msg=1)
    assert len(d.find_logs("opened", msg="4")) == len(d.find_logs("closed")) == 8
    assert d.stop() == 0


def test_a_reset_is_told_once(tmp):
    d = start(tmp)
    since = d.mark()
    with d.connect("t") as c:
        assert ask(c, b"x") == b"x"
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    d.wait_log("closed", since=since, msg=13)
    assert d.stop() == 0
    assert len(d.find_logs("closed")) == 1


def test_a_half_closed_connection_still_reads(tmp):
    d = start(tmp)
    for c, since in each(d):
        c.sendall(b"e")
        assert c.recv(1) == b""
        c.sendall(b"f")
        assert d.wait_log("filled", since=since)["msg"] == "-1", "EPIPE after close_write"
        c.shutdown(socket.SHUT_WR)
        d.wait_log("closed", since=since, msg=1)
    assert d.stop() == 0


def test_a_timeout_may_be_put_off_and_then_ends_it(tmp):
    d = start(tmp)
    for order, (number, reason) in TIMEOUTS.items():
        for c, since in each(d):
            c.sendall(order.encode())
            assert c.recv(1) == b"", order
            d.wait_log("conn_closed", since=since, reason=reason)
            told = [e["msg"] for e in d.find_logs("timeout", since)]
            assert told == [str(number)] * (1 if order == "i" else 2), (order, told)
    assert d.stop() == 0


def test_a_drain_is_told_and_may_be_answered(tmp):
    d = start(tmp)
    with d.connect("t") as c, d.connect("t") as other:
        assert ask(c, b"x") == b"x"
        assert ask(other, b"b") == b"busy"
        d.send(signal.SIGTERM)
        assert harness.receive_all(c) == b"drain"
        assert harness.receive_all(other) == b"drain"
    assert d.wait() == 0
    assert [e["msg"] for e in d.find_logs("drain_told")] == ["1", "1"]


if __name__ == "__main__":
    harness.main()
