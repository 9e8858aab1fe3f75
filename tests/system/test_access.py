#!/usr/bin/env python3
"""Who may connect: by network, from real addresses, and by user and group."""

import os
import signal
import socket
import subprocess
import sys

import harness
import netns
from harness import Daemon

CLIENTS = ["10.77.0.2", "10.77.1.2", "10.77.1.3", "10.77.2.2", "fd77::2", "fd77:0:0:1::2", "fd77:0:0:2::2"]


def served(net, d, listener, sources=tuple(CLIENTS)):
    """The sources that an echo listener serves."""
    found = set()
    for source in sources:
        with net.connect(d.addr(listener), source) as s:
            if netns.is_served(s):
                found.add(source)
    return found


def test_networks_decide_by_the_longest_prefix(tmp):
    (tmp / "list.txt").write_text("# two of them\n10.77.1.2\nfd77:0:0:1::/64  # and a network\n")
    matrix = {
        "open": ({}, set(CLIENTS)),
        "none": ({"allow": []}, set()),
        "v4": ({"allow": ["10.77.0.0/16"]}, {c for c in CLIENTS if "." in c}),
        "deny": ({"deny": ["10.77.1.0/24", "fd77::/64"]}, {"10.77.0.2", "10.77.2.2", "fd77:0:0:1::2", "fd77:0:0:2::2"}),
        "nested": ({"allow": ["10.77.0.0/16", "10.77.1.3"], "deny": ["10.77.1.0/24", "all"]},
                   {"10.77.0.2", "10.77.1.3", "10.77.2.2"}),
        "tie": ({"allow": ["10.77.1.0/24", "10.77.2.0/24"], "deny": ["10.77.1.0/24"]}, {"10.77.2.2"}),
        "file": ({"allow": [{"file": str(tmp / "list.txt")}]}, {"10.77.1.2", "fd77:0:0:1::2"}),
        "v6": ({"allow": ["::/0"]}, {c for c in CLIENTS if ":" in c}),
    }
    with netns.Net(CLIENTS) as net:
        d = Daemon({name: {"listen": "tcp://[::]:0", "handler": "echo", **({"access": rules} if rules else {})}
                    for name, (rules, _) in matrix.items()}, wrapper=net.wrapper).start()
        for name, (_, want) in matrix.items():
            assert served(net, d, name) == want, name
        d.wait_log("conn_refused", listener="none", source="10.77.0.2", reason="denied", cause="network")
        d.wait_log("conn_refused", source="10.77.1.2", cause="network", rule="10.77.1.0/24")
        d.wait_log("conn_refused", source="fd77:0:0:1::2", cause="network")
        assert d.stop() == 0


def test_a_denied_client_is_told_of_once_a_second():
    with netns.Net() as net:
        d = Daemon({"echo": {"listen": "tcp://[::]:0", "handler": "echo", "access": {"deny": "all"}}},
                   wrapper=net.wrapper).start()
        for _ in range(50):
            with net.connect(d.addr("echo"), "10.77.0.2") as s:
                assert not netns.is_served(s)
        assert d.stop() == 0
    lines = d.find_logs("conn_refused")
    assert len(lines) < 25, lines
    assert not d.find_logs("conn_closed")


def test_datagrams_of_denied_senders_are_dropped():
    for plugin in ("echo", "echo-serve"):
        with netns.Net(["10.77.0.2", "10.77.0.3", "fd77::2"]) as net:
            d = Daemon({"echo": {"listen": "udp://[::]:0", "handler": plugin,
                                 "access": {"deny": ["10.77.0.3", "fd77::/64"]}}}, wrapper=net.wrapper).start()
            for source, answered in (("10.77.0.3", False), ("fd77::2", False), ("10.77.0.2", True)):
                with net.datagram(d.addr("echo"), source) as s:
                    s.send(b"hello")
                    if answered:
                        assert s.recv(100) == b"hello"
            d.wait_log("datagram_refused", source="10.77.0.3", cause="network", rule="10.77.0.3")
            d.wait_log("datagram_refused", source="fd77::2")
            assert d.stop() == 0


# ---------------------------------------------------------------- users and groups

AS_USER = """
import os, socket, sys
kind, path, uid, gid, *groups = sys.argv[1:]
os.setgroups([int(g) for g in groups])
os.setgid(int(gid))
os.setuid(int(uid))
if kind == "stream":
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(path)
    try:
        s.sendall(b"ping")
        print(s.recv(4).decode())
    except ConnectionError:
        print()
else:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(path)
    s.send(b"ping " + kind.encode())
"""

PEOPLE = {  # uid, gid, further groups
    "user": (61001, 61001, []),
    "group": (61002, 62000, []),
    "further": (61003, 61003, [62001, 62000]),
    "many": (61005, 61005, [*range(63000, 63400), 62000]),
    "other": (61004, 61004, [62002]),
    "root": (0, 0, []),
}


def ask_as(kind, path, who):
    uid, gid, groups = PEOPLE[who]
    done = subprocess.run([sys.executable, "-c", AS_USER, kind, str(path), str(uid), str(gid), *map(str, groups)],
                          capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "ping"


def open_folder(d):
    """Others may pass through it to a socket."""
    os.chmod(d.dir, 0o711)
    return d.dir


def test_unix_peers_pass_by_user_or_group():
    harness.need_root()
    d = Daemon(text="""
version: 1
daemon: {plugin_path: ["${SOCKD_PLUGINS}"]}
defaults: {socket: {mode: "0666"}}
listeners:
  both: {listen: "unix://${SOCKD_DIR}/both", handler: echo, access: {allow_users: [61001], allow_groups: [62000]}}
  users: {listen: "unix://${SOCKD_DIR}/users", handler: echo, access: {allow_users: [root, 61004]}}
  open: {listen: "unix://${SOCKD_DIR}/open", handler: echo}
""")
    folder = open_folder(d)
    os.chmod(folder.parent, 0o711)
    d.start()
    want = {"both": {"user", "group", "further", "many"}, "users": {"root", "other"}, "open": set(PEOPLE)}
    for listener, who in want.items():
        assert {p for p in PEOPLE if ask_as("stream", folder / listener, p)} == who, listener
    d.wait_log("conn_refused", listener="both", source="uid:61004", reason="denied", cause="account")
    d.wait_log("conn_refused", listener="both", source="uid:0")
    assert d.stop() == 0


def test_unix_datagrams_are_judged_by_their_sender():
    harness.need_root()
    d = Daemon(text="""
version: 1
daemon: {plugin_path: ["${SOCKD_PLUGINS}"]}
defaults: {socket: {mode: "0666"}}
listeners:
  gram: {listen: "unixgram://${SOCKD_DIR}/gram", handler: discard,
         access: {allow_users: [61001], allow_groups: [62000]}}
""")
    folder = open_folder(d)
    os.chmod(folder.parent, 0o711)
    d.start()
    for who in ("user", "group", "further", "other", "root"):
        ask_as("gram", folder / "gram", who)
    # Of a datagram the kernel tells the group that its sender runs with, and no further ones.
    for uid in (61003, 61004, 0):
        d.wait_log("datagram_refused", listener="gram", source=f"uid:{uid}", cause="account")
    assert d.stop() == 0
    assert len(d.find_logs("datagram_refused")) == 3


def test_unix_groups_that_nobody_has_are_an_error():
    d = Daemon({"l": {"listen": "unix:@nobody", "handler": "echo", "access": {"allow_groups": ["no-such-group"]}}})
    d.launch()
    assert d.wait() == 78
    assert any("there is no group 'no-such-group'" in line for line in d.lines), d.lines


# ---------------------------------------------------------------- reload


def test_a_list_file_is_read_anew_by_a_reload(tmp):
    (tmp / "list.txt").write_text("10.77.0.2\n")
    with netns.Net(["10.77.0.2", "10.77.0.3"]) as net:
        d = Daemon({"echo": {"listen": "tcp://[::]:0", "handler": "echo",
                             "access": {"allow": {"file": str(tmp / "list.txt")}}}}, wrapper=net.wrapper).start()
        assert served(net, d, "echo", ["10.77.0.2", "10.77.0.3"]) == {"10.77.0.2"}
        with net.connect(d.addr("echo"), "10.77.0.2") as before:
            assert netns.is_served(before)
            (tmp / "list.txt").write_text("10.77.0.3\n")

            d.send(signal.SIGHUP)
            d.wait_log("reloaded")

            assert served(net, d, "echo", ["10.77.0.2", "10.77.0.3"]) == {"10.77.0.3"}
            assert netns.is_served(before)
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
