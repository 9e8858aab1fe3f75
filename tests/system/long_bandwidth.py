#!/usr/bin/env python3
# runner: timeout=300 alone
"""Fifty connections under a listener's limit of 10 MiB/s: all of it, and even shares."""

import bandwidth
import harness
from harness import Daemon

MIB, CLIENTS, SECONDS = 1 << 20, 50, 10
LIMIT = 10 * MIB


def judge(name, counts):
    total, share = sum(counts) / SECONDS, sum(counts) / CLIENTS
    low, high = min(counts) / share, max(counts) / share
    print(f"# {name}: {total / MIB:.2f} MiB/s in all, shares {low:.3f} to {high:.3f} of the mean")
    assert 0.95 < total / LIMIT < 1.05, total / MIB
    assert 0.9 < low and high < 1.1, (low, high)


def test_writes_are_shared():
    for handler in ("chargen",):
        d = Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": handler,
                          "limits": {"bandwidth": {"listener": {"write": "10MiB/s"}}}}}).start()
        sockets = [d.connect("t") for _ in range(CLIENTS)]
        bandwidth.receive(sockets, 2)  # what the burst and the kernel's buffers give
        judge(handler, bandwidth.receive(sockets, SECONDS))
        assert d.stop() == 0


def test_reads_are_shared():
    d = Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": "discard",
                      "socket": {"receive_buffer": "16KiB"},
                      "limits": {"bandwidth": {"listener": {"read": "10MiB/s"}}}}}).start()
    sockets = [d.connect("t") for _ in range(CLIENTS)]
    for s in sockets:
        s.setsockopt(harness.socket.SOL_SOCKET, harness.socket.SO_SNDBUF, 16384)
    bandwidth.send(sockets, 2, 1 << 40)
    judge("discard", bandwidth.send(sockets, SECONDS, 1 << 40))
    d.kill()


if __name__ == "__main__":
    harness.main()
