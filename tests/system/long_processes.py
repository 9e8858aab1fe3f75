#!/usr/bin/env python3
# runner: timeout=900
"""Under load from clients of their own processes: reloads, upgrades and crashes, and what each may cost."""

import collections
import itertools
import json
import multiprocessing
import os
import pathlib
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

CLIENTS, PROCESSES, WAITING = 200, 4, 50
# Each source has some 28,000 ports, and each of them rests for a minute after a connection.
SOURCES, IP_BIND_ADDRESS_NO_PORT = 200, 24
REQUEST = b"a request\n"
# A request that failed: why, when its client began to connect, and when it failed, by the clock of the machine.
Failure = collections.namedtuple("Failure", "why began ended")


def crowd(address, count, stop, results):
    """Closed loops in one process, each a connection a request; cheap, so that the daemon is what is measured."""
    chosen, served, refused, failed = selectors.DefaultSelector(), 0, 0, []
    sources = itertools.cycle(f"127.0.0.{n}" for n in range(1, SOURCES + 1))

    def begin():
        nonlocal refused
        s, began = socket.socket(address.family, socket.SOCK_STREAM), time.monotonic()
        try:
            if address.family == socket.AF_INET:
                s.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                s.bind((next(sources), 0))
            s.connect(address.sockaddr)
            s.sendall(REQUEST)
            s.shutdown(socket.SHUT_WR)
        except OSError as e:
            refused += isinstance(e, ConnectionRefusedError)
            failed.append(Failure(repr(e), began, time.monotonic()))
            s.close()
            return
        chosen.register(s, selectors.EVENT_READ, [b"", began])

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
                failed.append(Failure(key.data[0].decode("latin-1"), key.data[1], time.monotonic()))
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
        """@return requests served, connections refused, every Failure"""
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


def ends_well(d):
    """Nobody was taken for dead who only had no processor: neither a worker nor a loop of one."""
    assert d.stop(timeout=60) == 0
    assert d.find_logs("worker_silent") == [] and d.find_logs("loop_stuck") == []


def ends_with(d, served):
    ends_well(d)
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


def halt(pid):
    """Stop a process with all its threads. @return the moment from which on it does nothing"""
    os.kill(pid, signal.SIGSTOP)
    stats = pathlib.Path(f"/proc/{pid}/task")
    harness.wait_until(lambda: all((task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for task in stats.iterdir()),
                       "every thread to stop")
    return time.monotonic()


def waiting(address):
    """A client that is in the backlog with its request."""
    s = harness.connect(address, timeout=60)
    s.sendall(REQUEST)
    s.shutdown(socket.SHUT_WR)
    return s


def test_twenty_crashes_cost_what_was_open_and_refuse_nobody(tmp):
    crashes, gap = [], 0  # the moment from which on a worker accepted nobody, for each that crashed
    with daemon(tmp).start() as d:
        clients = Crowd(d.addr("echo"))
        for generation in range(1, 21):
            before = counted(d, "sockd_connections_accepted_total")
            harness.wait_until(lambda: counted(d, "sockd_connections_accepted_total") >= before + 2000, "some traffic", 60)
            (pid,) = workers(d)
            crashes.append(halt(pid))
            # These came after that moment: no worker has accepted them, and the next one serves each.
            late = [waiting(d.addr("echo")) for _ in range(WAITING)]
            os.kill(pid, signal.SIGKILL)
            d.wait_log("worker_died", generation=generation)
            d.wait_log("worker_ready", generation=generation + 1, timeout=60)
            for s in late:
                with s:
                    assert harness.receive_all(s) == REQUEST
            gap += time.monotonic() - crashes[-1]
        served, refused, failed = clients.stop()
        rate = served / (clients.seconds - gap)
        print(f"# {gap:.1f} s between workers; {rate:.0f} a second outside; {len(failed)} lost", flush=True)
        assert refused == 0, failed[:5]
        assert rate >= 1000, rate
        # Connection by connection: who lost one had begun before a worker stopped and was there when it died.
        innocent = [f for f in failed if not any(f.began <= crash <= f.ended for crash in crashes)]
        assert innocent == [], (len(innocent), innocent[:5])
        # And it had been accepted, else it would wait in the backlog still: what was counted is what was served and
        # what was lost, but for the one that a worker had accepted, and not yet counted, when it stopped.
        accepted, all_served = counted(d, "sockd_connections_accepted_total"), served + len(crashes) * WAITING
        uncounted = all_served + len(failed) - accepted
        print(f"# {accepted} accepted; {uncounted} not counted", flush=True)
        assert 0 <= uncounted <= len(crashes), uncounted
        ends_well(d)


if __name__ == "__main__":
    harness.main()
