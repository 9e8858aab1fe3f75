#!/usr/bin/env python3
"""Fibers that write, read or copy without an end, beside others on their loop."""

import contextlib
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios

ROUNDTRIPS = 50
SHARE = 256 * 1024  # of a fiber in a turn of its loop
ROOM = 1 << 20  # for the kernel's buffers, which gives as much as it may: more than a share in any case
WAYS = {"send_buffer": ROOM, "receive_buffer": ROOM}


def serve():
    return scenarios.serve("greedy", daemon={"threads": 1}, socket=WAYS)


def ask(c, what=b"?"):
    """How much was moved at most in one turn."""
    c.sendall(what)
    return struct.unpack("Q", harness.receive_exactly(c, 8))[0]


@contextlib.contextmanager
def asking(address):
    with harness.connect(address) as c:
        c.sendall(b"a")
        ask(c)
        yield c


def test_a_fiber_that_need_not_wait_gives_way_after_its_share_of_writing():
    d = serve()
    address = d.addr("t", "tcp")  # where the kernel takes more than a share at once
    with asking(address) as c, harness.connect(address, receive_buffer=ROOM) as full:
        full.sendall(b"w")
        harness.wait_until(lambda: any(x["tx"] > SHARE for x in d.ask("connections")), "more than a share")

        assert 0 < ask(c) <= SHARE, ask(c)
    assert d.stop() == 0


def test_a_fiber_that_need_not_wait_gives_way_after_its_share_of_reading():
    for transport in ("tcp", "unix"):
        d = serve()
        address = d.addr("t", transport)
        with asking(address) as c, harness.connect(address) as full:
            full.setsockopt(harness.socket.SOL_SOCKET, harness.socket.SO_SNDBUF, ROOM)
            full.sendall(b"r")
            full.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                while True:
                    sent += full.send(bytes(65536))
            assert sent > SHARE, "the way there is too short to tell"
            ask(c, b"g")
            harness.wait_until(lambda: any(x["rx"] > sent for x in d.ask("connections")), "all of it to be read")

            assert 0 < ask(c) <= SHARE, ask(c)
        assert d.stop() == 0


# ---------------------------------------------------------------- clients that never make them wait


@contextlib.contextmanager
def greedy(address, what):
    """A client that takes (w), gives (r) or does both (c) as fast as it can."""
    with harness.connect(address) as c, contextlib.ExitStack() as stack:
        c.sendall(what)
        c.setblocking(True)
        ends = []
        if what in (b"w", b"c"):
            ends.append(subprocess.Popen(["cat"], stdin=c, stdout=subprocess.DEVNULL))
        if what in (b"r", b"c"):
            ends.append(subprocess.Popen(["cat", "/dev/zero"], stdin=subprocess.DEVNULL, stdout=c))
        for end in ends:
            stack.callback(end.wait)
            stack.callback(end.kill)
        yield


def moved(d, count):
    """Bytes of each connection that has moved more than the others ever will, when there are so many."""
    found = {x["id"]: x["rx"] + x["tx"] for x in d.ask("connections") if x["rx"] + x["tx"] > 1 << 20}
    return found if len(found) == count else None


def test_others_are_answered_while_they_go_on():
    for transport in ("tcp", "unix"):
        d = serve()
        address = d.addr("t", transport)
        with contextlib.ExitStack() as stack:
            others = [stack.enter_context(asking(address)) for _ in range(2)]
            for what in (b"w", b"r", b"c"):
                stack.enter_context(greedy(address, what))
            ask(others[0], b"g")
            before = harness.wait_until(lambda: moved(d, 3), "the greedy ones at work")
            for _ in range(ROUNDTRIPS):
                for c in others:
                    ask(c)
            after = moved(d, 3)
            assert all(after[i] > before[i] for i in before), (before, after)
            with asking(address) as newcomer:
                ask(newcomer)
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
