#!/usr/bin/env python3
# runner: timeout=3600
"""Every allocation fails once: of the commands, of a start, of serving and of a drain."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import starved


def test_commands_end_cleanly(tmp):
    starved.commands_end_cleanly(tmp, 1 << 30, 1)


def test_starts_end_cleanly(tmp):
    starved.starts_end_cleanly(tmp, 1 << 30, 1)


def test_serving_goes_on(tmp):
    starved.serving_goes_on(tmp, 100)


def test_drains_end(tmp):
    starved.drains_end(tmp, 1 << 30, 1)


if __name__ == "__main__":
    harness.main()
