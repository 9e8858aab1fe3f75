#!/usr/bin/env python3
"""What holds over all workers together: limits while old ones drain, orders that outlive a worker."""

import contextlib
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


def test_the_limit_of_connections_holds_over_an_upgrade(tmp):
    with holding(tmp).start() as d, contextlib.ExitStack() as stack:
        address = d.addr("h")
        old = [admitted(address, stack) for _ in range(3)]
        (first,) = workers(d)
        d.upgrade()

        young = admit_all(address, stack)

        assert len(young) == LIMIT - len(old), len(young)
        old.pop().close()
        young.append(harness.wait_until(lambda: admitted(address, stack), "the place of an old client"))
        assert admitted(address, stack) is None

        os.kill(first, signal.SIGKILL)
        d.wait_log("worker_died")
        assert len(admit_all(address, stack)) == len(old)
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


if __name__ == "__main__":
    harness.main()
