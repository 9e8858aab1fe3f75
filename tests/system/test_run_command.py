#!/usr/bin/env python3
"""`sockd run`: a plugin without a configuration file."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon, run_sockd

ECHO = str(harness.PLUGINS / "echo.so")


def start(*args):
    d = Daemon(command=["run", *args]).start()
    if "-q" not in args:
        d.wait_log("ready")  # the log is written by a thread of its own, maybe after READY=1; the addresses come before
    return d


def test_one_address_is_served_and_announced():
    d = start("--plugin", ECHO, "--listen", "tcp://127.0.0.1:0")
    with d.connect("echo") as c:
        c.sendall(b"hello")
        assert harness.receive_exactly(c, 5) == b"hello"
    port = d.addr("echo").sockaddr[1]

    assert d.stop() == 0

    assert d.stdout == (f"listening tcp 127.0.0.1:{port} -> echo (try: socat - TCP:127.0.0.1:{port})\n"
                        "Ctrl-C drains\n"), d.stdout


def test_several_addresses_of_all_transports(tmp):
    d = start("--plugin", ECHO, "--listen", "tcp://127.0.0.1:0", "--listen", "udp://127.0.0.1:0",
              "--listen", f"unix://{tmp}/s", "--listen", f"unixgram://{tmp}/g")

    for transport in ("tcp", "unix"):
        with harness.connect(d.addr("echo", transport)) as c:
            c.sendall(b"hello")
            assert harness.receive_exactly(c, 5) == b"hello"
    for transport in ("udp", "unixgram"):
        with harness.datagram(d.addr("echo", transport), bind=tmp / "c" if transport == "unixgram" else None) as c:
            c.send(b"hello")
            assert c.recv(100) == b"hello"

    assert d.stop() == 0
    assert [line.split(" -> ")[0].split()[1] for line in d.stdout.splitlines()[:-1]] == \
        ["tcp", "udp", "unix", "unixgram"]
    assert f"(try: socat - UNIX-CONNECT:{tmp}/s)" in d.stdout
    assert not (tmp / "s").exists() and not (tmp / "g").exists()


def test_the_commands_that_it_prints_work(tmp):
    harness.need_tool("socat")
    d = start("--plugin", ECHO, "--listen", "tcp://127.0.0.1:0", "--listen", "tcp6://[::1]:0",
              "--listen", "udp://127.0.0.1:0", "--listen", f"unix://{tmp}/s", "--listen", f"unix:@{tmp}/abstract",
              "--listen", f"unixgram://{tmp}/g")
    # Standard output is read at the end only; the same addresses are in the log.
    tries = {
        "tcp": "TCP:127.0.0.1:{}", "udp": "UDP:127.0.0.1:{}",
    }
    for address in d.addresses("echo"):
        if address.transport in tries and address.family == harness.socket.AF_INET:
            target = tries[address.transport].format(address.sockaddr[1])
            assert socat(target) == b"hello"
    d.stop()

    commands = [line.split("(try: ")[1].rstrip(")") for line in d.stdout.splitlines() if "(try: " in line]
    assert len(commands) == 6, d.stdout
    assert commands[1].startswith("socat - TCP6:[::1]:"), commands
    assert commands[4] == f"socat - ABSTRACT-CONNECT:{tmp}/abstract", commands
    assert commands[5].startswith(f"socat - UNIX-SENDTO:{tmp}/g,bind="), commands


def socat(target):
    result = harness.subprocess.run(["socat", "-t", "1", "-", target], input=b"hello", capture_output=True,
                                    timeout=harness.PATIENCE_S, check=True)
    return result.stdout


def test_quiet_announces_nothing():
    d = start("-q", "--plugin", ECHO, "--listen", "tcp://127.0.0.1:0")

    assert d.stop() == 0
    assert d.stdout == ""
    said = [line for line in d.lines if "event=running_as_root" not in line]
    assert said == [], said


def test_an_unknown_setting_is_refused():
    result = run_sockd("run", "--plugin", ECHO, "--listen", "tcp://127.0.0.1:0", "--set", "zebra=1")

    assert result.returncode == 78, result
    assert "\ncommand line: error: the plugin 'echo' has no setting 'zebra'" in result.stderr, result.stderr


def test_a_bad_address_is_refused():
    result = run_sockd("run", "--plugin", ECHO, "--listen", "tpc://127.0.0.1:0")

    assert result.returncode == 78, result
    assert re.search("^command line: error: .*'tpc'", result.stderr), result.stderr


def test_an_unknown_plugin_is_refused():
    result = run_sockd("run", "--plugin", "nosuchplugin", "--listen", "tcp://127.0.0.1:0")

    assert result.returncode == 78, result
    assert "nosuchplugin" in result.stderr


def test_a_taken_port_exits_69():
    with harness.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = run_sockd("run", "--plugin", ECHO, "--listen", f"tcp://127.0.0.1:{port}")

    assert result.returncode == 69, result
    assert str(port) in result.stderr


def test_settings_reach_the_plugin(tmp):
    sized = harness.build_plugin(tmp, "sized", """
#include <sockd/plugin.h>
#include <string.h>
static const struct sockd_option options[] = {
	{ .name = "size", .type = SOCKD_T_SIZE, .required = 1, .max = 1 << 20 },
	{ .name = "names", .type = SOCKD_T_STRING | SOCKD_T_LIST },
	{ 0 },
};
static int check(const struct sockd_settings *s, struct sockd_error *e)
{
	const char *second = sockd_setting_list(s, "names", 1);

	return sockd_error_set(e, NULL, "size is %d, second name is %s", (int)sockd_setting_size(s, "size"),
		second != NULL ? second : "none");
}
static void serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w) { (void)c; (void)r; (void)w; }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "sized", .version = "1",
	.options = options, .check = check, .serve = serve };
""")

    result = run_sockd("run", "--plugin", sized, "--listen", "tcp://127.0.0.1:0", "--set", "size=4KiB",
                       "--set", "names=[a, $HOME b]")

    assert result.returncode == 78, result
    assert "size is 4096, second name is $HOME b" in result.stderr, result.stderr


if __name__ == "__main__":
    harness.main()
