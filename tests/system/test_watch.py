#!/usr/bin/env python3
"""Whatever of a plugin is running when its worker dies, or when a loop is stuck in it, is told by name."""

import contextlib
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import certs
import harness
from harness import Daemon

# The first byte says what is to run, the second what it does there: crash, or never come back.
CODE = """
#include <sockd/plugin.h>

static char how;
static struct sockd_host thread;

static void bad(void)
{
	if (how == 'c')
		*(volatile int *)8 = 1;
	for (volatile int i = 0;; i++)
		;
}
static void in_host(struct sockd_host h, void *arg) { (void)h, (void)arg; bad(); }
static void in_conn(struct sockd_conn c, void *arg) { (void)c, (void)arg; bad(); }
static int work(void *arg) { (void)arg; return 0; }
static int bad_work(void *arg) { (void)arg; bad(); return 0; }
static void deep(volatile char *up) { volatile char here[4096]; here[0] = up[0]; deep(here); here[1] = up[1]; }
static int deep_work(void *arg) { char start[2] = ""; (void)arg; deep(start); return 0; }
static void nothing(struct sockd_host h, int result, void *arg) { (void)h, (void)result, (void)arg; }
static int waiter(struct sockd_host h, void *arg) { (void)arg; return sockd_offload(h, NULL, bad_work, NULL); }
static void done(struct sockd_host h, int result, void *arg) { (void)h, (void)result, (void)arg; bad(); }
static int fiber(struct sockd_host h, void *arg)
{
	(void)arg;
	(void)sockd_sleep(h, 1);
	bad();
	return 0;
}
static int thread_start(struct sockd_host h, void *i, void **ret, struct sockd_error *e)
{
	(void)i, (void)ret, (void)e;
	thread = h;
	return 0;
}
static void data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	char text[2];
	(void)w;
	if (sockd_read(r, text, 2) != 2)
		return;
	how = text[1];
	switch (text[0]) {
	case 't': (void)sockd_timer_start(h, 1, 0, in_host, NULL); break;
	case 'p': (void)sockd_post(h, sockd_conn_id(c), in_conn, NULL); break;
	case 'P': (void)sockd_post_thread(thread, in_host, NULL); break;
	case 'o': (void)sockd_offload_then(h, NULL, work, done, NULL); break;
	case 'f': (void)sockd_spawn(h, fiber, NULL); break;
	case 'w': (void)sockd_offload_then(h, NULL, bad_work, nothing, NULL); break;
	case 'W': (void)sockd_spawn(h, waiter, NULL); break;
	case 'd': (void)sockd_offload_then(h, NULL, deep_work, nothing, NULL); break;
	}
}
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "late", .version = "1.0",
	.thread_start = thread_start, .data = data };
"""

WATCHER = """
#include <sockd/plugin.h>
#include <string.h>

static const char *where;

static int start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{
	(void)h, (void)ret, (void)e;
	where = sockd_setting_string(s, "where");
	return 0;
}
static void bad(const char *here) { if (strcmp(where, here) == 0) *(volatile int *)8 = 1; }
static void on_connection(void *i, struct sockd_conn c, int state) { (void)i, (void)c, (void)state; bad("on_connection"); }
static void on_error(void *i, struct sockd_conn c, int error, const char *text)
{ (void)i, (void)c, (void)error, (void)text; bad("on_error"); }
static void on_server(void *i, const char *event, const char *text)
{ (void)i, (void)text; if (strcmp(event, "draining") == 0) bad("on_server"); }
static void reopened(void *i) { (void)i; bad("reopen"); }
static const struct sockd_option options[] = { { .name = "where", .type = SOCKD_T_STRING, .help = "What crashes" }, { 0 } };
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "watcher", .version = "1.0",
	.start = start, .observe = 1u << SOCKD_NEW, .on_connection = on_connection, .on_error = on_error,
	.on_server = on_server, .reopen = reopened, .options = options };
"""
ENTRIES = {"t": "timer", "p": "post", "P": "post", "o": "offload_done", "f": "fiber"}
OFFLOADED = {"w": "offload", "W": "offload"}
TUNER = """
#include <sockd/plugin.h>
#include <signal.h>
static int tune(struct sockd_conn c, int fd) { (void)c, (void)fd; *(volatile int *)8 = 1; return 0; }
static void data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w) { (void)c, (void)r, (void)w; }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "tuner", .version = "1.0",
	.tune = tune, .data = data };
"""


def send(d, request):
    with d.connect("late") as c:
        c.sendall(request)
        with contextlib.suppress(ConnectionError):
            assert c.recv(1) == b""


def test_a_crash_in_what_runs_later_is_told_by_name(tmp):
    so = harness.build_plugin(tmp, "late", CODE, "-O0", "-Wno-infinite-recursion")
    with Daemon({"late": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}}, daemon={"threads": 1}) as d:
        for what, entry in {**ENTRIES, **OFFLOADED}.items():
            since = d.mark()
            send(d, what.encode() + b"c")
            crash = d.wait_log("worker_crashed", since=since)
            assert (crash["plugin"], crash["listener"], crash["entry"]) == ("late", "late", entry), (what, crash)
            assert (crash["conn"] != "0") == (what != "P"), (what, crash)
        assert d.stop() == 0


def test_a_loop_that_is_stuck_in_what_runs_later_is_told_by_name(tmp):
    so = harness.build_plugin(tmp, "late", CODE, "-O0", "-Wno-infinite-recursion")
    with contextlib.ExitStack() as stack:
        daemons = {}
        for what in ENTRIES:  # all at once: each takes the watchdog's second
            d = stack.enter_context(Daemon({"late": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}},
                                           daemon={"threads": 1, "watchdog": "1s"}).start())
            c = stack.enter_context(d.connect("late"))
            c.sendall(what.encode() + b"l")
            daemons[what] = d
        for what, d in daemons.items():
            stuck = d.wait_log("loop_stuck")
            assert (stuck["plugin"], stuck["listener"], stuck["entry"]) == ("late", "late", ENTRIES[what]), (what, stuck)
            assert d.wait_log("worker_crashed")["entry"] == ENTRIES[what]


def test_a_stack_that_overflows_on_the_pool_is_told(tmp):
    so = harness.build_plugin(tmp, "late", CODE, "-O0", "-Wno-infinite-recursion")
    with Daemon({"late": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}}) as d:
        send(d, b"d-")
        crash = d.wait_log("worker_crashed")
        assert crash["entry"] == "offload" and "its stack overflowed" in crash["msg"], crash
        assert d.stop() == 0


def test_a_function_that_stays_on_the_pool_is_told_by_name_and_ends_nobody(tmp):
    so = harness.build_plugin(tmp, "late", CODE, "-O0", "-Wno-infinite-recursion")
    for what in OFFLOADED:
        with Daemon({"late": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}},
                    daemon={"threads": 1, "watchdog": "1s", "shutdown": {"timeout": "100ms"}}) as d, d.connect("late") as c:
            c.sendall(what.encode() + b"l")
            stuck = d.wait_log("offload_stuck", level="warning")
            assert (stuck["plugin"], stuck["listener"]) == ("late", "late") and stuck["conn"] != "0", stuck

            with d.connect("late") as other:  # the loop turns
                other.sendall(b"--")
            d.send(signal.SIGTERM)
            was = d.wait_log("worker_was_in", timeout=30)
            assert (was["plugin"], was["entry"], was["conn"]) == ("late", "offload", stuck["conn"]), was
            assert len(d.find_logs("offload_stuck")) == 1 and not d.find_logs("loop_stuck"), d.lines[-20:]


def test_a_crash_in_tune_is_told_by_name(tmp):
    so = harness.build_plugin(tmp, "tuner", TUNER, "-O0")
    with Daemon({"late": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}}) as d:
        send(d, b"")
        crash = d.wait_log("worker_crashed")
        assert (crash["plugin"], crash["listener"], crash["entry"]) == ("tuner", "late", "tune"), crash
        assert crash["conn"] != "0", crash


def watched(tmp, so, where):
    site = certs.Authority(tmp).issue("site", dns=["localhost"])
    return Daemon({"late": {"listen": "tcp://127.0.0.1:0", "handler": "echo"},
                   "safe": {"listen": "tcp://127.0.0.1:0", "handler": "echo",
                            "tls": {"certificates": [{"cert": str(site.cert), "key": str(site.key)}]}}},
                  daemon={"threads": 1, "observers": [{"plugin": str(so), "config": {"where": where}}]})


def spoil_handshake(d):
    with d.connect("safe") as c:
        c.sendall(b"this is no handshake\n")
        with contextlib.suppress(ConnectionError):
            harness.receive_all(c)


def test_a_crash_in_an_observer_is_told_by_name(tmp):
    so = harness.build_plugin(tmp, "watcher", WATCHER, "-O0")
    for where, act in (("on_connection", lambda d: send(d, b"")), ("on_error", spoil_handshake), ("reopen", lambda d: d.send(signal.SIGUSR1)),
                       ("on_server", lambda d: d.send(signal.SIGTERM))):
        with watched(tmp, so, where).start() as d:
            act(d)
            crash = d.wait_log("worker_crashed")
            assert (crash["plugin"], crash["entry"]) == ("watcher", where), crash


if __name__ == "__main__":
    harness.main()
