#!/usr/bin/env python3
"""Plugins as files: what is refused and in which words, and that a running daemon does not depend on the file."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon, build_plugin, run_sockd

MIRROR = """
#include <sockd/plugin.h>
static void on_data(struct sockd_conn, struct sockd_reader r, struct sockd_writer w) { sockd_move(w, r); }
SOCKD_CXX_BEGIN
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "mirror", .version = "1.0",
	.data = on_data };
SOCKD_CXX_END
"""
PLAIN = """
#include <sockd/plugin.h>
static void on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{ (void)c; (void)sockd_move(w, r); }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "made", .version = "1.0",
	%s .data = on_data };
"""


def refusal(tmp, plugin):
    """What `sockd -t` says of a file that names the plugin on line 5."""
    path = tmp / "sockd.yaml"
    path.write_text("version: 1\nlisteners:\n  one:\n    listen: tcp://127.0.0.1:0\n    handler: %s\n" % plugin)
    result = run_sockd("-t", "-c", path)
    assert result.returncode == 78, (result.returncode, result.stderr)
    assert f"{path}:5:14: error: " in result.stderr, result.stderr
    return result.stderr


def test_a_plugin_in_c99_with_every_warning_serves(tmp):
    so = build_plugin(tmp, "plain", PLAIN % "", "-std=c99", "-Wpedantic", "-Wconversion")

    d = Daemon({"m": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}}).start()

    with d.connect("m") as s:
        s.sendall(b"from C99")
        assert harness.receive_exactly(s, 8) == b"from C99"
    assert d.stop() == 0


def test_a_plugin_in_cxx17_with_every_warning_serves(tmp):
    so = build_plugin(tmp, "cxx", MIRROR, "-std=c++17", "-Wpedantic", "-fvisibility=hidden", compiler=("CXX", "c++"),
               language="c++")

    d = Daemon({"m": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}}).start()

    with d.connect("m") as s:
        s.sendall(b"from C++")
        assert harness.receive_exactly(s, 8) == b"from C++"
    assert d.stop() == 0


def test_a_file_that_is_overwritten_while_it_runs_hurts_nobody(tmp):
    so = build_plugin(tmp, "plain", PLAIN % "")
    d = Daemon({"m": {"listen": "tcp://127.0.0.1:0", "handler": str(so)}}).start()

    with open(so, "r+b") as f:  # the same file, as a careless copy does it
        f.write(b"\0" * os.path.getsize(so))

    with d.connect("m") as s:
        s.sendall(b"still")
        assert harness.receive_exactly(s, 5) == b"still"
    assert d.stop() == 0


def test_a_newer_abi_is_refused_with_both_versions(tmp):
    so = build_plugin(tmp, "new", PLAIN % ".abi_minor = 3,", "-Wno-override-init")

    assert "needs ABI 1.3, this sockd has 1.1" in refusal(tmp, so)


def test_a_file_that_others_may_write_is_refused(tmp):
    so = build_plugin(tmp, "loose", PLAIN % "")
    so.chmod(0o775)

    assert "has mode 0775, so others can change it" in refusal(tmp, so)


def test_a_transport_that_the_plugin_cannot_serve_is_refused(tmp):
    so = build_plugin(tmp, "streams", PLAIN % "")
    path = tmp / "sockd.yaml"
    path.write_text(f"version: 1\nlisteners:\n  one:\n    listen: udp://127.0.0.1:0\n    handler: {so}\n")

    result = run_sockd("-t", "-c", path)

    assert result.returncode == 78, result
    assert "cannot serve udp" in result.stderr, result.stderr


def test_an_undefined_symbol_is_named(tmp):
    code = "void absent_function(void);\n" + PLAIN.replace("(void)c;", "(void)c; absent_function();") % ""
    so = build_plugin(tmp, "lacking", code, "-Wl,-z,undefs")

    assert "undefined symbol: absent_function" in refusal(tmp, so)


if __name__ == "__main__":
    harness.main()
