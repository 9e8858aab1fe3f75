#!/usr/bin/env python3
"""sockctl on a running sockd: each verb with good and bad input, and who may ask."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

NOBODY = 65534


def echo(daemon, name, **options):
    """A client that is known to be served."""
    s = daemon.connect(name, **options)
    s.sendall(b"x")
    assert harness.receive_exactly(s, 1) == b"x"
    return s


def two_listeners(**options):
    return Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo", "limits": {"connections": 50}},
                   "local": {"listen": "unix://${SOCKD_DIR}/l.sock", "handler": "echo-serve"},
                   "gram": {"listen": "udp://127.0.0.1:0", "handler": "echo"}}, **options).start()


def refused(done, *words, status=1):
    assert done.returncode == status, done
    for word in words:
        assert word in done.stderr, done


def test_status_tells_how_it_is():
    d = two_listeners()
    with echo(d, "echo"):
        text, status = d.sockctl("status"), d.ask("status")

    assert text.returncode == 0, text
    assert re.search(r"^sockd \S+ is serving, pid \d+, up ", text.stdout), text.stdout
    assert re.search(r"connections +1 open, 1 served", text.stdout), text.stdout
    assert (status["state"], status["listeners"], status["connections"]) == ("serving", 3, 1), status
    assert status["pid"] == d.process.pid and status["config"] == str(d.config)
    assert [w["state"] for w in status["workers"]] == ["serving"], status


def test_a_listener_tells_whether_its_entries_for_sources_are_enough():
    d = Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo", "limits": {"per_source": {"connections": 2}}},
                "plain": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}).start()
    with echo(d, "echo"), echo(d, "plain"):
        rows = {row["name"]: row for row in d.ask("listeners")}

    told = [rows["echo"][key] for key in ("sources", "sources_forgotten", "sources_unlimited")]
    assert told == [1, 0, 0], rows
    assert "sources" not in rows["plain"], rows


def test_status_of_what_does_not_run_is_3_and_of_what_cannot_be_told_4(tmp):
    (tmp / "file").write_text("")
    with socket.socket(socket.AF_UNIX) as stale, socket.socket(socket.AF_UNIX) as silent:
        stale.bind(str(tmp / "stale"))
        silent.bind(str(tmp / "silent"))
        silent.listen(1)
        assert harness.run_sockctl("--socket", tmp / "none", "status").returncode == 3
        assert harness.run_sockctl("--socket", tmp / "stale", "status").returncode == 3
        assert harness.run_sockctl("--socket", tmp / "file", "status").returncode == 3
        assert harness.run_sockctl("--socket", f"unix://{tmp}/none", "status").returncode == 3
        silence = harness.run_sockctl("--socket", tmp / "silent", "--timeout", "50ms", "status")
        assert silence.returncode == 4 and "does not answer" in silence.stderr, silence
        assert harness.run_sockctl("--socket", tmp / "none", "reload").returncode == 69
        assert harness.run_sockctl("--socket", tmp / "silent", "--timeout", "50ms", "plugins").returncode == 75
    assert harness.run_sockctl("--socket", "/" + "x" * 200, "status").returncode == 4


def test_what_is_no_sockd_is_told(tmp):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp / "other"))
        s.listen(1)
        ask = subprocess.Popen([harness.SOCKCTL, "--socket", tmp / "other", "status"], stderr=subprocess.PIPE, text=True)
        peer, _ = s.accept()
        peer.sendall(b"220 mail.example ESMTP\r\n")
        _, error = ask.communicate(timeout=harness.PATIENCE_S)
        peer.close()
    assert ask.returncode == 4 and "this is no sockd: it answers 220 mail.example" in error, error


# A daemon that has answered, and takes its time to go: until its standard input ends.
LEAVING = """
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.bind(sys.argv[1])
    s.listen(1)
    print("there", flush=True)
    peer, _ = s.accept()
    peer.recv(1000)
    peer.sendall(b'{"done":{"drained":3,"forced":0}}\\n')
    peer.close()
sys.stdin.read()
"""


def test_an_end_that_is_waited_for_is_that_of_the_process(tmp):
    fake = subprocess.Popen([sys.executable, "-c", LEAVING, tmp / "leaving"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert fake.stdout.readline() == b"there\n"
    stop = subprocess.Popen([harness.SOCKCTL, "--socket", tmp / "leaving", "stop", "--wait"], stdout=subprocess.PIPE)
    try:
        stop.wait(timeout=0.5)
        raise AssertionError("sockctl did not wait")
    except subprocess.TimeoutExpired:
        fake.stdin.close()
    assert stop.communicate(timeout=harness.PATIENCE_S)[0] == b"ended: 3 connections drained, 0 cut\n"
    assert stop.returncode == 0 and fake.wait(harness.PATIENCE_S) == 0


def test_listeners_are_listed_with_their_addresses_and_counts():
    d = two_listeners()
    with echo(d, "echo"), echo(d, "local"), d.datagram("gram") as g:
        g.send(b"hello")
        assert g.recv(10) == b"hello"
        rows = {r["name"]: r for r in d.ask("listeners")}
        table = d.sockctl("listeners").stdout.splitlines()

    assert list(rows) == ["echo", "local", "gram"]
    assert rows["echo"]["addresses"] == [d.addr("echo").url], rows
    assert (rows["echo"]["open"], rows["echo"]["accepted"], rows["echo"]["limit"]) == (1, 1, 50), rows
    assert (rows["echo"]["rx"], rows["echo"]["tx"]) == (1, 1), rows
    assert (rows["gram"]["datagrams_rx"], rows["gram"]["datagrams_tx"]) == (1, 1), rows
    assert {r["state"] for r in rows.values()} == {"serving"}
    assert table[0].split()[:4] == ["NAME", "STATE", "PLUGIN", "OPEN"], table
    assert table[1].endswith(d.addr("echo").url) and len(table) == 4, table


def test_connections_are_listed_and_filtered():
    d = two_listeners()
    with echo(d, "echo") as a, echo(d, "echo") as b, echo(d, "local"):
        me, other = ("%s:%d" % s.getsockname() for s in (a, b))
        rows = d.ask("connections")
        assert sorted(r["listener"] for r in rows) == ["echo", "echo", "local"], rows
        assert {r["peer"] for r in rows if r["listener"] == "echo"} == {me, other}
        local = [r for r in rows if r["listener"] == "local"][0]
        assert (local["transport"], local["uid"], local["pid"]) == ("unix", os.getuid(), os.getpid()), local
        for args, count in ((("--listener", "echo"), 2), (("--listener", "none"), 0), (("--peer", me), 1),
                            (("--peer", "127.0.0.0/8"), 2), (("--peer", "192.0.2.0/24"), 0), (("--peer", "unix"), 1),
                            (("--older-than", "1h"), 0), (("--older-than", "0"), 3), (("--idle-for=1h",), 0),
                            (("--generation", "1"), 3), (("--generation", "7"), 0),
                            (("--listener", "echo", "--peer", other, "--older-than", "0"), 1)):
            assert len(d.ask("connections", *args)) == count, args
        table = d.sockctl("connections", "--peer", "unix").stdout
        assert f"unnamed (uid {os.getuid()}, pid {os.getpid()})" in table, table
        assert "STATE" in table and " quiet " in table, table
        refused(d.sockctl("connections", "--peer", "nobody"), "'nobody' is not a peer")
    assert d.sockctl("connections", "--listener", "none").stdout == ""


def test_many_connections_come_page_by_page():
    d = Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "discard"}}, daemon={"threads": 2}).start()
    count = 700
    clients = [d.connect("echo") for _ in range(count)]
    harness.wait_until(lambda: d.ask("status")["connections"] == count, "all are accepted")

    rows = d.ask("connections")

    ports = {r["peer"].rsplit(":", 1)[1] for r in rows}
    assert len(rows) == count and ports == {str(c.getsockname()[1]) for c in clients}
    assert len({r["id"] for r in rows}) == count
    done = d.sockctl("kill", "--all")
    assert done.stdout == f"{count} connections ended\n", done
    for c in clients:
        assert c.recv(1) == b""
        c.close()
    d.wait_log("conn_closed", count=count, reason="killed")


def test_kill_ends_one_or_those_that_a_filter_finds():
    d = two_listeners()
    with echo(d, "echo") as a, echo(d, "echo") as b, echo(d, "local") as c:
        mine = d.ask("connections", "--peer", "%s:%d" % a.getsockname())[0]["id"]

        done = d.sockctl("kill", mine)
        assert (done.returncode, done.stdout) == (0, "1 connection ended\n"), done
        assert a.recv(1) == b""
        refused(d.sockctl("kill", mine), f"there is no connection {mine}")
        d.wait_log("conn_closed", conn=mine, reason="killed")
        refused(d.sockctl("kill"), "kill needs the ID of a connection, a filter, or --all", status=64)
        refused(d.sockctl("kill", "one"), "ID", status=64)
        assert d.sockctl("kill", "--listener", "local").stdout == "1 connection ended\n"
        assert c.recv(1) == b""
        b.sendall(b"y")
        assert harness.receive_exactly(b, 1) == b"y"
        assert d.sockctl("kill", "--listener", "none").stdout == "0 connections ended\n"


def test_plugins_are_listed_with_their_files():
    d = two_listeners()

    rows = {r["plugin"]: r for r in d.ask("plugins")}
    table = d.sockctl("plugins").stdout

    assert rows["echo"]["listeners"] == ["echo", "gram"] and rows["echo-serve"]["listeners"] == ["local"], rows
    header = (harness.SRC / "include" / "sockd" / "types.h").read_text()
    abi = [int(re.search(rf"#define SOCKD_ABI_{word} (\d+)", header)[1]) for word in ("MAJOR", "MINOR")]
    assert rows["echo"]["file"] == str(harness.PLUGINS / "echo.so") and rows["echo"]["abi"] == abi, rows
    assert re.search(rf"^echo-serve +\S+ +{abi[0]}\.{abi[1]} +local ", table, re.MULTILINE), table


def test_metrics_are_a_text_exposition():
    d = two_listeners()
    with echo(d, "echo"):
        text = d.sockctl("metrics").stdout

    assert '# TYPE sockd_connections_accepted_total counter\nsockd_connections_accepted_total{listener="echo"} 1\n' in text
    assert 'sockd_connections_open{listener="local"} 0\n' in text, text
    assert d.ask("metrics")["text"].startswith("# HELP ")


def test_the_log_level_changes_at_once():
    d = two_listeners()

    assert d.sockctl("log-level").stdout == "info\n"
    assert d.sockctl("log-level", "debug").stdout == "debug\n"
    with echo(d, "echo"):
        d.wait_log("conn_state", to="open")
    d.wait_log("conn_closed")
    assert d.sockctl("log-level", "notice").stdout == "notice\n"
    since = d.mark()
    with echo(d, "echo"):
        pass
    refused(d.sockctl("log-level", "loud"), "there is no level 'loud'")
    d.sockctl("drain", "--wait")
    assert not d.find_logs("conn_closed", since=since)
    assert d.wait() == 0


def test_drain_waits_for_busy_ones_and_says_how_far_it_is():
    d = two_listeners(daemon={"shutdown": {"timeout": "1h"}})
    big = 4 << 20
    with d.connect("echo", receive_buffer=4096) as s:
        s.settimeout(1)
        try:  # an echo that nobody takes keeps it busy
            s.sendall(b"x" * big)
        except TimeoutError:
            pass
        first = d.sockctl("drain")
        waiting = subprocess.Popen([harness.SOCKCTL, "--socket", d.dir / "admin.sock", "drain", "--wait"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = waiting.stderr.readline()
        assert d.ask("status")["state"] == "draining"
        assert len(d.ask("connections")) == 1
    out, _ = waiting.communicate(timeout=harness.PATIENCE_S)

    assert re.match(r"draining: 1 connection, 3600s left\n", first.stdout), first
    assert re.match(r"draining 1/1, 3\d\d\ds left\n", line), line
    assert (waiting.returncode, out) == (0, "ended: 1 connection drained, 0 cut\n"), out
    assert d.wait() == 0
    assert d.sockctl("status").returncode == 3
    assert not (d.dir / "admin.sock").exists()


def test_a_listener_is_paused_and_resumed():
    d = two_listeners()
    with echo(d, "echo") as before:
        assert d.sockctl("listener", "pause", "echo").returncode == 0
        assert {r["name"]: r["state"] for r in d.ask("listeners")} == {"echo": "paused", "local": "serving",
                                                                       "gram": "serving"}
        before.sendall(b"y")  # who is there is served on
        assert harness.receive_exactly(before, 1) == b"y"
        with d.connect("echo") as waiting, echo(d, "local"):
            waiting.sendall(b"z")
            assert d.ask("listeners")[0]["open"] == 1
            assert d.sockctl("listener", "resume", "echo").returncode == 0
            assert harness.receive_exactly(waiting, 1) == b"z"
    refused(d.sockctl("listener", "pause", "none"), "there is no listener 'none'")
    refused(d.sockctl("listener", "pause"), "listener pause needs LISTENER", status=64)
    refused(d.sockctl("listener", "halt", "echo"), "unknown verb 'listener'", status=64)


def test_one_listener_is_drained_and_the_others_go_on():
    d = two_listeners()
    with echo(d, "echo") as drained, echo(d, "local") as other:
        assert d.sockctl("drain", "echo").returncode == 0

        assert drained.recv(1) == b""
        d.wait_log("conn_closed", listener="echo", reason="drain")
        assert d.ask("listeners")[0]["state"] == "draining"
        other.sendall(b"y")
        assert harness.receive_exactly(other, 1) == b"y"
    assert d.sockctl("listener", "resume", "echo").returncode == 0
    echo(d, "echo").close()
    refused(d.sockctl("drain", "none"), "there is no listener 'none'")
    refused(d.sockctl("drain", "echo", "--wait"), "--wait goes with the drain of the whole daemon", status=64)
    assert d.ask("status")["state"] == "serving"


def test_reload_tells_its_verdict():
    d = two_listeners()
    tree = json.loads(d.config.read_text())
    tree["listeners"]["more"] = {"listen": "tcp://127.0.0.1:0", "handler": "echo"}
    d.config.write_text(json.dumps(tree, indent=1))

    dry = d.sockctl("reload", "--dry-run")
    assert dry.returncode == 0 and "more" in dry.stdout, dry
    assert len(d.ask("listeners")) == 3
    done = d.sockctl("reload")
    assert done.returncode == 0 and "more" in done.stdout, done
    assert [r["name"] for r in d.ask("listeners")] == ["echo", "local", "gram", "more"]
    echo(d, "more").close()
    tree["listeners"]["more"]["listn"] = 1
    d.config.write_text(json.dumps(tree, indent=1))
    done = d.sockctl("reload")
    assert done.returncode == 1 and re.search(rf"^{d.config}:\d+:\d+: error: .*'listen'", done.stderr, re.MULTILINE), done
    assert json.loads(d.sockctl("--json", "reload").stdout)["error"].startswith(str(d.config))


def test_stop_cuts_at_once():
    d = two_listeners()
    with echo(d, "echo") as s:
        done = d.sockctl("stop", "--wait")

        assert (done.returncode, done.stdout) == (0, "ended: 0 connections drained, 1 cut\n"), done
        assert d.wait() == 0
    d.wait_log("stopping", signal="sockctl")


def test_reopen_does_what_the_signal_does(tmp):
    log = tmp / "log"
    d = two_listeners(daemon={"log": {"target": str(log)}})
    log.rename(tmp / "old")

    assert d.sockctl("reopen").returncode == 0

    harness.wait_until(lambda: log.exists() and "event=reopened" in log.read_text(), "the new log")


def test_the_command_line_is_told_what_is_wrong_with_it():
    for args, *words in ((["statsu"], "unknown verb 'statsu', did you mean 'status'?"),
                         ([], "say what to do"),
                         (["status", "now"], "status does not take 'now'"),
                         (["connections", "--listner", "x"], "unknown option '--listner' of connections",
                          "did you mean '--listener'?"),
                         (["connections", "--older-than", "5"], "--older-than"),
                         (["connections", "--idle-for", "off"], "--idle-for: 'off' cannot be meant here"),
                         (["why", "127.0.0.1"], "why needs LISTENER: The listener"),
                         (["connections", "--listener"], "--listener needs a value: --listener NAME"),
                         (["status", "--wait"], "unknown option '--wait' of status"),
                         (["status", "--json=yes"], "--json takes no value"),
                         (["--timeout", "0", "status"], "--timeout: write 1ms to 24h"),
                         (["--socket", "relative", "status"], "'relative' is neither a path"),
                         (["-x"], "unknown option '-x'"),
                         (["kill", "--generation", "1"], "kill needs the ID")):
        done = harness.run_sockctl(*args)
        refused(done, *words, status=64)
        assert done.stdout == "", done


def test_help_and_version():
    for args in (["--help"], ["-h"], ["kill", "--help"], ["--version"], ["-V"]):
        done = harness.run_sockctl(*args)
        assert done.returncode == 0 and done.stdout and not done.stderr, done
    assert "--older-than DURATION" in harness.run_sockctl("kill", "--help").stdout
    assert "log-level [LEVEL]" in harness.run_sockctl("--help").stdout
    with open("/dev/full", "w") as full:
        done = subprocess.run([harness.SOCKCTL, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 71 and "cannot write" in done.stderr, done


def test_errors_are_json_too():
    d = two_listeners()

    done = d.sockctl("--json", "kill", "77")

    assert done.returncode == 1 and json.loads(done.stdout) == {"error": "there is no connection 77"}, done


def test_the_configuration_says_where_the_socket_is(tmp):
    place = tmp / "here.sock"
    d = Daemon(daemon={"admin": {"listen": f"unix://{place}", "mode": "0600"}}).start()
    off = tmp / "off.yaml"
    off.write_text("version: 1\ndaemon: {admin: off}\n")
    broken = tmp / "broken.yaml"
    broken.write_text("version: 1\nlisteners: [\n")
    misspelt = tmp / "misspelt.yaml"
    misspelt.write_text(f"version: 1\ndaemon: {{admin: {{listn: 'unix://{place}'}}}}\n")
    auto = tmp / "auto.yaml"
    auto.write_text("version: 1\n")

    assert place.stat().st_mode & 0o7777 == 0o600
    assert d.wait_log("admin")["address"] == f"unix://{place}"
    assert harness.run_sockctl("--config", d.config, "status", env=d.env).returncode == 0
    refused(harness.run_sockctl("--config", off, "reload"), "daemon.admin.listen: off", status=69)
    refused(harness.run_sockctl("--config", broken, "status"), "broken.yaml:3:1: ", status=4)
    refused(harness.run_sockctl("--config", broken, "stop"), "--socket has to", status=69)
    refused(harness.run_sockctl("--config", misspelt, "stop"), "misspelt.yaml:2:18: ", status=69)
    refused(harness.run_sockctl("--config", tmp / "none", "plugins"), "none", status=69)
    place.rename(tmp / "admin.sock")  # where RUNTIME_DIRECTORY says
    assert harness.run_sockctl("--config", auto, "status", env={"RUNTIME_DIRECTORY": str(tmp)}).returncode == 0


def test_a_file_that_is_wrong_elsewhere_still_says_where_the_socket_is(tmp):
    d = Daemon(daemon={"admin": f"unix://{tmp}/here.sock"}).start()
    d.config.write_text(d.config.read_text().replace('"version": 1', '"version": 1, "nonsense": 1'))
    assert '"nonsense"' in d.config.read_text()
    reload = harness.run_sockctl("--config", d.config, "reload")

    assert harness.run_sockctl("--config", d.config, "status").returncode == 0
    assert reload.returncode == 1 and "nonsense" in reload.stderr and "nothing was changed" in reload.stderr, reload


def test_an_abstract_socket_will_do():
    name = f"sockd-test-{os.getpid()}"
    d = Daemon(daemon={"admin": f"unix:@{name}"}).start()

    assert harness.run_sockctl("--socket", f"@{name}", "status").returncode == 0
    assert harness.run_sockctl("--config", d.config, "status").returncode == 0


def test_only_root_the_user_and_the_group_may_ask(tmp):
    harness.need_root()
    harness.need_reachable_build()
    tmp.chmod(0o755)
    place = tmp / "adm"
    d = Daemon(daemon={"admin": {"listen": f"unix://{place}", "mode": "0666", "group": "60001"}}).start()

    def ask(**who):
        return harness.run_sockctl("--socket", place, "status", **who)

    assert (place.stat().st_gid, place.stat().st_mode & 0o777) == (60001, 0o666)
    refused(ask(user=NOBODY, group=NOBODY, extra_groups=[]), "permission denied: only root", status=4)
    assert ask(user=NOBODY, group=60001, extra_groups=[]).returncode == 0
    assert ask(user=NOBODY, group=NOBODY, extra_groups=[60000, 60001]).returncode == 0
    refused(harness.run_sockctl("--socket", place, "stop", user=NOBODY, group=NOBODY, extra_groups=[]),
            "permission denied", status=77)
    d.wait_log("admin_denied", level="info", uid=NOBODY)
    place.chmod(0o600)
    refused(ask(user=NOBODY, group=60001, extra_groups=[]), "permission denied", status=4)
    assert d.stop() == 0


def test_a_second_daemon_does_not_take_the_socket(tmp):
    env = {"RUNTIME_DIRECTORY": str(tmp)}
    first = Daemon(env=env).start()
    second = Daemon(env=env).start()

    second.wait_log("admin_unavailable", level="warning")
    status = harness.run_sockctl("--json", "--socket", tmp / "admin.sock", "status")
    assert json.loads(status.stdout)["pid"] == first.process.pid
    assert second.stop() == 0
    assert (tmp / "admin.sock").exists()
    text = json.dumps({"version": 1, "daemon": {"admin": f"unix://{tmp}/admin.sock"}})
    third = Daemon(text=text).launch()
    assert third.wait() == 69
    assert any("'admin.listen':" in line for line in third.lines), third.lines


def test_a_killed_daemon_leaves_a_socket_that_the_next_one_takes(tmp):
    env = {"RUNTIME_DIRECTORY": str(tmp)}
    first = Daemon(env=env).start()
    first.send(signal.SIGKILL)
    first.wait()
    assert harness.run_sockctl("--socket", tmp / "admin.sock", "status").returncode == 3

    second = Daemon(env=env).start()

    assert harness.run_sockctl("--socket", tmp / "admin.sock", "status").returncode == 0
    assert second.stop() == 0


def test_sockd_run_has_no_admin_socket(tmp):
    d = Daemon(command=("run", "--plugin", harness.PLUGINS / "echo.so", "--listen", "tcp://127.0.0.1:0"),
               env={"RUNTIME_DIRECTORY": str(tmp)}).start()

    assert not (tmp / "admin.sock").exists()
    assert d.stop() == 0


def complete(tmp, *words):
    """What bash offers for the last of the words."""
    script = f"""
        source {harness.BUILD}/daemon/ctl/sockctl
        COMP_WORDS=({' '.join(repr(w) for w in words)}) COMP_CWORD={len(words) - 1}
        _sockctl
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{harness.BUILD}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp, check=False,
                          env={**os.environ, "PATH": path})
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.split()


def test_bash_completes_verbs_options_and_listeners(tmp):
    harness.need_tool("bash")
    d = two_listeners()
    place = str(d.dir / "admin.sock")

    assert {"status", "kill", "log-level"} <= set(complete(tmp, "sockctl", ""))
    assert complete(tmp, "sockctl", "st") == ["status", "stop"]
    assert complete(tmp, "sockctl", "connections", "--ol") == ["--older-than"]
    assert complete(tmp, "sockctl", "status", "--ol") == []
    assert complete(tmp, "sockctl", "log-level", "w") == ["warning"]
    assert complete(tmp, "sockctl", "--socket", place, "connections", "--listener", "") == ["echo", "local", "gram"]
    assert complete(tmp, "sockctl", "--socket", place, "connections", "--listener", "l") == ["local"]
    assert "--json" in complete(tmp, "sockctl", "drain", "--")


def test_the_manual_names_every_verb_and_option():
    page = (harness.BUILD / "daemon/ctl/sockctl.1").read_text()
    verbs = re.findall(r"^  ([a-z][a-z-]*)", harness.run_sockctl("--help").stdout, re.MULTILINE)

    assert len(verbs) > 8
    for verb in verbs:
        assert f".It Cm {verb}" in page, verb
        for option in re.findall(r"^  --([a-z-]+)", harness.run_sockctl(verb, "--help").stdout, re.MULTILINE):
            assert f".It Fl -{option}" in page, (verb, option)
    assert "@" not in re.sub(r"@name|@NAME", "", page)


def test_clients_that_do_not_behave_cost_little():
    d = two_listeners()
    place = str(d.dir / "admin.sock")
    hoard = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(harness.PATIENCE_S)
        s.connect(place)
        hoard.append(s)
    last = b"".join(iter(lambda: hoard[-1].recv(4096), b""))
    assert b"too many clients" in last, last
    for s in hoard:
        s.close()
    harness.wait_until(lambda: d.sockctl("status").returncode == 0, "room for another")
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(harness.PATIENCE_S)
        s.connect(place)
        s.sendall(b"{" * 16384)
        assert b"the request is too long" in b"".join(iter(lambda: s.recv(4096), b""))
    with echo(d, "echo"):
        assert d.ask("status")["connections"] == 1


def test_top_prints_pictures_with_rates():
    with two_listeners() as d:
        stop = threading.Event()

        def chat():
            while not stop.is_set():
                echo(d, "echo").close()

        client = threading.Thread(target=chat, daemon=True)
        client.start()
        done = d.sockctl("top", "--batch", "--every", "500ms", "--count", "2")
        stop.set()
        client.join(harness.PATIENCE_S)

    assert (done.returncode, done.stderr) == (0, ""), done
    pictures = done.stdout.rstrip("\n").split("\n\nsockd ")
    assert len(pictures) == 2 and "\033" not in done.stdout, done.stdout
    for picture in pictures:
        assert re.search(r"serving, up \S+: \d+ open, [1-9]\d* new/s, (?!0B)\S+B/s read, (?!0B)\S+B/s written\n", picture), picture
        rows = picture.splitlines()[2:]
        assert rows[0].split()[:4] == ["NAME", "STATE", "OPEN", "LIMIT"], picture
        assert [row.split()[0] for row in rows[1:]] == ["echo", "local", "gram"], picture


class Terminal:
    """`sockctl top` on a terminal of so many lines and columns."""

    def __init__(self, d, lines=0, columns=0):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen([harness.SOCKCTL, "--socket", d.dir / "admin.sock", "top", "--every", "100ms"],
                                        stdin=self.slave, stdout=self.slave, stderr=self.slave)
        self.said = b""

    def until(self, words, count=1):
        while self.said.count(words) < count:
            assert select.select([self.master], [], [], harness.PATIENCE_S)[0], self.said
            self.said += os.read(self.master, 65536)

    def ends(self):
        """And gives the terminal back as it was."""
        self.until(b"\033[?25h\033[?1049l")
        assert self.process.wait(harness.PATIENCE_S) == 0
        assert termios.tcgetattr(self.slave) == self.before
        os.close(self.slave)
        os.close(self.master)


def test_top_fills_a_terminal_and_gives_it_back():
    with two_listeners() as d:
        for end in (lambda t: os.write(t.master, b"q"), lambda t: t.process.send_signal(signal.SIGTERM)):
            t = Terminal(d, lines=5, columns=30)
            t.until(b"\033[H", 3)  # several pictures
            end(t)
            t.ends()

            assert t.said.startswith(b"\033[?1049h"), t.said
            picture = t.said.split(b"\033[H")[1].split(b"\033[J")[0].decode().split("\033[K\r\n")
            assert len(picture) == 5 and all(len(line) <= 30 for line in picture), picture  # four lines, and what follows them
            assert picture[0].startswith("sockd ") and picture[2].startswith("NAME") and picture[3].startswith("echo"), picture


def test_top_outlives_a_daemon_and_says_that_it_is_gone():
    d = two_listeners()
    t = Terminal(d)
    t.until(b"serving")
    assert d.stop() == 0
    t.until(b"sockd does not run")
    os.write(t.master, b"q")
    t.ends()


def test_top_is_refused_where_it_cannot_be_shown():
    with two_listeners() as d:
        refused(d.sockctl("top"), "top needs a terminal; --batch prints", status=64)
        refused(d.sockctl("top", "--json"), "top has no JSON form", status=64)
        refused(d.sockctl("top", "--every", "1ms"), "--every: write 100ms to 1h", status=64)
        refused(d.sockctl("top", "--batch", "--count", "0"), "--count: write 1 or more", status=64)
    refused(harness.run_sockctl("--socket", "/nowhere", "top", "--batch"), "sockd does not run", status=69)


if __name__ == "__main__":
    harness.main()
