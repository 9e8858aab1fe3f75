#!/usr/bin/env python3
"""Lines, frames, looks ahead, files and pauses: what a plugin reads and writes in pieces, on a real daemon."""

import os
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios


def bytewise(c, data):
    """Each byte in a packet of its own, as far as the kernel lets them."""
    if c.family != socket.AF_UNIX:
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(data)):
        c.sendall(data[at:at + 1])
        time.sleep(0.0005)


def on_streams(scenario, data, expected, end=False, slowly=False, **options):
    d = scenarios.serve("frames", **options)
    for address in d.addresses("t"):
        with harness.connect(address) as c:
            c.sendall(scenario.encode() + b"\n")
            (bytewise if slowly else socket.socket.sendall)(c, data)
            if end:
                c.shutdown(socket.SHUT_WR)
            if expected:
                assert harness.receive_exactly(c, len(expected)) == expected
            assert (said := scenarios.answer(c)) == b"ok\n", said
    assert d.stop() == 0


def test_lines():
    sent = b"\r\n" + b"a\rb\n\r\n" + b"x" * 1000 + b"\r\nquit\r\n"
    got = b"2:\r\n" + b"6:a\rb\n\r\n" + b"1002:" + b"x" * 1000 + b"\r\n"
    on_streams("lines", sent, got)


def test_lines_that_come_byte_by_byte():
    on_streams("lines", b"one\r\ntwo\r\nquit\r\n", b"5:one\r\n5:two\r\n", slowly=True)


def test_a_line_that_does_not_fit_stays_unread():
    on_streams("until_limits", b"12345", b"", end=True)


def framed(pattern, *sizes):
    return b"".join(struct.pack(pattern, size) + b"m" * size for size in sizes)


def varint(size):
    out = b""
    while size >= 0x80:
        out += bytes([size & 0x7f | 0x80])
        size >>= 7
    return out + bytes([size])


def test_frames_of_every_kind_come_back():
    d = scenarios.serve("frames", buffers={"read": "16KiB"})
    kinds = {"length1": framed(">B", 1, 255, 0), "length2": framed(">H", 1, 65535, 3, 0),
             "length4_little": framed("<I", 7, 150000, 0), "length8": framed(">Q", 5, 150000, 0),
             "varint": b"".join(varint(n) + b"v" * n for n in (1, 127, 128, 16383, 16384, 150000, 0)),
             "zero_ended": b"text\0" + b"y" * 100000 + b"\0\0"}
    for address in d.addresses("t"):
        for scenario, data in kinds.items():
            with harness.connect(address) as c:
                c.sendall(scenario.encode() + b"\n" + data)
                assert harness.receive_exactly(c, len(data)) == data, scenario
                assert scenarios.answer(c) == b"ok\n", scenario
    with d.connect("t") as c:
        c.sendall(b"varint\n")
        bytewise(c, varint(300) + b"z" * 300 + b"\0")
        assert harness.receive_exactly(c, 303) == varint(300) + b"z" * 300 + b"\0"
        assert scenarios.answer(c) == b"ok\n"
    with d.connect("t") as c:
        c.sendall(b"varint\n" + b"\xff" * 10)
        assert b"errno %d" % 74 in scenarios.answer(c)  # EBADMSG
    assert d.stop() == 0


def test_a_frame_above_the_limit_is_refused_at_its_length():
    on_streams("too_long", b"\0\x0b", b"")


def test_an_end_within_a_frame():
    on_streams("cut_short", b"\0\x0aabc", b"", end=True)


def test_peek_waits_and_takes_nothing():
    on_streams("peeking", b"0123456789", b"", slowly=True)


def test_printf_of_any_length():
    on_streams("print_long", b"", b"0" * 4999 + b"7")


def test_datagrams_are_messages():
    d = scenarios.serve("frames", scenarios.DATAGRAMS)
    for address in d.addresses("t"):
        with d.datagram_to(address) as c:
            for part in (b"messages\n", b"first", b"x" * 21, b"second"):
                c.send(part)
            assert c.recv(100) == b"answer"
            assert (said := c.recv(500)) == b"ok\n", said
    assert d.stop() == 0


def a_file(tmp):
    data = os.urandom(3000000)
    (tmp / "file").write_bytes(data)
    return data


def test_sendfile_on_a_fiber(tmp):
    data = a_file(tmp)
    on_streams("send_file", b"", data + data[10:110], config={"file": str(tmp / "file"), "size": len(data)})


def test_lines_and_frames_in_event_style():
    d = scenarios.serve("frames_event", buffers={"read": "4KiB"})
    for address in d.addresses("t"):
        with harness.connect(address) as c:
            bytewise(c, b"one\nlen\n\0\5abcde" + b"two\n")
            expected = b"4 one\nframe of 5, ends with e\n4 two\n"
            assert harness.receive_exactly(c, len(expected)) == expected
            c.sendall(b"len\n\x05\x00" + b"q" * 1280 + b"end\n")
            expected = b"frame of 1280, ends with q\n4 end\n"
            assert harness.receive_exactly(c, len(expected)) == expected
            c.sendall(b"x" * 40)
            assert harness.receive_all(c) == b"error 90\n"  # EMSGSIZE
    assert d.stop() == 0


def test_sendfile_in_event_style(tmp):
    data = a_file(tmp)
    d = scenarios.serve("frames_event", config={"file": str(tmp / "file")}, socket={"send_buffer": "64KiB"})
    for address in d.addresses("t"):
        with harness.connect(address, receive_buffer=65536) as c:
            c.sendall(b"before\nfile\n")
            got = harness.receive_exactly(c, 9 + len(data))
            assert got[:9] == b"7 before\n" and got[9:] == data
            assert harness.receive_exactly(c, 5) == b"done\n"
    assert d.stop() == 0
    assert not d.find_logs("wrong")


def test_a_file_that_the_kernel_takes_at_once_is_followed_by_writable(tmp):
    data = bytes(range(256)) * 4800  # more than a loop sends in one go, and less than the way has room for
    (tmp / "file").write_bytes(data)
    d = scenarios.serve("frames_event", config={"file": str(tmp / "file")})
    with harness.connect(d.addr("t", "tcp"), receive_buffer=4 << 20) as c:
        c.sendall(b"before\nfile\n")
        assert harness.receive_exactly(c, 14 + len(data)) == b"7 before\n" + data + b"done\n"
    assert d.stop() == 0
    assert not d.find_logs("wrong")


def test_a_file_under_way_goes_before_a_drain_ends_it(tmp):
    data = a_file(tmp)
    d = scenarios.serve("frames_event", config={"file": str(tmp / "file")}, socket={"send_buffer": "64KiB"},
                        daemon={"shutdown": {"timeout": "60s"}})
    with harness.connect(d.addr("t", "tcp"), receive_buffer=65536) as c:
        c.sendall(b"file\n")
        assert c.recv(1) == data[:1]
        d.send(signal.SIGTERM)
        assert harness.receive_all(c) == data[1:] + b"done\n"
    assert d.wait() == 0


def test_a_file_that_becomes_shorter_ends_the_connection(tmp):
    data = a_file(tmp)
    d = scenarios.serve("frames_event", config={"file": str(tmp / "file")}, socket={"send_buffer": "64KiB"})
    with harness.connect(d.addr("t", "tcp"), receive_buffer=65536) as c:
        c.sendall(b"file\n")
        assert c.recv(1) == data[:1]
        os.truncate(tmp / "file", 10)
        try:
            assert len(harness.receive_all(c)) < len(data) - 1
        except ConnectionResetError:
            pass
    d.wait_log("conn_closed", reason="error")
    assert d.stop() == 0


def test_a_paused_reader_reads_nothing():
    d = scenarios.serve("frames_event")
    for address in d.addresses("t"):
        with harness.connect(address) as c:
            c.sendall(b"pause\nmore\n")
            expected = b"after 1\n5 more\n"
            assert harness.receive_exactly(c, len(expected)) == expected
            c.sendall(b"pause\n")
            c.shutdown(socket.SHUT_WR)
            assert harness.receive_all(c) == b""
    assert d.stop() == 0


def test_a_paused_datagram_reader_loses_nothing():
    d = scenarios.serve("frames_event", scenarios.DATAGRAMS)
    clients = [d.datagram_to(address) for address in d.addresses("t")]
    for c in clients:
        for part in (b"pause", *(b"%d" % i for i in range(20))):
            c.send(part)
    for c in clients:
        assert [c.recv(100) for _ in range(21)] == [b"paused", *(b"%d" % i for i in range(20))]
        c.close()
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
