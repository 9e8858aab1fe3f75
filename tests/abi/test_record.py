#!/usr/bin/env python3
"""The ABI is frozen: the types of each version are as they were recorded, and a plugin of 1.0 builds, loads and serves.

A change that only adds raises SOCKD_ABI_MINOR and is recorded anew (tests/abi/record); nothing else is allowed."""

import os
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

HERE = pathlib.Path(__file__).resolve().parent


def build(source, target, include, *flags):
    compiler = shlex.split(os.environ.get("CC") or "cc")
    subprocess.run([*compiler, "-std=gnu99", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC",
                    f"-I{include}", "-Wl,-z,defs", *flags, "-o", str(target), str(source)], check=True)
    target.chmod(0o755)
    return target


def test_every_type_is_as_recorded(tmp):
    harness.need_tool("abidiff")
    for minor in (0, 1):
        now = build(HERE / "everything.c", tmp / f"1.{minor}.so", harness.SRC / "include", f"-DSOCKD_ABI_MINOR={minor}")
        ran = subprocess.run(["abidiff", "--no-show-locs", str(HERE / f"sockd-1.{minor}.abi"), str(now)],
                             capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"1.{minor}: abidiff says {ran.returncode}:\n{ran.stdout}{ran.stderr}"


def test_a_change_would_be_seen(tmp):
    harness.need_tool("abidiff")
    text = (harness.SRC / "include" / "sockd" / "types.h").read_text(encoding="utf-8")
    changed = tmp / "sockd"
    changed.mkdir()
    for header in (harness.SRC / "include" / "sockd").glob("*.h"):
        (changed / header.name).write_text(header.read_text(encoding="utf-8"), encoding="utf-8")
    assert "\tint64_t number;\n" in text
    (changed / "types.h").write_text(text.replace("\tint64_t number;\n", "\tint32_t number;\n"), encoding="utf-8")
    now = build(HERE / "everything.c", tmp / "changed.so", tmp)
    ran = subprocess.run(["abidiff", str(HERE / "sockd-1.1.abi"), str(now)], capture_output=True, text=True, check=False)
    assert ran.returncode & 4, ran.stdout


def test_a_plugin_of_1_0_serves(tmp):
    so = build(HERE / "1.0" / "plugin.c", tmp / "old.so", HERE / "1.0")
    d = Daemon({"t": {"listen": ["tcp://127.0.0.1:0", "udp://127.0.0.1:0"],
                      "handler": {"plugin": str(so), "config": {"greeting": "good day"}}}}).start()
    for address in d.addresses("t"):
        with d.datagram_to(address) if address.transport == "udp" else harness.connect(address) as c:
            c.sendall(b"and to you\n")
            assert c.recv(100) == b"good day 10 and to you\n"
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
