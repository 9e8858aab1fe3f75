#!/usr/bin/env python3
"""The collect plugin: datagrams and lines into a file, a new file on USR1, a full disk, a drain that loses nothing."""

import contextlib
import json
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon
from manager import Manager
from numbered import Numbered

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\S+) (.*)$")


def start(tmp, threads=2, daemon=None, **config):
    listen = ["tcp://127.0.0.1:0", "udp://127.0.0.1:0", f"unix://{tmp}/s", f"unixgram://{tmp}/g"]
    return Daemon({"c": {"listen": listen, "handler": {"plugin": "collect", "config": config}}},
                  daemon={"threads": threads, **(daemon or {})}).start()


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def test_every_transport_becomes_lines_with_time_and_sender(tmp):
    log = tmp / "log"
    with start(tmp, file=str(log)) as d:
        with harness.connect(d.addr("c", "tcp")) as c:
            c.sendall(b"one\r\ntwo\n\nthr")
            c.sendall(b"ee")
        with harness.connect(d.addr("c", "unix")) as c:
            c.sendall(b"four\x1b[2J\n")
        with harness.datagram(d.addr("c", "udp")) as c:
            c.send(b"five\n")
        with harness.datagram(d.addr("c", "unixgram"), bind=tmp / "me") as c:
            c.send(b"six\nand more")
        harness.wait_until(lambda: len(lines(log)) == 6, "the records")
        found = [LINE.match(line).groups() for line in lines(log)]
    assert sorted(text for _, text in found) == ["five", "four\\x1b[2J", "one", "six\\x0aand more", "three", "two"]
    assert {peer for peer, text in found if text.startswith("six")} == {f"{tmp}/me"}
    assert all(peer.startswith("127.0.0.1:") for peer, text in found if text in ("one", "two", "five"))


def test_without_stamp_a_line_is_what_was_sent(tmp):
    log = tmp / "log"
    with start(tmp, file=str(log), stamp=False, max_line="16") as d, harness.connect(d.addr("c", "tcp")) as c:
        c.sendall(b"short\n" + b"0123456789abcdef" + b"ghij\n")
        c.shutdown(socket.SHUT_WR)
        assert harness.receive_all(c) == b""
        harness.wait_until(lambda: len(lines(log)) == 3, "the records")
    assert lines(log) == ["short", "0123456789abcdef", "ghij"]


def test_a_drain_writes_all_that_was_read(tmp):
    log = tmp / "log"
    d = start(tmp, file=str(log), stamp=False)
    sockets = [harness.connect(d.addr("c", "unix")) for _ in range(8)]
    for i, c in enumerate(sockets):
        c.sendall(b"".join(b"%d %d\n" % (i, k) for k in range(2000)))
    with harness.datagram(d.addr("c", "unixgram")) as c:
        for k in range(200):
            c.send(b"g %d" % k)

    assert d.stop() == 0

    found = lines(log)
    assert len(found) == 8 * 2000 + 200
    for i in range(8):
        assert [x for x in found if x.startswith(f"{i} ")] == [f"{i} {k}" for k in range(2000)]
    for c in sockets:
        c.close()


def test_usr1_opens_the_file_anew(tmp):
    log = tmp / "log"
    with start(tmp, file=str(log), stamp=False) as d, harness.datagram(d.addr("c", "unixgram")) as c:
        c.send(b"before")
        harness.wait_until(lambda: lines(log) == ["before"], "the record")
        log.rename(tmp / "log.1")
        d.send(signal.SIGUSR1)
        harness.wait_until(log.exists, "the new file")
        c.send(b"after")
        harness.wait_until(lambda: lines(log) == ["after"], "the record")
    assert lines(tmp / "log.1") == ["before"]


def test_no_datagram_is_lost_or_written_twice_whatever_happens_to_the_daemon(tmp):
    """The long form of this is long_collect.py, under a systemd that runs."""
    log, count = tmp / "log", 20_000
    rotated = [tmp / f"log.{i}" for i in range(2)]

    def listeners(tag):
        return {"c": {"listen": "systemd:events",
                      "handler": {"plugin": "collect", "config": {"file": str(log), "stamp": False, "tag": tag}}}}

    def reload(d, tag):
        tree = json.loads(d.config.read_text())
        tree["listeners"] = listeners(tag)
        d.config.write_text(json.dumps(tree))
        since = d.mark()
        d.send(signal.SIGHUP)
        d.wait_log("reloaded", since=since)

    def rotate(d, to):
        log.rename(to)
        d.send(signal.SIGUSR1)
        harness.wait_until(log.exists, "the new file")

    def upgrade(d):
        since = d.mark()
        d.send(signal.SIGUSR2)
        d.wait_log("upgraded", since=since)

    with Manager() as manager, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as passed:
        passed.bind(str(tmp / "g"))
        manager.stored.append(("events", os.dup(passed.fileno())))
        sender, running = Numbered(tmp / "g", count), [manager.daemon(listeners("one")).start()]

        def restart():
            assert running[0].stop() == 0
            running[0] = manager.daemon(listeners("four")).start()

        sender.during([lambda: reload(running[0], "two"), lambda: rotate(running[0], rotated[0]), lambda: upgrade(running[0]),
                       lambda: reload(running[0], "three"), restart, lambda: rotate(running[0], rotated[1])])
        sender.account([log, *rotated])
        assert running[0].stop() == 0


def send_until_held_up(c):
    most, block = 256 << 20, 64 * (1023 * b"x" + b"\n")
    c.settimeout(1.0)
    sent = 0
    try:
        while sent < most:
            sent += c.send(block)
    except TimeoutError:
        pass
    assert sent < most, "the sender was never held up"


# What cannot be written keeps the drain waiting until its deadline, and then is lost.
SHORT = {"shutdown": {"timeout": "200ms"}}


def test_a_full_disk_is_told_once_and_senders_wait(tmp):
    with start(tmp, file="/dev/full", stamp=False, daemon=SHORT) as d, harness.connect(d.addr("c", "tcp")) as c:
        send_until_held_up(c)
        d.wait_log("collect_stopped", level="error", msg=lambda text: "No space left on device" in text)
        assert d.find_logs("collect_stopped")[0]["msg"].startswith("cannot write /dev/full: ")
        with harness.datagram(d.addr("c", "unixgram")) as other:
            other.send(b"x")
    assert len(d.find_logs("collect_stopped")) == 1  # of all loops, which try again each second


def test_on_a_full_disk_the_last_of_many_senders_waits_too(tmp):
    with start(tmp, threads=1, file="/dev/full", stamp=False, daemon=SHORT) as d, contextlib.ExitStack() as stack:
        def connect():
            return stack.enter_context(harness.connect(d.addr("c", "tcp")))
        send_until_held_up(connect())
        for _ in range(300):
            connect().sendall(b"x\n")
        send_until_held_up(connect())


def test_a_file_that_cannot_be_opened_anew_is_told_and_the_old_one_goes_on(tmp):
    folder = tmp / "folder"
    folder.mkdir()
    with start(tmp, file=str(folder / "log"), stamp=False) as d, harness.datagram(d.addr("c", "unixgram")) as c:
        folder.rename(tmp / "moved")
        d.send(signal.SIGUSR1)
        assert d.wait_log("collect_not_reopened", level="error")["msg"].startswith(f"cannot open {folder}/log: No such file")
        c.send(b"still here")
        harness.wait_until(lambda: lines(tmp / "moved" / "log") == ["still here"], "the record")


def test_settings_that_do_not_go_together_are_refused(tmp):
    for config, said in (({}, "give either a file or `journal: true`"),
                         ({"file": "/x", "journal": True}, "give either a file"),
                         ({"file": "/x", "mode": "abcd"}, "a mode is written like"),
                         ({"file": "/nowhere/log"}, "cannot open /nowhere/log: No such file")):
        d = Daemon({"c": {"listen": f"unix://{tmp}/s", "handler": {"plugin": "collect", "config": config}}})
        d.launch()
        assert d.wait() == 78, config
        assert said in "\n".join(d.lines), (config, d.lines)
        d.close()


if __name__ == "__main__":
    harness.main()
