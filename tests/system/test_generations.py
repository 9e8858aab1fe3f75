#!/usr/bin/env python3
"""What holds over all workers together: limits while old ones drain, orders that outlive a worker."""

import contextlib
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon
from test_processes import echoes, workers
from test_upgrade import Installed

# A client that it keeps busy stays for as long as it likes, whatever drains.
HOLD = """
#include <sockd/plugin.h>

static void opened(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r, (void)w;
	(void)sockd_conn_set_busy(c, 1);
}

static void data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	sockd_move(w, r);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "hold", .version = "1.0",
	.open = opened, .data = data };
"""
LIMIT = 5


def holding(tmp, **options):
    harness.build_plugin(tmp, "hold", HOLD)
    settings = {"plugin_path": [str(tmp), str(harness.PLUGINS)], "shutdown": {"timeout": "5m"}, "threads": 2}
    return Installed(tmp, {"h": {"listen": "tcp://127.0.0.1:0", "handler": "hold", "limits": {"connections": LIMIT}}},
                     daemon=settings, **options)


def admitted(address, stack):
    """A client that is served, or None if it is closed at once."""
    c = stack.enter_context(harness.connect(address))
    with contextlib.suppress(ConnectionError):
        c.sendall(b"?")
        if c.recv(1) == b"?":
            return c
    c.close()
    return None


def admit_all(address, stack):
    """Clients until one is refused. A place that is being given back may take a moment: nobody is counted twice."""
    return list(iter(lambda: admitted(address, stack), None))


def accepts(pid):
    """Whether this process has a tcp socket that listens."""
    listening = {f"socket:[{inode}]" for inode in harness.tcp_listeners()}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{fd}") in listening:
                return True
    return False


def test_the_limit_of_connections_holds_over_an_upgrade(tmp):
    with holding(tmp).start() as d, contextlib.ExitStack() as stack:
        address = d.addr("h")
        old = [admitted(address, stack) for _ in range(3)]
        (first,) = workers(d)
        assert accepts(first)
        d.upgrade()
        harness.wait_until(lambda: not accepts(first), "the old worker to leave clients to the new one")

        young = admit_all(address, stack)

        assert len(young) == LIMIT - len(old), len(young)
        old.pop().close()
        young.append(harness.wait_until(lambda: admitted(address, stack), "the place of an old client"))
        assert admitted(address, stack) is None

        os.kill(first, signal.SIGKILL)
        d.wait_log("worker_died")
        found = admit_all(address, stack)
        assert len(found) == len(old), len(found)
        for c in young:
            echoes(c)


def test_a_killed_worker_leaves_no_place_taken(tmp):
    with holding(tmp).start() as d, contextlib.ExitStack() as stack:
        address = d.addr("h")
        for round_number in range(3):
            assert len(admit_all(address, stack)) == LIMIT, round_number
            (worker,) = workers(d)
            os.kill(worker, signal.SIGKILL)
            d.wait_log("worker_ready", count=round_number + 1)


def test_the_limit_holds_over_a_reload_that_changes_it(tmp):
    with holding(tmp).start() as d, contextlib.ExitStack() as stack:
        address = d.addr("h")
        assert len(admit_all(address, stack)) == LIMIT
        text = d.config.read_text()

        d.config.write_text(text.replace(f'"connections": {LIMIT}', f'"connections": {LIMIT + 2}'))
        d.send(signal.SIGHUP)
        d.wait_log("reloaded")

        assert len(admit_all(address, stack)) == 2


def two_echoes(tmp):
    return Installed(tmp, {name: {"listen": "tcp://127.0.0.1:0", "handler": "echo"} for name in ("a", "b")})


def state_of(d, name):
    return {x["name"]: x["state"] for x in d.ask("listeners")}[name]


def every_way_on(d):
    """One after the other: a reload of something else, a crash, an upgrade."""
    tree = json.loads(d.config.read_text())
    ways = (("reload", lambda: d.send(signal.SIGHUP), "reloaded"),
            ("crash", lambda: os.kill(workers(d)[0], signal.SIGKILL), "worker_ready"),
            ("upgrade", lambda: d.send(signal.SIGUSR2), "upgraded"))
    for limit, (name, go_on, done) in enumerate(ways):
        tree["listeners"]["b"]["limits"] = {"connections": 100 + limit}
        d.config.write_text(json.dumps(tree))
        since = d.mark()
        go_on()
        d.wait_log(done, since=since)
        harness.wait_until(lambda: len(workers(d)) == 1, "one worker")
        yield name


def test_a_paused_listener_stays_paused_until_it_is_resumed(tmp):
    with two_echoes(tmp).start() as d:
        assert d.sockctl("listener", "pause", "a").returncode == 0
        with d.connect("a") as waiting:
            waiting.sendall(b"hello")
            for name in every_way_on(d):
                assert state_of(d, "a") == "paused", name
                with d.connect("b") as c:
                    echoes(c)
                assert {x["name"]: x["accepted"] for x in d.ask("listeners")}["a"] == 0, name

            assert d.sockctl("listener", "resume", "a").returncode == 0

            assert harness.receive_exactly(waiting, 5) == b"hello"
        for name in every_way_on(d):
            assert state_of(d, "a") == "serving", name
        assert d.stop() == 0


def test_a_drained_listener_goes_on_refusing(tmp):
    with two_echoes(tmp).start() as d, contextlib.ExitStack() as stack:
        address = d.addr("a")
        assert d.sockctl("drain", "a").returncode == 0
        for name in every_way_on(d):
            assert admitted(address, stack) is None, name
            with d.connect("b") as c:
                echoes(c)

        assert d.sockctl("listener", "resume", "a").returncode == 0

        assert admitted(address, stack) is not None
        assert d.stop() == 0


def test_a_listener_that_was_removed_comes_back_serving(tmp):
    with two_echoes(tmp).start() as d:
        whole = d.config.read_text()
        tree = json.loads(whole)
        del tree["listeners"]["a"]
        assert d.sockctl("listener", "pause", "a").returncode == 0
        for text in (json.dumps(tree), whole):
            d.config.write_text(text)
            since = d.mark()
            d.send(signal.SIGHUP)
            d.wait_log("reloaded", since=since)

        assert state_of(d, "a") == "serving"
        for name in every_way_on(d):
            assert state_of(d, "a") == "serving", name
        assert d.stop() == 0


def test_bans_are_in_force_before_a_new_worker_accepts_anybody(tmp):
    with two_echoes(tmp).start() as d, contextlib.ExitStack() as stack:
        address = d.addr("a")
        assert d.sockctl("ban", "127.0.0.0/8").returncode == 0
        for name in every_way_on(d):
            assert admitted(address, stack) is None, name
        for _ in range(3):  # whoever waits in the backlog is the first that the next worker meets
            since = d.mark()
            os.kill(workers(d)[0], signal.SIGKILL)
            assert [admitted(address, stack) for _ in range(5)] == [None] * 5
            d.wait_log("worker_ready", since=since)
        assert d.sockctl("unban", "127.0.0.0/8").returncode == 0
        assert admitted(address, stack) is not None


if __name__ == "__main__":
    harness.main()
