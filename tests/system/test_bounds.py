#!/usr/bin/env python3
# runner: alone
"""What clients may cost, in small; long_bounds.py has the whole numbers."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import bounds
import harness


def test_a_client_that_never_reads_costs_its_buffers(tmp):
    bounds.a_client_that_never_reads_costs_its_buffers(tmp, 1)


def test_a_slow_client_gets_a_megabyte_after_the_end(tmp):
    bounds.a_slow_client_gets_a_megabyte_after_the_end(tmp)


def test_idle_clients_cost_little(tmp):
    bounds.idle_clients_cost_little(tmp, 1000, "unix", {"echo": 2.5, "echo-serve": 11})  # with what is shared by them


def test_resets_leave_nothing(tmp):
    bounds.resets_leave_nothing(tmp, 1000)


def test_without_descriptors_it_waits(tmp):
    bounds.without_descriptors_it_waits(tmp, 1)


def test_a_stale_handle_reaches_nobody(tmp):
    bounds.a_stale_handle_reaches_nobody(tmp, 300)


if __name__ == "__main__":
    harness.main()
