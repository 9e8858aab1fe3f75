"""Test plugins made of scenarios (tests/system/plugins/scenario.h), on a real daemon over every transport."""

import functools
import os
import pathlib
import shlex
import socket
import subprocess
import tempfile

import harness
from harness import Daemon

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "system" / "plugins"
STREAMS = ("tcp://127.0.0.1:0", "unix://${SOCKD_DIR}/stream.sock")
DATAGRAMS = ("udp://127.0.0.1:0", "unixgram://${SOCKD_DIR}/datagram.sock")


@functools.cache
def build(name, *flags):
    """Compile a plugin of tests/system/plugins as its author would, once. @return the path of the .so"""
    target = pathlib.Path(tempfile.mkdtemp(prefix="p")) / f"{name}.so"
    compiler = shlex.split(os.environ.get("CC") or "cc")
    subprocess.run([*compiler, "-std=gnu99", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC",
                    f"-I{harness.SRC}/include", "-Wl,-z,defs", *flags, "-o", str(target), str(FOLDER / f"{name}.c")],
                   check=True)
    target.chmod(0o755)
    return target


def serve(name, listen=STREAMS, config=None, daemon=None, env=None, **listener):
    """A daemon with one listener on all of these addresses, handled by that test plugin."""
    handler = {"plugin": str(build(name)), "config": config or {}}
    return Daemon({"t": {"listen": list(listen), "handler": handler, **listener}}, daemon=daemon, env=env).start()


def answer(client):
    """What the scenario says at its end."""
    text = b""
    while not text.endswith(b"\n"):
        part = client.recv(65536)
        text += part
        if not part or client.type == socket.SOCK_DGRAM or text.startswith(b"line "):
            break
    return text


def run(d, scenario, address):
    """Let a client ask for it. Fails with what did not hold."""
    datagram = address.transport.startswith(("udp", "unixgram"))
    with d.datagram_to(address) if datagram else harness.connect(address) as client:
        client.sendall(scenario.encode() + b"\n")
        said = answer(client)
    assert said == b"ok\n", f"{scenario} over {address.url}: {said.decode()}"


def run_all(d, *scenarios):
    for address in d.addresses("t"):
        for scenario in scenarios:
            run(d, scenario, address)
