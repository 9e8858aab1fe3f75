#!/usr/bin/env python3
# runner: timeout=1800
"""sockd under a real systemd: it is killed, hangs, is restarted and upgraded, and clients that call all the time tell what
they saw of it."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import machine
from booted import owner, started, the_machine, worker_of

# A socket for each loop of udp; and no line for each call.
QUIET = {"threads": 1, "log": {"level": "notice"}}
ALL = {"tcp": {"listen": "tcp://127.0.0.1:7000", "handler": "echo"},
       "udp": {"listen": "udp://127.0.0.1:7000", "handler": "echo"},
       "unix": {"listen": "unix:///run/sockd/s", "handler": "echo"},
       "gram": {"listen": "unixgram:///run/sockd/g", "handler": "echo"}}
CALLS = {"tcp": "tcp://127.0.0.1:7000", "udp": "udp://127.0.0.1:7000", "unix": "unix:/run/sockd/s",
         "gram": "unixgram:/run/sockd/g"}


def stored(m, unit="sockd"):
    """How many sockets systemd keeps."""
    return int(m.property(unit, "NFileDescriptorStore"))


def is_restarted(m, times, pid):
    harness.wait_until(lambda: m.show("sockd", "NRestarts", "ActiveState") == {"NRestarts": str(times),
                                                                              "ActiveState": "active"}, "the restart")
    assert m.property("sockd", "MainPID") != pid


def nobody_was_refused(result, since, open_then):
    """Every client was served, those that came after @p since by the next sockd; only the call of each that was under way
    may have been cut off, if the end of a process @p open_then allows that."""
    for name, of in result.items():
        kinds = [kind for _, kind, _ in of["failures"]]
        assert not {"ConnectionRefusedError", "FileNotFoundError", "AssertionError"} & set(kinds), (name, of)
        assert len(kinds) <= (1 if open_then else 0), (name, of)
        assert all(began < since for began, _, _ in of["failures"]), (name, since, of)
        assert of["last"] > since and of["answered"] > 1, (name, since, of)


def gap(name, result):
    """The figure for the report."""
    print(f"# {name}: " + ", ".join(f"{k} {v['answered']} answered, longest {v['longest']:.2f} s, {len(v['failures'])} cut"
                                    for k, v in result.items()))


def test_a_killed_daemon_loses_no_socket():
    m = started(ALL, **QUIET)
    pid = m.property("sockd", "MainPID")
    assert stored(m) == 4
    inode = m.ok("stat", "-c", "%i", "/run/sockd/s", "/run/sockd/g")

    with m.calling(**CALLS) as result:
        for times in (1, 2, 3):
            pid = m.property("sockd", "MainPID")
            m.kill(pid)
            killed = time.time()
            is_restarted(m, times, pid)
            machine.pause(0.5)

    gap("three kills", result)
    for name, of in result.items():
        kinds = [kind for _, kind, _ in of["failures"]]
        assert not {"ConnectionRefusedError", "FileNotFoundError", "AssertionError"} & set(kinds), (name, of)
        assert len(kinds) <= 3 and of["last"] > killed and 0.5 < of["longest"] < 10, (name, of)
    assert stored(m) == 4 and m.ok("stat", "-c", "%i", "/run/sockd/s", "/run/sockd/g") == inode
    m.wait_journal("sockd", "event=kept_sockets_taken count=4")
    assert "kept_socket_closed" not in m.journal("sockd")


def test_a_hanging_daemon_is_ended_by_the_watchdog_and_loses_no_socket():
    m = the_machine()
    m.drop_in("sockd.service", "[Service]\nWatchdogSec=2\nLimitCORE=0\n")
    m.configure(ALL, **QUIET)
    m.ok("systemctl", "start", "sockd")
    machine.pause(3)
    assert m.show("sockd", "NRestarts", "ActiveState") == {"NRestarts": "0", "ActiveState": "active"}  # it is fed
    pid = m.property("sockd", "MainPID")

    with m.calling(**CALLS) as result:
        m.kill(pid, signal.SIGSTOP)
        stopped = time.time()
        is_restarted(m, 1, pid)
        machine.pause(0.5)

    gap("watchdog", result)
    nobody_was_refused(result, stopped + 1, open_then=True)
    m.wait_journal("sockd", "Watchdog timeout")
    m.wait_journal("sockd", "Failed with result 'watchdog'")
    m.wait_journal("sockd", "event=kept_sockets_taken count=4")


def test_a_restart_refuses_nobody_who_comes_over_the_network():
    m = started({k: ALL[k] for k in ("tcp", "udp")} | {"abstract": {"listen": "unix:@sockd-test", "handler": "echo"}}, **QUIET)
    pid = m.property("sockd", "MainPID")

    with m.calling(tcp=CALLS["tcp"], udp=CALLS["udp"], abstract="unix:@sockd-test") as result:
        for _ in range(5):
            m.ok("systemctl", "restart", "sockd")
        restarted = time.time()
        machine.pause(0.5)

    gap("five restarts", result)
    nobody_was_refused(result, restarted, open_then=False)
    assert m.show("sockd", "NRestarts", "ActiveState") == {"NRestarts": "0", "ActiveState": "active"}
    assert m.property("sockd", "MainPID") != pid and stored(m) == 3


def test_a_restart_makes_unix_sockets_anew_and_a_stop_leaves_nothing():
    m = started(ALL, **QUIET)
    inode = m.ok("stat", "-c", "%i", "/run/sockd/s")

    m.ok("systemctl", "restart", "sockd")

    assert m.echo("UNIX-CONNECT:/run/sockd/s") == "hello\n" and stored(m) == 4
    assert m.ok("stat", "-c", "%i", "/run/sockd/s") != inode
    m.ok("systemctl", "stop", "sockd")
    m.is_state("sockd", "inactive")
    assert m.run("ls", "/run/sockd").stdout == "" and stored(m) == 0
    refused = m.run("socat", "-t", "1", "-", "TCP:127.0.0.1:7000", input_text="x")
    assert "Connection refused" in refused.stderr, refused


def test_the_store_follows_reloads_and_upgrades():
    m = started(ALL, **QUIET)
    assert stored(m) == 4
    m.configure({k: ALL[k] for k in ("tcp", "gram")} | {"more": {"listen": "tcp://127.0.0.1:7001", "handler": "echo"}}, **QUIET)

    m.ok("systemctl", "reload", "sockd")

    harness.wait_until(lambda: stored(m) == 3, "three sockets are kept")
    refused = m.run("socat", "-t", "1", "-", "UDP:127.0.0.1:7000", input_text="x")
    assert refused.stdout == "", refused
    m.ok("sockctl", "upgrade")
    m.wait_journal("sockd", "event=upgraded")
    pid = m.property("sockd", "MainPID")
    m.kill(pid)
    is_restarted(m, 1, pid)
    assert stored(m) == 3 and m.echo("TCP:127.0.0.1:7001") == "hello\n"
    m.wait_journal("sockd", "event=kept_sockets_taken count=3")


def test_an_upgrade_keeps_the_unit_and_serves_everybody():
    m = started(ALL, **QUIET)
    pid, before = m.property("sockd", "MainPID"), worker_of(m)
    m.ok("cp", "/usr/bin/sockd", "/usr/bin/sockd.new")

    with m.calling(**CALLS) as result:
        m.ok("mv", "/usr/bin/sockd.new", "/usr/bin/sockd")  # as a package manager does
        m.ok("sockctl", "upgrade")
        m.wait_journal("sockd", f"event=upgraded .*pid={pid}")
        upgraded = time.time()
        harness.wait_until(lambda: before not in m.run("pgrep", "-P", pid).stdout.split(), "the old worker's end")
        machine.pause(0.5)

    gap("upgrade", result)
    nobody_was_refused(result, upgraded, open_then=False)
    assert m.show("sockd", "MainPID", "NRestarts", "ActiveState") == {"MainPID": pid, "NRestarts": "0",
                                                                      "ActiveState": "active"}
    assert worker_of(m) != before and stored(m) == 4
    assert m.property("sockd", "StatusText").startswith("serving 4 listeners")


def test_an_upgrade_to_a_program_that_cannot_is_told_and_changes_nothing():
    m = started()
    pid, worker = m.property("sockd", "MainPID"), worker_of(m)
    m.ok("cp", "/usr/bin/sockd", "/usr/bin/sockd.good")
    try:
        m.ok("bash", "-c", "cp /bin/false /usr/bin/sockd.bad && mv /usr/bin/sockd.bad /usr/bin/sockd")

        done = m.run("sockctl", "upgrade")

        assert done.returncode == 1 and "status 1" in done.stderr, done
        m.wait_journal("sockd", "event=upgrade_failed .*status 1")
        assert m.property("sockd", "StatusText").startswith("serving 1 listener"), m.property("sockd", "StatusText")
        assert m.show("sockd", "MainPID", "ActiveState") == {"MainPID": pid, "ActiveState": "active"}
        assert worker_of(m) == worker and m.echo("TCP:127.0.0.1:7000") == "hello\n"
    finally:
        m.ok("mv", "/usr/bin/sockd.good", "/usr/bin/sockd")


def test_a_worker_that_crashes_is_told_in_the_journal_and_refuses_nobody():
    m = started(ALL, **QUIET)
    main, worker = m.property("sockd", "MainPID"), worker_of(m)

    with m.calling(**CALLS) as result:
        m.kill(worker, signal.SIGSEGV)
        crashed = time.time()
        m.wait_journal("sockd", "event=worker_died generation=1 .*SIGSEGV|event=worker_died generation=1 .*signal 11")
        harness.wait_until(lambda: "generation 2 serving" in m.run("sockctl", "status").stdout, "the next worker")
        machine.pause(0.5)

    gap("worker crash", result)
    nobody_was_refused(result, crashed, open_then=True)
    assert m.show("sockd", "MainPID", "NRestarts", "ActiveState") == {"MainPID": main, "NRestarts": "0",
                                                                      "ActiveState": "active"}
    m.wait_journal("sockd", "event=worker_crashed generation=1 ")


def test_a_privileged_start_takes_back_what_root_gave_away():
    m = the_machine()
    m.drop_in("sockd.service", "[Service]\nUser=root\nGroup=root\n"
                               "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_NET_BIND_SERVICE CAP_CHOWN CAP_FOWNER CAP_KILL\n"
                               "SystemCallFilter=@setuid\n")
    m.configure({"low": {"listen": "tcp://127.0.0.1:7", "handler": "echo"},
                 "local": {"listen": "unix:///run/sockd/s", "handler": "echo",
                           "socket": {"mode": "0660", "owner": "nobody", "group": "adm"}}}, user="sockd", **QUIET)
    m.ok("systemctl", "start", "sockd")
    pid, worker = m.property("sockd", "MainPID"), worker_of(m)

    with m.calling(low="tcp://127.0.0.1:7", local="unix:/run/sockd/s") as result:
        m.kill(pid)
        killed = time.time()
        is_restarted(m, 1, pid)
        machine.pause(0.5)

    gap("privileged", result)
    nobody_was_refused(result, killed + 0.2, open_then=True)
    assert m.ok("stat", "-c", "%U %G %a", "/run/sockd/s") == "nobody adm 660\n"
    assert worker_of(m) != worker and owner(m, worker_of(m)) == m.ok("id", "-u", "sockd").strip()


if __name__ == "__main__":
    harness.main()
