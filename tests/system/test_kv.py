#!/usr/bin/env python3
"""The kv plugin under clients that others wrote: redis-cli, redis-benchmark, and raw bytes."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon


def start(tmp, **config):
    return Daemon({"kv": {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/s"],
                          "handler": {"plugin": "kv", "config": config}}}, daemon={"threads": 2}).start()


def cli(d, *words):
    harness.need_tool("redis-cli")
    port = d.addr("kv", "tcp").sockaddr[1]
    return subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True, check=True,
                          timeout=harness.PATIENCE_S, stdin=subprocess.DEVNULL).stdout.rstrip("\n")


def test_redis_cli_gets_what_it_set_over_both_transports(tmp):
    with start(tmp) as d:
        assert cli(d, "ping") == "PONG"
        assert cli(d, "set", "name", "two words", "ex", "100") == "OK"
        assert subprocess.run(["redis-cli", "-s", f"{tmp}/s", "get", "name"], capture_output=True, text=True,
                              check=True).stdout == "two words\n"
        assert cli(d, "ttl", "name") in ("99", "100")
        assert cli(d, "incr", "n") == "1" and cli(d, "mget", "n", "none") == "1"
        assert "ERR unknown command" in cli(d, "lpush", "a", "b")
        assert "db0:keys=2" in cli(d, "info")


def test_a_value_of_megabytes_in_a_pipeline(tmp):
    value = os.urandom(3 << 20)
    with start(tmp) as d, harness.connect(d.addr("kv", "tcp")) as c:
        command = b"*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$%d\r\n%s\r\n" % (len(value), value)
        c.sendall(command + 3 * b"GET v\r\n")
        answer = harness.receive_exactly(c, 5 + 3 * (len(value) + 12))

    assert answer == b"+OK\r\n" + 3 * (b"$%d\r\n%s\r\n" % (len(value), value))


def test_a_client_that_ends_its_side_gets_all_answers(tmp):
    with start(tmp) as d, harness.connect(d.addr("kv", "unix")) as c:
        c.sendall(b"SET a 1\r\n" + 50000 * b"GET a\r\n" + b"GE")
        c.shutdown(1)
        assert harness.receive_all(c) == b"+OK\r\n" + 50000 * b"$1\r\n1\r\n"


def test_a_value_that_is_too_long_ends_its_client_only(tmp):
    with start(tmp, max_value="64") as d, harness.connect(d.addr("kv", "tcp")) as other:
        with harness.connect(d.addr("kv", "tcp")) as c:
            c.sendall(b"*2\r\n$4\r\nECHO\r\n$65\r\n")
            assert harness.receive_all(c) == b"-ERR Protocol error: invalid bulk length\r\n"
        other.sendall(b"PING\r\n")
        assert harness.receive_exactly(other, 7) == b"+PONG\r\n"


def test_expired_keys_give_their_memory_back(tmp):
    with start(tmp) as d, harness.connect(d.addr("kv", "tcp")) as c:
        c.sendall(b"".join(b"SET k%d x PX 1\r\n" % i for i in range(1000)))
        assert harness.receive_exactly(c, 5000) == 1000 * b"+OK\r\n"
        harness.wait_until(lambda: cli(d, "dbsize") == "0", "the sweep")


def test_redis_benchmark_runs_to_its_end(tmp):
    harness.need_tool("redis-benchmark")
    with start(tmp) as d:
        port = d.addr("kv", "tcp").sockaddr[1]
        result = subprocess.run(["redis-benchmark", "-p", str(port), "-t", "set,get,incr,mset", "-n", "2000", "-P", "16", "-c",
                                 "20", "--csv"], capture_output=True, text=True, timeout=harness.PATIENCE_S, check=True)
        assert len(result.stdout.splitlines()) >= 5 and "ERR" not in result.stdout + result.stderr, result


if __name__ == "__main__":
    harness.main()
