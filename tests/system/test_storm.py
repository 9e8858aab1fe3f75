#!/usr/bin/env python3
# runner: timeout=180
"""A short storm (tests/support/storm.py)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import storm


def test_every_byte_comes_back_on_every_way(tmp):
    storm.storm(tmp, 6)


if __name__ == "__main__":
    harness.main()
