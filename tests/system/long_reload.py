#!/usr/bin/env python3
# runner: timeout=1200
"""Reloads that take their time: many of them, mutated ones, and loops that do not answer."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from reloading import TCP, UDP, echo, named, roundtrip, serve_mutated, who, with_named


def test_a_loop_that_is_held_up_rolls_it_back():
    d = with_named({"a": named("w")}, {"threads": 2, "watchdog": "1m"})
    d.listeners["a"] = named("new", fails="slow")
    d.reload_badly("did not answer within 10 s", timeout=harness.PATIENCE_S + 20)
    assert d.find_logs("named_thread_stop", msg="new/1") == []  # whoever asked does not wait for the loops as well
    # The loops come back, throw away what they made, serve as before, and the next reload is fine.
    d.wait_log("named_thread_stop", count=2, msg="new/1", timeout=harness.PATIENCE_S + 20)
    with d.connect("a") as c:
        assert who(c) == "w/1"
    d.listeners["a"] = named("fine")
    d.reload_well()
    with d.connect("a") as c:
        assert who(c) == "fine/1"
    assert d.stop() == 0


def test_a_loop_that_is_held_up_for_too_long_costs_its_worker_after_the_verdict():
    d = with_named({"a": named("w")}, {"threads": 2})
    d.listeners["a"] = named("new", fails="slow")
    d.reload_badly("did not answer within 10 s", timeout=harness.PATIENCE_S + 20)
    stuck = d.wait_log("loop_stuck")
    assert (stuck["listener"], stuck["entry"]) == ("a", "thread_start"), stuck
    d.wait_log("worker_ready", generation="2")
    with d.connect("a") as c:
        assert who(c) == "w/1"
    assert d.stop() == 0


def costs(d):
    """What a leak would raise: descriptors, mappings, and memory of its own."""
    mappings = sum(len(open(f"/proc/{pid}/maps", encoding="ascii").readlines()) for pid in d.pids())
    return {"descriptors": d.fd_count(), "mappings": mappings, "KiB": d.own_kib()}


def test_500_reloads_leave_nothing_behind(tmp):
    d = with_named({"a": named("0"), "e": echo(), "u": echo(UDP), "s": echo(f"unix://{tmp}/s")}, {"threads": 2})
    with d.connect("e") as unchanged, d.connect("a") as first:
        assert who(first) == "0/1"
        before = None
        for i in range(1, 601):
            d.listeners["a"] = named(str(i % 7), fails="start" if i % 50 == 13 else "never")
            d.listeners["e"]["limits"] = {"connections": 100 + i % 3}
            d.listeners["u"]["buffers"] = {"read": f"{4 + i % 2}KiB"}
            d.listeners["s"]["socket"] = {"mode": "0660" if i % 2 else "0600"}
            d.listeners.pop(f"x{(i - 1) % 5}", None)
            d.listeners[f"x{i % 5}"] = named("x", TCP if i % 2 else UDP)
            e = d.reload()
            assert (e["event"] == "reload_refused") == (i % 50 == 13), e
            if i % 10 == 0:
                roundtrip(unchanged, b"%d" % i)
            if i == 100:
                before = costs(d)
        after = costs(d)
        assert who(first) == "0/1"
    print("# after 100 reloads", before, "after 600", after)
    assert after["descriptors"] <= before["descriptors"] + 2, (before, after)
    assert after["mappings"] <= before["mappings"] + 20, (before, after)
    assert harness.SANITIZED or after["KiB"] <= before["KiB"] + 1024, (before, after)
    assert d.stop() == 0


def test_reloads_under_load_cost_no_client_anything():
    load = harness.BUILD / "tests" / "bench" / "load"
    if not load.exists():
        harness.skip("tests/bench/load is not built")
    d = with_named({"kept": echo(limits={"connections": 5000}), "a": named("0")}, {"threads": 2})
    url, reloads = d.addr("kept").url, 0
    with d.connect("kept") as first:
        roundtrip(first)
        clients = [subprocess.Popen([str(load), mode, url, "--connections", str(count), "--seconds", "20"],
                                    stdout=subprocess.PIPE, text=True)
                   for mode, count in (("roundtrips", 200), ("connects", 16))]
        while clients[0].poll() is None:
            reloads += 1
            d.listeners["a"] = named(str(reloads))
            d.listeners["kept"]["backlog"] = 4000 + reloads % 90
            d.listeners["kept"]["limits"] = {"connections": 5000 + reloads}
            d.listeners.pop(f"x{reloads - 1}", None)
            d.listeners[f"x{reloads}"] = echo()
            d.reload_well()
        told = [json.loads(c.communicate()[0]) for c in clients]
        roundtrip(first)
    print("#", reloads, "reloads;", *((t["mode"], round(t["rate"]), "/s") for t in told))
    assert reloads >= 100, reloads
    for t in told:
        assert t["errors"] == 0 and t["lost"] == 0 and t["resumed"] == 0, t
    assert d.stop() == 0


def test_200_mutated_configurations_are_refused_with_a_place_or_served(tmp):
    serve_mutated(tmp, 200, seed=1)


if __name__ == "__main__":
    harness.main()
