#!/usr/bin/env python3
"""Fibers, waits and timers of plugins, on a real daemon: what they give, and how they end."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios

EVERYWHERE = ("join_gives_the_result", "nobody_joins_himself", "cancel_ends_a_wait_for_good",
              "a_join_is_not_ended_by_cancel", "wake_reaches_all_that_wait")
BLOCK = 700000


def test_fibers_on_every_transport():
    d = scenarios.serve("fibers", scenarios.STREAMS + scenarios.DATAGRAMS)
    scenarios.run_all(d, *EVERYWHERE, "timers_fire_and_stop", "one_fiber_reads")
    assert d.stop() == 0


def test_times_of_streams():
    d = scenarios.serve("fibers")
    scenarios.run_all(d, "a_timeout_begins_when_it_is_set", "the_largest_number_is_never")
    assert d.stop() == 0


def blocks_of(text):
    """The runs of equal letters, as (letter, length)."""
    found = []
    for at in range(0, len(text), BLOCK):
        part = text[at:at + BLOCK]
        assert part == part[:1] * len(part), f"a write of '{part[:1]}' is not in one piece"
        found.append((part[:1], len(part)))
    return found


def test_writes_of_many_fibers_never_mix():
    d = scenarios.serve("fibers")
    for address in d.addresses("t"):
        with harness.connect(address) as c:
            c.sendall(b"writes_queue_whole\n")
            blocks = blocks_of(harness.receive_exactly(c, 8 * BLOCK))
            assert blocks == [(bytes([letter]), BLOCK) for letter in b"abcdefgh"], blocks
            assert scenarios.answer(c) == b"ok\n"
    assert d.stop() == 0


def test_a_cancelled_writer_leaves_the_queue():
    d = scenarios.serve("fibers", socket={"send_buffer": "16KiB"})
    for address in d.addresses("t"):
        with harness.connect(address, receive_buffer=4096) as c:
            since = d.mark()
            c.sendall(b"a_cancelled_writer_leaves_the_queue\n")
            d.wait_log("cancelled", since=since)
            assert blocks_of(harness.receive_exactly(c, 2 * BLOCK)) == [(b"x", BLOCK), (b"z", BLOCK)]
            assert scenarios.answer(c) == b"ok\n"
    assert d.stop() == 0


def test_children_left_behind_are_ended_before_close():
    d = scenarios.serve("ending")
    for address in d.addresses("t"):
        since = d.mark()
        with harness.connect(address) as c:
            c.sendall(b"leave_children\n")
            assert c.recv(1) == b""
        d.wait_log("closed", since=since, msg="Success")
        order = [e["event"] for e in d.events[since:] if e["event"] in ("child_ended", "closed")]
        assert order == ["child_ended"] * 24 + ["closed"], order
        assert len(d.find_logs("child_ended", since, msg=os.strerror(125))) == 24  # ECANCELED
    assert d.stop() == 0
    assert not d.find_logs("scenario_failed") and not d.find_logs("a_dead_timer_fired")
    assert not d.find_logs("spawned_in_close")


def test_a_connection_ends_when_whoever_joined_its_fiber_knows():
    d = scenarios.serve("ending", env={"MALLOC_PERTURB_": "165"})
    for address in d.addresses("t"):
        since = d.mark()
        with harness.connect(address) as c:
            c.sendall(b"leave_one_who_is_joined\n")
            assert c.recv(1) == b""
        d.wait_log("housekeeper_joined", since=since, msg="Success")
        d.wait_log("closed", since=since, msg="Success")
    assert d.stop() == 0
    assert not d.find_logs("scenario_failed")


def test_clients_without_a_fiber_fill_no_log():
    if harness.SANITIZED:
        harness.skip("a sanitizer needs address space")
    d = harness.Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": "echo-serve"}},
                       daemon={"threads": 1, "fiber_stack": "64MiB"}, rlimits={harness.resource.RLIMIT_AS: 3 << 29}).start()
    clients = [d.connect("t") for _ in range(60)]
    d.wait_log("conn_closed", reason="error", count=20)
    for c in clients:
        c.close()
    assert [e.get("missed") for e in d.find_logs("no_fiber")] == ["0"], d.find_logs("no_fiber")
    assert d.stop() == 0


def test_drain_interrupts_every_quiet_wait_once():
    d = scenarios.serve("ending", daemon={"shutdown": {"timeout": "60s"}})
    clients = [harness.connect(address) for address in d.addresses("t")]
    for c in clients:
        c.sendall(b"wait_in_every_way\n")
        assert harness.receive_exactly(c, 8) == b"waiting\n"

    d.send(signal.SIGTERM)

    for c in clients:
        assert c.recv(1) == b""
        c.close()
    assert d.wait() == 0
    for event, text in (("first_sleep", "Cannot send after transport endpoint shutdown"), ("second_sleep", "Success"),
                        ("wait_ended", "Cannot send after transport endpoint shutdown"), ("read_gave_the_end", None),
                        ("joined_all", "Success")):
        fields = {} if text is None else {"msg": text}
        assert len(d.find_logs(event, **fields)) == len(clients), (event, d.find_logs(event))
    assert len(d.find_logs("conn_closed", reason="drain")) == len(clients)


def test_at_the_deadline_every_wait_is_cancelled():
    d = scenarios.serve("ending", daemon={"shutdown": {"timeout": "300ms"}})
    with harness.connect(d.addr("t", "tcp")) as c:
        c.sendall(b"stay_until_forced\n")
        assert harness.receive_exactly(c, 8) == b"waiting\n"
        assert d.stop() == 0
    d.wait_log("forced", msg=os.strerror(125))
    d.wait_log("conn_closed", reason="drain_forced")


def test_a_loops_own_fibers_end_with_the_drain():
    d = scenarios.serve("ending", daemon={"threads": 3, "shutdown": {"timeout": "60s"}})
    assert d.stop() == 0
    assert len(d.find_logs("housekeeper_ended", msg="Cannot send after transport endpoint shutdown")) == 3
    assert not d.find_logs("a_dead_timer_fired")


def test_fibers_of_a_start_that_fails_are_ended():
    so = scenarios.build("ending")
    d = harness.Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": {"plugin": str(so), "config": {"refuse": True}}}},
                       daemon={"threads": 2})
    d.launch()
    assert d.wait() == 78
    assert len(d.find_logs("housekeeper_ended", msg=os.strerror(125))) == 2
    assert any("refused, as it was told to" in line for line in d.lines), d.lines


if __name__ == "__main__":
    harness.main()
