#!/usr/bin/env python3
"""The command line: every option, and every exit status that the manual names."""

import json
import os
import pathlib
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon, run_sockd

GOOD = """\
version: 1
daemon:
  plugin_path: [{plugins}]
listeners:
  echo:
    listen: tcp://127.0.0.1:0
    handler: echo
"""


def write(tmp, text, name="sockd.yaml"):
    path = tmp / name
    path.write_text(text.replace("{plugins}", str(harness.PLUGINS)).replace("{tmp}", str(tmp)))
    return path


def expect(result, status, *says, stream="stderr"):
    text = getattr(result, stream)
    assert result.returncode == status, (result.returncode, result.stdout, result.stderr)
    for words in says:
        assert words in text, f"no {words!r} in:\n{text}"


def build_plugin(tmp, name, code):
    """A plugin of this test's own."""
    source = tmp / f"{name}.c"
    source.write_text("#include <sockd/plugin.h>\n#include <stdlib.h>\n#include <string.h>\n" + code)
    target = tmp / f"{name}.so"
    harness.subprocess.run(
        [os.environ.get("CC", "cc").split()[0], "-shared", "-fPIC", f"-I{harness.SRC}/include", "-o", str(target),
         str(source)], check=True)
    target.chmod(0o755)
    return target


# ---------------------------------------------------------------- telling about itself


def test_version_names_libraries_and_paths():
    for option in ("-V", "--version"):
        result = run_sockd(option)

        expect(result, 0, "sockd ", "plugin ABI 1.1", "libevent 2.", "OpenSSL 3.", "libyaml 0.", "libsystemd",
               "sockd.yaml", "sockd/plugins", stream="stdout")
        assert result.stderr == ""


def test_help_goes_to_standard_output():
    for option in ("-h", "--help"):
        expect(run_sockd(option), 0, "usage: sockd", "--config FILE", "--single-process", "TERM and INT drain",
               "78 configuration", stream="stdout")
    expect(run_sockd("run", "--help"), 0, "usage: sockd run", "--set KEY=VALUE", stream="stdout")


def test_full_standard_output_is_an_error():
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = harness.subprocess.run([str(harness.SOCKD), "--version"], stdout=full,
                                        stderr=harness.subprocess.PIPE, text=True, check=False)
    assert result.returncode == 71, result
    assert "standard output" in result.stderr


def test_usage_errors_exit_64_with_a_hint():
    for words, says in [
        (["--confg=x"], "did you mean --config?"),
        (["-x"], "unknown option -x"),
        (["-c"], "needs a value"),
        (["-t", "--print-config"], "only one of"),
        (["sockctl", "status"], "is a program of its own"),
        (["run", "--plugin", "echo"], "needs --listen"),
        (["extra"], "unknown command 'extra'"),
    ]:
        expect(run_sockd(*words), 64, says, "Try 'sockd --help'")


# ---------------------------------------------------------------- -t


def test_a_good_file_is_fine(tmp):
    path = write(tmp, GOOD)

    result = run_sockd("-t", "-c", path)

    expect(result, 0, f"{path}: configuration is fine\n", stream="stdout")


def test_quiet_says_nothing_on_success(tmp):
    result = run_sockd("-tq", "-c", write(tmp, GOOD))

    expect(result, 0)
    assert result.stdout == ""


def test_a_test_binds_nothing(tmp):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path = write(tmp, GOOD.replace(":0", f":{port}") + "  local: {listen: 'unix://{tmp}/s', handler: echo}\n")

        expect(run_sockd("-t", "-c", path), 0, "configuration is fine", stream="stdout")

    assert not (tmp / "s").exists()


def test_a_file_that_is_not_there_exits_66(tmp):
    for words in (["-t"], [], ["--print-config"]):
        expect(run_sockd(*words, "-c", tmp / "none.yaml"), 66, "none.yaml", "No such file")


def test_a_folder_is_no_file(tmp):
    expect(run_sockd("-t", "-c", tmp), 66, str(tmp))


def test_all_errors_are_told_in_one_run(tmp):
    path = write(tmp, """\
version: 1
daemon:
  plugin_path: [{plugins}]
  thread: 2
listeners:
  a:
    listen: tcp://127.0.0.1:0
    handler: nosuchplugin
    timeouts: {idle: 5}
""")

    for words in (["-t"], []):
        result = run_sockd(*words, "-c", path)

        expect(result, 78, f"{path}:4:3: error:", "'thread'", f"{path}:9:22: error:")


def test_an_error_hides_none_of_a_plugin(tmp):
    path = write(tmp, """\
version: 1
daemon: {plugin_path: [{plugins}]}
listeners:
  a: {listen: tcp://127.0.0.1:0, handler: nosuchplugin, timeouts: {idle: 5}}
  b: {listen: tcp://127.0.0.1:0, handler: {plugin: echo, config: {zebra: 1}}}
  c: {listen: tcp://127.0.0.1:0, handler: {plugin: proxy, config: {servers: ["${UNSET}"]}}}
  d: {listen: tcp://127.0.0.1:0, handler: {plugin: proxy, confg: {}}}
  e: {listen: tcp://127.0.0.1:0, handler: {plugin: [5]}}
""")

    result = run_sockd("-t", "-c", path)

    expect(result, 78, f"{path}:4:74: error:", f"{path}:4:43: error:", "'nosuchplugin'", f"{path}:5:67: error:", "'zebra'",
           f"{path}:6:78: error:", f"{path}:7:59: error:", f"{path}:8:52: error:")
    assert result.stderr.count(" error: ") == 6, result.stderr  # none that only goes with another


def test_no_plugin_runs_as_a_user_that_was_not_understood(tmp):
    build_plugin(tmp, "loud", """
static void serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w) { (void)c; (void)r; (void)w; }
static int check(const struct sockd_settings *s, struct sockd_error *e)
{
	(void)s;
	return sockd_error_set(e, NULL, "it ran");
}
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "loud", .version = "1",
	.check = check, .serve = serve };
""")
    text = ("version: 1\ndaemon: {plugin_path: [%s], %s}\nlisteners:\n"
            "  a: {listen: 'tcp://127.0.0.1:0', handler: loud, timeouts: {idle: 5}}\n"
            "  b: {listen: 'tcp://127.0.0.1:0', handler: nosuchplugin}\n")

    for daemon, runs in (("threads: 1", True), ("usr: nobody", False), ("group: [5]", False)):
        result = run_sockd("-t", "-c", write(tmp, text % (tmp, daemon)))

        expect(result, 78, "'nosuchplugin'")
        assert ("it ran" in result.stderr) == runs, result.stderr


def test_a_plugin_that_is_not_there_is_told_with_its_place(tmp):
    path = write(tmp, GOOD.replace("handler: echo", "handler: nosuchplugin")
                 + "  second:\n    listen: tcp://127.0.0.1:0\n    handler: otherplugin\n")

    for words in (["-t"], []):
        expect(run_sockd(*words, "-c", path), 78, f"{path}:7:14: error:", "nosuchplugin", f"{path}:10:14: error:",
               "otherplugin")


def test_a_setting_that_the_plugin_does_not_know_is_told_with_its_place(tmp):
    path = write(tmp, GOOD.replace("handler: echo", "handler: {plugin: echo, config: {zebra: 1}}"))

    for words in (["-t"], []):
        expect(run_sockd(*words, "-c", path), 78, f"{path}:7:38: error:", "zebra")


def test_the_plugins_own_check_is_asked(tmp):
    build_plugin(tmp, "picky", """
static const struct sockd_option options[] = { { .name = "n", .type = SOCKD_T_INT, .max = 100 }, { 0 } };
static int check(const struct sockd_settings *s, struct sockd_error *e)
{
	return sockd_setting_int(s, "n") % 2 == 0 ? 0 : sockd_error_set(e, "n", "must be even");
}
static void serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w) { (void)c; (void)r; (void)w; }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "picky", .version = "1",
	.options = options, .check = check, .serve = serve };
""")
    text = GOOD.replace("handler: echo", "handler: {plugin: {tmp}/picky.so, config: {n: 3}}")

    for words in (["-t"], []):
        expect(run_sockd(*words, "-c", write(tmp, text)), 78, "sockd.yaml:7:", "must be even")
    expect(run_sockd("-t", "-c", write(tmp, text.replace("n: 3", "n: 4"))), 0)


def test_a_check_that_crashes_is_reported_and_the_others_are_still_checked(tmp):
    build_plugin(tmp, "crash", """
static int check(const struct sockd_settings *s, struct sockd_error *e)
{
	(void)s; (void)e;
	abort();
}
static void serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w) { (void)c; (void)r; (void)w; }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "crash", .version = "1",
	.check = check, .serve = serve };
""")
    path = write(tmp, GOOD.replace("handler: echo", "handler: {tmp}/crash.so")
                 + "  second:\n    listen: tcp://127.0.0.1:0\n    handler: {plugin: echo, config: {zebra: 1}}\n")

    expect(run_sockd("-t", "-c", path), 78, f"{path}:7:14: error:", "crash", "Aborted", f"{path}:10:38: error:")


def test_a_group_that_does_not_exist_is_found(tmp):
    path = write(tmp, GOOD + "  local:\n    listen: unix://{tmp}/s\n    handler: echo\n"
                 "    socket: {group: nosuchgroup}\n")

    expect(run_sockd("-t", "-c", path), 78, f"{path}:11:21: error:", "nosuchgroup")


def test_limits_that_do_not_fit_are_warnings(tmp):
    path = write(tmp, GOOD + "    limits: {connections: 1000}\n")

    result = run_sockd("-t", "-c", path,
                       preexec_fn=lambda: harness.resource.setrlimit(harness.resource.RLIMIT_NOFILE, (500, 500)))

    expect(result, 0, "warning", "descriptors", "500")


def test_a_key_that_is_not_sockds_is_refused_with_what_to_do_instead(tmp):
    expect(run_sockd("-t", "-c", write(tmp, GOOD.replace("daemon:\n", "daemon:\n  metrics: {}\n"))), 78,
           "handler: metrics")


# ---------------------------------------------------------------- printing


def test_the_effective_configuration_is_printed(tmp):
    path = write(tmp, GOOD)

    expect(run_sockd("--print-config", "-c", path), 0, "listeners:", "tcp://127.0.0.1:0", "backlog:",
           stream="stdout")
    printed = run_sockd("--print-config=json", "-c", path)
    expect(printed, 0)
    assert "listeners" in json.loads(printed.stdout)


def test_what_is_printed_can_be_used_again(tmp):
    again = write(tmp, run_sockd("--print-config", "-c", write(tmp, GOOD)).stdout, "again.yaml")

    expect(run_sockd("-t", "-c", again), 0)


def test_the_schema_is_json():
    result = run_sockd("--print-schema")

    expect(result, 0)
    assert "listeners" in json.loads(result.stdout)["properties"]


# ---------------------------------------------------------------- starting


def test_a_taken_port_exits_69_and_leaves_nothing_behind(tmp):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = GOOD.replace("  echo:", "  local:\n    listen: unix://{tmp}/s\n    handler: echo\n  echo:")
        path = write(tmp, text.replace("127.0.0.1:0", f"127.0.0.1:{port}"))

        expect(run_sockd("-c", path), 69, f"{path}:9:", str(port), "in use")

    assert not (tmp / "s").exists()


def test_all_addresses_that_cannot_be_bound_are_told():
    with socket.socket() as first, socket.socket() as second:
        ports = []
        for s in (first, second):
            s.bind(("127.0.0.1", 0))
            s.listen()
            ports.append(s.getsockname()[1])
        d = Daemon({f"l{i}": {"listen": f"tcp://127.0.0.1:{port}", "handler": "echo"}
                    for i, port in enumerate(ports)}).launch()

        assert d.wait() == 69
        for port in ports:
            assert any(str(port) in line for line in d.lines), d.lines


def test_a_missing_folder_of_a_socket_exits_69(tmp):
    expect(run_sockd("-c", write(tmp, GOOD.replace("tcp://127.0.0.1:0", "unix://{tmp}/none/s"))), 69, "none")


def test_a_privileged_port_without_the_privilege_exits_77(tmp):
    harness.need_root()
    floor = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if floor <= 1:
        harness.skip("every port is unprivileged here")
    harness.need_reachable_build()
    for folder in [tmp, *tmp.parents]:  # the runner's folders are its own, and nobody has to get to the file
        if folder.parts[:2] == ("/", "tmp") and len(folder.parts) > 2:
            folder.chmod(0o755)
    path = write(tmp, GOOD.replace("127.0.0.1:0", "127.0.0.1:1"))
    path.chmod(0o644)

    result = run_sockd("-c", path, user=65534, group=65534, extra_groups=[], cwd="/")

    expect(result, 77, f"{path}:6:")


def test_a_plugin_that_refuses_to_start_exits_78(tmp):
    build_plugin(tmp, "lazy", """
static int start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{
	(void)h; (void)s; (void)ret;
	return sockd_error_set(e, NULL, "not today");
}
static void serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w) { (void)c; (void)r; (void)w; }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "lazy", .version = "1",
	.start = start, .serve = serve };
""")
    path = write(tmp, GOOD.replace("handler: echo", "handler: {tmp}/lazy.so").replace(
        "tcp://127.0.0.1:0", "unix://{tmp}/s"))

    result = run_sockd("-c", path)

    expect(result, 78, "not today")
    assert not (tmp / "s").exists()


def test_a_log_that_cannot_be_opened_stops_the_start(tmp):
    expect(run_sockd("-c", write(tmp, GOOD.replace("daemon:\n", "daemon:\n  log: {target: '{tmp}/none/log'}\n"))), 78,
           "none/log")


def test_limits_and_doubtful_folders_are_warnings_in_the_log(tmp):
    folder = tmp / "open"
    folder.mkdir()
    folder.chmod(0o777)
    d = Daemon({"echo": {"listen": f"unix://{folder}/s", "handler": "echo", "limits": {"connections": 1000}}},
               rlimits={harness.resource.RLIMIT_NOFILE: 500}).start()

    assert d.wait_log("limit_too_low", level="warning", limit="descriptors")
    assert d.wait_log("configuration", level="warning", place=lambda text: text.startswith(str(d.config)))
    assert d.stop() == 0


def test_a_file_without_listeners_runs_with_a_warning():
    d = Daemon({}).start()

    d.wait_log("no_listeners", level="warning")
    assert d.stop() == 0


def test_log_level_overrides_the_file():
    d = Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}, args=["--log-level", "error"]).start()

    assert d.stop() == 0
    assert [line for line in d.lines if " notice " in line or " info " in line] == [], d.lines


def test_single_process_is_accepted():
    d = Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}, args=["--single-process"]).start()

    assert len(d.pids()) == 1
    assert d.stop() == 0


def test_every_address_is_logged_with_its_real_port(tmp):
    d = Daemon({
        "a": {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/s"], "handler": "echo"},
        "b": {"listen": ["udp://127.0.0.1:0", f"unixgram://{tmp}/g"], "handler": "echo"},
    }).start()

    d.wait_log("ready")
    assert [a.transport for a in d.addresses("a")] == ["tcp", "unix"]
    assert [a.transport for a in d.addresses("b")] == ["udp", "unixgram"]
    assert d.addr("a").sockaddr[1] != 0
    assert d.addr("b").sockaddr[1] != 0
    assert d.find_logs("listening", listener="a", plugin="echo", level="notice")
    assert d.stop() == 0
    assert not (tmp / "s").exists() and not (tmp / "g").exists()


if __name__ == "__main__":
    harness.main()
