#!/usr/bin/env python3
"""Supervisor and worker: who does what, with which rights, and what the end of either costs."""

import contextlib
import os
import pathlib
import pwd
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon, run_sockd

ECHO = {"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}


def workers(d):
    """The worker processes of a daemon, oldest first."""
    found = []
    for pid in d.pids()[1:]:
        with contextlib.suppress(OSError):  # it may end at any moment
            if b"--worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def field(pid, name):
    """A line of /proc/PID/status, split."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split()[1:]
    raise AssertionError(f"no {name}")


def echoes(c, data=b"hello"):
    c.sendall(data)
    assert harness.receive_exactly(c, len(data)) == data


def test_plugins_live_in_a_worker_that_the_supervisor_started():
    with Daemon(ECHO) as d:
        (worker,) = workers(d)

        with d.connect("echo") as c:
            echoes(c)

        mine, its = (pathlib.Path(f"/proc/{pid}/maps").read_text() for pid in (d.process.pid, worker))
        assert "sockd-plugin" in its or "memfd" in its
        assert "memfd:sockd-plugin" not in mine
        assert os.readlink(f"/proc/{worker}/exe") == os.readlink(f"/proc/{d.process.pid}/exe")
        assert d.stop() == 0
        assert d.wait_log("stopped")["served"] == "1"


def test_a_single_process_is_one_process():
    with Daemon(ECHO, args=["--single-process"]) as d:
        assert d.pids() == [d.process.pid]
        with d.connect("echo") as c:
            echoes(c)
        assert d.stop() == 0


def test_signals_to_the_whole_group_mean_the_supervisor():
    with Daemon(ECHO) as d:
        (worker,) = workers(d)
        with d.connect("echo") as c:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1,
                           signal.SIGUSR2):
                os.kill(worker, number)
            echoes(c)
        assert workers(d) == [worker]
        assert d.stop() == 0


def test_a_privileged_start_becomes_the_user_before_plugins_are_loaded(tmp):
    harness.need_root()
    daemon = pwd.getpwnam("daemon")
    log = tmp / "log"
    with Daemon({"u": {"listen": f"unix://{tmp}/s", "socket": {"mode": "0666"}, "handler": "echo"}},
                daemon={"user": "daemon", "log": str(log)}) as d:
        (worker,) = workers(d)

        assert field(worker, "Uid") == [str(daemon.pw_uid)] * 4
        assert field(worker, "Gid") == [str(daemon.pw_gid)] * 4
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(field(worker, name)[0], 16) == 0, name
        assert field(d.process.pid, "Uid") == ["0"] * 4
        assert "running_as_root" not in log.read_text()
        with harness.connect(harness.parse_url(f"unix:{tmp}/s")) as c:
            echoes(c)
        assert d.stop() == 0
    assert "event=conn_closed" in log.read_text()
    assert log.stat().st_uid == 0


def test_capabilities_to_bind_with_are_gone_in_the_worker():
    harness.need_root()
    harness.need_tool("setpriv")
    harness.need_reachable_build()
    d = Daemon({"low": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}},
               wrapper=["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups", "--inh-caps=+net_bind_service",
                        "--ambient-caps=+net_bind_service"])
    d.dir.chmod(0o777)
    (d.dir / "notify").chmod(0o777)
    with d.start():
        (worker,) = workers(d)

        assert int(field(d.process.pid, "CapEff")[0], 16) == 1 << 10
        assert int(field(worker, "CapEff")[0], 16) == 0
        assert int(field(worker, "CapAmb")[0], 16) == 0
        with d.connect("low") as c:
            echoes(c)
        assert d.stop() == 0


def test_a_user_that_cannot_be_had_is_told_at_its_place(tmp):
    path = tmp / "sockd.yaml"
    path.write_text("version: 1\ndaemon:\n  user: no-such-user-x\n")
    for args in (("-t", "-c", path), ("-c", path)):
        result = run_sockd(*args)
        assert result.returncode == 78, (result.returncode, result.stderr)
        assert f"{path}:3:9: error: 'daemon.user': there is no user 'no-such-user-x'" in result.stderr, result.stderr
    path.write_text("version: 1\ndaemon:\n  user: daemon\n")
    assert run_sockd("-q", "-t", "-c", path).returncode == 0


def test_only_a_privileged_start_can_become_the_user(tmp):
    harness.need_root()  # to be nobody
    harness.need_reachable_build()
    tmp.chmod(0o755)
    path = tmp / "sockd.yaml"
    path.write_text("version: 1\ndaemon:\n  user: daemon\n")

    result = run_sockd("-c", path, user="nobody", group="nogroup", extra_groups=[])

    assert result.returncode == 77, (result.returncode, result.stderr)
    assert "only a privileged start can become user 'daemon'" in result.stderr, result.stderr


def test_a_worker_that_is_killed_costs_its_connections_and_no_others():
    with Daemon(ECHO) as d:
        (first,) = workers(d)
        address = d.addr("echo")
        with harness.connect(address) as c:
            echoes(c)

            os.kill(first, signal.SIGKILL)
            with harness.connect(address) as next_client:  # refused at no moment: it waits in the backlog
                echoes(next_client)

            try:
                assert harness.receive_all(c) == b""
            except ConnectionResetError:
                pass  # it depends on what the kernel had left to deliver
        died = d.wait_log("worker_died", level="error", generation=1)
        assert "signal 9" in died["error"], died
        d.wait_log("worker_ready", generation=2)
        assert workers(d) != [first]
        assert d.stop() == 0
        assert d.wait_log("stopped")["served"] == "2"


def killed(d, generation):
    """Kill the worker of that generation once it serves."""
    d.wait_log("ready" if generation == 1 else "worker_ready", **({} if generation == 1 else {"generation": generation}))
    (pid,) = harness.wait_until(lambda: workers(d), "a worker")
    os.kill(pid, signal.SIGKILL)
    d.wait_log("worker_died", generation=generation)


def test_a_worker_that_keeps_dying_is_started_later_and_later():
    with Daemon(ECHO) as d:
        for generation in range(1, 6):
            killed(d, generation)
        d.wait_log("worker_delayed", wait_ms=200, deaths=5)
        assert d.find_logs("worker_delayed", wait_ms=100, deaths=4)
        assert len(d.find_logs("worker_delayed")) == 2  # the first three were replaced at once

        with d.connect("echo") as c:
            echoes(c)

        assert d.stop() == 0


def test_a_stop_while_no_worker_lives_is_a_stop():
    with Daemon(ECHO) as d:
        for generation in range(1, 9):
            killed(d, generation)
        d.wait_log("worker_delayed", wait_ms=1000)

        assert d.stop() == 0


def test_a_worker_whose_supervisor_is_gone_serves_what_is_open_and_ends():
    d = Daemon(ECHO).start()
    (worker,) = workers(d)
    with d.connect("echo") as c:
        echoes(c)

        d.process.kill()
        assert harness.receive_all(c) == b""  # a quiet one is ended at once

    harness.wait_until(lambda: not pathlib.Path(f"/proc/{worker}").exists(), "the worker's end")
    assert d.wait() == -signal.SIGKILL
    assert d.find_logs("supervisor_gone", level="warning")


def test_usr1_reopens_the_log_of_the_worker_too(tmp):
    log = tmp / "log"
    with Daemon({"echo": {"listen": f"unix://{tmp}/s", "handler": "echo"}}, daemon={"log": str(log)}) as d:
        old = log.rename(tmp / "log.1")
        d.send(signal.SIGUSR1)
        harness.wait_until(lambda: log.exists() and "event=reopened" in log.read_text(), "the new log")

        def client_is_told_there():
            with harness.connect(harness.parse_url(f"unix:{tmp}/s")) as c:
                echoes(c)
            return "event=conn_closed" in log.read_text()

        harness.wait_until(client_is_told_there, "the worker, which is told a moment later, to write to the new file")
        before = old.read_text()
        assert client_is_told_there()
        assert d.stop() == 0
        assert old.read_text() == before


def test_nothing_of_the_supervisor_is_left_open_in_the_worker():
    with Daemon(ECHO, daemon={"threads": 1}) as d:
        (worker,) = workers(d)
        targets = [os.readlink(p) for p in pathlib.Path(f"/proc/{worker}/fd").iterdir()]

        assert not [t for t in targets if "signalfd" in t or "pidfd" in t], targets
        assert not [v for v in pathlib.Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
                    if v.startswith(b"LISTEN_FDS")]
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
