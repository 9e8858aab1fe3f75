#!/usr/bin/env python3
"""Allocations that fail: some of a start, of serving and of a drain; long_starved.py fails every one."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import starved


def test_commands_end_cleanly(tmp):
    starved.commands_end_cleanly(tmp, 5, 97)


def test_starts_end_cleanly(tmp):
    starved.starts_end_cleanly(tmp, 5, 61)


def test_serving_goes_on(tmp):
    starved.serving_goes_on(tmp, 8)


def test_drains_end(tmp):
    starved.drains_end(tmp, 3, 5)


if __name__ == "__main__":
    harness.main()
