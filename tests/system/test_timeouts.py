#!/usr/bin/env python3
"""The timeouts of the file, for both styles: who is ended, by which reason, and who is not."""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

PLUGINS = ("echo", "echo-serve")


def start(plugin, **timeouts):
    return Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": plugin, "timeouts": timeouts,
                         "socket": {"send_buffer": "16KiB", "receive_buffer": "16KiB"}}}).start()


def expect_end(d, c, reason, at_least):
    began = time.monotonic()
    try:
        rest = harness.receive_all(c)
    except ConnectionResetError:
        rest = b""
    assert rest == b""
    assert time.monotonic() - began >= at_least * 0.9
    d.wait_log("conn_closed", reason=reason)


def test_a_silent_client_is_ended(tmp):
    for plugin in PLUGINS:
        d = start(plugin, idle="200ms")
        with d.connect("t") as c:
            c.sendall(b"x")
            assert c.recv(1) == b"x"
            expect_end(d, c, "idle_timeout", 0.19)
        assert d.stop() == 0


def test_a_client_that_speaks_is_not_idle(tmp):
    for plugin in PLUGINS:
        d = start(plugin, idle="2s")
        with d.connect("t") as c:
            until = time.monotonic() + 2.5
            while time.monotonic() < until:
                c.sendall(b"x")
                assert c.recv(1) == b"x"
                time.sleep(0.05)
        d.wait_log("conn_closed", reason="eof")
        assert d.stop() == 0


def test_the_first_byte_has_to_come(tmp):
    for plugin in PLUGINS:
        d = start(plugin, first_byte="200ms")
        with d.connect("t") as spoke, d.connect("t") as silent:
            spoke.sendall(b"x")
            assert spoke.recv(1) == b"x"
            expect_end(d, silent, "first_byte_timeout", 0.19)
            spoke.sendall(b"y")
            assert spoke.recv(1) == b"y"
        assert d.stop() == 0


def test_a_client_that_reads_nothing_is_ended(tmp):
    for plugin in PLUGINS:
        d = start(plugin, write="300ms")
        with d.connect("t", receive_buffer=4096) as c:
            c.settimeout(0.1)
            try:
                while True:
                    c.send(bytes(65536))
            except (TimeoutError, ConnectionError):
                pass
            d.wait_log("conn_closed", reason="write_timeout")
        assert d.stop() == 0


def test_a_slow_reader_makes_progress(tmp):
    """The write timeout counts from the last byte that left, not from the first that waits."""
    data = os.urandom(600000)
    for plugin in PLUGINS:
        d = start(plugin, write="5s")
        with d.connect("t", receive_buffer=4096) as c:
            c.setblocking(False)
            sent, got, until = 0, b"", time.monotonic() + harness.PATIENCE_S * 2
            while len(got) < len(data) and time.monotonic() < until:
                try:
                    sent += c.send(data[sent:sent + 65536]) if sent < len(data) else 0
                except BlockingIOError:
                    pass
                try:
                    got += c.recv(4000)
                except BlockingIOError:
                    time.sleep(0.001)
            assert got == data
        assert d.stop() == 0


def test_a_life_is_as_long_as_the_file_says(tmp):
    for plugin in PLUGINS:
        d = start(plugin, lifetime="300ms")
        with d.connect("t") as c:
            began = time.monotonic()
            try:
                while True:
                    c.sendall(b"x")
                    if c.recv(1) != b"x":
                        break
            except (ConnectionError, BrokenPipeError):
                pass
            assert time.monotonic() - began >= 0.25
        d.wait_log("conn_closed", reason="lifetime_timeout")
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
