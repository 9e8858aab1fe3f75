#!/usr/bin/env python3
# runner: timeout=1200
"""Reloads that take their time: many of them, mutated ones, and loops that do not answer."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from reloading import named, who, with_named


def test_a_loop_that_is_held_up_rolls_it_back():
    d = with_named({"a": named("w")}, settings={"threads": 2})
    d.listeners["a"] = named("new", fails="slow")
    d.reload_badly("did not answer within 10 s", timeout=harness.PATIENCE_S + 20)
    with d.connect("a") as c:
        assert who(c) == "w/1"
    # The loops come back, throw away what they made, and the next reload is fine.
    d.wait_log("named_thread_stop", count=2, msg="new/1", timeout=harness.PATIENCE_S + 20)
    d.listeners["a"] = named("fine")
    d.reload_well()
    with d.connect("a") as c:
        assert who(c) == "fine/1"
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
