#!/usr/bin/env python3
"""What a straight-line handler may ask of a stream, over tcp and unix (tests/system/plugins/streams.c)."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

MIB = 1 << 20
ALONE = ("a_connection_tells_of_itself", "a_connection_keeps_what_is_put_there", "every_handle_leads_to_the_instance",
         "a_sleep_takes_its_time", "nonsense_is_refused")


def start(tmp, **more):
    plugin = harness.build_plugin(tmp, "streams")
    return Daemon({"t": {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/s"],
                         "handler": {"plugin": str(plugin), "config": {"number": 42}}, **more}}).start()


def each(d, **options):
    """A client over each transport."""
    for address in d.addresses("t"):
        with harness.connect(address, **options) as c:
            yield c


def ask(c, scenario, data=b""):
    c.sendall(scenario.encode() + b"\n" + data)


def expect_ok(c):
    said = harness.receive_exactly(c, 3)
    if said != b"ok\n":
        raise AssertionError((said + c.recv(1000)).decode())


def test_scenarios_that_need_no_client(tmp):
    d = start(tmp)
    for c in each(d):
        for scenario in ALONE:
            ask(c, scenario)
            expect_ok(c)
    assert d.stop() == 0


def test_reads_take_what_they_ask_for(tmp):
    d = start(tmp)
    for c in each(d):
        for pieces in ([b"abcdefgh"], [b"ab", b"cdefg", b"h"], [bytes([b]) for b in b"abcdefgh"]):
            ask(c, "reads_take_what_they_ask_for")
            for piece in pieces:
                c.sendall(piece)
            expect_ok(c)
    assert d.stop() == 0


def test_a_read_has_a_deadline(tmp):
    d = start(tmp)
    for c in each(d):
        ask(c, "a_read_has_a_deadline")
        assert c.recv(1) == b"!"
        c.sendall(b"!")
        expect_ok(c)
    assert d.stop() == 0


def test_a_write_has_a_deadline(tmp):
    d = start(tmp)
    for c in each(d, receive_buffer=4096):
        since = d.mark()
        ask(c, "a_write_has_a_deadline")
        d.wait_log("write_timed_out", since=since, msg="0")
        d.wait_log("conn_closed", since=since, reason="handler")
    assert d.stop() == 0


def test_the_end_in_the_middle_is_an_error(tmp):
    d = start(tmp)
    for c in each(d):
        ask(c, "the_end_in_the_middle_is_an_error", b"half")
        c.shutdown(socket.SHUT_WR)
        expect_ok(c)
        assert c.recv(1) == b""
    assert d.stop() == 0


def test_writes_are_whole(tmp):
    d = start(tmp)
    for c in each(d, receive_buffer=8192):
        ask(c, "a_write_of_pieces_is_one_write")
        assert harness.receive_exactly(c, 8) == b"one,two\n"
        expect_ok(c)
        ask(c, "a_large_write_waits")
        assert harness.receive_exactly(c, 3 * MIB) == b"L" * (3 * MIB)
        expect_ok(c)
    assert d.stop() == 0


def test_either_way_can_be_closed(tmp):
    d = start(tmp)
    for c in each(d):
        since = d.mark()
        ask(c, "after_close_write_nothing_is_taken")
        assert harness.receive_all(c) == b"last"
        c.sendall(b"y")
        d.wait_log("read_after_close_write", since=since, msg="y")
    for c in each(d):
        ask(c, "after_close_read_there_is_nothing", b"what nobody wants")
        expect_ok(c)
        assert c.recv(1) == b""
    assert d.stop() == 0


def test_a_read_that_waits_ends_with_close_read(tmp):
    d = start(tmp)
    for c in each(d):
        ask(c, "a_read_that_waits_ends_with_close_read")
        expect_ok(c)
    assert d.stop() == 0


def test_a_denied_client_is_told_nothing_more(tmp):
    d = start(tmp)
    for c in each(d):
        since = d.mark()
        ask(c, "a_denied_client_is_told_nothing_more")
        assert c.recv(10) == b""
        d.wait_log("conn_closed", since=since, reason="denied")
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
