#!/usr/bin/env python3
"""Handlers that do what they should not: what their author is told, and what the operator sees. Crashes, loops and
stacks that overflow have a file of their own (test_crash.py)."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios
from harness import Daemon

FORGETFUL = """
#include <sockd/plugin.h>
static void on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{ (void)c; (void)sockd_move(w, r); }
static void on_eof(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{ (void)c; (void)r; (void)w; /* sockd_conn_close() is what it forgets */ }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "forgetful", .version = "1",
	.data = on_data, .eof = on_eof };
"""


def serve(**daemon):
    return scenarios.serve("misbehaving", daemon={"threads": 1, "shutdown": {"timeout": "300ms"}, **daemon})


def told(d, what, since=0):
    """What the plugin was told of a call."""
    return d.wait_log("told", since=since, msg=lambda text: text.startswith(what))["msg"].removeprefix(what)


def metric(d, name, **labels):
    for line in d.sockctl("metrics").stdout.splitlines():
        if line.startswith(name + "{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return int(float(line.rsplit(" ", 1)[1]))
    return None


def do(client, deed):
    client.sendall(deed.encode() + b"\n")


def test_who_returns_early_ends_the_connection_cleanly():
    d = serve()
    for address in d.addresses("t"):
        since = d.mark()
        with harness.connect(address) as c:
            do(c, "return_early")
            c.sendall(b"x" * 100000)  # that nobody reads any more
            assert harness.receive_all(c) == b"bye\n"  # and no reset, which would have cost the answer
        d.wait_log("conn_closed", since=since, listener="t", reason="handler")
    assert metric(d, "sockd_connections_closed_total", listener="t", reason="handler") == len(d.addresses("t"))
    assert d.stop() == 0


def test_who_writes_after_the_peer_left_is_told_so():
    d = serve()
    for address in d.addresses("t"):
        since = d.mark()
        with harness.connect(address) as c:
            do(c, "write_after_the_peer_left")
        d.wait_log("waits", since=since)
        with harness.connect(address) as c:
            do(c, "wake")
            assert c.recv(16) == b"woken\n"

        assert told(d, "write: ", since) == f"-1 {os.strerror(104)}"  # ECONNRESET, and no SIGPIPE
        assert told(d, "sockd_write(w, block, 1): ", since).startswith("-1 ")
        d.wait_log("conn_closed", since=since, listener="t", reason="reset")
    assert metric(d, "sockd_connections_closed_total", listener="t", reason="reset") == len(d.addresses("t"))
    assert not d.find_logs("worker_died")
    assert d.stop() == 0


def test_a_handle_that_is_kept_reaches_nobody():
    d = serve()
    for address in d.addresses("t"):
        since = d.mark()
        with harness.connect(address) as c:
            do(c, "keep_handles")
            assert harness.receive_all(c) == b"kept\n"
        d.wait_log("conn_closed", since=since, listener="t")
        with harness.connect(address) as heir, harness.connect(address) as c:  # the first gets the place that is free
            do(c, "use_kept_handles")
            assert harness.receive_all(c) == b"used\n"
            do(heir, "return_early")
            assert harness.receive_all(heir) == b"bye\n"  # nothing that was not for it, and it is still open
        for call in ('sockd_write(kept.writer, "secret", 6)', "sockd_read(kept.reader, buf, sizeof buf)",
                     "sockd_conn_close(kept.conn)", "sockd_relay(c, kept.conn)"):
            assert told(d, call + ": ", since) == f"-1 {os.strerror(9)}", call  # EBADF
    assert d.stop() == 0


def test_a_call_on_a_foreign_thread_is_told_with_its_place(tmp):
    d = serve()
    for address in d.addresses("t"):
        since = d.mark()
        with harness.connect(address) as c:
            do(c, "call_from_a_foreign_thread")
            assert harness.receive_all(c) == b"kept\ndone\n"
        for call in ('sockd_write(kept.writer, "x", 1)', "sockd_read(kept.reader, buf, sizeof buf)",
                     "sockd_conn_set_busy(kept.conn, true)"):
            assert told(d, call + ": ", since) == f"-1 {os.strerror(18)}", call  # EXDEV
    warned = d.wait_log("foreign_thread", level="warning")
    assert (warned["function"], warned["plugin"]) == ("sockd_write", "misbehaving"), warned
    assert int(warned["offset"], 16) > 0 and "sockd_post()" in warned["msg"], warned
    assert len(d.find_logs("foreign_thread")) <= 2  # one a second, not one a call
    assert d.stop() == 0
    place = harness.subprocess.run(["addr2line", "-f", "-e", str(scenarios.build("misbehaving")), warned["offset"]],
                                   capture_output=True, text=True, check=True).stdout
    assert "call_from_here" in place or "sockd_write" in place, place


def test_connections_that_are_not_closed_wait_for_their_timeout_and_are_seen(tmp):
    so = harness.build_plugin(tmp, "forgetful", FORGETFUL)
    d = Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": str(so), "timeouts": {"idle": "400ms"}}}).start()
    with d.connect("t") as c:
        c.sendall(b"hello")
        c.shutdown(harness.socket.SHUT_WR)
        assert harness.receive_exactly(c, 5) == b"hello"
        listed, = d.ask("connections")
        assert listed["state"] == "close_read" and listed["listener"] == "t", listed
        assert c.recv(1) == b""  # after the timeout

    d.wait_log("conn_closed", listener="t", reason="idle_timeout")
    assert metric(d, "sockd_connections_closed_total", listener="t", reason="idle_timeout") == 1
    assert d.stop() == 0


def stuck(d, entry, *deeds):
    """Do that, one client after the other, and see how the loop's death is told. @return the crash"""
    since = d.mark()
    clients = []
    for deed in deeds:
        clients.append(d.connect("t"))
        do(clients[-1], deed)
        if deed == "hold_a_mutex" and len(clients) == 1:
            assert clients[0].recv(16) == b"held\n"
    told_of = d.wait_log("loop_stuck", since=since, level="error")
    assert (told_of["plugin"], told_of["listener"], told_of["entry"]) == ("misbehaving", "t", entry), told_of
    crash = d.wait_log("worker_crashed", since=since)
    assert (crash["plugin"], crash["entry"], crash["conn"]) == ("misbehaving", entry, told_of["conn"]), crash
    for c in clients:
        c.close()
    with d.connect("t") as c:  # the next worker serves
        do(c, "return_early")
        assert harness.receive_all(c) == b"bye\n"
    return crash


def test_a_mutex_held_over_a_wait_is_told_with_the_fiber_that_is_stuck():
    d = serve(watchdog="1s")
    crash = stuck(d, "serve", "hold_a_mutex", "hold_a_mutex")
    assert "a mutex" in crash["msg"], crash
    assert crash["conn"] != "0"
    assert d.stop() == 0


def test_a_loop_on_a_spawned_fiber_or_in_a_timer_is_told_like_any():
    d = serve(watchdog="1s")
    assert stuck(d, "fiber", "loop_on_a_fiber")["conn"] != "0"
    assert stuck(d, "timer", "loop_in_a_timer")["conn"] != "0"
    assert d.stop() == 0


def test_a_handler_that_does_not_come_back_is_told_by_the_plugin_test(tmp):
    code = FORGETFUL.replace("(void)sockd_move(w, r);", "(void)r; (void)w; for (volatile int i = 0;; i++) ;")
    made = harness.build_plugin(tmp, "stubborn", code)
    script = tmp / "script"
    script.write_text('send "x"\nexpect "x"\n')

    done = harness.run_sockd("plugin", "test", made, "--transport", "tcp", "--timeout", "1s", "--script", script)

    assert done.returncode == 78 and "did not stop: does the plugin's code come back?" in done.stdout, done
    assert "Aborted in data() of plugin 'forgetful'" in done.stderr and f"{made}(+0x" in done.stderr, done


if __name__ == "__main__":
    harness.main()
