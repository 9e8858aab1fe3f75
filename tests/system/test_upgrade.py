#!/usr/bin/env python3
"""Another program takes over: nobody is refused, nothing is lost; and one that cannot, does not."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon
from test_processes import echoes, workers

STRANGER = harness.BUILD / "tests/support/sockd_stranger"


class Installed(Daemon):
    """A daemon whose program lies in a folder of the test's, where another can be put in its place."""

    def __init__(self, tmp, listeners, **options):
        super().__init__(listeners, **options)
        self.program = tmp / "sockd"
        shutil.copy(harness.SOCKD, self.program)
        self.command[self.command.index(str(harness.SOCKD))] = str(self.program)

    def replace(self, program):
        """As a package manager does it."""
        new = self.program.with_suffix(".new")
        shutil.copy(program, new)
        new.rename(self.program)

    def upgrade(self, event="upgraded"):
        since = self.mark()
        self.send(signal.SIGUSR2)
        return self.wait_log(event, since=since)


def compiled(tmp, name, code, *flags):
    target = tmp / name
    subprocess.run([*os.environ.get("CC", "cc").split(), "-xc", "-o", str(target), "-", *flags], input=code, text=True,
                   check=True)
    return target


ECHO = {"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}


class Clients:
    """Closed loops of one connection a request, until they are stopped."""

    def __init__(self, address, count=4):
        self.address, self.stopped, self.failures, self.served = address, False, [], 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._loop, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _loop(self):
        served = 0
        while not self.stopped:
            try:
                with harness.connect(self.address) as c:
                    echoes(c)
                    c.shutdown(socket.SHUT_WR)
                    assert harness.receive_all(c) == b""
                served += 1
            except (OSError, AssertionError) as e:
                self.failures.append(repr(e))
        with self.lock:
            self.served += served

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join(harness.PATIENCE_S)
        return self.served


def goes_on(d, before):
    """The service is what it was."""
    assert workers(d) == before, (workers(d), before)
    with d.connect("echo") as c:
        echoes(c)


def test_an_upgrade_keeps_the_process_and_replaces_the_worker(tmp):
    with Installed(tmp, ECHO).start() as d:
        (before,) = workers(d)
        d.replace(harness.SOCKD)

        d.upgrade()

        harness.wait_until(lambda: len(workers(d)) == 1 and workers(d) != [before], "the old worker's end")
        assert os.readlink(f"/proc/{d.process.pid}/exe") == str(d.program)
        with d.connect("echo") as c:
            echoes(c)
        assert d.stop() == 0
        assert d.wait_log("stopped")["served"] == "1"
        keys = [key for key, _ in d.notes]
        assert keys.count("READY") == 1


def test_clients_do_not_notice_upgrades_and_the_counts_are_exact(tmp):
    with Installed(tmp, ECHO).start() as d:
        crowd = Clients(d.addr("echo"))
        for _ in range(3):
            d.upgrade()
            harness.wait_until(lambda: len(workers(d)) == 1, "the old worker's end")

        served = crowd.stop()

        assert crowd.failures == [], crowd.failures[:5]
        assert served > 0
        assert d.stop() == 0
        stopped = d.wait_log("stopped")
        assert int(stopped["served"]) == served, (stopped, served)
        assert stopped["forced"] == "0"


def test_what_had_to_wait_for_another_worker_holds_after_an_upgrade(tmp):
    with Installed(tmp, ECHO, daemon={"threads": 1}).start() as d:
        text = d.config.read_text()
        d.config.write_text(text.replace('"threads": 1', '"threads": 3'))
        d.send(signal.SIGHUP)
        d.wait_log("reloaded")

        d.upgrade()

        def loops():
            names = [pathlib.Path(p / "comm").read_text().strip() for pid in workers(d)
                     for p in pathlib.Path(f"/proc/{pid}/task").iterdir()]
            return [n for n in names if n.startswith("sockd-loop")]

        harness.wait_until(lambda: len(workers(d)) == 1, "the old worker's end")
        assert sorted(loops()) == ["sockd-loop-0", "sockd-loop-1", "sockd-loop-2"]
        assert d.stop() == 0


def test_what_an_upgrade_hands_over_is_named_by_it_and_goes_on_waiting(tmp):
    def change(d, **settings):
        tree = json.loads(d.config.read_text())
        tree["daemon"].update(settings)
        d.config.write_text(json.dumps(tree))
        since = d.mark()
        d.send(signal.SIGHUP)
        d.wait_log("reloaded", since=since)
        return d.find_logs("reload_change", since)

    def values(event):
        return {k: event.get(k) for k in ("listener", "key", "before", "after", "takes_effect")}

    waits = {"listener": None, "key": "log.format", "before": "text", "after": "json",
             "takes_effect": "when sockd is started again"}
    other = {**waits, "listener": "echo", "key": "socket.freebind", "before": "false", "after": "true"}
    with Installed(tmp, ECHO, daemon={"threads": 1}).start() as d:
        tree = json.loads(d.config.read_text())
        tree["listeners"]["echo"]["socket"] = {"freebind": True}
        d.config.write_text(json.dumps(tree))
        assert len(change(d, log={"format": "json"}, threads=2)) == 3
        for number in (2, 3):  # the second has it from the first
            since = d.mark()
            done = d.sockctl("upgrade", *(("--json",) if number == 3 else ()))
            d.wait_log("key_waits", since=since, listener="echo")
            assert [values(e) for e in d.find_logs("key_waits", since)] == [waits, other], d.lines
            if number == 3:
                told = json.loads(done.stdout)["waiting"]
                assert [(k["listener"], k["key"], k["before"], k["after"]) for k in told] == \
                    [(w["listener"], w["key"], w["before"], w["after"]) for w in (waits, other)], told
            else:
                assert "\nwhen sockd is started again: daemon: log.format: text -> json\n" in done.stdout, done.stdout
            harness.wait_until(lambda: len(workers(d)) == 1, "the old worker's end")
        (again, _) = change(d)
        assert values(again) == waits, again
        (left,) = change(d, log={"format": "text"})  # what it is
        assert values(left) == other, left
        assert d.stop() == 0


def test_unix_sockets_and_datagrams_go_along(tmp):
    listeners = {"u": {"listen": f"unix://{tmp}/s", "handler": "echo"},
                 "udp": {"listen": "udp://127.0.0.1:0", "handler": "echo"},
                 "gram": {"listen": f"unixgram://{tmp}/g", "handler": "echo"}}
    with Installed(tmp, listeners).start() as d:
        inode = os.stat(tmp / "s").st_ino
        addresses = [d.addr(name) for name in listeners]
        d.upgrade()

        assert os.stat(tmp / "s").st_ino == inode
        with harness.connect(addresses[0]) as c:
            echoes(c)
        with harness.datagram(addresses[1]) as c:
            c.send(b"x")
            assert c.recv(10) == b"x"
        with harness.datagram(addresses[2], bind=tmp / "c") as c:
            c.send(b"y")
            assert c.recv(10) == b"y"
        assert d.stop() == 0
    assert not (tmp / "s").exists() and not (tmp / "g").exists()


def test_a_reload_and_the_admin_socket_work_after_an_upgrade(tmp):
    with Installed(tmp, ECHO).start() as d:
        d.upgrade()
        d.send(signal.SIGHUP)
        d.wait_log("reloaded")
        result = subprocess.run([harness.BUILD / "sockctl", "--socket", d.dir / "admin.sock", "status", "--json"],
                                capture_output=True, text=True, check=True, timeout=harness.PATIENCE_S)
        assert '"state"' in result.stdout, result.stdout
        assert d.stop() == 0


BAD = {
    "exits with status 1": ("int main(void) { return 1; }", [], "status 1"),
    "crashes before main": ("#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { abort(); }\n"
                            "int main(void) { return 0; }", [], "crashes (signal 6)"),
    "is no program": (None, [], "cannot execute"),
}


def sockctl(d, *args):
    return harness.run_sockctl("--socket", d.dir / "admin.sock", *args)


def refused(d):
    """An upgrade that does not take place, as its caller and the log are told. @return the event"""
    since = d.mark()
    done = sockctl(d, "upgrade")
    failed = d.wait_log("upgrade_failed", since=since)
    assert done.returncode == 1 and done.stdout == "" and failed["error"] in done.stderr, (done, failed)
    return failed


def test_a_program_that_cannot_even_start_changes_nothing(tmp):
    with Installed(tmp, ECHO).start() as d:
        before = workers(d)
        for name, (code, flags, says) in BAD.items():
            if code is None:
                bad = tmp / "text"
                bad.write_text("this is not a program\n")
                bad.chmod(0o755)
            else:
                bad = compiled(tmp, "bad", code, *flags)
            d.replace(bad)

            failed = refused(d)

            assert says in failed["error"], (name, failed)
            goes_on(d, before)
        assert d.stop() == 0


def test_a_missing_library_changes_nothing(tmp):
    compiled(tmp, "libgone.so", "int gone(void) { return 0; }", "-shared", "-fPIC")
    bad = compiled(tmp, "bad", "int gone(void); int main(void) { return gone(); }", f"-L{tmp}", "-lgone")
    (tmp / "libgone.so").unlink()
    with Installed(tmp, ECHO).start() as d:
        before = workers(d)
        d.replace(bad)

        failed = refused(d)

        assert "libgone.so" in failed["error"] and "status 127" in failed["error"], failed
        goes_on(d, before)
        assert d.stop() == 0


WRAPPER = """
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--worker") == 0)
		%s
	execv("%s", argv);
	return 99;
}
"""


def test_a_worker_that_never_gets_ready_changes_nothing(tmp):
    with Installed(tmp, ECHO).start() as d:
        before = workers(d)
        d.replace(compiled(tmp, "bad", WRAPPER % ("return 7;", harness.SOCKD)))
        failed = refused(d)
        assert "does not start: it exited with status 7 before it was ready" in failed["error"], failed
        goes_on(d, before)

        d.replace(compiled(tmp, "bad", WRAPPER % ("pause();", harness.SOCKD)))
        failed = refused(d)
        assert "it said nothing for 10 s" in failed["error"], failed
        harness.wait_until(lambda: workers(d) == before, "the end of the bad worker")
        goes_on(d, before)
        assert d.stop() == 0


def test_a_stranger_to_the_control_protocol_changes_nothing(tmp):
    with Installed(tmp, ECHO).start() as d:
        before = workers(d)
        d.replace(STRANGER)

        failed = refused(d)

        assert "in the versions 70 to 71, this sockd in 1 to 1" in failed["error"], failed
        harness.wait_until(lambda: workers(d) == before, "the end of the stranger")
        goes_on(d, before)
        assert d.stop() == 0


def counted(d, name, **labels):
    """A series of the metrics; None: there is none."""
    for line in d.sockctl("metrics").stdout.splitlines():
        if line.startswith(name + "{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return int(line.rsplit(" ", 1)[1])
    return None


def test_what_a_plugin_counted_goes_with_its_worker_and_what_sockd_counted_stays(tmp):
    said = {"listen": "tcp://127.0.0.1:0", "handler": {"plugin": "exec", "config": {"command": ["/bin/echo", "x"]}}}
    lazy = {"listen": "tcp://127.0.0.1:0", "handler": "echo", "buffers": {"write": "4MiB"}}

    def ask():
        with d.connect("said") as c:
            assert harness.receive_all(c) == b"x\n"

    def plugins():
        return counted(d, "sockd_plugin_exec_started_total", plugin="exec", listener="said")

    with Installed(tmp, {"said": said, "lazy": lazy}, daemon={"shutdown": {"timeout": "60s"}}).start() as d:
        ask()
        ask()
        with d.connect("lazy", receive_buffer=4096) as unread:  # keeps the old worker until it reads
            unread.setblocking(False)
            try:
                while True:
                    unread.send(bytes(65536))
            except BlockingIOError:
                pass
            d.upgrade()
            ask()
            assert plugins() == 3  # the sum over both workers
        harness.wait_until(lambda: len(workers(d)) == 1, "the end of the old worker", 60)
        with_new = plugins()
        assert with_new <= 1  # the third may have been the old worker's, before it was told to drain
        ask()
        assert plugins() == with_new + 1
        (pid,) = workers(d)
        os.kill(pid, signal.SIGKILL)
        d.wait_log("worker_ready", generation=3)
        assert plugins() == 0
        ask()
        assert plugins() == 1
        assert counted(d, "sockd_connections_accepted_total", listener="said") == 5
        assert d.stop(timeout=60) == 0


def test_a_single_process_says_that_it_cannot(tmp):
    with Installed(tmp, ECHO, args=["--single-process"]).start() as d:
        failed = refused(d)
        assert "a single process cannot upgrade" in failed["error"], failed
        with d.connect("echo") as c:
            echoes(c)
        assert d.stop() == 0


def test_an_end_that_comes_during_an_upgrade_is_an_end(tmp):
    for moment in ("upgrading", "worker_ready"):
        with Installed(tmp, ECHO, daemon={"shutdown": {"timeout": "1h"}}).start() as d:
            with d.connect("echo", receive_buffer=4096) as busy:  # it never reads, so the drain waits for it
                busy.settimeout(1)
                try:
                    while True:
                        busy.sendall(b"x" * 65536)
                except TimeoutError:
                    pass
                since = d.mark()
                d.send(signal.SIGUSR2)
                d.wait_log(moment, since=since)

                d.send(signal.SIGTERM)

                # Abandoned, or over before the signal came.
                d.wait_log("draining")
                d.wait_for(lambda: d.find_logs("upgrade_failed", error="it is ending") or d.find_logs("upgraded"), "the end "
                           "of the upgrade")
                order = [e["event"] for e in d.events if e["event"] in ("draining", "upgraded")]
                assert order in (["draining"], ["upgraded", "draining"]), order
            assert d.wait() == 0


def test_sockctl_upgrade_says_why_it_does_not(tmp):
    with Installed(tmp, ECHO).start() as d:
        before = workers(d)
        for code, says in (("#include <stdio.h>\nint main(void) { puts(\"not today\"); return 3; }", "(status 3): not today"),
                           ("#include <stdlib.h>\nint main(void) { abort(); }", "crashes (signal 6)")):
            d.replace(compiled(tmp, "bad", code))

            done = sockctl(d, "upgrade")
            as_json = sockctl(d, "upgrade", "--json")

            assert done.returncode == 1 and done.stdout == "" and says in done.stderr, done
            assert as_json.returncode == 1 and says in json.loads(as_json.stdout)["error"], as_json
            goes_on(d, before)
        d.program.unlink()
        gone = sockctl(d, "upgrade")
        assert gone.returncode == 1 and f"cannot open {d.program}" in gone.stderr, gone
        goes_on(d, before)
        assert d.stop() == 0


def test_sockctl_upgrade_does_not_join_another(tmp):
    with Installed(tmp, ECHO).start() as d:
        before = workers(d)
        d.replace(compiled(tmp, "slow", "#include <unistd.h>\nint main(void) { char c; return (int)read(0, &c, 1) + pause(); }"))
        first = subprocess.Popen([harness.SOCKCTL, "--socket", d.dir / "admin.sock", "upgrade"], stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, text=True)
        d.wait_log("upgrading")

        second = sockctl(d, "upgrade")

        assert second.returncode == 1 and "an upgrade is under way already" in second.stderr, second
        _, said = first.communicate(timeout=harness.PATIENCE_S)
        assert first.returncode == 1 and "has not checked the state after 10 s" in said, said
        goes_on(d, before)
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
