#!/usr/bin/env python3
"""Reload in place: each kind of change, what it does to connections, and what it says."""

import os
import re
import signal
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from reloading import TCP, UDP, Reloading, build_named, echo, named, roundtrip, serve_mutated, who, with_named

def inode(path):
    return os.stat(path).st_ino


# ---------------------------------------------------------------- nothing, and listeners


def test_nothing_changes_when_nothing_has_changed():
    d = with_named({"a": named("one"), "b": echo(UDP)}, settings={"threads": 2})
    with d.connect("a") as c:
        assert who(c) == "one/1"

        assert d.reload_well() == []

        assert who(c) == "one/1"
    assert d.wait_log("reloaded")["changed"] == "0"
    harness.wait_until(lambda: d.find_logs("named_start"), "a line of the start")  # the worker writes it, when it gets to it
    assert len(d.find_logs("named_start")) == 1
    assert d.find_logs("named_thread_stop") == []
    assert d.stop() == 0


def test_a_listener_is_added_and_removed_and_its_connections_drain(tmp):
    d = Reloading({"a": echo()}, {"threads": 2}).start()
    with d.connect("a") as kept:
        roundtrip(kept)
        d.listeners["b"] = echo(f"unix://{tmp}/s")
        changes = d.reload_well()
        assert [(c["listener"], c["key"]) for c in changes] == [("b", "added")]
        with d.connect("b") as c:
            roundtrip(c)

            del d.listeners["b"]
            changes = d.reload_well()

            assert [(c["listener"], c["key"]) for c in changes] == [("b", "removed")]
            assert c.recv(1) == b""
        assert list(tmp.iterdir()) == []
        d.wait_log("conn_closed", listener="b", reason="drain")
        roundtrip(kept)
    assert d.stop() == 0


def test_a_removed_tcp_listener_refuses_at_once():
    d = Reloading({"a": echo(), "b": echo()}).start()
    address = d.addr("b")
    del d.listeners["b"]
    d.reload_well()

    try:
        harness.connect(address).close()
    except ConnectionRefusedError:
        pass
    else:
        raise AssertionError("it still listens")
    assert d.stop() == 0


def test_a_busy_connection_of_a_removed_listener_has_until_the_deadline():
    d = Reloading({"a": echo(), "b": echo(buffers={"write": "4MiB"})}, {"shutdown": {"timeout": "1s"}}).start()
    with d.connect("b", receive_buffer=4096) as c:
        c.setblocking(False)
        try:
            while True:
                c.send(bytes(65536))
        except BlockingIOError:
            pass
        del d.listeners["b"]
        d.reload_well()
        d.wait_log("conn_closed", listener="b", reason="drain_forced")
    assert d.stop() == 0
    assert d.wait_log("stopped")["forced"] == "0"  # that was then


def test_a_renamed_listener_keeps_its_socket_and_its_connections():
    d = with_named({"old": named("one")})
    address = d.addr("old")
    with d.connect("old") as c:
        assert who(c) == "one/1"
        d.listeners["new"] = d.listeners.pop("old")
        changes = d.reload_well()

        assert [(x["listener"], x["key"], x["before"]) for x in changes] == [("new", "name", "old")]
        assert d.addr("new").sockaddr == address.sockaddr
        assert who(c) == "one/1"
        with harness.connect(address) as fresh:
            assert who(fresh) == "one/1"
    assert d.stop() == 0


def test_a_moved_listener_keeps_its_connections():
    port = harness.free_port()
    d = Reloading({"a": echo()}).start()
    old = d.addr("a")
    with d.connect("a") as c:
        roundtrip(c)
        d.listeners["a"]["listen"] = f"tcp://127.0.0.1:{port}"
        d.reload_well()

        roundtrip(c)
        with harness.connect(d.addresses("a")[-1]) as fresh:
            roundtrip(fresh)
        try:
            harness.connect(old).close()
        except ConnectionRefusedError:
            pass
        else:
            raise AssertionError("the old address still listens")
    assert d.stop() == 0


def test_an_address_may_be_spelled_in_another_way():
    port, u = harness.free_port(), harness.free_port(harness.socket.SOCK_DGRAM)
    d = Reloading({"a": echo(f"tcp://127.0.0.1:{port}"), "u": echo(f"udp://127.0.0.1:{u}")}, {"threads": 2}).start()
    fds = d.fd_count()
    d.listeners["a"]["listen"] = f"tcp4://127.0.0.1:{port}"
    d.listeners["u"]["listen"] = f"udp4://127.0.0.1:{u}"
    d.reload_well()
    harness.wait_until(lambda: d.fd_count() <= fds, "no descriptor more")
    with d.connect("a") as c, d.datagram("u") as g:
        roundtrip(c)
        g.send(b"x")
        assert g.recv(9) == b"x"
    assert d.stop() == 0


def test_two_listeners_swap_their_addresses():
    d = with_named({"a": named("one"), "b": named("two")})
    a, b = d.addr("a"), d.addr("b")
    d.listeners["a"]["listen"], d.listeners["b"]["listen"] = (f"tcp://127.0.0.1:{x.sockaddr[1]}" for x in (b, a))
    # The old addresses were port 0, so this moves neither: it gives each the other's socket.
    d.reload_well()
    with harness.connect(a) as c:
        assert who(c) == "two/1"
    with harness.connect(b) as c:
        assert who(c) == "one/1"
    assert d.stop() == 0


# ---------------------------------------------------------------- settings


def test_changed_limits_hold_for_new_connections():
    d = Reloading({"a": echo()}, {"threads": 2}).start()
    with d.connect("a") as first, d.connect("a") as second:
        roundtrip(first)
        roundtrip(second)
        d.listeners["a"]["limits"] = {"connections": 2}
        d.listeners["a"]["timeouts"] = {"idle": "300ms"}
        changes = d.reload_well()

        assert {(c["key"], c["takes_effect"]) for c in changes} == {
            ("limits.connections", "for new connections"), ("timeouts.idle", "for new connections")}
        with d.connect("a") as third:
            assert third.recv(1) == b""
        roundtrip(second)
        second.close()
        harness.wait_until(lambda: d.find_logs("conn_closed", reason="eof"), "the end of the second")
        with d.connect("a") as fourth:
            roundtrip(fourth)
            assert fourth.recv(1) == b""
        d.wait_log("conn_closed", reason="idle_timeout")
        roundtrip(first)
    assert len(d.find_logs("conn_closed", reason="idle_timeout")) == 1
    assert d.stop() == 0


def test_mode_group_and_backlog_change_on_the_socket_in_place(tmp):
    d = Reloading({"a": echo(f"unix://{tmp}/s"), "g": echo(f"unixgram://{tmp}/g")}).start()
    before = [inode(tmp / name) for name in "sg"]
    for name in "ag":
        d.listeners[name]["socket"] = {"mode": "0660", **({"group": "daemon"} if os.geteuid() == 0 else {})}
    d.listeners["a"]["backlog"] = 7
    changes = d.reload_well()

    assert {c["takes_effect"] for c in changes} == {"at once"}
    assert [inode(tmp / name) for name in "sg"] == before
    assert [stat.S_IMODE(os.stat(tmp / name).st_mode) for name in "sg"] == [0o660, 0o660]
    if os.geteuid() == 0:
        assert os.stat(tmp / "s").st_gid == 1
    with d.connect("a") as c:
        roundtrip(c)
    assert d.stop() == 0


def test_a_mode_is_put_back_when_the_reload_is_refused(tmp):
    d = with_named({"a": echo(f"unix://{tmp}/s")})
    d.listeners["a"]["socket"] = {"mode": "0666"}
    d.listeners["b"] = named("x", fails="start")
    d.reload_badly("as it was told in start")
    assert stat.S_IMODE(os.stat(tmp / "s").st_mode) == 0o600
    assert d.stop() == 0


def test_a_file_whose_mode_somebody_changed_is_left_alone(tmp):
    d = Reloading({"a": echo(f"unix://{tmp}/s")}).start()
    (tmp / "s").chmod(0o640)
    d.listeners["a"]["limits"] = {"connections": 5}
    d.reload_well()
    assert stat.S_IMODE(os.stat(tmp / "s").st_mode) == 0o640
    assert d.stop() == 0


def test_keys_that_need_a_new_worker_wait_and_go_on_waiting():
    d = Reloading({"a": echo()}, {"threads": 1}).start()
    d.settings["threads"] = 2
    for _ in range(2):
        (change,) = d.reload_well()
        assert (change["key"], change["before"], change["after"]) == ("threads", "1", "2"), change
        assert change["takes_effect"] == "in a new worker"
    assert len(os.listdir(f"/proc/{d.process.pid}/task")) < 5
    d.settings["threads"] = 1
    assert d.reload_well() == []
    assert d.stop() == 0


def test_what_an_upgrade_hands_over_waits_for_a_start():
    d = Reloading({"a": echo()}).start()
    d.listeners["a"]["socket"] = {"freebind": True}
    d.settings["log"] = {"format": "json"}
    changes = d.reload_well()
    assert {c["key"]: c["takes_effect"] for c in changes} == \
        dict.fromkeys(("log.format", "socket.freebind"), "when sockd is started again"), changes
    assert d.stop() == 0


def test_a_client_is_no_longer_held_back_until_it_speaks():
    d = Reloading({"a": {**echo(), "socket": {"defer_accept": "60s"}}}).start()
    with d.connect("a"):
        d.listeners["a"]["socket"] = {}
        (change,) = d.reload_well()
        assert change["takes_effect"] == "for new connections"
        with d.connect("a"):
            harness.wait_until(lambda: d.ask("listeners")[0]["open"] == 1, "the second is accepted")
    assert d.stop() == 0


def test_the_log_level_changes_at_once():
    d = Reloading({"a": echo()}).start()
    d.settings["log"] = {"level": "debug"}
    d.reload_well()

    def told():
        with d.connect("a") as c:
            roundtrip(c)
        return d.find_logs("conn_state", level="debug")

    harness.wait_until(told, "a line of that level")
    assert d.stop() == 0


# ---------------------------------------------------------------- handlers


def test_a_changed_setting_gets_a_new_instance_and_the_old_one_ends_with_its_last_connection():
    d = with_named({"a": named("one")}, settings={"threads": 2})
    with d.connect("a") as old:
        assert who(old) == "one/1"
        d.listeners["a"] = named("two")
        d.reload_well()

        with d.connect("a") as fresh:
            assert who(fresh) == "two/1"
        assert who(old) == "one/1"
        assert d.find_logs("named_thread_stop") == []
    d.wait_log("named_thread_stop", count=2, msg="one/1")
    assert d.find_logs("named_thread_stop", msg="two/1") == []
    assert d.stop() == 0
    assert len(d.find_logs("named_thread_stop", msg="two/1")) == 2


def test_what_a_plugin_counted_goes_on_in_its_next_instance():
    def exec_(listen, mark):
        return {"listen": listen, "handler": {"plugin": "exec", "config": {
            "command": ["/bin/echo", mark]}}}

    def counted():
        return re.findall(r'^sockd_plugin_exec_started_total\{plugin="exec",listener="(.)"\} (\d+)$',
                          d.sockctl("metrics").stdout, re.MULTILINE)

    d = Reloading({"a": exec_(TCP, "one"), "b": exec_(TCP, "one")}).start()
    for name in ("a", "a", "b"):
        with d.connect(name) as c:
            assert harness.receive_all(c) == b"one\n"
    d.listeners["a"] = exec_(TCP, "two")
    d.reload_well()
    with d.connect("a") as c:
        assert harness.receive_all(c) == b"two\n"

    harness.wait_until(lambda: sorted(counted()) == [("a", "3"), ("b", "1")], "sums")
    del d.listeners["a"]
    d.reload_well()
    harness.wait_until(lambda: counted() == [("b", "1")], "no trace of a listener that is gone")
    assert d.stop() == 0


def test_another_plugin_serves_new_connections():
    d = with_named({"a": echo()})
    with d.connect("a") as old:
        roundtrip(old)
        d.listeners["a"]["handler"] = "named"
        d.reload_well()
        with d.connect("a") as fresh:
            assert who(fresh) == "none/1"
        roundtrip(old)
    assert d.stop() == 0


def test_limits_change_around_an_instance_that_goes_on():
    d = with_named({"a": named("one")})
    d.listeners["a"]["limits"] = {"connections": 9}
    d.reload_well()
    with d.connect("a") as c:
        assert who(c) == "one/1"
    assert len(d.find_logs("named_start")) == 1
    assert d.stop() == 0


def test_a_secret_in_a_file_that_changes_gets_a_new_instance(tmp):
    (tmp / "key").write_text("a")
    d = with_named({"a": named("one", secret={"file": str(tmp / "key")})})
    (tmp / "key").write_text("b")
    d.reload_well()
    d.wait_log("named_start", count=2)
    d.wait_log("named_thread_stop")
    assert d.stop() == 0


def test_datagram_listeners_change_too():
    for plugin in ("echo", "echo-serve"):
        d = with_named({"a": echo(UDP, plugin)}, settings={"threads": 2})
        with d.datagram("a") as c:
            c.send(b"x")
            assert c.recv(9) == b"x"
            d.listeners["a"]["buffers"] = {"read": "4KiB"}
            d.reload_well()
            c.send(b"y")
            assert c.recv(9) == b"y"
            d.listeners["a"]["handler"] = {"plugin": "named", "config": {"word": "new"}}
            d.reload_well()
            c.send(b"z")
            assert c.recv(9) == b"new/1\n"
            d.listeners["a"]["handler"] = plugin
            d.reload_well()
            c.send(b"z")
            assert c.recv(9) == b"z"
        assert d.stop() == 0


def test_a_listener_goes_over_to_one_loop_and_back():
    d = with_named({"a": named("x"), "u": named("y", UDP)}, settings={"threads": 2})
    with d.connect("a") as c, d.datagram("u") as u:
        for threads in ("1", "all", "1"):
            for name in "au":
                d.listeners[name]["threads"] = threads
            d.reload_well()
            assert who(c) == "x/1"
            u.send(b"?")
            assert u.recv(9) == b"y/1\n"
            with d.connect("a") as fresh:
                assert who(fresh) == "x/1"
    assert d.stop() == 0


def test_observers_come_and_go():
    observer = """
#include <sockd/plugin.h>
static int start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{ (void)e; *ret = (void *)s; return sockd_log(h, SOCKD_LOG_NOTICE, "watch_start", "-"); }
static void seen(void *i, struct sockd_conn c, int state)
{ (void)i; (void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, state == SOCKD_NEW ? "saw_new" : "saw_close", "-"); }
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "watch", .version = "1",
    .start = start, .observe = 1u << SOCKD_NEW | 1u << SOCKD_CLOSE, .on_connection = seen };
"""
    d = Reloading({"a": echo()})
    harness.build_plugin(d.dir, "watch", observer)
    d.start()
    with d.connect("a") as unseen:
        roundtrip(unseen)
        d.settings["observers"] = [{"plugin": "watch"}]
        d.reload_well()
        with d.connect("a") as seen:
            roundtrip(seen)
            d.wait_log("saw_new")
            del d.settings["observers"]
            d.reload_well()
        d.wait_log("saw_close")  # it began with the observer
        with d.connect("a") as c:
            roundtrip(c)
    d.wait_log("conn_closed", count=3)
    assert len(d.find_logs("saw_new")) == len(d.find_logs("saw_close")) == 1
    assert d.stop() == 0


# ---------------------------------------------------------------- plugin files


def rebuild(d, version, how):
    """The file of the plugin `named` with another content, put there in that way."""
    target, new = d.dir / "named.so", d.dir / "named-new.so"
    new.write_bytes(build_named(version).read_bytes())
    new.chmod(0o755)
    if how == "cp":
        target.write_bytes(new.read_bytes())
        new.unlink()
    else:
        new.rename(target)


def test_a_plugin_file_that_is_overwritten_or_replaced_is_taken_by_the_next_reload():
    for how in ("cp", "mv"):
        d = with_named({"a": named("w")})
        with d.connect("a") as old:
            assert who(old) == "w/1"
            rebuild(d, "2", how)
            assert who(old) == "w/1"
            with d.connect("a") as c:
                assert who(c) == "w/1"

            (change,) = d.reload_well()

            assert (change["listener"], change["key"]) == ("a", "plugin file")
            with d.connect("a") as fresh:
                assert who(fresh) == "w/2"
            assert who(old) == "w/1"
        d.wait_log("named_thread_stop", msg="w/1")
        with d.connect("a") as c:
            assert who(c) == "w/2"
        assert d.stop() == 0


def test_a_plugin_file_that_is_deleted_or_unsafe_refuses_the_reload_and_hurts_nobody():
    for spoil, words in ((lambda f: f.unlink(), "there is no plugin 'named'"),
                         (lambda f: f.chmod(0o777), "others can change it"),
                         (lambda f: f.write_bytes(b"\x7fELF"), "named")):
        d = with_named({"a": named("w")})
        with d.connect("a") as old:
            assert who(old) == "w/1"
            spoil(d.dir / "named.so")

            e = d.reload_badly()

            assert words in e["msg"], e
            assert who(old) == "w/1"
            with d.connect("a") as c:
                assert who(c) == "w/1"
        assert d.stop() == 0


# ---------------------------------------------------------------- refusals


def test_a_faulty_file_is_refused_with_its_place():
    d = Reloading({"a": echo()}).start()
    with d.connect("a") as c:
        d.listeners["a"]["adress"] = "x"
        e = d.reload_badly("unknown key 'adress'")
        assert e["msg"].startswith(f"{d.config}:"), e
        d.wait_note("STATUS", f"serving 1 listener, 1 connection; reload refused: {e['msg']}"[:300])
        roundtrip(c)
        e = d.reload(text="version: 1\nlisteners: [\n")
        assert e["event"] == "reload_refused"
        d.config.unlink()
        since = d.mark()
        d.send(signal.SIGHUP)
        assert "No such file" in d.verdict(since)["msg"]
        del d.listeners["a"]["adress"]
        d.reload_well()
        harness.wait_until(lambda: d.status_lines()[-1] == "serving 1 listener, 1 connection", "no more remark")
    assert d.stop() == 0


def test_an_error_hides_none_of_a_plugin():
    d = Reloading({"a": echo()}).start()
    d.listeners = {"a": {**echo(), "timeouts": {"idle": 5}},
                   "b": {"listen": "tcp://127.0.0.1:0", "handler": {"plugin": "echo", "config": {"zebra": 1}}},
                   "c": echo(plugin="nosuchplugin")}
    d.write()

    done = d.sockctl("reload")

    assert done.returncode == 1 and done.stderr.count(" error: ") == 3, done
    for word in ("idle", "'zebra'", "'nosuchplugin'"):
        assert word in done.stderr, done.stderr
    with d.connect("a") as c:
        roundtrip(c)
    assert d.stop() == 0


def test_every_stage_of_a_plugin_can_refuse_it():
    for stage, words in (("check", "as it was told in check"), ("crash", "crashed while its settings were checked"),
                         ("exit", "(status 7)"), ("start", "as it was told in start"),
                         ("thread", "as it was told in thread_start")):
        d = with_named({"a": named("w")}, settings={"threads": 2})
        with d.connect("a") as old:
            d.listeners["a"] = named("new", fails=stage)
            d.listeners["b"] = named("b")
            d.listeners["c"] = echo()

            d.reload_badly(words)

            assert who(old) == "w/1"
            with d.connect("a") as c:
                assert who(c) == "w/1"
            assert d.find_logs("listening", listener="c") == []
            for name in "bc":
                del d.listeners[name]
            d.listeners["a"] = named("fine")
            d.reload_well()
            with d.connect("a") as c:
                assert who(c) == "fine/1"
        d.wait_log("named_thread_stop", count=2, msg="w/1")
        assert d.stop() == 0


def test_a_bind_that_fails_refuses_all_of_it(tmp):
    with harness.socket.create_server(("127.0.0.1", 0)) as taken:
        d = Reloading({"a": echo()}).start()
        fds = d.fd_count()
        d.listeners["b"] = echo(f"unix://{tmp}/s")
        d.listeners["c"] = echo(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
        d.listeners["a"]["limits"] = {"connections": 1}
        d.reload_badly("is in use by", f"{d.config}:")
        assert list(tmp.iterdir()) == []
        harness.wait_until(lambda: d.fd_count() <= fds, "no descriptor more")
        with d.connect("a") as c, d.connect("a") as more:
            roundtrip(c)
            roundtrip(more)
        assert d.stop() == 0


def test_requests_that_come_while_one_runs_share_the_next():
    d = with_named({"a": named("w")})
    d.listeners["a"]["handler"]["config"]["word"] = "v"
    d.write()
    for _ in range(30):
        d.send(signal.SIGHUP)
    d.wait_log("reloaded")
    d.listeners["a"]["handler"]["config"]["word"] = "u"
    d.reload_well()
    harness.wait_until(lambda: ask_word(d) == "u/1", "the last word")
    assert len(d.find_logs("reloaded")) < 10
    assert d.stop() == 0


def ask_word(d):
    with d.connect("a") as c:
        return who(c)


def test_a_drain_ends_a_reload_that_runs():
    d = with_named({"a": named("w")})
    d.listeners["a"] = named("new", fails="hang")
    d.write()
    d.send(signal.SIGHUP)
    d.wait_note("RELOADING", "1")
    assert d.stop() == 0


def test_sockd_run_has_no_file_to_read_again():
    d = harness.Daemon(command=["run", "--plugin", harness.PLUGINS / "echo.so", "--listen", TCP]).start()
    d.send(signal.SIGHUP)
    d.wait_log("reload_refused", msg=lambda text: "without a file" in text)
    assert d.stop() == 0


# ---------------------------------------------------------------- asking first


def diff(d):
    return harness.run_sockd("-t", "--diff", "-c", d.config, env=d.env)


def test_diff_says_what_a_reload_would_change_and_changes_nothing():
    d = Reloading({name: echo(limits={"connections": 9}) for name in "ab"}, {"threads": 1}).start()
    assert diff(d).stdout.endswith("nothing has changed\n")
    d.settings["threads"] = 2
    del d.listeners["b"]
    d.listeners["a"]["backlog"] = 7
    d.listeners["a"]["timeouts"] = {"idle": "5m"}
    d.write()

    done = diff(d)

    assert done.returncode == 0, done
    assert done.stdout.splitlines()[1:] == [
        "at once: listener 'b': removed, its connections drain",
        "at once: listener 'a': backlog: 4096 -> 7",
        "for new connections: listener 'a': timeouts.idle: off -> 5m",
        "in a new worker: daemon: threads: 1 -> 2"], done
    with d.connect("b") as c:
        roundtrip(c)
    assert d.find_logs("reloaded") == []
    assert d.stop() == 0


def test_diff_needs_the_daemon_of_that_file(tmp):
    d = Reloading({"a": echo()}).start()
    other = tmp / "other.yaml"
    other.write_text(d.config.read_text())
    done = harness.run_sockd("-t", "--diff", "-c", other, env=d.env)
    assert done.returncode == 69 and "was started with" in done.stderr, done
    assert d.stop() == 0
    done = diff(d)
    assert done.returncode == 69 and done.stderr, done


def test_sockctl_reload_tells_the_verdict():
    d = Reloading({"a": echo()}).start()
    d.listeners["a"]["backlog"] = 7
    d.write()
    done = d.sockctl("reload")
    assert done.returncode == 0 and "backlog: 4096 -> 7" in done.stdout, done
    d.write("version: 1\nlisteners: {a: {listen: tcp://127.0.0.1:0, handler: nope}}\n")
    done = d.sockctl("reload")
    assert done.returncode != 0 and f"{d.config}:2:" in done.stderr, done
    with d.connect("a") as c:
        roundtrip(c)
    assert d.stop() == 0


# ---------------------------------------------------------------- many


def test_a_connection_of_before_the_first_still_answers_after_the_last():
    d = with_named({"a": named("0"), "e": echo(), "u": echo(UDP)}, settings={"threads": 2})
    with d.connect("e") as unchanged, d.connect("a") as first, d.datagram("u") as u:
        assert who(first) == "0/1"
        for i in range(1, 31):
            d.listeners["a"] = named(str(i))
            d.listeners["e"]["limits"] = {"connections": 100 + i}
            d.listeners[f"x{i}"] = echo()
            d.listeners.pop(f"x{i - 2}", None)
            d.reload_well()
            roundtrip(unchanged, b"%d" % i)
            u.send(b"%d" % i)
            assert u.recv(9) == b"%d" % i
            with d.connect("a") as c:
                assert who(c) == f"{i}/1"
        assert who(first) == "0/1"
    d.wait_log("named_thread_stop", msg="0/1", count=2)
    assert d.stop() == 0


def test_one_process_reloads_as_two_do():
    d = with_named({"a": named("0"), "e": echo()}, settings={"threads": 2}, args=("--single-process",))
    with d.connect("e") as unchanged, d.connect("a") as first:
        for i in range(1, 6):
            d.listeners["a"] = named(str(i))
            d.listeners[f"x{i}"] = echo(UDP)
            d.listeners.pop(f"x{i - 1}", None)
            d.reload_well()
            roundtrip(unchanged)
            assert ask_word(d) == f"{i}/1"
            d.listeners["a"] = named("bad", fails="thread")
            d.reload_badly("as it was told in thread_start")
        assert who(first) == "0/1"
    d.wait_log("named_thread_stop", msg="0/1", count=2)
    assert d.stop() == 0


def test_mutated_configurations_are_refused_with_a_place_or_served(tmp):
    serve_mutated(tmp, 20, seed=7)


if __name__ == "__main__":
    harness.main()
