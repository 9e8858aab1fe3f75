#!/usr/bin/env python3
"""Work on other threads, and messages from them, on a real daemon."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios


def test_offloaded_work_on_every_transport():
    d = scenarios.serve("threads", scenarios.STREAMS + scenarios.DATAGRAMS)
    scenarios.run_all(d, "offload_gives_the_result", "serial_work_keeps_its_order")
    assert d.stop() == 0


def test_a_full_queue_refuses():
    d = scenarios.serve("threads")
    scenarios.run(d, "a_full_queue_refuses", d.addr("t", "tcp"))
    assert d.stop() == 0


def test_messages_come_exactly_once():
    d = scenarios.serve("threads", daemon={"threads": 2})
    for _ in range(3):
        scenarios.run_all(d, "posts_come_exactly_once")
    assert d.stop() == 0


def test_any_thread_counts():
    d = scenarios.serve("threads", daemon={"threads": 2})
    scenarios.run_all(d, "any_thread_counts")
    total = 2000 * len(d.addresses("t"))
    text = d.sockctl("metrics").stdout
    assert f'sockd_plugin_counted_total{{plugin="threads",listener="t"}} {total}\n' in text, text
    assert d.stop() == 0


def test_work_outlives_its_connection_and_is_told_so():
    d = scenarios.serve("threads", daemon={"threads": 1})
    for address in d.addresses("t"):
        with harness.connect(address) as c:
            c.sendall(b"leave_work_behind\n")
            assert harness.receive_exactly(c, 3) == b"ok\n"
        scenarios.run(d, "work_was_left_behind", address)
    assert d.stop() == 0


def test_a_drain_waits_for_work_under_way():
    d = scenarios.serve("threads", daemon={"threads": 1})
    with d.connect("t") as c:
        c.sendall(b"leave_work_behind\n")
        assert harness.receive_exactly(c, 3) == b"ok\n"
    assert d.stop() == 0


def test_fields_are_escaped():
    d = scenarios.serve("threads")
    scenarios.run_all(d, "fields_in_logs")
    told = d.wait_log("painted", listener="t", plugin="threads", color='dark "red"\n')
    assert told["count"] == "-5"
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
