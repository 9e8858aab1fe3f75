#!/usr/bin/env python3
"""Under load from clients of their own processes: reloads, upgrades and crashes, and what each may cost."""

import json
import multiprocessing
import os
import re
import selectors
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from test_processes import echoes, workers
from test_upgrade import Installed

CLIENTS, PROCESSES = 200, 4
REQUEST = b"a request\n"


def crowd(address, count, stop, results):
    """Closed loops in one process, each a connection a request; cheap, so that the daemon is what is measured."""
    chosen, served, refused, failed = selectors.DefaultSelector(), 0, 0, []

    def begin():
        nonlocal refused
        s = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            s.connect(address.sockaddr)
            s.sendall(REQUEST)
            s.shutdown(socket.SHUT_WR)
        except OSError as e:
            refused += isinstance(e, ConnectionRefusedError)
            failed.append(repr(e))
            s.close()
            return
        chosen.register(s, selectors.EVENT_READ, [b""])

    for _ in range(count):
        begin()
    while chosen.get_map():
        for key, _ in chosen.select(1):
            try:
                part = key.fileobj.recv(65536)
            except OSError as e:
                part, key.data[0] = b"", repr(e).encode()
            key.data[0] += part
            if part:
                continue
            if key.data[0] == REQUEST:
                served += 1
            else:
                failed.append(key.data[0].decode("latin-1"))
            chosen.unregister(key.fileobj)
            key.fileobj.close()
            if not stop.is_set():
                begin()
    results.put((served, refused, failed))


class Crowd:
    def __init__(self, address):
        self.stop_event, self.results = multiprocessing.Event(), multiprocessing.Queue()
        self.began = time.monotonic()
        self.processes = [multiprocessing.Process(target=crowd, args=(address, CLIENTS // PROCESSES, self.stop_event,
                                                                      self.results)) for _ in range(PROCESSES)]
        for process in self.processes:
            process.start()

    def stop(self):
        """@return requests served, connections refused, failures"""
        self.stop_event.set()
        parts = [self.results.get(timeout=60) for _ in self.processes]
        for process in self.processes:
            process.join()
        served = sum(part[0] for part in parts)
        self.seconds = time.monotonic() - self.began
        self.rate = served / self.seconds
        print(f"# {served} requests on new connections, {self.rate:.0f} a second", flush=True)
        return served, sum(part[1] for part in parts), [f for part in parts for f in part[2]]


def daemon(tmp):
    return Installed(tmp, {"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo", "limits": {"connections": 5000}},
                           "other": {"listen": "unix:@sockd-long-other", "handler": "echo"}},
                     daemon={"log": {"level": "notice", "target": "stderr"}, "shutdown": {"timeout": "10s"}})


def counted(d, name, **labels):
    """A counter of the listener `echo`, with these labels beside its name."""
    wanted = {"listener": "echo", **labels}
    for line in d.sockctl("metrics").stdout.splitlines():
        found = re.fullmatch(r"(\w+)\{(.*)\} (\d+)", line)
        if found and found[1] == name and dict(re.findall(r'(\w+)="([^"]*)"', found[2])) == wanted:
            return int(found[3])
    raise AssertionError(f"there is no {name} {wanted}")


def agrees(d, served, extra=0, more=0):
    """Every counter is the clients' own count, to the unit; `extra` more clients said and heard one `hello` each,
    and so many bytes `more`."""
    harness.wait_until(lambda: counted(d, "sockd_connections_open") == 0, "the end of all connections")
    size = served * len(REQUEST) + extra * len(b"hello") + more
    assert counted(d, "sockd_connections_accepted_total") == served + extra
    # A worker that drains in an upgrade may be the first to end what it has answered.
    closed = sum(counted(d, "sockd_connections_closed_total", reason=reason) for reason in ("eof", "drain"))
    assert closed == served + extra, (closed, served, extra)
    assert counted(d, "sockd_read_bytes_total") == size
    assert counted(d, "sockd_written_bytes_total") == size


def ends_with(d, served):
    assert d.stop(timeout=60) == 0
    stopped = d.wait_log("stopped")
    assert int(stopped["served"]) == served, (stopped, served)


def test_a_hundred_reloads_disturb_nobody(tmp):
    with daemon(tmp).start() as d:
        address = d.addr("echo")
        tree = json.loads(d.config.read_text())
        with harness.connect(address) as first:
            echoes(first)
            clients = Crowd(address)
            for i in range(100):
                tree["listeners"]["other"]["limits"] = {"connections": 100 + i}
                tree["listeners"].pop(f"extra{i - 1}", None)
                tree["listeners"][f"extra{i}"] = {"listen": f"unix:@sockd-long-{i}", "handler": "echo"}
                d.config.write_text(json.dumps(tree))
                since = d.mark()
                d.send(signal.SIGHUP)
                d.wait_log("reloaded", since=since)
            served, refused, failed = clients.stop()
            first.sendall(b"he")  # with what it said first, one hello and two letters more
            assert harness.receive_exactly(first, 2) == b"he"
        assert (refused, failed) == (0, []), (refused, failed[:5])
        assert clients.rate >= 1000, clients.rate
        agrees(d, served, extra=1, more=2)
        ends_with(d, served + 1)


def test_twenty_upgrades_refuse_and_lose_nobody(tmp):
    with daemon(tmp).start() as d:
        clients = Crowd(d.addr("echo"))
        for _ in range(20):
            d.upgrade()
            harness.wait_until(lambda: len(workers(d)) == 1, "the old worker's end", 60)
        served, refused, failed = clients.stop()
        assert (refused, failed) == (0, []), (refused, failed[:5])
        assert clients.rate >= 1000, clients.rate
        agrees(d, served)
        ends_with(d, served)


def test_twenty_crashes_cost_what_was_open_and_refuse_nobody(tmp):
    with daemon(tmp).start() as d:
        clients, lost = Crowd(d.addr("echo")), 0
        for generation in range(1, 21):
            before = counted(d, "sockd_connections_accepted_total")
            harness.wait_until(lambda: counted(d, "sockd_connections_accepted_total") >= before + 2000, "some traffic", 60)
            (pid,) = workers(d)
            os.kill(pid, signal.SIGKILL)
            d.wait_log("worker_died", generation=generation)
            d.wait_log("worker_ready", generation=generation + 1, timeout=60)
        served, refused, failed = clients.stop()
        waited_s = sum(int(e["wait_ms"]) for e in d.find_logs("worker_delayed")) / 1000
        rate = served / (clients.seconds - waited_s)
        print(f"# {waited_s:.1f} s between workers; {rate:.0f} a second outside; {len(failed)} lost", flush=True)
        assert refused == 0, failed[:5]
        assert rate >= 1000, rate
        assert len(failed) <= 20 * CLIENTS
        # A request that was answered may have lost its end: what was counted is no less than what was served.
        accepted = counted(d, "sockd_connections_accepted_total")
        assert served <= accepted <= served + len(failed), (served, accepted, len(failed))
        assert d.stop(timeout=60) == 0


if __name__ == "__main__":
    harness.main()
