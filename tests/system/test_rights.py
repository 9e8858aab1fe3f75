#!/usr/bin/env python3
"""Descriptors that travel over unix sockets, and that nobody can fill the worker's table with them."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios
from harness import Daemon

UNIX = (scenarios.STREAMS[1], scenarios.DATAGRAMS[1])


def client(d, address):
    return d.datagram_to(address) if address.transport == "unixgram" else harness.connect(address)


def test_descriptors_go_both_ways():
    d = scenarios.serve("rights", UNIX)
    for address in d.addresses("t"):
        with client(d, address) as c:
            r, w = os.pipe()
            c.send(b"take_one\n")
            socket.send_fds(c, [b"take"], [w])
            os.close(w)
            assert scenarios.answer(c) == b"ok\n"
            assert os.read(r, 100) == b"through it"
            assert os.read(r, 100) == b"", "the plugin's end is not closed"
            os.close(r)
            c.send(b"give_one\n")
            data, fds, _, _ = socket.recv_fds(c, 5, 4)
            assert data == b"given" and len(fds) == 1
            assert os.read(fds[0], 100) == b"from the plugin"
            os.close(fds[0])
            assert scenarios.answer(c) == b"ok\n"
    assert d.stop() == 0


def test_descriptors_keep_their_place_among_much_data():
    d = scenarios.serve("rights", UNIX[:1])
    with client(d, d.addresses("t")[0]) as c:
        c.send(b"give_with_much\n")
        size, said = 0, []  # a read may begin before the byte that a descriptor came with, and ends after it
        while size < 6 << 20:
            data, fds, _, _ = socket.recv_fds(c, min(65536, (6 << 20) - size), 4)
            assert data and data == b"m" * len(data)
            for fd in fds:
                said.append(((size + len(data) - 1) // (3 << 20), os.read(fd, 100)))
                os.close(fd)
            size += len(data)
        assert said == [(0, b"first"), (1, b"second")], said
        assert scenarios.answer(c) == b"ok\n"
    assert d.stop() == 0


def test_who_gives_to_a_client_that_does_not_read_is_let_go():
    d = scenarios.serve("rights", UNIX[:1])
    with client(d, d.addresses("t")[0]) as c:
        c.send(b"give_up\n")
        assert "timed out" in d.wait_log("gave_up")["msg"]
    assert d.stop() == 0


def test_those_beyond_the_room_are_closed():
    d = scenarios.serve("rights", UNIX)
    for address in d.addresses("t"):
        with client(d, address) as c:
            r, w = os.pipe()
            c.send(b"take_some\n")
            socket.send_fds(c, [b"take"], [w, w, w])
            os.close(w)
            assert scenarios.answer(c) == b"ok\n"
            assert os.read(r, 1) == b""
            os.close(r)
    assert d.stop() == 0


def test_other_transports_do_not_carry_them():
    d = scenarios.serve("rights", (scenarios.STREAMS[0], scenarios.DATAGRAMS[0]))
    scenarios.run_all(d, "not_here")
    assert d.stop() == 0


def test_unwanted_descriptors_do_not_stay():
    for plugin in ("echo", "echo-serve"):
        d = Daemon({"t": {"listen": list(UNIX), "handler": plugin}}).start()
        for address in d.addresses("t"):
            with client(d, address) as c:
                r, w = os.pipe()
                for _ in range(30):
                    socket.send_fds(c, [b"x"], [w] * 10)
                    assert c.recv(1) == b"x"
                c.send(b"y")
                assert c.recv(1) == b"y"
                os.close(w)
                os.set_blocking(r, True)
                assert os.read(r, 1) == b"", "a copy of the descriptor is still open"
                os.close(r)
        assert d.stop() == 0


def test_only_those_get_any_who_ask():
    so = scenarios.build("rights", "-DWANTS=0")
    with Daemon({"t": {"listen": list(UNIX), "handler": str(so)}}) as d:
        scenarios.run_all(d, "unasked")
        assert d.stop() == 0


def test_one_that_found_no_room_is_told_when_there_is():
    for flags in ((), ("-DSOCKD_ABI_MINOR=0",)):  # 1.0 had no way to ask
        give_a_thousand(scenarios.build("rights_event", *flags))


def give_a_thousand(so):
    d = Daemon({"t": {"listen": "unix://${SOCKD_DIR}/s", "handler": str(so), "socket": {"send_buffer": "16KiB"}}}).start()
    with d.connect("t") as c:
        r, w = os.pipe()
        socket.send_fds(c, [b"x"], [w])
        os.close(w)
        d.wait_log("full")

        given = 0
        while True:
            data, fds, _, _ = socket.recv_fds(c, 1024, 4)
            for fd in fds:
                os.write(fd, b"." if given == 0 else b"")
                os.close(fd)
            given += len(fds)
            if data.endswith(b"!"):
                break

        assert given == 1000, given
        assert os.read(r, 10) == b"."
        os.close(r)
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
