#!/usr/bin/env python3
"""A plugin that misbehaves costs its worker, and the log says which plugin, on which listener, doing what."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon
from test_processes import echoes, workers

CODE = """
#include <sockd/plugin.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void deep(volatile char *up) { volatile char here[4096]; here[0] = up[0]; deep(here); here[1] = up[1]; }
static __attribute__((noinline)) void huge(void) { volatile char here[16 << 20]; here[0] = 1; here[1] = here[0]; }
static pthread_t other;
static void *leave(void *arg) { exit(0); return arg; }
static void bad(char how)
{
	char start[2] = "";
	if (how == 'c') *(volatile int *)8 = 1;
	if (how == 'd') deep(start);
	if (how == 'h') huge();
	if (how == 'a') abort();
	if (how == 'e') exit(5);
	if (how == '0') exit(0);
	if (how == 'o') pthread_create(&other, NULL, leave, NULL);
	if (how == 'q') { int status = 1; pid_t pid = fork(); if (pid == 0) exit(0); waitpid(pid, &status, 0); if (status) abort(); }
	if (how == 'l') for (volatile int i = 0;; i++) ;
	if (how == 'v') { if (vfork() == 0) { sleep(4); _exit(0); } } /* the kernel keeps us, as it would for a disk */
	if (how == 'f') { if (fork() == 0) _exit(0); }
}
static void on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{ (void)c; (void)r; (void)w; if (OPEN) bad('c'); }
static void on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char text[16];
	ssize_t n = sockd_read(r, text, sizeof text);
	(void)c;
	if (n > 0) { bad(text[0]); sockd_write(w, text, (size_t)n); }
}
static void on_serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char text[16];
	size_t n;
	(void)c;
	while (sockd_receive(r, text, sizeof text, &n) > 0) { bad(text[0]); sockd_write(w, text, n); }
}
static void on_close(struct sockd_conn c, int reason) { (void)c; (void)reason; if (CLOSE) bad('c'); }
static int on_start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{ (void)h; (void)s; (void)ret; (void)e; if (START) bad('c'); return 0; }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "bad", .version = "1.0",
	.start = on_start, .close = on_close, ENTRIES };
"""
EVENTS, SERVE = "-DENTRIES=.open=on_open,.data=on_data", "-DENTRIES=.serve=on_serve"


def plugin(tmp, entries=EVENTS, **where):
    flags = [f"-D{name}={where.get(name.lower(), 0)}" for name in ("OPEN", "CLOSE", "START")]
    return harness.build_plugin(tmp, "bad", CODE, entries, "-Wno-unused-function", "-Wno-infinite-recursion", "-O0", *flags)


def daemon(so, **options):
    return Daemon({"b": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}}, daemon={"threads": 1, **options})


def dies(d, request):
    """Send what kills the worker, and see the next one serve."""
    since = d.mark()
    with d.connect("b") as c:
        c.sendall(request)
        try:
            assert c.recv(16) == b""
        except ConnectionResetError:
            pass
    d.wait_log("worker_died", since=since)
    with d.connect("b") as c:
        echoes(c, b"x")
    return since


def test_a_crash_names_plugin_listener_entry_and_frames(tmp):
    for entries, entry in ((EVENTS, "data"), (SERVE, "serve")):
        so = plugin(tmp, entries)
        with daemon(so) as d:
            since = dies(d, b"c")

            crash = d.wait_log("worker_crashed", since=since, level="error")
            assert (crash["plugin"], crash["listener"], crash["entry"]) == ("bad", "b", entry), crash
            assert crash["signal"] == "Segmentation fault" and crash["fault_address"] == "0x8", crash
            assert crash["conn"] != "0" and "msg" not in crash, crash
            # Where it was loaded from would say nothing: the file does, with what addr2line takes.
            assert d.find_logs("worker_backtrace", since=since, frame=lambda f: f.startswith(f"{so}(+0x"))
            assert d.stop() == 0


def is_told_as_an_overflow(tmp, request):
    for entries, entry in ((EVENTS, "data"), (SERVE, "serve")):
        with daemon(plugin(tmp, entries)) as d:
            since = dies(d, request)
            crash = d.wait_log("worker_crashed", since=since)
            assert crash["entry"] == entry and "its stack overflowed" in crash["msg"], crash
            assert d.stop() == 0


def test_a_stack_that_overflows_is_told_like_any_crash(tmp):
    is_told_as_an_overflow(tmp, b"d")


def test_a_variable_that_jumps_over_the_guard_is_told_as_an_overflow_too(tmp):
    if harness.SANITIZED:
        harness.skip("a sanitizer has memory of its own where the variable lies")
    is_told_as_an_overflow(tmp, b"h")


def test_abort_and_exit_are_told_with_who_was_running(tmp):
    with daemon(plugin(tmp)) as d:
        since = dies(d, b"a")
        crash = d.wait_log("worker_crashed", since=since)
        assert crash["signal"] == "Aborted" and "fault_address" not in crash, crash
        assert d.stop() == 0
    with daemon(plugin(tmp)) as d:
        since = dies(d, b"e")
        assert "it exited with status 5" in d.wait_log("worker_died", since=since)["error"]
        was = d.wait_log("worker_was_in", since=since)
        assert (was["plugin"], was["listener"], was["entry"]) == ("bad", "b", "data"), was
        assert d.stop() == 0


def test_a_crash_without_a_supervisor_tells_itself(tmp):
    if harness.SANITIZED:
        harness.skip("the sanitizer tells of it")
    for request, says in ((b"c", "Segmentation fault in data() of plugin 'bad', listener 'bad', connection 1\n"),
                          (b"d", "connection 1: the stack overflowed\n")):
        d = Daemon(command=["run", "--plugin", str(plugin(tmp)), "--listen", "tcp://127.0.0.1:0"]).start()
        with d.connect("bad") as c:
            c.sendall(request)
            d.wait()
        assert d.exit_status == -signal.SIGSEGV, d.exit_status
        text = "\n".join(d.lines)
        assert says in text + "\n" and "bad.so" in text, text


def test_exit_without_a_supervisor_is_told_and_is_a_failure(tmp):
    so = str(plugin(tmp, "-DENTRIES=.data=on_data"))
    for request, status, who in ((b"0", 70, "plugin=bad listener=bad entry=data conn=1 status=0"),
                                 (b"e", 5, "plugin=bad listener=bad entry=data conn=1 status=5"), (b"o", 70, "status=0")):
        d = Daemon(command=["run", "--plugin", so, "--listen", "tcp://127.0.0.1:0"]).start()
        with d.connect("bad") as c:
            c.sendall(request)
            d.wait()
        assert d.exit_status == status, (request, d.exit_status)
        told = d.find_logs("exit_called", level="error")
        assert len(told) == 1 and "sockd_conn_close()" in told[0]["msg"], d.lines
        assert any("event=exit_called " + who in line for line in d.lines), d.lines


def test_a_child_of_a_plugin_may_exit(tmp):
    if harness.SANITIZED:
        harness.skip("the leak check fails any child that calls exit()")
    d = Daemon(command=["run", "--plugin", str(plugin(tmp)), "--listen", "tcp://127.0.0.1:0"]).start()
    with d.connect("bad") as c:
        echoes(c, b"q")
    assert d.stop() == 0


def test_a_loop_that_the_kernel_keeps_is_told_and_not_ended(tmp):
    if harness.SANITIZED:
        harness.skip("what a sanitizer makes of vfork() is another call")
    with daemon(plugin(tmp), watchdog="1s") as d:
        with d.connect("b") as c:
            echoes(c, b"v")  # after four seconds
            waits = d.wait_log("loop_waits", level="warning")
            assert (waits["plugin"], waits["listener"], waits["entry"], waits["conn"]) == ("bad", "b", "data", "1"), waits
            echoes(c, b"x")
        assert not d.find_logs("loop_stuck") and not d.find_logs("worker_died")
        assert d.stop() == 0


def test_crashes_in_open_and_close_name_them(tmp):
    for entry in ("open", "close"):
        with daemon(plugin(tmp, **{entry: 1})) as d:
            with d.connect("b") as c:
                c.sendall(b"x")
            crash = d.wait_log("worker_crashed")
            assert crash["entry"] == entry, crash
            d.stop()


def test_a_worker_that_was_stopped_is_replaced_and_a_reload_gets_its_verdict(tmp):
    with Daemon({"b": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}, daemon={"threads": 1, "watchdog": "1s"}) as d:
        stopped = workers(d)[0]
        os.kill(stopped, signal.SIGSTOP)
        reload = d.sockctl("reload")

        assert reload.returncode == 1 and "the worker ended before it answered" in reload.stderr, reload
        assert d.wait_log("worker_silent", level="error")["generation"] == "1"
        assert "ended by signal 9" in d.wait_log("worker_died")["error"]
        d.wait_log("worker_ready", generation="2")
        assert stopped not in workers(d)
        with d.connect("b") as c:
            echoes(c, b"x")
        assert d.stop() == 0


def test_a_crash_in_start_refuses_the_start_and_says_where(tmp):
    d = daemon(plugin(tmp, start=1)).launch()

    assert d.wait() != 0

    crash = d.wait_log("worker_crashed")
    assert (crash["plugin"], crash["entry"]) == ("bad", "start"), crash


def test_a_fork_that_ends_hurts_nobody(tmp):
    with daemon(plugin(tmp)) as d:
        before = workers(d)
        with d.connect("b") as c:
            echoes(c, b"f")
            echoes(c, b"x")
        harness.wait_until(lambda: workers(d) == before, "the end of the fork")  # until then it looks like a worker
        assert d.stop() == 0


def test_a_loop_that_is_stuck_is_told_ended_and_replaced(tmp):
    for entries, entry in ((EVENTS, "data"), (SERVE, "serve")):
        with daemon(plugin(tmp, entries), watchdog="1s") as d:
            since = dies(d, b"l")

            stuck = d.wait_log("loop_stuck", since=since, level="error")
            assert (stuck["plugin"], stuck["listener"], stuck["entry"]) == ("bad", "b", entry), stuck
            assert d.wait_log("worker_crashed", since=since)["signal"] == "Aborted"
            assert d.stop() == 0


def test_a_fiber_that_waits_is_not_stuck(tmp):
    with daemon(plugin(tmp, SERVE), watchdog="1s") as d:
        with d.connect("b") as c:
            echoes(c, b"x")
            ready = d.mark()
            harness.wait_until(lambda: d.cpu_seconds() >= 0 and len(d.status_lines()) >= 1, "a status")
            with harness.connect(d.addr("b")) as other:
                other.settimeout(2.5)
                try:
                    other.recv(1)  # nothing comes: time passes in which nobody runs
                except TimeoutError:
                    pass
            echoes(c, b"x")
        assert d.find_logs("loop_stuck", since=ready) == []
        assert d.stop() == 0


def test_time_in_which_nobody_ran_is_no_silence(tmp):
    frozen_s = 6
    with daemon(plugin(tmp), watchdog="2s") as d, d.connect("b") as c:
        all_of_it = (d.process.pid, *workers(d))
        c.sendall(b"l")
        time.sleep(1.5)  # it has been seen in its plugin
        for pid in all_of_it:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(frozen_s)
        for pid in all_of_it:  # the supervisor first, and its timer is due
            os.kill(pid, signal.SIGCONT)

        stuck = d.wait_log("loop_stuck")

        assert 2000 <= int(stuck["ms"]) < frozen_s * 1000, stuck
        d.wait_log("worker_ready", generation="2")
        assert d.stop() == 0


def test_the_service_manager_hears_that_it_lives(tmp):
    d = Daemon({"e": {"listen": f"unix://{tmp}/s", "handler": "echo"}}, env={"WATCHDOG_USEC": "400000"}).start()
    d.wait_note("WATCHDOG", "1")
    harness.wait_until(lambda: sum(n == ("WATCHDOG", "1") for n in d.notes) >= 3, "three signs of life")
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
