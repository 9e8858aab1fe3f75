#!/usr/bin/env python3
"""Listeners that move to an address which overlaps with the one they had: nobody is refused in between."""

import os
import shutil
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from reloading import Reloading, build_named, echo, named, roundtrip
from test_processes import workers

CLIENTS = 8


class Callers:
    """Closed loops of calls to one port of 127.0.0.1, until they are asked for what failed."""

    def __init__(self, call, port):
        self.call, self.port, self.over, self.failures, self.served = call, port, threading.Event(), [], [0] * CLIENTS
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        self.go_on()

    def run(self, i):
        while not self.over.is_set():
            try:
                self.call(self.port)
                self.served[i] += 1
            except (OSError, AssertionError) as e:
                self.failures.append(repr(e))

    def go_on(self):
        """Every one of them is served once more at least."""
        wanted = [n + 2 for n in self.served]
        harness.wait_until(lambda: self.failures or all(n >= w for n, w in zip(self.served, wanted)), "calls")

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(harness.PATIENCE_S)
        assert self.failures == [], (len(self.failures), self.failures[:5])


def call_stream(port):
    with socket.create_connection(("127.0.0.1", port), harness.PATIENCE_S) as c:
        roundtrip(c)


def call_datagram(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.settimeout(harness.PATIENCE_S)
        c.connect(("127.0.0.1", port))
        c.send(b"x")
        assert c.recv(9) == b"x"


def moves(d, scheme, port, callers, rounds):
    for host in ["0.0.0.0", "127.0.0.1", "[::]", "0.0.0.0", "[::]", "127.0.0.1"] * rounds:
        d.listeners["a"]["listen"] = f"{scheme}://{host}:{port}"
        assert [c["key"] for c in d.reload_well()] == ["listen"]
        callers.go_on()


def test_a_stream_listener_moves_and_refuses_nobody():
    port = harness.free_port()
    d = Reloading({"a": echo(f"tcp://127.0.0.1:{port}")}, {"threads": 2}).start()
    fds = d.fd_count()
    with d.connect("a") as first:
        callers = Callers(call_stream, port)
        moves(d, "tcp", port, callers, 3)
        callers.end()
        roundtrip(first)
    assert d.sockctl("listeners").stdout.count(f":{port}") == 1
    harness.wait_until(lambda: d.fd_count() <= fds, "no descriptor more")
    assert d.stop() == 0


def test_a_datagram_listener_moves_and_loses_nothing():
    port = harness.free_port(socket.SOCK_DGRAM)
    for threads in (1, 2):
        d = Reloading({"a": echo(f"udp://127.0.0.1:{port}")}, {"threads": threads}).start()
        callers = Callers(call_datagram, port)
        moves(d, "udp", port, callers, 2)
        callers.end()
        assert d.stop() == 0


def test_a_move_that_is_refused_disturbs_nobody(tmp):
    port = harness.free_port()
    d = Reloading({"a": echo(f"tcp://0.0.0.0:{port}")}, {"threads": 2}).start()
    d.settings["plugin_path"].append(str(tmp))
    shutil.copy(build_named("1"), tmp / "named.so")
    callers = Callers(call_stream, port)
    for _ in range(5):
        # The more precise address would get every client if it listened before all is settled.
        d.listeners = {"a": echo(f"tcp://127.0.0.1:{port}"), "b": named("w", fails="start")}
        d.reload_badly("named")
        callers.go_on()
    callers.end()
    with socket.create_connection(("127.0.0.2", port)) as c:
        roundtrip(c)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            stranger.bind(("127.0.0.1", port))
            stranger.listen()
        except OSError:
            pass
        else:
            raise AssertionError("the port is open to others")
    assert d.stop() == 0


def test_another_listener_may_take_over_the_port():
    port = harness.free_port()
    d = Reloading({"a": echo(f"tcp://127.0.0.1:{port}")}, {"threads": 2}).start()
    callers = Callers(call_stream, port)
    d.listeners = {"b": echo(f"tcp://0.0.0.0:{port}")}
    d.reload_well()
    callers.go_on()
    callers.end()
    assert d.stop() == 0


def test_who_waited_while_it_stepped_aside_is_served_by_any_number_of_loops():
    port = harness.free_port()
    # Freed memory that is used again shows at once.
    d = Reloading({"a": echo(f"tcp://127.0.0.1:{port}")}, {"threads": 2}, env={"MALLOC_PERTURB_": "165"}).start()
    (pid,) = workers(d)
    d.sockctl("listener", "pause", "a")
    clients = [socket.create_connection(("127.0.0.1", port), harness.PATIENCE_S) for _ in range(16)]
    d.listeners["a"]["listen"] = f"tcp://0.0.0.0:{port}"
    d.reload_well()
    for c in clients[:-1]:
        roundtrip(c)
        c.close()
    harness.wait_until(lambda: d.ask("listeners")[0]["open"] == 1, "all but one have ended")
    roundtrip(clients[-1])
    clients[-1].close()
    d.listeners["a"]["timeouts"] = {"idle": "5m"}
    d.reload_well()
    assert workers(d) == [pid]
    assert d.stop() == 0

def test_a_drain_ends_what_has_stepped_aside():
    port = harness.free_port()
    d = Reloading({"a": echo(f"tcp://127.0.0.1:{port}")}).start()
    d.listeners["a"]["listen"] = f"tcp://0.0.0.0:{port}"
    d.reload_well()
    assert d.stop() == 0


def test_an_address_that_stays_keeps_its_port():
    port = harness.free_port()
    d = Reloading({"a": echo(f"tcp://127.0.0.1:{port}")}).start()
    a = d.listeners["a"]
    b, name = echo(f"tcp://0.0.0.0:{port}"), echo(f"tcp4://localhost:{port}")
    d.listeners = {"a": a, "b": b}
    d.reload_badly(f"0.0.0.0:{port} is taken by", f"{d.config}:")
    d.listeners = {"a": name, "b": b}  # what a name stands for shows when it is bound
    d.reload_badly(f"0.0.0.0:{port} is in use by this sockd itself", f"{d.config}:")
    d.listeners = {"b": b, "a": name}
    d.reload_badly(f"'tcp4://localhost:{port}' overlaps with another address of this file", f"{d.config}:")
    call_stream(port)
    assert d.stop() == 0


def test_a_unix_path_changes_its_type_in_two_reloads(tmp):
    d = Reloading({"a": echo(f"unix://{tmp}/s")}).start()
    d.listeners["a"]["listen"] = f"unixgram://{tmp}/s"
    d.reload_badly("give it up in a reload of its own", f"{d.config}:")
    with d.connect("a") as c:
        roundtrip(c)
    moved = d.listeners.pop("a")
    d.listeners["other"] = echo()
    d.reload_well()
    d.listeners["a"] = moved
    d.reload_well()
    with d.datagram("a") as c:
        c.send(b"x")
        assert c.recv(9) == b"x"
    assert d.stop() == 0


def test_a_worker_that_starts_after_a_move_serves_it():
    port = harness.free_port()
    d = Reloading({"a": echo(f"tcp://127.0.0.1:{port}")}).start()
    d.listeners["a"]["listen"] = f"tcp://0.0.0.0:{port}"
    d.reload_well()
    (pid,) = workers(d)
    os.kill(pid, signal.SIGKILL)
    d.wait_log("worker_ready", generation=2)
    call_stream(port)
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
