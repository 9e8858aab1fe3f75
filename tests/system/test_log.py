#!/usr/bin/env python3
"""Where a real daemon's log goes, and what it does when the log does not take it."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

ECHO = {"echo": {"listen": "unix://${SOCKD_DIR}/echo.sock", "handler": "echo"}}
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warning|notice|info|debug) "
                       r"event=[a-z0-9_]+( |$)")

# A private /run, in which the folder $JOURNAL stands where systemd has the journal's socket.
PRIVATE_RUN = ("mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && "
               "mount --bind \"$JOURNAL\" /run/systemd/journal && exec \"$0\" \"$@\"")


def talk(d, count=1):
    address = harness.parse_url(f"unix://{d.dir}/echo.sock")
    for _ in range(count):
        with harness.connect(address) as c:
            c.sendall(b"hello")
            assert harness.receive_exactly(c, 5) == b"hello"


def test_every_line_of_text_is_one_event():
    d = Daemon(ECHO).start()
    talk(d)
    d.wait_log("conn_closed", level="info", listener="echo", rx=5, tx=5)

    assert d.stop() == 0

    assert len(d.lines) >= 4
    for line in d.lines:
        assert TEXT_LINE.match(line), line


def test_every_line_of_json_is_one_object():
    d = Daemon(ECHO, daemon={"log": {"format": "json"}}).start()
    talk(d)
    d.wait_log("conn_closed")

    assert d.stop() == 0

    for line in d.lines:
        pairs = json.loads(line, object_pairs_hook=list)
        assert [key for key, _ in pairs[:3]] == ["time", "level", "event"], line
        assert len(dict(pairs)) == len(pairs), f"a key came twice: {line}"
    closed = json.loads(next(line for line in d.lines if '"conn_closed"' in line))
    assert (closed["listener"], closed["rx"], closed["tx"]) == ("echo", 5, 5)


def test_the_level_decides_what_is_written():
    d = Daemon(ECHO, daemon={"log": {"level": "warning"}}).start()
    talk(d)

    assert d.stop() == 0

    assert not [e for e in d.events if e["level"] in ("notice", "info", "debug")], d.lines


def test_a_reader_that_stalls_holds_up_no_client(tmp):
    pipe = tmp / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    d = Daemon(ECHO, daemon={"threads": 1, "log": {"target": str(pipe)}}).start()
    before = d.cpu_seconds()
    talk(d, 5000)  # some 150 bytes each: more than the pipe, a batch and the ring hold

    assert d.cpu_seconds() - before < 20, "spinning"
    d.send(signal.SIGTERM)
    os.set_blocking(reader, True)
    received = bytearray()
    while part := os.read(reader, 1 << 16):
        received += part
    os.close(reader)
    assert d.wait() == 0
    lines = received.decode().splitlines()
    closed = sum("event=conn_closed" in line for line in lines)
    dropped = sum(int(harness.parse_log_line(line)["count"]) for line in lines if "event=log_dropped" in line)
    assert dropped > 0
    assert closed <= 5000 <= closed + dropped, (closed, dropped)


def test_a_full_disk_holds_up_no_client():
    d = Daemon(ECHO, daemon={"log": {"target": "/dev/full"}}).start()
    before = d.cpu_seconds()
    talk(d, 100)

    assert d.cpu_seconds() - before < 5, "spinning"
    assert d.stop() == 0


def test_a_log_that_is_not_written_is_seen_elsewhere_while_it_lasts(tmp):
    (tmp / "log").symlink_to("/dev/full")
    d = Daemon(ECHO, daemon={"log": {"target": str(tmp / "log")}}).start()
    talk(d)

    why = "the log is not written: No space left on device"
    d.wait_status(lambda text: text.startswith("serving ") and why in text)
    status, text = d.ask("status")["log"], d.sockctl("status").stdout
    assert (status["state"], status["target"]) == ("failing", str(tmp / "log")), status
    assert status["error"] == "No space left on device" and status["failing_ms"] >= 0 and status["lost"] == 0, status
    assert re.search(r"\n  log +\S+/log is not written for \S+: No space left on device\n", text), text
    assert re.search(r"^sockd_log_failing 1$", d.sockctl("metrics").stdout, re.M)

    (tmp / "log").unlink()
    d.send(signal.SIGUSR1)
    d.wait_status(lambda text: text.startswith("serving ") and why not in text)
    assert d.ask("status")["log"] == {"target": str(tmp / "log"), "state": "written", "lost": 0}
    assert re.search(r"^sockd_log_failing 0$", d.sockctl("metrics").stdout, re.M)
    assert d.stop() == 0
    told = [line for line in d.lines if line.startswith("sockd: the log")]
    assert len(told) == 2 and "is not written" in told[0] and "is written again" in told[1], told
    written = (tmp / "log").read_text()
    assert written.count("event=log_write_recovered ") == 2, written  # the supervisor's, and the worker's
    assert written.count("event=ready ") == 1 and written.count("event=conn_closed ") == 1, written


def read_entry(data):
    """One entry of the journal's native protocol."""
    fields = {}
    while data:
        line, _, data = data.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals:
            size, = struct.unpack_from("<Q", data)
            value, data = data[8:8 + size], data[8 + size + 1:]
        assert key.decode() not in fields, f"{key} came twice"
        fields[key.decode()] = value.decode()
    return fields


def test_the_journal_gets_fields(tmp):
    harness.need_root()
    harness.need_tool("unshare", "mount")
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/run"], check=False,
                      capture_output=True).returncode != 0:
        harness.skip("no mount namespaces here")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp / "socket"))
        journal.settimeout(harness.PATIENCE_S)
        d = Daemon(ECHO, daemon={"log": {"target": "journal"}}, env={"JOURNAL": str(tmp.resolve())},
                   wrapper=("unshare", "-m", "sh", "-c", PRIVATE_RUN)).start()
        talk(d)
        entries = []
        while not entries or entries[-1]["SOCKD_EVENT"] != "conn_closed":
            entries.append(read_entry(journal.recv(1 << 20)))
        d.stop()

    closed = entries[-1]
    assert (closed["PRIORITY"], closed["SYSLOG_IDENTIFIER"]) == ("6", "sockd")
    assert (closed["SOCKD_LISTENER"], closed["SOCKD_RX"]) == ("echo", "5")
    assert closed["MESSAGE"].startswith("event=conn_closed listener=echo ")


if __name__ == "__main__":
    harness.main()
