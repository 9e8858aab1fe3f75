#!/usr/bin/env python3
# runner: alone timeout=900
"""What clients may cost, in the numbers that are promised. The figures are printed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import bounds
import harness

IDLE = 500 if harness.SANITIZED else 15000


def test_a_client_that_never_reads_for_ten_seconds(tmp):
    bounds.a_client_that_never_reads_costs_its_buffers(tmp, 10)


def test_fifteen_thousand_idle_clients_over_unix(tmp):
    bounds.idle_clients_cost_little(tmp, IDLE, "unix", {"echo": 2, "echo-serve": 10})


def test_fifteen_thousand_idle_clients_over_tcp(tmp):
    bounds.idle_clients_cost_little(tmp, IDLE, "tcp", {"echo": 2, "echo-serve": 10})


def test_ten_thousand_resets_leave_nothing(tmp):
    bounds.resets_leave_nothing(tmp, 10000)


def test_without_descriptors_it_waits(tmp):
    bounds.without_descriptors_it_waits(tmp, 5)


def test_a_stale_handle_reaches_nobody(tmp):
    bounds.a_stale_handle_reaches_nobody(tmp, 5000)


if __name__ == "__main__":
    harness.main()
