#!/usr/bin/env python3
# runner: timeout=300
"""Two dozen fibers a connection, over many connections on one loop and on several: what they send comes to the byte,
and nothing of them stays, also when the client leaves in the middle."""

import concurrent.futures
import os
import re
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import bounds
import harness
import scenarios

# As in plugins/swarm.c.
WRITERS, FRAMES, LARGE, HEADER, LEFT_BEHIND = 8, 6, 70000, 8, 2
SIZES = {**{(n, i): LARGE if i == FRAMES - 1 else (n * 977 + i * 3571) % 6000 for n in range(WRITERS) for i in range(FRAMES)},
         (20, 0): 1000, (21, 0): 1000, (25, 0): 0}
PATTERN = bytes(range(256)) * (LARGE // 256 + 2)

WAYS = ("whole", "half", "cut", "gone") * 10
STACK_KIB, GUARD_KIB, STACKS_KEPT = 320, 64, 256
# Less than any writer has to send: they wait until the client reads.
SMALL = {"buffers": {"write": "16KiB"}, "socket": {"send_buffer": "16KiB"}}


def serve(threads, **daemon):
    """A swarm beside the echo that it dials."""
    return harness.Daemon({"up": {"listen": "unix://${SOCKD_DIR}/up.sock", "handler": "echo"},
                           "t": {"listen": list(scenarios.STREAMS), **SMALL,
                                 "handler": {"plugin": str(scenarios.build("swarm")),
                                             "config": {"upstream": "unix://${SOCKD_DIR}/up.sock"}}}},
                          daemon={"threads": threads, "fiber_stack": f"{STACK_KIB}KiB", **daemon}).start()


def fibers(d):
    """The gauge of the plugin."""
    return int(re.search(r"^sockd_plugin_swarm_fibers\{.*\} (-?\d+)$", d.sockctl("metrics").stdout, re.MULTILINE).group(1))


def stacks(d):
    """How many are mapped, in use or kept: each lies above its guard."""
    found = 0
    for pid in d.pids():
        guard_end = None
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
            for line in f:
                low, high = (int(x, 16) for x in line.split()[0].split("-"))
                access = line.split()[1]
                found += access == "rw-p" and high - low == STACK_KIB * 1024 and low == guard_end
                guard_end = high if access == "---p" and high - low == GUARD_KIB * 1024 else None
    return found


def frames_of(data):
    """The whole frames in what a client got, as (number, sequence); the last may be cut, no byte may be wrong."""
    at, found = 0, []
    while at + HEADER <= len(data):
        letter, sequence, _, size = struct.unpack_from(">BBHI", data, at)
        number = letter - ord("a")
        assert SIZES.get((number, sequence)) == size, f"no frame begins at {at}: {data[at:at + HEADER]}"
        first = (letter * 31 + sequence * 7) % 256
        body = data[at + HEADER:at + HEADER + size]
        assert body == PATTERN[first:first + len(body)], f"frame {sequence} of '{chr(letter)}' is not what was sent"
        if len(body) < size:
            break
        found.append((number, sequence))
        at += HEADER + size
    return found


def visit(address, way, size, all_wait):
    """One client. It may read when all of those that stay have their writers waiting."""
    with harness.connect(address, receive_buffer=4096) as c:
        c.sendall(b"!")
        if way == "gone":
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return
        if way == "half":
            c.shutdown(socket.SHUT_WR)
        assert all_wait.wait(harness.PATIENCE_S)
        if way == "cut":
            frames_of(harness.receive_exactly(c, size))
            return
        found = frames_of(harness.receive_all(c))
    assert sorted(found) == sorted(SIZES), sorted(set(SIZES) - set(found))
    assert found[-1] == (25, 0)
    for writer in range(WRITERS):
        assert [i for n, i in found if n == writer] == list(range(FRAMES)), writer


def visits(d):
    """All of them at once. @return how many stacks there were in the middle"""
    addresses, all_wait = d.addresses("t"), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(len(WAYS)) as pool:
        jobs = [pool.submit(visit, addresses[i // len(addresses) % len(addresses)], way, 1 + i * 9973 % 400000, all_wait)
                for i, way in enumerate(WAYS)]
        stay = sum(way != "gone" for way in WAYS)
        try:
            harness.wait_until(lambda: fibers(d) >= stay * (WRITERS + LEFT_BEHIND), "the fibers of all that stay")
            found = stacks(d)
        finally:
            all_wait.set()
        for job in jobs:
            job.result()
    return found


def nothing_stays(d, threads, descriptors):
    harness.wait_until(lambda: d.status_lines()[-1] == "serving 2 listeners, 0 connections", "the end of all connections")
    harness.wait_until(lambda: fibers(d) == 0, "the end of all fibers")
    harness.wait_until(lambda: d.fd_count() == descriptors, f"{descriptors} descriptors")
    assert stacks(d) <= STACKS_KEPT * threads, stacks(d)
    assert not d.find_logs("swarm_wrong"), d.find_logs("swarm_wrong")


def test_many_connections_on_one_loop_and_on_several():
    for threads in (1, 3):
        d = serve(threads)
        descriptors = bounds.settled_descriptors(d)
        for _ in range(2):
            assert visits(d) > STACKS_KEPT
            nothing_stays(d, threads, descriptors)
        assert d.stop() == 0
        assert not d.find_logs("swarm_wrong")


def test_a_drain_at_its_deadline_ends_all_of_them():
    for threads in (1, 3):
        d = serve(threads, shutdown={"timeout": "500ms"})
        clients = [harness.connect(address, receive_buffer=4096) for address in d.addresses("t") * 4]
        for c in clients:
            c.sendall(b"!")
        harness.wait_until(lambda: fibers(d) >= len(clients) * (WRITERS + LEFT_BEHIND), "their fibers")

        assert d.stop() == 0

        assert len(d.find_logs("conn_closed", listener="t", reason="drain_forced")) == len(clients)
        assert not d.find_logs("swarm_wrong")
        for c in clients:
            frames_of(harness.receive_all(c))
            c.close()


if __name__ == "__main__":
    harness.main()
