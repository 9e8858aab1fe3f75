#!/usr/bin/env python3
"""What the documents promise who writes a first plugin: their code and their commands, word by word, with nothing but
the installed files."""
# runner: timeout=600

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import installed
from harness import Daemon

STREAM = bytes(range(256)) * 1000
DATAGRAMS = {"udp": (b"", b"x", b"y" * 65507, b""), "unixgram": (b"", b"x", b"y" * 65536, b"")}


def listen(tmp):
    return ["tcp://127.0.0.1:0", "udp://127.0.0.1:0", f"unix://{tmp}/stream", f"unixgram://{tmp}/datagram"]


def expect_echo(d, listener):
    addresses = d.addresses(listener)
    assert [a.transport for a in addresses] == ["tcp", "udp", "unix", "unixgram"], addresses
    for address in addresses:
        if address.transport in DATAGRAMS:
            with d.datagram_to(address) as c:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
                for datagram in DATAGRAMS[address.transport]:
                    c.send(datagram)
                    assert c.recv(1 << 17) == datagram, (address, len(datagram))
        else:
            with harness.connect(address) as c:
                c.sendall(b"hello")
                assert harness.receive_exactly(c, 5) == b"hello"
                c.sendall(STREAM)
                c.shutdown(socket.SHUT_WR)
                assert harness.receive_all(c) == STREAM, address


def build_and_serve(tmp, document, section, language, file, compiler):
    """Write the code into the file, run the command with warnings as errors, serve it with a command and with a file."""
    sockd = installed.once()
    (tmp / file).write_text(installed.code_block(document, section, language))
    command = installed.command_line(document, section, f"{compiler} ")
    assert f" {file}" in command and "-shared" in command, command
    said = sockd.run(f"{compiler} {installed.WARNINGS} {command.removeprefix(compiler)}", tmp)
    assert said == "", said
    harness.SOCKD = sockd.sockd
    plugin = str(tmp / "echo.so")

    d = Daemon(command=["run", "--plugin", plugin, *(word for url in listen(tmp) for word in ("--listen", url))]).start()
    expect_echo(d, "echo")
    assert d.stop() == 0

    d = Daemon({"from_a_file": {"listen": listen(tmp), "handler": plugin}}).start()
    expect_echo(d, "from_a_file")
    assert d.stop() == 0


def test_the_echo_of_the_readme_builds_and_works_on_all_transports(tmp):
    code = installed.code_block("README.md", "Your first plugin", "c").splitlines()
    assert len([line for line in code if line.strip()]) <= 12, "it is to be short"

    build_and_serve(tmp, "README.md", "Your first plugin", "c", "echo.c", "cc")


def test_the_same_in_cxx_builds_and_works_on_all_transports(tmp):
    assert "-std=c++17 " in installed.command_line("plugins/README.md", "In C++", "c++ ")

    build_and_serve(tmp, "plugins/README.md", "In C++", "cpp", "echo.cc", "c++")


def test_the_line_of_the_readme_that_runs_it_is_understood(tmp):
    sockd = installed.once()
    (tmp / "echo.c").write_text(installed.code_block("README.md", "Your first plugin", "c"))
    sockd.run(installed.command_line("README.md", "Your first plugin", "cc "), tmp)
    words = installed.command_line("README.md", "Your first plugin", "sockd run ").split()
    harness.SOCKD = sockd.sockd

    words[words.index("./echo.so")] = str(tmp / "echo.so")
    words[-1] = words[-1].replace(":7001", ":0")

    d = Daemon(command=words[1:]).start()
    with d.connect("echo") as c:
        c.sendall(b"hello\n")
        c.shutdown(socket.SHUT_WR)
        assert harness.receive_all(c) == b"hello\n"
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
