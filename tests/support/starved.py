"""The daemon without memory: one allocation fails, the first, the second ... of a phase of its life. Whatever it is,
it ends in a clean error or is survived; it never crashes and never hangs."""

import contextlib
import mmap
import os
import pathlib
import shlex
import signal
import struct
import subprocess

import harness
from harness import Daemon, run_sockd

CLEAN = (66, 69, 70, 71, 75, 77, 78)
ONCE, FROM_THEN_ON = 1, 2


class Starver:
    """The other end of tests/system/preload/fail_malloc.c."""

    def __init__(self, tmp):
        source = harness.SRC / "tests" / "system" / "preload" / "fail_malloc.c"
        self.shared = pathlib.Path(tmp) / "fail_malloc.so"
        subprocess.run([*shlex.split(os.environ.get("CC") or "cc"), "-shared", "-fPIC", "-O1", "-fno-builtin", "-o",
                        str(self.shared), str(source)], check=True)
        path = pathlib.Path(tmp) / "control"
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as f:
            self.control = mmap.mmap(f.fileno(), mmap.PAGESIZE)
        self.env = {"LD_PRELOAD": str(self.shared), "FAIL_MALLOC": str(path)}

    def arm(self, nth, mode=ONCE):
        struct.pack_into("iii", self.control, 0, 0, nth, 0)
        struct.pack_into("i", self.control, 0, mode)

    def disarm(self):
        """@return whether an allocation failed"""
        struct.pack_into("i", self.control, 0, 0)
        return struct.unpack_from("iii", self.control)[2] > 0


def numbers(dense, step):
    """1, 2 ... each up to `dense`, then every step-th."""
    n = 1
    while True:
        yield n
        n += 1 if n < dense else step


def need_plain_build():
    if harness.SANITIZED:
        harness.skip("a sanitizer has allocators of its own")
    if harness.COVERAGE:
        harness.skip("what counts lines needs memory at the end")


def commands_end_cleanly(tmp, dense, step):
    """-t and --print-config with a file that has most kinds of values in it."""
    need_plain_build()
    starver = Starver(tmp)
    path = pathlib.Path(tmp) / "sockd.yaml"
    path.write_text(f"""version: 1
daemon: {{plugin_path: [{harness.PLUGINS}], log: {{level: debug}}}}
defaults: {{timeouts: {{idle: 5m}}}}
listeners:
  a: {{listen: [tcp://127.0.0.1:0, "unix://{tmp}/s"], handler: {{plugin: echo, config: {{}}}}}}
  b: {{listen: ["udp://127.0.0.1:0"], handler: echo-serve, buffers: {{read: 4KiB}}}}
""", encoding="utf-8")
    for command in (["-t"], ["--print-config"], ["--print-config=json"], ["--print-schema"]):
        for mode in (ONCE, FROM_THEN_ON):
            for n in numbers(dense, step):
                starver.arm(n, mode)
                result = run_sockd(*command, "-c", path, env=starver.env)
                failed = starver.disarm()
                what = f"{' '.join(command)}, allocation {n}, mode {mode}: {result.returncode}\n{result.stderr[-600:]}"
                assert result.returncode == 0 or result.returncode in CLEAN, what
                assert result.returncode == 0 or result.stderr.strip() or mode == FROM_THEN_ON, what
                if not failed:
                    assert result.returncode == 0, what
                    print(f"# {' '.join(command)}: {n - 1} allocations, mode {mode}")
                    break


def make(tmp, starver, plugin):
    return Daemon({"one": {"listen": f"unix://{tmp}/s", "handler": plugin},
                   "two": {"listen": "udp://127.0.0.1:0", "handler": plugin}}, env=starver.env,
                  daemon={"threads": 1, "shutdown": {"timeout": "2s"}})


def expect_clean_end(d, what):
    status = d.wait()
    assert status == 0 or status in CLEAN, f"{what}: ended with {status}\n" + "\n".join(d.lines[-20:])
    assert status == 0 or d.lines, f"{what}: ended with {status} and said nothing"


def starts_end_cleanly(tmp, dense, step):
    """From the first instruction to READY=1; what gets that far serves and drains."""
    need_plain_build()
    starver = Starver(tmp)
    for n in numbers(dense, step):
        d = make(tmp, starver, "echo")
        starver.arm(n)
        d.launch()
        d.wait_for(lambda d=d: ("READY", "1") in d.notes or d.exit_status is not None, f"READY=1 or an end, allocation {n}")
        failed = starver.disarm()
        if d.exit_status is None:
            roundtrip(d, f"after allocation {n} of the start failed")
            d.send(signal.SIGTERM)
        expect_clean_end(d, f"allocation {n} of the start")
        assert not (pathlib.Path(tmp) / "s").exists(), f"allocation {n}: the socket is left"
        d.close()
        if not failed:
            print(f"# a start: {n - 1} allocations")
            break


def roundtrip(d, what):
    try:
        with d.connect("one") as c:
            c.sendall(b"x")
            assert c.recv(1) == b"x", what
    except OSError as e:
        raise AssertionError(f"{what}: {e}") from e


def serving_goes_on(tmp, most):
    """While a client and a datagram are served: they may go unserved, the next ones may not."""
    need_plain_build()
    starver = Starver(tmp)
    for plugin in ("echo", "echo-serve"):
        d = make(tmp, starver, plugin).start()
        with d.datagram("two") as datagram:
            last = 0
            for n in range(1, most):
                starver.arm(n)
                with contextlib.suppress(OSError), d.connect("one", timeout=5) as c:
                    c.sendall(bytes(520000))  # more than both ways hold: some of it has to be kept
                    c.shutdown(2 if n % 2 else 1)
                    harness.receive_all(c)
                with contextlib.suppress(OSError):
                    datagram.send(b"x")
                    datagram.settimeout(0.2)
                    datagram.recv(10)
                failed = starver.disarm()
                roundtrip(d, f"{plugin}: after allocation {n} failed")
                last = n if failed else last
            print(f"# a client of {plugin}: {last} allocations")
            assert last > 0, "the sweep met nothing"
        d.send(signal.SIGTERM)
        expect_clean_end(d, plugin)
        d.close()


def drains_end(tmp, dense, step):
    need_plain_build()
    starver = Starver(tmp)
    for n in numbers(dense, step):
        d = make(tmp, starver, "echo-serve").start()
        with d.connect("one") as c:
            c.sendall(b"x")
            assert c.recv(1) == b"x"
            starver.arm(n)
            d.send(signal.SIGTERM)
            expect_clean_end(d, f"allocation {n} of the drain")
        failed = starver.disarm()
        d.close()
        if not failed:
            print(f"# a drain: {n - 1} allocations")
            break
