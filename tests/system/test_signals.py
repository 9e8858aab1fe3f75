#!/usr/bin/env python3
"""Signals, and what the service manager is told."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon
from test_processes import workers

ECHO = {"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}


def serves(d):
    with d.connect("echo") as c:
        c.sendall(b"hello")
        assert harness.receive_exactly(c, 5) == b"hello"


def test_term_and_int_end_it_with_status_0():
    for number in (signal.SIGTERM, signal.SIGINT):
        d = Daemon(ECHO).start()
        serves(d)

        assert d.stop(number) == 0

        assert d.find_logs("draining", signal=signal.Signals(number).name)
        stopped = d.wait_log("stopped", level="notice")
        assert (stopped["served"], stopped["forced"]) == ("1", "0"), stopped


def test_quit_cuts_connections_at_once():
    d = Daemon(ECHO).start()
    with d.connect("echo") as c:
        c.sendall(b"x")
        harness.receive_exactly(c, 1)

        assert d.stop(signal.SIGQUIT) == 0

        d.wait_log("conn_closed", reason="shutdown")
    assert d.find_logs("draining") == []
    assert d.wait_log("stopped")["forced"] == "1"


def test_hup_reloads_and_tells_the_manager():
    d = Daemon(ECHO).start()

    d.send(signal.SIGHUP)
    d.wait_log("reloaded", level="notice", reason="SIGHUP")

    d.wait_note("RELOADING", "1")
    assert int(d.wait_note("MONOTONIC_USEC")) > 0
    serves(d)
    assert d.stop() == 0
    assert d.notes.count(("READY", "1")) == 2


def test_who_starts_it_may_ignore_the_end_of_children():
    d = Daemon(ECHO, before_exec=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)).start()

    (worker,) = workers(d)
    os.kill(worker, signal.SIGSEGV)

    assert "signal 11" in d.wait_log("worker_died")["error"]
    d.wait_log("worker_ready", generation="2")
    d.send(signal.SIGUSR2)
    d.wait_log("upgraded")
    assert d.stop() == 0


def test_sigpipe_changes_nothing():
    d = Daemon(ECHO).start()

    d.send(signal.SIGPIPE)
    serves(d)

    assert d.stop() == 0


def test_usr1_opens_the_log_file_anew(tmp):
    log = tmp / "log"
    d = Daemon(ECHO, daemon={"log": {"target": str(log)}}).start()
    old = log.rename(tmp / "log.1")

    d.send(signal.SIGUSR1)
    harness.wait_until(lambda: log.exists() and "event=reopened" in log.read_text(), "the new log")
    before = old.read_text()
    assert d.stop() == 0

    assert "event=ready" in before and "event=ready" not in log.read_text()
    assert old.read_text() == before
    assert "event=stopped" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o640 & ~harness_umask()


def harness_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_usr1_with_a_folder_that_is_gone_goes_on_with_the_old_file(tmp):
    folder = tmp / "logs"
    folder.mkdir()
    d = Daemon(ECHO, daemon={"log": {"target": str(folder / "log")}}).start()
    folder.rename(tmp / "moved")

    d.send(signal.SIGUSR1)
    harness.wait_until(lambda: "event=log_reopen_failed" in (tmp / "moved" / "log").read_text(), "the error")

    assert d.stop() == 0
    assert "event=stopped" in (tmp / "moved" / "log").read_text()


def test_the_service_manager_is_told_of_ready_and_of_live_counts():
    d = Daemon({**ECHO, "second": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}).start()
    d.wait_note("STATUS", "serving 2 listeners, 0 connections")

    with d.connect("echo"), d.connect("second"):
        d.wait_note("STATUS", "serving 2 listeners, 2 connections")
    d.wait_note("STATUS", "serving 2 listeners, 0 connections")

    assert d.stop() == 0
    keys = [key for key, _ in d.notes]
    assert keys.index("READY") < keys.index("STOPPING")
    assert keys.count("READY") == 1 and keys.count("STOPPING") == 1
    assert "EXTEND_TIMEOUT_USEC" in keys


def test_a_status_is_sent_only_if_it_changed():
    d = Daemon(ECHO).start()
    with d.connect("echo"):
        d.wait_note("STATUS", "serving 1 listener, 1 connection")
    d.wait_note("STATUS", "serving 1 listener, 0 connections")
    d.stop()

    told = d.status_lines()
    assert all(a != b for a, b in zip(told, told[1:])), told


def test_a_background_job_of_a_shell_still_drains_on_int():
    d = Daemon(ECHO, before_exec=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)).start()

    assert d.stop(signal.SIGINT) == 0


def test_threads_of_the_worker_take_no_signals():
    d = Daemon(ECHO, daemon={"threads": 2}).start()
    wanted = 1 << signal.SIGTERM - 1 | 1 << signal.SIGINT - 1 | 1 << signal.SIGUSR1 - 1

    for task in os.listdir(f"/proc/{d.process.pid}/task"):
        with open(f"/proc/{d.process.pid}/task/{task}/status", encoding="ascii") as f:
            blocked = next(int(line.split()[1], 16) for line in f if line.startswith("SigBlk:"))
        assert blocked & wanted == wanted, (task, hex(blocked))

    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
