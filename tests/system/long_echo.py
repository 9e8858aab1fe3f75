#!/usr/bin/env python3
# runner: timeout=900
"""A hundred megabytes through both echo plugins, over tcp and unix, by clients that others wrote."""

import hashlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import clients
import harness
from harness import Daemon

SIZE = 100 * 1000 * 1000
PLUGINS = ("echo", "echo-serve")
PATIENCE_S = 6 * harness.PATIENCE_S


def streams(tmp, plugin):
    return Daemon({"tcp": {"listen": "tcp://127.0.0.1:0", "handler": plugin},
                   "unix": {"listen": f"unix://{tmp}/s", "handler": plugin}}).start()


def through(command, data, what):
    result = subprocess.run(command, input=data, stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True)
    assert len(result.stdout) == len(data), f"{what}: {len(result.stdout)} of {len(data)} bytes"
    assert hashlib.sha256(result.stdout).digest() == hashlib.sha256(data).digest(), f"{what}: other bytes"


def test_a_plain_client(tmp):
    data = clients.pattern(SIZE)
    for plugin in PLUGINS:
        d = streams(tmp, plugin)
        for listener in ("tcp", "unix"):
            with d.connect(listener, timeout=PATIENCE_S) as c:
                assert clients.exchange(c, data) == data, f"{plugin} over {listener}"
        assert d.stop() == 0


def test_socat(tmp):
    harness.need_tool("socat")
    data = clients.pattern(SIZE, seed=2)
    for plugin in PLUGINS:
        d = streams(tmp, plugin)
        host, port = d.addr("tcp").sockaddr
        through(["socat", "-b", "65536", "-t", "60", "-", f"TCP:{host}:{port}"], data, f"{plugin} over tcp")
        through(["socat", "-b", "65536", "-t", "60", "-", f"UNIX-CONNECT:{tmp}/s"], data, f"{plugin} over unix")
        assert d.stop() == 0


def test_ncat(tmp):
    harness.need_tool("ncat")
    data = clients.pattern(SIZE, seed=3)
    for plugin in PLUGINS:
        d = streams(tmp, plugin)
        host, port = d.addr("tcp").sockaddr
        through(["ncat", host, str(port)], data, f"{plugin} over tcp")
        through(["ncat", "-U", f"{tmp}/s"], data, f"{plugin} over unix")
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
