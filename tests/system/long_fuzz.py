#!/usr/bin/env python3
# runner: timeout=3600
"""Every fuzz target for a while; `make fuzz` gives them as long as you like."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

SECONDS = 120


def test_nothing_breaks():
    harness.need_tool("clang")
    if harness.SANITIZED:
        harness.skip("the targets are built with sanitizers of their own")
    result = subprocess.run([sys.executable, str(harness.SRC / "tests" / "fuzz" / "run"), "--seconds", str(SECONDS)],
                            capture_output=True, text=True, check=False)
    print("".join(f"# {line}\n" for line in result.stdout.splitlines() if " runs in " in line), end="")
    assert result.returncode == 0, (result.stdout + result.stderr)[-6000:]


if __name__ == "__main__":
    harness.main()
