#!/usr/bin/env python3
"""limits.bandwidth: no faster than it says, nothing lost, and idle clients do not wait."""

import os
import time

import bandwidth
import harness
from harness import Daemon

KIB = 1024


def listener(handler, limits, listen="tcp://127.0.0.1:0"):
    return {"t": {"listen": listen, "handler": handler, "limits": {"bandwidth": limits}}}


def start(*args, **options):
    return Daemon(listener(*args, **options)).start()


def receive_within(d, clients, seconds):
    sockets = [d.connect("t") for _ in range(clients)]
    counts = bandwidth.receive(sockets, seconds)
    for s in sockets:
        s.close()
    return counts


def test_a_connection_is_written_to_no_faster_than_its_limit():
    d = start("chargen", {"connection": {"write": "256KiB/s"}})
    for count in receive_within(d, 3, 2):
        assert 128 * KIB < count < (2 * 256 + 26 + 64) * KIB, count
    assert d.stop() == 0


def test_a_listener_is_written_to_no_faster_than_its_limit():
    d = start("chargen", {"listener": {"write": "512KiB/s"}})
    counts = receive_within(d, 4, 2)
    assert 512 * KIB < sum(counts) < (2 * 512 + 26 + 64) * KIB, counts
    assert min(counts) > sum(counts) / 4 / 2, counts
    assert d.stop() == 0


def test_reading_is_held_back():
    for limits in ({"connection": {"read": "256KiB/s"}}, {"listener": {"read": "256KiB/s"}}):
        d = start("discard", limits)
        began = time.monotonic()
        with d.connect("t") as s:
            s.sendall(bytes(600 * KIB))
            s.shutdown(harness.socket.SHUT_WR)
            assert s.recv(1) == b""  # all of it was read
        took = time.monotonic() - began
        assert took > 1.9, took  # 600 KiB less the burst, at 256 a second
        d.wait_log("conn_closed", reason="eof", rx=600 * KIB)
        assert d.stop() == 0


def test_nothing_is_lost_in_either_style():
    data = os.urandom(600 * KIB)
    for handler in ("echo", "echo-serve"):
        for listen in ("tcp://127.0.0.1:0", "unix:@sockd-bandwidth-%d" % os.getpid()):
            d = start(handler, {"connection": {"read": "900KiB/s", "write": "700KiB/s"},
                                "listener": {"read": "800KiB/s", "write": "800KiB/s"}}, listen=listen)
            with d.connect("t") as s:
                s.setblocking(False)
                back, sent, until = b"", 0, time.monotonic() + harness.PATIENCE_S
                while len(back) < len(data) and time.monotonic() < until:
                    if sent < len(data):
                        try:
                            sent += s.send(data[sent:sent + 65536])
                        except BlockingIOError:
                            pass
                    try:
                        back += s.recv(1 << 16)
                    except BlockingIOError:
                        time.sleep(0.001)
                assert back == data, (handler, listen, len(back))
            assert d.stop() == 0


def test_small_exchanges_do_not_wait_for_others_to_leave():
    d = start("echo", {"listener": {"read": "1MiB/s", "write": "1MiB/s"}})
    with d.connect("t") as s:
        began = time.monotonic()
        for i in range(200):
            s.sendall(b"%d" % i)
            assert s.recv(10) == b"%d" % i
        assert time.monotonic() - began < 5
    assert d.stop() == 0


def test_what_is_queued_leaves_before_a_close():
    d = start("echo", {"connection": {"write": "200KiB/s"}})
    data = os.urandom(150 * KIB)
    with d.connect("t") as s:
        s.sendall(data)
        s.shutdown(harness.socket.SHUT_WR)
        assert harness.receive_all(s) == data
    d.wait_log("conn_closed", reason="eof", tx=len(data))
    assert d.stop() == 0


def test_a_drain_reads_what_was_held_back():
    d = start("echo", {"connection": {"read": "100KiB/s"}})
    data = os.urandom(60 * KIB)
    with d.connect("t") as s:
        s.sendall(data)
        assert s.recv(1, harness.socket.MSG_PEEK)
        d.send(harness.signal.SIGTERM)
        assert harness.receive_exactly(s, len(data)) == data
    assert d.wait() == 0


if __name__ == "__main__":
    harness.main()
