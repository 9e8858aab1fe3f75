#!/usr/bin/env python3
"""`sockd plugin test` on plugins that leave something behind with each client: it tells what, how much, and where."""
# runner: timeout=600

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import build_plugin, run_sockd

HEAD = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sockd/plugin.h>
#define UNUSED __attribute__((unused))
#define ENTRY(name) \\
	static void name(UNUSED struct sockd_conn c, UNUSED struct sockd_reader r, UNUSED struct sockd_writer w)
static void *volatile UNUSED kept;
"""
ECHO = "ENTRY(on_data) { sockd_move(w, r); }\n"
SERVE = "char buf[64]; while (sockd_read(r, buf, sizeof buf) > 0) ;"


def search(tmp, code, entries, *options):
    """What is said of this plugin, but for the scripts that it has to survive. @return (exit status, lines)"""
    plugin = build_plugin(tmp, "made", f"{HEAD}{code}\nSOCKD_EXPORT const struct sockd_plugin sockd_plugin = "
                          f'{{ SOCKD_PLUGIN_INIT, .name = "made", .version = "1", {entries} }};\n')
    result = run_sockd("plugin", "test", plugin, *options, timeout=6 * harness.PATIENCE_S)
    lines = [line for line in result.stdout.splitlines() if not line.startswith("ok ") or "nothing behind" in line]
    return result.returncode, lines


def need_malloc():
    if harness.SANITIZED:
        harness.skip("a sanitizer's malloc() does not tell what is in use")


def found(said, wanted):
    """The one finding of a search over tcp. @return its amount"""
    status, lines = said
    assert status == 78 and lines[-1] == "5 passed, 1 failed", lines
    match = re.fullmatch("FAILED  tcp       " + wanted, lines[0])
    assert match, lines
    return int(match.group(1))


def test_memory_that_data_loses_is_told_with_its_size(tmp):
    need_malloc()
    said = search(tmp, "ENTRY(on_data) { kept = malloc(100); sockd_move(w, r); }", ".data = on_data", "--transport=tcp")

    assert 100 <= found(said, r"data\(\) leaks \d+ bytes of memory in \d+ connections, (\d+) for each") < 150


def test_memory_that_open_makes_and_nobody_frees_is_told(tmp):
    need_malloc()
    said = search(tmp, ECHO + "ENTRY(on_open) { sockd_conn_set_data(c, strdup(\"\")); }",
                  ".open = on_open, .data = on_data", "--transport=tcp")

    assert found(said, r"open\(\), eof\(\) or close\(\) leaks \d+ bytes of memory in \d+ connections, (\d+) for each") < 64


def test_memory_is_no_leak_once_it_has_its_size_or_is_freed(tmp):
    status, lines = search(tmp, ECHO + """
        static void *table[64];
        ENTRY(on_open) { size_t i = sockd_conn_id(c) % 64; if (!table[i]) table[i] = malloc(1000);
                         sockd_conn_set_data(c, malloc(1000)); }
        static void on_close(struct sockd_conn c, int reason) { (void)reason; free(sockd_conn_data(c)); }
        static void stop(void *instance) { (void)instance; for (int i = 0; i < 64; i++) free(table[i]); }""",
                           ".stop = stop, .open = on_open, .data = on_data, .close = on_close", "--transport=unix")

    assert status == 0, lines
    assert lines[-1] == "6 passed, 0 failed" and "clients that leave nothing behind" in lines[0], lines


def test_a_descriptor_that_serve_loses_is_told(tmp):
    said = search(tmp, 'ENTRY(serve) { (void)!open("/dev/null", O_RDONLY | O_CLOEXEC); %s }' % SERVE, ".serve = serve",
                  "--transport=tcp")

    assert found(said, r"serve\(\) leaks (\d+) descriptors in \1 connections") >= 20


def test_a_thread_that_is_left_behind_is_told(tmp):
    said = search(tmp, """
        static void *waits(void *arg) { pause(); return arg; }
        ENTRY(serve) { static unsigned n; pthread_t t; %s
                       if (++n %% 10 == 0 && pthread_create(&t, NULL, waits, NULL) == 0) pthread_detach(t); }""" % SERVE,
                  ".serve = serve", "--transport=tcp")

    assert found(said, r"serve\(\) leaves (\d+) threads behind in \d+ connections") >= 2


def test_a_datagram_that_costs_memory_is_told(tmp):
    need_malloc()
    status, lines = search(tmp, "ENTRY(on_datagram) { kept = malloc(40); }", ".datagram = on_datagram", "--transport=udp")

    assert status == 78 and re.match(r"FAILED  udp       datagram\(\) leaks \d+ bytes of memory in 250 datagrams, 48 ",
                                     lines[0]), lines


def test_connections_that_eof_forgets_to_close_are_told(tmp):
    said = search(tmp, ECHO + "ENTRY(on_eof) { }", ".data = on_data, .eof = on_eof", "--transport=tcp", "--timeout=300ms")

    count = found(said, r"eof\(\): (\d+) of \d+ connections are still open 300 ms after their clients left: "
                  r"sockd_conn_close\(\) is missing")
    assert count >= 20


def test_a_serve_that_does_not_return_is_told(tmp):
    said = search(tmp, 'ENTRY(serve) { %s; int self; while (sockd_wait(sockd_conn_host(c), &self, -1) == 0) ; }' % SERVE,
                  ".serve = serve", "--transport=tcp", "--timeout=300ms")

    assert found(said, r"serve\(\): (\d+) of \d+ connections are still open 300 ms after their clients left: it does not "
                 r"return when a read gives the end") >= 20


def test_the_script_of_a_plugin_is_what_its_clients_do(tmp):
    need_malloc()
    (tmp / "s").write_text('send "leak"\nexpect "leak"\n')
    code = "ENTRY(on_data) { if (sockd_readable(r) == 4) kept = malloc(16); sockd_move(w, r); }"
    assert search(tmp, code, ".data = on_data", "--transport=tcp")[0] == 0

    status, lines = search(tmp, code, ".data = on_data", "--transport=tcp", f"--script={tmp}/s")

    assert status == 78 and "data() leaks " in lines[0], lines


def test_the_plugins_that_come_with_sockd_leave_nothing_behind(tmp):
    echo = harness.Daemon({"up": {"listen": ["tcp://127.0.0.1:0", "udp://127.0.0.1:0"], "handler": "echo"}}).start()
    settings = {"collect": ("--set", f"file={tmp}/log"), "exec": ("--set", "command=[/bin/cat]")}
    plugins = sorted(harness.PLUGINS.glob("*.so"))
    assert len(plugins) >= 12, plugins
    for transport in ("tcp", "udp"):
        settings["proxy"] = ("--set", f"upstream=[{echo.addr('up', transport).url}]")
        for plugin in plugins:
            if f"{transport}:" not in run_sockd("plugin", "info", plugin).stdout:
                continue
            result = run_sockd("plugin", "test", plugin, "--transport", transport, *settings.get(plugin.stem, ()),
                               timeout=6 * harness.PATIENCE_S)

            assert result.returncode == 0 and result.stdout.endswith("6 passed, 0 failed\n"), \
                (plugin.stem, result.stdout, result.stderr)


if __name__ == "__main__":
    harness.main()
