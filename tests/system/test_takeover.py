#!/usr/bin/env python3
"""The moment of an upgrade at which one supervisor becomes the other: who asked for it learns how it went, and what came
meanwhile is not lost."""

import json
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from test_processes import echoes, workers
from test_upgrade import ECHO, Installed, compiled, goes_on, refused, sockctl

# Comes in with the new supervisor only: before its main(), or once its event base turns, when it has taken all over and
# obeys nobody yet.
SPOILER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int adopts;
static inline int end_of_worker(int how)
{
	char text[256] = "", *youngest = text;
	int fd = open("/proc/thread-self/children", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	siginfo_t info;
	close(fd);
	for (char *p = text; n > 0 && *p != 0; p++)
		if (*p == ' ' && p[1] != 0)
			youngest = p + 1;
	kill(atoi(youngest), SIGKILL);
	return waitid(P_PID, (id_t)atoi(youngest), &info, WEXITED | how);
}
__attribute__((constructor)) static void begin(void)
{
	char line[64] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, line, sizeof line - 1);
	close(fd);
	adopts = n > 14 && memcmp(line, "sockd\0--adopt\0", 14) == 0;
	unsetenv("LD_PRELOAD"); /* or the old program would have it when it comes back */
	if (adopts)
		%s;
}
int event_base_loop(void *base, int flags)
{
	int (*real)(void *, int) = (int (*)(void *, int))dlsym(RTLD_NEXT, "event_base_loop");
	if (adopts)
		%s;
	return real(base, flags);
}
int event_base_dispatch(void *base) { return event_base_loop(base, 0); }
"""
WITH_SPOILER = """
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--adopt") == 0)
		setenv("LD_PRELOAD", "%s", 1);
	execv("%s", argv);
	return 99;
}
"""
# Its rehearsal takes until somebody opens the pipe, and what it says goes where its first line says.
SLOW = """
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int rehearsal = argc > 1 && strcmp(argv[1], "--adopt-check") == 0;
	%s
	execv("%s", argv);
	return 99;
}
"""
# What happens before main(), what happens once it turns, and what is said of it.
FAILURES = {
    "crash": ("(void)0", "abort()", "it crashed while it took over"),
    "exit": ("(void)0", "exit(3)", "it ended while it took over"),
    "hang": ("(void)0", "pause()", "it did not take over within 10 s"),
    "lonely": ("end_of_worker(WNOWAIT)", "(void)0",
               "its worker died while it took over: it was ended by signal 9 (Killed)"),
    "reaped": ("end_of_worker(0)", "abort()", "it crashed while it took over"),
}


def spoiled(tmp, name):
    """A program that passes the rehearsal, whose worker serves, and that fails in the takeover."""
    if harness.SANITIZED:
        harness.skip("a preloaded library comes before the sanitizer's")
    spoiler = compiled(tmp, f"{name}.so", SPOILER % FAILURES[name][:2], "-shared", "-fPIC", "-ldl")
    return compiled(tmp, f"bad-{name}", WITH_SPOILER % (spoiler, harness.SOCKD))


def begin_upgrade(d, **options):
    since = d.mark()
    asked = subprocess.Popen([harness.SOCKCTL, "--socket", d.dir / "admin.sock", "upgrade"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    d.wait_log("upgrading", since=since)
    return asked


class Held:
    """An upgrade whose rehearsal lasts until it is let go."""

    def __init__(self, d, tmp, after=harness.SOCKD):
        self.pipe = tmp / "held"
        os.mkfifo(self.pipe)
        d.replace(compiled(tmp, "slow", SLOW % (f'if (rehearsal) close(open("{self.pipe}", O_RDONLY));', after)))
        self.asked = begin_upgrade(d)

    def let_go(self):
        os.close(os.open(self.pipe, os.O_WRONLY))
        said, errors = self.asked.communicate(timeout=harness.PATIENCE_S)
        return self.asked.returncode, said, errors


def test_who_asked_is_told_by_the_new_supervisor_that_it_took_over(tmp):
    with Installed(tmp, ECHO).start() as d:
        (before,) = workers(d)
        for number, args in enumerate((("upgrade",), ("upgrade", "--json")), 2):
            since = d.mark()

            done = sockctl(d, *args)

            assert (done.returncode, done.stderr) == (0, ""), done
            if "--json" in args:
                told = json.loads(done.stdout)
                assert told["generation"] == number and told["version"] in told["text"], told
            else:
                assert done.stdout.endswith(f" has taken over, with worker generation {number}\n"), done
            d.wait_log("upgraded", since=since)
            harness.wait_until(lambda: len(workers(d)) == 1, "the old worker's end")
        assert before not in workers(d)
        assert f"generation {number} serving" in sockctl(d, "status").stdout
        assert d.stop() == 0


def test_who_asked_is_told_by_the_old_supervisor_why_it_came_back(tmp):
    for name, (_, _, says) in FAILURES.items():
        with Installed(tmp, ECHO).start() as d:
            before = workers(d)
            with d.connect("echo") as old:
                echoes(old)
                d.replace(spoiled(tmp, name))

                failed = refused(d)

                assert failed["error"] == says, failed
                echoes(old)
            harness.wait_until(lambda: workers(d) == before, "the end of the new worker")
            goes_on(d, before)
            d.replace(harness.SOCKD)
            assert sockctl(d, "upgrade").returncode == 0  # and nothing is in the way of a good one
            assert d.stop() == 0


def test_a_way_back_forgets_nothing_that_waits(tmp):
    with Installed(tmp, ECHO, daemon={"threads": 1}).start() as d:
        tree = json.loads(d.config.read_text())
        tree["daemon"].update(threads=3, log={"format": "json"})
        d.config.write_text(json.dumps(tree))

        def waiting():
            since = d.mark()
            d.send(signal.SIGHUP)
            d.wait_log("reloaded", since=since)
            return [(c["key"], c["before"], c["after"]) for c in d.find_logs("reload_change", since)]

        before = waiting()
        assert before == [("threads", "1", "3"), ("log.format", "text", "json")], before
        d.replace(spoiled(tmp, "crash"))
        refused(d)
        assert waiting() == before
        assert d.stop() == 0


def test_nobody_has_to_ask_or_to_wait_for_the_answer(tmp):
    with Installed(tmp, ECHO).start() as d:
        before, descriptors = workers(d), d.fd_count()
        d.replace(spoiled(tmp, "crash"))
        assert d.upgrade("upgrade_failed")["error"] == FAILURES["crash"][2]
        harness.wait_until(lambda: workers(d) == before, "the end of the new worker")

        for program, event in ((spoiled(tmp, "crash"), "upgrade_failed"), (harness.SOCKD, "upgraded")):
            d.replace(program)
            since = d.mark()
            asked = begin_upgrade(d)
            asked.kill()
            asked.communicate()
            d.wait_log(event, since=since)
            harness.wait_until(lambda: len(workers(d)) == 1, "the end of the other worker")
        goes_on(d, workers(d))
        harness.wait_until(lambda: d.fd_count() <= descriptors, "as many descriptors as before")
        assert d.stop() == 0


def test_a_program_from_before_that_is_told_nothing_of_clients(tmp):
    # Release N-1 does not say up to which version it reads states, so who asked is answered while there is somebody.
    quiet = "if (rehearsal) dup2(open(\"/dev/null\", O_WRONLY), 1);"
    with Installed(tmp, ECHO).start() as d:
        d.replace(compiled(tmp, "older", SLOW % (quiet, harness.SOCKD)))

        told = json.loads(sockctl(d, "upgrade", "--json").stdout)

        assert told == {"generation": 2}, told
        d.wait_log("upgraded")
        assert d.stop() == 0


def test_a_client_keeps_its_connection_and_what_it_has_asked(tmp):
    with Installed(tmp, ECHO).start() as d, socket.socket(socket.AF_UNIX) as c:
        c.settimeout(harness.PATIENCE_S)
        c.connect(str(d.dir / "admin.sock"))
        lines = c.makefile()

        c.sendall(b'{"verb":"status"}\n{"verb":"upgrade"}\n{"verb":"status"}\n{"verb":"list')

        first, upgraded, then = (json.loads(lines.readline())["done"] for _ in range(3))
        assert first["workers"][0]["generation"] == 1 and first["pid"] == then["pid"] == d.process.pid
        assert upgraded["generation"] == 2 == then["workers"][0]["generation"], (upgraded, then)
        c.sendall(b'eners"}\n')
        assert json.loads(lines.readline())["row"]["name"] == "echo"
        assert d.stop() == 0


def with_another(d):
    """Name another listener in the file. @return how its address is known once it is served"""
    d.config.write_text(d.config.read_text().replace('"echo": {', '"other": {"listen": "unix:@sockd-%d", "handler": "echo"},'
                                                     ' "echo": {' % d.process.pid, 1))
    return harness.parse_url(f"unix:@sockd-{d.process.pid}")


def test_a_reload_that_comes_during_an_upgrade_is_carried_out_by_whoever_goes_on(tmp):
    for name in ("good", "crash", "bad"):
        folder = tmp / name
        folder.mkdir()
        bad = compiled(folder, "bad", "int main(void) { return 5; }")
        after = {"good": harness.SOCKD, "crash": None, "bad": bad}[name] or spoiled(folder, name)
        with Installed(folder, ECHO).start() as d:
            held = Held(d, folder, after)
            other = with_another(d)
            since = d.mark()
            reload = subprocess.Popen([harness.SOCKCTL, "--socket", d.dir / "admin.sock", "reload"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert sockctl(d, "status").returncode == 0  # on another connection, so the reload is there by now
            assert d.find_logs("reloaded", since) == []

            status, _, errors = held.let_go()

            assert status == (0 if name == "good" else 1), (name, status, errors)
            said, errors = reload.communicate(timeout=harness.PATIENCE_S)
            assert reload.returncode == 0 and "other" in said, (name, said, errors)
            d.wait_log("reloaded", since=since)
            with harness.connect(other) as c:
                echoes(c)
            assert d.stop() == 0


def test_a_signal_that_comes_during_an_upgrade_is_obeyed_by_whoever_goes_on(tmp):
    with Installed(tmp, ECHO).start() as d:
        held = Held(d, tmp)
        other = with_another(d)
        d.send(signal.SIGHUP)
        since = d.mark()
        assert held.let_go()[0] == 0
        d.wait_log("reloaded", since=since)
        with harness.connect(other) as c:
            echoes(c)
        assert d.stop() == 0


def test_an_upgrade_that_comes_during_a_reload_waits_for_it(tmp):
    with Installed(tmp, ECHO).start() as d:
        (worker,) = workers(d)
        os.kill(worker, signal.SIGSTOP)  # it does not answer the reload
        other = with_another(d)
        d.send(signal.SIGHUP)
        d.wait_note("RELOADING", "1")

        asked = begin_upgrade(d)
        os.kill(worker, signal.SIGCONT)
        _, errors = asked.communicate(timeout=harness.PATIENCE_S)

        assert asked.returncode == 0, errors
        d.wait_log("upgraded")
        order = [e["event"] for e in d.events if e["event"] in ("reloaded", "upgraded")]
        assert order == ["reloaded", "upgraded"], order
        harness.wait_until(lambda: len(workers(d)) == 1, "the old worker's end")
        with harness.connect(other) as c:
            echoes(c)
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
