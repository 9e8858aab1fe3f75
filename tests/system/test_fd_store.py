#!/usr/bin/env python3
"""The service manager keeps the sockets while no sockd runs: what it is given, and what the next one takes back."""

import contextlib
import itertools
import os
import pathlib
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from manager import Manager


def four(folder, **more):
    """A listener on each transport, and one that has no file."""
    return {"tcp": {"listen": "tcp://127.0.0.1:0", "handler": "echo", **more},
            "udp": {"listen": "udp://127.0.0.1:0", "handler": "echo"},
            "unix": {"listen": f"unix://{folder}/s", "handler": "echo", "socket": {"mode": "0620"}},
            "gram": {"listen": f"unixgram://{folder}/g", "handler": "echo"},
            "abstract": {"listen": f"unix:@sockd-kept-test-{os.getpid()}", "handler": "echo"}}


NAMES = ["abstract", "gram", "tcp", "udp", "udp", "unix"]
TWO = {"threads": 2}
NUMBERS = itertools.count()


def lives(pid):
    """One that waits to be reaped has no descriptors any more."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def killed(d):
    """End the supervisor as `kill -9` does, and its worker as systemd does then."""
    pids = d.pids()
    d.send(signal.SIGKILL)
    for pid in pids[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert d.wait() == -signal.SIGKILL
    harness.wait_until(lambda: not any(lives(pid) for pid in pids), "the end of all processes")


def closed(d):
    """What it says of sockets that it did not take back: their addresses and the reasons."""
    d.wait_log("ready")
    return [(e["address"], e["reason"]) for e in d.find_logs("kept_socket_closed")]


def addresses(d):
    return {name: d.addr(name) for name in ("tcp", "udp", "unix", "gram", "abstract")}


def ask_streams(where):
    """One client a stream listener, with a question asked."""
    clients = [harness.connect(where[name]) for name in ("tcp", "unix", "abstract")]
    for c in clients:
        c.sendall(b"stream")
    return clients


def ask_datagrams(where, folder):
    """The same for datagrams, several of udp so that both sockets of the group get some."""
    clients = [harness.datagram(where["udp"]) for _ in range(16)] + [
        harness.datagram(where["gram"], bind=folder / f"client-{next(NUMBERS)}")]
    for c in clients:
        c.send(b"datagram")
    return clients


def all_answered(clients, expected):
    for c in clients:
        c.settimeout(harness.PATIENCE_S)
        assert c.recv(100) == expected
        c.close()


def test_whoever_comes_while_no_sockd_runs_is_served_by_the_next(tmp):
    with Manager() as m:
        with m.daemon(four(tmp), daemon=TWO).start() as d:
            where, inode = addresses(d), os.stat(tmp / "s").st_ino
            assert m.listeners() == NAMES, m.stored
            killed(d)
        streams, datagrams = ask_streams(where), ask_datagrams(where, tmp)
        kept = list(m.stored)

        with m.daemon(four(tmp), daemon=TWO).start() as d:
            all_answered(streams, b"stream")
            all_answered(datagrams, b"datagram")
            assert addresses(d) == where and os.stat(tmp / "s").st_ino == inode
            assert d.wait_log("kept_sockets_taken")["count"] == "6"
            assert m.stored == kept and len(m.told) == 6 and m.barriers == 0, m.told
            assert os.stat(tmp / "s").st_mode & 0o777 == 0o620
            all_answered(ask_streams(where), b"stream")
            assert d.stop() == 0
        assert not (tmp / "s").exists() and not (tmp / "g").exists()


def test_mode_and_backlog_are_those_of_the_file_now(tmp):
    with Manager() as m:
        with m.daemon(four(tmp)).start() as d:
            killed(d)
        listeners = four(tmp)
        listeners["unix"].update(socket={"mode": "0600"}, backlog=3)

        with m.daemon(listeners).start() as d:
            assert os.stat(tmp / "s").st_mode & 0o777 == 0o600
            assert closed(d) == []
            assert d.stop() == 0


def test_what_nobody_wants_is_closed_before_anything_is_bound(tmp):
    with Manager() as m:
        with m.daemon(four(tmp), daemon=TWO).start() as d:
            where = addresses(d)
            killed(d)
        port = where["tcp"].sockaddr[1]
        # The same port, at another address: it is free only once the manager has closed the old one.
        other = {"other": {"listen": f"tcp4://*:{port}", "handler": "echo"},
                 "gram": {"listen": f"unixgram://{tmp}/g", "handler": "echo"}}

        with m.daemon(other, daemon=TWO).start() as d:
            assert m.barriers == 1 and m.listeners() == ["gram", "other"], m.stored
            said = closed(d)
            assert len(said) == 5 and {reason for _, reason in said} == {"no listener has this address"}, said
            assert f"tcp://127.0.0.1:{port}" in dict(said)
            assert d.stop() == 0


def test_options_of_a_bound_socket_decide(tmp):
    with Manager() as m:
        port = harness.free_port()
        with m.daemon({"six": {"listen": f"tcp://[::]:{port}", "handler": "echo"},
                       "udp": {"listen": "udp://127.0.0.1:0", "handler": "echo"}}, daemon=TWO).start() as d:
            killed(d)

        with m.daemon({"six": {"listen": f"tcp://[::]:{port}", "handler": "echo", "socket": {"ipv6_only": True}},
                       "udp": {"listen": "udp://127.0.0.1:0", "handler": "echo"}}, daemon={"threads": 3}).start() as d:
            reasons = sorted(reason for _, reason in closed(d))
            assert reasons == ["more event loops are to read its address"] * 2 + [
                "options that are set before a socket is bound have changed"], reasons
            assert m.listeners() == ["six", "udp", "udp", "udp"]
            assert d.stop() == 0


def test_a_file_that_is_gone_or_anothers_is_not_believed(tmp):
    with Manager() as m:
        with m.daemon(four(tmp)).start() as d:
            where = addresses(d)
            killed(d)
        (tmp / "s").unlink()
        (tmp / "g").unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(tmp / "g"))
        theirs = os.open(tmp / "g", os.O_PATH)  # so that its number is not given to another file

        with m.daemon(four(tmp)).start() as d:
            said = dict(closed(d))
            assert set(said) == {f"unix://{tmp}/s", f"unixgram://{tmp}/g"}, said
            assert set(said.values()) == {"its file is gone, or is another's by now"}, said
            all_answered(ask_streams(where), b"stream")
            all_answered(ask_datagrams(where, tmp), b"datagram")
            assert os.stat(tmp / "g").st_ino != os.fstat(theirs).st_ino
            assert d.stop() == 0


def test_the_store_follows_reloads(tmp):
    with Manager() as m:
        with m.daemon(four(tmp)).start() as d:
            text = d.config.read_text()
            before = [name for name, _ in m.stored if name.endswith((".tcp", ".gram"))]
            changed = text.replace('"tcp": {', '"renamed": {').replace('"gram": {', '"more": {"listen": '
                                                                       f'"unix://{tmp}/more", "handler": "echo"}}, "x": {{')
            changed = changed.replace(f"unixgram://{tmp}/g", f"unixgram://{tmp}/x")
            d.config.write_text(changed)
            d.send(signal.SIGHUP)
            d.wait_log("reloaded")

            m.wait(lambda m: {"more", "renamed", "x"} <= set(m.listeners()), "the new sockets are kept")
            names = m.listeners()
            assert "tcp" not in names and "gram" not in names, names
            assert {name for key, name in m.told if key == "FDSTOREREMOVE"} == set(before)
            mark = len(m.told)
            d.config.write_text("not: [good")
            d.send(signal.SIGHUP)
            d.wait_log("reload_refused")
            assert len(m.told) == mark and m.listeners() == names
            assert d.stop() == 0


def test_an_orderly_end_leaves_what_has_no_file_for_a_restart(tmp):
    with Manager() as m:
        with m.daemon(four(tmp), daemon=TWO).start() as d:
            where = addresses(d)
            assert d.stop() == 0
            d.wait_note("STOPPING")
        assert m.listeners() == ["abstract", "tcp", "udp", "udp"], m.stored
        assert not (tmp / "s").exists() and not (tmp / "g").exists()
        early = harness.connect(where["tcp"])
        early.sendall(b"early")

        with m.daemon(four(tmp), daemon=TWO).start() as d:
            all_answered([early], b"early")
            assert m.listeners() == NAMES
            assert d.stop() == 0


def test_who_ends_it_by_sockctl_leaves_nothing(tmp):
    for verb in ("drain", "stop"):
        with Manager() as m, m.daemon(four(tmp)).start() as d:
            done = harness.run_sockctl("--socket", d.dir / "admin.sock", verb)
            assert done.returncode == 0, done
            assert d.wait() == 0
            m.wait(lambda m: m.stored == [], "an empty store")


def test_a_manager_that_keeps_nothing_or_little_is_no_trouble(tmp):
    for most in (0, 2):
        with Manager() as m:
            m.most = most
            with m.daemon(four(tmp)).start() as d:
                where = addresses(d)
                all_answered(ask_streams(where), b"stream")
                killed(d)
            with m.daemon(four(tmp)).start() as d:
                all_answered(ask_streams(addresses(d)), b"stream")
                all_answered(ask_datagrams(addresses(d), tmp), b"datagram")
                assert d.stop() == 0


def test_a_start_that_fails_leaves_sockets_and_files_for_the_next(tmp):
    with Manager() as m:
        with m.daemon(four(tmp)).start() as d:
            where, kept = addresses(d), list(m.stored)
            killed(d)
        waiting = ask_streams(where)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            listeners = {**four(tmp), "taken": {"listen": f"tcp://127.0.0.1:{taken.getsockname()[1]}", "handler": "echo"}}
            with m.daemon(listeners).launch() as d:
                assert d.wait() == 69
        assert m.stored == kept

        with m.daemon(four(tmp)).start() as d:
            all_answered(waiting, b"stream")
            assert d.stop() == 0


def test_its_names_are_nobody_elses(tmp):
    (tmp / "f.yaml").write_text("version: 1\nlisteners: {a: {listen: 'systemd:sockd-kept.1', handler: echo}}\n")
    done = harness.run_sockd("-t", "-c", tmp / "f.yaml")
    assert done.returncode == 78 and "sockd itself leaves with systemd" in done.stderr, done


if __name__ == "__main__":
    harness.main()
