#!/usr/bin/env python3
# runner: alone timeout=5400
"""The whole suite once more in builds that look closer: AddressSanitizer with UBSan, ThreadSanitizer, and one that
counts executed lines, of which every file of the daemon has to reach its share."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness

LEAST_PERCENT = 80
FOREIGN = ("SOCKD_SRC", "SOCKD_BUILD", "SOCKD_SANITIZE", "SOCKD_COVERAGE", "SOCKD_CPPFLAGS", "SOCKD_TEST_CPPFLAGS", "SOCKD_LIBS",
           "CC", "CXX", "TMPDIR", "XDG_RUNTIME_DIR", "MAKEFLAGS")


def prepare_counts(folder):
    """None yet, and files that a worker which gave up its user may write too."""
    for old in folder.rglob("*.gcda"):
        old.unlink()
    for notes in folder.rglob("*.gcno"):
        counts = notes.with_suffix(".gcda")
        counts.touch()
        counts.chmod(0o666)


def run_suite(name, *flags):
    """Configure, build and test in BUILD/NAME. @return that folder"""
    if harness.SANITIZED:
        harness.skip("this build is instrumented itself")
    folder = harness.BUILD / name
    folder.mkdir(exist_ok=True)
    env = {k: v for k, v in os.environ.items() if k not in FOREIGN}

    def run(*command):
        result = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace", check=False)
        return result.returncode, result.stdout

    if not (folder / "config.status").exists():
        status, text = run(str(harness.SRC / "configure"), *flags)
        assert status == 0, text[-2000:]
    status, text = run("make", f"-j{len(os.sched_getaffinity(0))}", "check-programs")
    assert status == 0, text[-4000:]
    prepare_counts(folder)
    status, text = run("make", "check", "TESTS_FLAGS=--timeout=600")
    told = re.findall(r"^\d+ passed, .*$", text, re.MULTILINE)
    print(f"# {name}: {told[-1] if told else 'no test ran'}")
    assert status == 0, "\n".join(line for line in text.splitlines() if not line.startswith(("ok ", "make")))[-6000:]
    return folder


def test_address_and_undefined():
    assert run_suite("address", "--enable-developer", "--enable-sanitize=address,undefined")


def test_thread():
    assert run_suite("thread", "--enable-developer", "--enable-sanitize=thread")


def test_every_file_is_executed():
    harness.need_tool("gcovr")
    folder = run_suite("coverage", "--enable-coverage")
    for counts in folder.rglob("*.gcda"):
        if counts.stat().st_size == 0:
            counts.unlink()

    result = subprocess.run(["gcovr", "--root", str(harness.SRC), "--object-directory", ".", "--filter",
                             str(harness.SRC / "daemon") + "/", "--json-summary"], cwd=folder, capture_output=True, text=True, check=True)
    files = sorted(json.loads(result.stdout)["files"], key=lambda f: f["line_percent"])
    for f in files:
        print(f"# {f['line_percent']:5.1f} % of {f['line_total']:4} lines: {f['filename']}")
    assert len(files) > 50, "gcovr found few files"
    below = [f"{f['filename']}: {f['line_percent']} %" for f in files if f["line_percent"] < LEAST_PERCENT]
    assert not below, "\n".join(below)


if __name__ == "__main__":
    harness.main()
