#!/usr/bin/env python3
# runner: timeout=1200
"""A long storm (tests/support/storm.py)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import storm


def test_every_byte_comes_back_on_every_way(tmp):
    storm.storm(tmp, 300)


if __name__ == "__main__":
    harness.main()
