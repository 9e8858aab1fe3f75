#!/usr/bin/env python3
"""Echo over every transport, by both echo plugins: byte for byte, whatever the size, and whatever the others do."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import clients
import harness
from harness import Daemon

MIB = 1 << 20
PLUGINS = ("echo", "echo-serve")


def listeners(tmp, plugin):
    return {"tcp": {"listen": "tcp://127.0.0.1:0", "handler": plugin},
            "unix": {"listen": f"unix://{tmp}/s", "handler": plugin},
            "udp": {"listen": "udp://127.0.0.1:0", "handler": plugin},
            "unixgram": {"listen": f"unixgram://{tmp}/g", "handler": plugin}}


def each(tmp):
    """A daemon for each plugin."""
    for plugin in PLUGINS:
        d = Daemon(listeners(tmp, plugin)).start()
        yield plugin, d
        assert d.stop() == 0


def ask(c, data):
    c.send(data)
    return c.recv(1 << 17)


def test_eight_megabytes_come_back_whole_after_the_client_has_ended(tmp):
    data = clients.pattern(8 * MIB)
    for plugin, d in each(tmp):
        for listener in ("tcp", "unix"):
            with d.connect(listener) as c:
                assert clients.exchange(c, data) == data, f"{plugin} over {listener}"


def test_messages_that_gather_come_back_all(tmp):
    """By several clients at once; and a drain does not wait for more to gather."""
    data = clients.pattern(MIB)
    for plugin in PLUGINS:
        with Daemon(listeners(tmp, plugin), daemon={"coalesce_us": 1000}) as d:
            for listener in ("tcp", "unix", "udp", "unixgram"):
                call = d.connect if listener in ("tcp", "unix") else d.datagram
                all_of_them = [call(listener) for _ in range(8)]
                for number, c in enumerate(all_of_them):
                    c.send(b"%d" % number)
                for number, c in enumerate(all_of_them):
                    assert c.recv(10) == b"%d" % number, f"{plugin} over {listener}"
                    c.close()
            with d.connect("tcp") as c:
                assert clients.exchange(c, data) == data, plugin
            assert d.stop() == 0


def test_many_small_pieces_come_back_whole(tmp):
    data = clients.pattern(20000)
    for plugin, d in each(tmp):
        with d.connect("tcp") as c:
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(data), 37):
                c.sendall(data[i:i + 37])
            assert harness.receive_exactly(c, len(data)) == data, plugin


def test_what_a_small_buffer_leaves_behind_follows(tmp):
    """A read brings more than may be queued, and a socket that takes all at once never tells of room."""
    data = clients.pattern(96 << 10)
    for plugin in PLUGINS:
        with Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": plugin, "buffers": {"write": "4KiB"},
                              "socket": {"receive_buffer": "192KiB", "send_buffer": "64KiB"}}}) as d:
            with d.connect("echo", receive_buffer=4096) as c:
                c.sendall(data)
                harness.wait_until(lambda c=c: not harness.unsent(c), "the server's kernel to have it")
                assert harness.receive_exactly(c, len(data)) == data, plugin
            assert d.stop() == 0


def test_a_stream_that_says_nothing_gets_its_end(tmp):
    for plugin, d in each(tmp):
        for listener in ("tcp", "unix"):
            with d.connect(listener) as c:
                c.shutdown(socket.SHUT_WR)
                assert c.recv(1) == b"", f"{plugin} over {listener}"


def test_datagrams_of_every_size_come_back(tmp):
    for plugin, d in each(tmp):
        for listener, sizes in (("udp", (0, 1, 1472, 1473, 65506, 65507)), ("unixgram", (0, 1, 4097, 65536))):
            with d.datagram(listener) as c:
                for size in sizes:
                    data = clients.pattern(size)
                    assert ask(c, data) == data, f"{plugin}, {size} bytes over {listener}"


def test_an_empty_and_an_oversized_datagram_stop_nothing(tmp):
    for plugin, d in each(tmp):
        with d.datagram("unixgram") as odd, d.datagram("unixgram") as other:
            for _ in range(3):
                odd.send(b"")
                odd.send(bytes(65537))  # above buffers.read
            assert ask(other, b"still here") == b"still here", plugin
            for _ in range(3):
                assert odd.recv(10) == b"", plugin
            assert ask(odd, b"as before") == b"as before", plugin
        with d.datagram("udp") as odd, d.datagram("udp") as other:
            odd.send(b"")
            assert ask(other, b"still here") == b"still here", plugin


def test_a_small_buffer_bounds_datagrams_and_nothing_else(tmp):
    for plugin in PLUGINS:
        d = Daemon(listeners(tmp, plugin), defaults={"buffers": {"read": "4KiB"}}).start()
        for listener in ("udp", "unixgram"):
            with d.datagram(listener) as odd, d.datagram(listener) as other:
                odd.send(bytes(4097))
                assert ask(other, bytes(4096)) == bytes(4096), f"{plugin} over {listener}"
                assert ask(odd, b"x") == b"x", f"{plugin} over {listener}"
        data = clients.pattern(MIB)
        with d.connect("tcp") as c:
            assert clients.exchange(c, data) == data, plugin
        assert d.stop() == 0


def test_a_sender_without_a_name_stops_nothing(tmp):
    for plugin, d in each(tmp):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nameless:
            for _ in range(100):
                nameless.sendto(b"who am I?", str(tmp / "g"))
        with d.datagram("unixgram") as c:
            assert ask(c, b"x") == b"x", plugin


def test_a_client_that_left_its_datagrams_behind_stops_nothing(tmp):
    for plugin, d in each(tmp):
        deaf = d.datagram("unixgram")
        with d.datagram("unixgram") as c:
            for _ in range(50):
                deaf.send(bytes(1000))  # nobody reads the answers: its queue is full at once
                assert ask(c, b"x") == b"x", plugin
        deaf.close()
        with d.datagram("udp") as gone:
            gone.send(b"y")  # answered to a port that is closed: an error waits on the daemon's socket
        with d.datagram("udp") as c:
            for _ in range(3):
                assert ask(c, b"x") == b"x", plugin


def test_replies_leave_from_the_address_that_was_asked(tmp):
    for plugin in PLUGINS:
        d = Daemon({"any": {"listen": "udp4://0.0.0.0:0", "handler": plugin}}).start()
        port = d.addr("any").sockaddr[1]
        for host in ("127.0.0.1", "127.0.0.77"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
                c.settimeout(harness.PATIENCE_S)
                c.sendto(b"x", (host, port))
                assert c.recvfrom(10) == (b"x", (host, port)), plugin
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
