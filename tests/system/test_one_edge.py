#!/usr/bin/env python3
"""The kernel tells once of all that has come. What comes together, and ends a read early, is still read whole: the
worker stands still while it comes, so that it is one edge."""

import errno
import os
import socket
import ssl
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import certs
import harness
import scenarios
from harness import Daemon

STYLES = ("echo", "echo-serve")
MIB = 1 << 20


def started(handler, **listener):
    return Daemon({"t": {"listen": list(scenarios.STREAMS), "handler": handler, **listener}}, daemon={"threads": 1}).start()


def known(address):
    """A client that is being waited for: it has been answered once."""
    c = harness.connect(address)
    c.sendall(b"?")
    assert c.recv(1) == b"?"
    return c


def test_an_end_that_comes_with_the_last_bytes():
    for style in STYLES:
        d = started(style)
        for address in d.addresses("t"):
            with known(address) as c:
                with d.standing_still():
                    c.sendall(b"last")
                    c.shutdown(socket.SHUT_WR)
                assert harness.receive_all(c) == b"last"
        assert d.stop() == 0


def test_an_end_that_comes_with_much():
    """More than one turn of the loop reads."""
    data = os.urandom(3 * MIB)
    for style in STYLES:
        d = started(style, socket={"receive_buffer": "4MiB"})
        for address in d.addresses("t"):
            with known(address) as c:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MIB)
                c.setblocking(False)
                with d.standing_still():
                    sent = c.send(data)
                    c.shutdown(socket.SHUT_WR)
                c.settimeout(harness.PATIENCE_S)
                assert sent > 64 << 10, sent
                assert harness.receive_all(c) == data[:sent]
        assert d.stop() == 0


def test_a_reset_that_comes_with_the_last_bytes():
    """The plugin writes nothing, so only a read can tell."""
    d = Daemon({"t": {"listen": scenarios.STREAMS[0], "handler": "discard"}}).start()
    c = d.connect("t")
    d.wait_for(lambda: d.ask("connections"), "the connection")
    with d.standing_still():
        c.sendall(b"last")
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
    d.wait_log("conn_closed", reason="reset")
    assert d.stop() == 0


def test_what_lies_behind_urgent_data():
    """A read ends at the mark; the urgent byte itself is for those who ask for it."""
    for style in STYLES:
        d = started(style)
        for address in d.addresses("t"):
            with known(address) as c:
                with d.standing_still():
                    c.sendall(b"before")
                    try:
                        c.send(b"!", socket.MSG_OOB)
                    except OSError as e:
                        if e.errno != errno.EOPNOTSUPP:  # a unix socket of an older kernel
                            raise
                    c.sendall(b"behind")
                assert harness.receive_exactly(c, 12) == b"beforebehind"
                c.sendall(b"later")
                assert harness.receive_exactly(c, 5) == b"later"
        assert d.stop() == 0


def test_what_lies_behind_descriptors_that_nobody_wants():
    for style in STYLES:
        d = started(style)
        with known(d.addr("t", "unix")) as c:
            with d.standing_still():
                for word in (b"one", b"two", b"six"):
                    socket.send_fds(c, [word], [0])
                c.sendall(b"ten")
            assert harness.receive_exactly(c, 12) == b"onetwosixten"
        assert d.stop() == 0


def test_what_lies_behind_descriptors_that_somebody_wants():
    d = scenarios.serve("rights", scenarios.STREAMS[1:])
    with harness.connect(d.addresses("t")[0]) as c:
        r, w = os.pipe()
        with d.standing_still():
            for _ in range(2):
                c.sendall(b"take_one\n")
                socket.send_fds(c, [b"take"], [w])
        os.close(w)
        assert harness.receive_exactly(c, 6) == b"ok\nok\n"
        assert os.read(r, 100) == b"through it" * 2
        os.close(r)
    assert d.stop() == 0


def test_tls_records_and_an_end_that_come_together(tmp):
    ca = certs.Authority(tmp)
    leaf = ca.issue("server", ip=("127.0.0.1",))
    for style in STYLES:
        d = Daemon({"t": {"listen": scenarios.STREAMS[0], "handler": style,
                          "tls": {"certificates": [{"cert": str(leaf.cert), "key": str(leaf.key)}]}}}).start()
        context = ssl.create_default_context(cafile=str(ca.cert))
        with context.wrap_socket(d.connect("t"), server_hostname="127.0.0.1") as c:
            c.sendall(b"?")
            assert c.recv(1) == b"?"
            with d.standing_still():
                for i in range(40):
                    c.sendall(b"%04d" % i)
                socket.socket.shutdown(c, socket.SHUT_WR)  # without a close_notify
            assert harness.receive_exactly(c, 160) == b"".join(b"%04d" % i for i in range(40))
            d.wait_log("conn_closed", reason="tls_truncated")
        assert d.stop() == 0


def test_what_a_fiber_leaves_of_the_input_that_it_borrowed():
    """In event style the rest is data()'s, and the end eof()'s."""
    d = scenarios.serve("borrowed")
    for address in d.addresses("t"):
        with harness.connect(address) as c:
            c.sendall(b"b")
            assert c.recv(1) == b"?"
            with d.standing_still():
                c.sendall(b"one")
            assert harness.receive_exactly(c, 5) == b"[o]ne"
            c.sendall(b"w")
            assert c.recv(1) == b"?"
            with d.standing_still():
                c.sendall(b"two,too")  # all of it is read
            assert harness.receive_exactly(c, 9) == b"[two,]too"
            c.sendall(b"b")
            assert c.recv(1) == b"?"
            with d.standing_still():
                c.sendall(b"six")
                c.shutdown(socket.SHUT_WR)
            assert harness.receive_all(c) == b"[s]ix."
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
