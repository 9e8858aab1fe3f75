#!/usr/bin/env python3
"""Writes and files of other fibers into a connection whose relay holds a pipe: whole, and between its bytes."""

import fcntl
import os
import random
import select
import socket
import struct
import sys
import termios
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios
from harness import Daemon

MIB = 1 << 20
BLOCK = random.Random(1).randbytes(MIB).replace(b"#", b"-")  # what marks are told apart from


class Joined:
    """A client that takes no more, a server that has sent to it by a pipe until that was full, and somebody who can write
    to the client."""

    def __init__(self, tmp):
        behind = socket.create_server(("127.0.0.1", 0))
        config = {"to": "tcp://127.0.0.1:%d" % behind.getsockname()[1]}
        self.d = Daemon({"t": {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/s"], "threads": 1, "splice": True,
                               "handler": {"plugin": str(scenarios.build("splice")), "config": config}}},
                        daemon={"threads": 1}).start()
        tcp, local = self.d.addresses("t")
        self.client = harness.connect(tcp)
        self.server, _ = behind.accept()
        behind.close()
        self.local, self.others = local, []
        self.blocks, self.enough = 0, threading.Event()
        self.sender = threading.Thread(target=self.send, daemon=True)
        self.sender.start()
        self.taken = []
        harness.wait_until(self.is_held_up_by_a_pipe, "a pipe that is full")
        self.enough.set()

    def is_held_up_by_a_pipe(self):
        """What flows fast goes by a pipe, so it flows until it does."""
        if self.bytes_in_pipes() > 0:
            return not select.select([], [self.server], [], 0)[1]
        self.taken.append(harness.receive_exactly(self.client, MIB))
        return False

    def bytes_in_pipes(self):
        total = 0
        for pid in self.d.pids():
            for fd in os.listdir(f"/proc/{pid}/fd"):
                path = f"/proc/{pid}/fd/{fd}"
                if os.path.islink(path) and os.readlink(path).startswith("pipe:"):
                    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                    total += struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
                    os.close(pipe)
        return total

    def send(self):
        with self.server:
            try:
                while not self.enough.is_set():
                    self.server.sendall(BLOCK)
                    self.blocks += 1
                self.server.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass

    def order(self, what):
        """Have somebody else write that, who has begun when this returns."""
        other = harness.connect(self.local)
        self.others.append(other)
        other.sendall(f"{what}\n".encode())
        harness.wait_until(lambda: not harness.unsent(other), "the order to be read")

    def answer(self):
        """Of the next who was ordered to."""
        with self.others.pop(0) as other:
            line = b""
            while not line.endswith(b"\n"):
                line += harness.receive_exactly(other, 1)
        return line.decode().strip()

    def take_all(self):
        """@return all there is, but for the marks of one piece in its midst, and these"""
        got = b"".join(self.taken) + harness.receive_all(self.client)
        self.sender.join()
        first, last = got.find(b"#"), got.rfind(b"#") + 1
        assert 0 < first < last < len(got), (first, last, len(got))
        assert got[:first] + got[last:] == BLOCK * self.blocks
        return got[first:last]

    def close(self):
        self.client.close()
        self.sender.join()
        assert self.d.stop() == 0


def test_a_write_waits_for_the_pipe_and_is_not_torn(tmp):
    for size in (1, 1000, 100_000, MIB):
        j = Joined(tmp)
        j.order(size)
        assert j.take_all() == size * b"#"
        assert j.answer() == f"{size} sent"
        j.close()


def test_a_file_waits_for_the_pipe_and_is_not_torn(tmp):
    path = tmp / "file"
    for size in (1, 100_000, 3 * MIB):
        path.write_bytes(size * b"#")
        j = Joined(tmp)
        j.order(path)
        assert j.take_all() == size * b"#"
        assert j.answer() == f"{size} sent"
        j.close()


def test_many_of_both_come_one_behind_the_other(tmp):
    path, marks = tmp / "file", [10, 70_000, 3]
    path.write_bytes(50_000 * b"#")
    j = Joined(tmp)
    for what in marks:
        j.order(what)
        j.order(path)
    got = b"".join(j.taken) + harness.receive_all(j.client)
    for what in marks:
        assert j.answer() == f"{what} sent"
        assert j.answer() == "50000 sent"
    assert got.replace(b"#", b"") == BLOCK * j.blocks
    assert got.count(b"#") == sum(marks) + 150_000
    j.close()


def test_who_waits_is_told_when_the_client_breaks_off(tmp):
    path = tmp / "file"
    path.write_bytes(MIB * b"#")
    for what in (MIB, path):
        j = Joined(tmp)
        j.order(what)
        j.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        j.client.close()
        assert j.answer() == "-1 Connection reset by peer"
        j.close()


if __name__ == "__main__":
    harness.main()
