#!/usr/bin/env python3
# runner: timeout=1800
"""sockd under a real systemd, booted in a container: what the operator does, and what systemctl and the journal say."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import certs
import harness
import machine
from booted import ECHO, owner, started, the_machine, worker_of
from machine import ask


def test_systemd_has_nothing_to_say_about_the_installed_units():
    m = the_machine()
    m.ok("bash", "-c", "cp /usr/share/doc/sockd/examples/systemd/*.s* /etc/systemd/system/")

    for unit in ("sockd.service", "sockd@x.service", "sockd-activated.service"):
        done = m.run("systemd-analyze", "verify", "--man=no", unit)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), done
    for unit, most in (("sockd.service", 14), ("sockd@x.service", 14), ("sockd-activated.service", 5)):
        m.ok("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={most}", unit)


def test_it_starts_as_its_own_user_and_says_that_it_is_ready():
    m = started()

    shown = m.show("sockd", "ActiveState", "StatusText", "MainPID", "User", "NRestarts")
    assert shown["ActiveState"] == "active" and shown["NRestarts"] == "0", shown
    assert re.match(r"serving 1 listener, \d+ connections?", shown["StatusText"]), shown
    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"
    status = m.ok("cat", f"/proc/{shown['MainPID']}/status")
    assert re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE).group(1) == m.ok("id", "-u", "sockd").strip()
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), status
    assert m.ok("stat", "-c", "%U %a", "/run/sockd/admin.sock") == "sockd 660\n"
    assert re.search(r"sockd \S+ is serving", m.ok("sockctl", "status"))
    m.wait_journal("sockd", "event=listening .*address=tcp://127.0.0.1:7000")
    m.wait_journal("sockd", "event=ready ")


def test_the_status_follows_the_connections():
    m = started()

    with m.client(7000) as c:
        assert ask(c, "one") == "one"
        harness.wait_until(lambda: m.property("sockd", "StatusText") == "serving 1 listener, 1 connection", "the count")
    harness.wait_until(lambda: m.property("sockd", "StatusText") == "serving 1 listener, 0 connections", "the count")


def test_the_journal_has_fields_when_it_is_the_target():
    m = started(log="journal")

    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"

    entry = harness.wait_until(lambda: m.run("journalctl", "--no-pager", "-o", "export", "SOCKD_EVENT=conn_closed").stdout,
                               "the entry")
    assert "SOCKD_LISTENER=echo" in entry and "SOCKD_REASON=" in entry, entry
    assert "_SYSTEMD_UNIT=sockd.service" in entry


def test_a_good_reload_takes_effect_and_ends_no_connection():
    m = started()
    with m.client(7000) as c:
        assert ask(c, "before") == "before"
        m.configure({**ECHO, "more": {"listen": "tcp://127.0.0.1:7001", "handler": "echo"}})

        m.ok("systemctl", "reload", "sockd")

        assert m.echo("TCP:127.0.0.1:7001") == "hello\n"
        assert ask(c, "after") == "after"
    assert m.show("sockd", "NRestarts")["NRestarts"] == "0"
    assert len(m.ok("sockctl", "listeners").splitlines()) == 3
    m.wait_journal("sockd", "event=reload_change|event=reloaded")


def test_a_bad_reload_fails_with_the_place_and_changes_nothing():
    m = started()
    with m.client(7000) as c:
        assert ask(c, "before") == "before"
        m.write("/etc/sockd/sockd.yaml", "version: 1\nlisteners:\n  echo:\n    listn: tcp://127.0.0.1:7000\n")

        done = m.run("systemctl", "reload", "sockd")

        assert done.returncode != 0 and "failed" in done.stderr, done
        line = m.wait_journal("sockd", r"/etc/sockd/sockd\.yaml:4:5: error: ")
        assert "did you mean 'listen'" in line, line
        assert ask(c, "after") == "after"
    assert m.property("sockd", "ActiveState") == "active"
    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"
    by_hand = m.run("sockctl", "reload")
    assert by_hand.returncode == 1 and "/etc/sockd/sockd.yaml:4:5: error: " in by_hand.stderr, by_hand


def test_stop_drains_and_takes_longer_than_its_timeout_if_it_has_to():
    m = the_machine()
    m.drop_in("sockd.service", "[Service]\nTimeoutStopSec=2\n")
    m.configure(ECHO, shutdown={"timeout": "10m"})
    m.ok("systemctl", "start", "sockd")
    # A client that sends and never reads holds the drain up.
    m.ok("systemd-run", "--quiet", "--unit=flood", "socat", "-u", "OPEN:/dev/zero", "TCP:127.0.0.1:7000")
    harness.wait_until(lambda: " busy " in m.run("sockctl", "connections").stdout, "the connection is busy")

    m.ok("systemctl", "stop", "--no-block", "sockd")

    harness.wait_until(lambda: m.property("sockd", "StatusText").startswith("draining 1/1, "), "the drain is told")
    machine.pause(5)
    assert m.property("sockd", "ActiveState") == "deactivating"
    m.run("systemctl", "stop", "flood")
    m.is_state("sockd", "inactive")
    shown = m.show("sockd", "Result", "ExecMainStatus")
    assert shown == {"Result": "success", "ExecMainStatus": "0"}, shown
    line = m.wait_journal("sockd", "event=stopped ")
    assert "forced=0" in line and float(re.search(r"duration=([\d.]+)s", line).group(1)) > 5, line


def test_what_a_restart_does_not_mend_is_not_restarted():
    m = the_machine()
    for text, status in (("version: 1\nnonsense: 1\n", "78"),
                         ("version: 1\nlisteners: {e: {listen: 'tcp://127.0.0.1:7', handler: echo}}\n", "77")):
        m.write("/etc/sockd/sockd.yaml", text)
        done = m.run("systemctl", "start", "sockd")
        assert done.returncode != 0, done
        m.is_state("sockd", "failed")
        shown = m.show("sockd", "ExecMainStatus", "NRestarts")
        assert shown == {"ExecMainStatus": status, "NRestarts": "0"}, shown
    m.wait_journal("sockd", r"/etc/sockd/sockd\.yaml:2:1: error: unknown key 'nonsense'")
    assert "CAP_NET_BIND_SERVICE" in m.wait_journal("sockd", r"/etc/sockd/sockd\.yaml:2:25: error: ")


def test_what_may_pass_is_tried_again():
    m = the_machine()
    m.configure(ECHO)
    taker = m.ok("systemd-run", "--quiet", "--unit=taker", "socat", "TCP-LISTEN:7000,bind=127.0.0.1,fork", "EXEC:cat")
    assert taker == ""
    harness.wait_until(lambda: m.run("socat", "-t", "1", "-", "TCP:127.0.0.1:7000", input_text="x").returncode == 0,
                       "the port is taken")
    m.run("systemctl", "start", "sockd")
    m.wait_journal("sockd", r"7000.*is in use|address.* in use|event=start_failed")

    m.ok("systemctl", "stop", "taker")

    m.is_state("sockd", "active")
    assert int(m.property("sockd", "NRestarts")) >= 1
    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"


def test_a_drop_in_gives_low_ports():
    m = the_machine()
    m.drop_in("sockd.service", "[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
                               "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n")
    m.configure({"echo": {"listen": "tcp://127.0.0.1:7", "handler": "echo"}})

    m.ok("systemctl", "start", "sockd")

    assert m.echo("TCP:127.0.0.1:7") == "hello\n"


def test_a_drop_in_gives_sockets_to_a_group():
    m = the_machine()
    m.drop_in("sockd.service", "[Service]\nSupplementaryGroups=adm\n")
    m.configure({"local": {"listen": "unix:///run/sockd/local.sock", "handler": "echo",
                           "socket": {"mode": "0660", "group": "adm"}}}, admin={"group": "adm"})

    m.ok("systemctl", "start", "sockd")

    assert m.ok("stat", "-c", "%U %G %a", "/run/sockd/local.sock", "/run/sockd/admin.sock") == "sockd adm 660\n" * 2
    assert m.echo("UNIX-CONNECT:/run/sockd/local.sock") == "hello\n"
    member = m.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=adm", "sockctl", "status")
    assert member.returncode == 0, member
    stranger = m.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "sockctl", "status")
    assert stranger.returncode == 4 and "permission denied" in stranger.stderr, stranger


def test_a_start_as_root_warns_and_works():
    m = the_machine()
    m.drop_in("sockd.service", "[Service]\nUser=root\nGroup=root\n")
    m.configure(ECHO)

    m.ok("systemctl", "start", "sockd")

    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"
    m.wait_journal("sockd", "event=running_as_root")
    assert re.search(r"sockd \S+ is serving", m.ok("sockctl", "status"))


def test_a_credential_is_read_by_nobody_but_systemd():
    m = the_machine()
    m.write("/etc/sockd/kv-password", "sesame\n", mode=0o600)
    cache = {"listen": "tcp://127.0.0.1:7000",
             "handler": {"plugin": "kv", "config": {"password": {"credential": "kv-password"}}}}
    m.configure({"cache": cache})
    assert m.run("systemctl", "start", "sockd").returncode != 0
    m.wait_journal("sockd", "LoadCredential=kv-password:PATH")
    m.drop_in("sockd.service", "[Service]\nLoadCredential=kv-password:/etc/sockd/kv-password\n")

    m.ok("systemctl", "start", "sockd")

    answers = m.run("socat", "-t", "5", "-", "TCP:127.0.0.1:7000", input_text="AUTH wrong\r\nAUTH sesame\r\nPING\r\n")
    assert "+OK" in answers.stdout and "+PONG" in answers.stdout, answers


def test_a_private_key_may_be_a_credential(tmp):
    m = the_machine()
    authority = certs.Authority(tmp)
    site = authority.issue("site", dns=["localhost"])
    for path, file in (("/etc/sockd/ca.crt", authority.cert), ("/etc/sockd/site.crt", site.cert)):
        m.write(path, file.read_text())
    m.write("/etc/sockd/site.key", site.key.read_text(), mode=0o600)
    m.drop_in("sockd.service", "[Service]\nLoadCredential=site.key:/etc/sockd/site.key\n")
    m.configure({"echo": {"listen": "tcp://127.0.0.1:7443", "handler": "echo",
                          "tls": {"certificates": {"cert": "/etc/sockd/site.crt",
                                                   "key": "${CREDENTIALS_DIRECTORY}/site.key"}}}})

    m.ok("systemctl", "start", "sockd")

    assert m.echo("OPENSSL:127.0.0.1:7443,commonname=localhost,cafile=/etc/sockd/ca.crt") == "hello\n"
    m.ok("systemctl", "reload", "sockd")
    assert m.run("setpriv", "--reuid=sockd", "--clear-groups", "cat", "/etc/sockd/site.key").returncode != 0


def test_a_privileged_start_keeps_root_from_plugins():
    m = the_machine()
    # What root gives away has to be left to it.
    m.drop_in("sockd.service", "[Service]\nUser=root\nGroup=root\n"
                               "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_NET_BIND_SERVICE CAP_CHOWN CAP_KILL\n"
                               "SystemCallFilter=@setuid\n")
    m.configure({"echo": {"listen": "tcp://127.0.0.1:7", "handler": "echo"}}, user="sockd")

    m.ok("systemctl", "start", "sockd")

    assert m.echo("TCP:127.0.0.1:7") == "hello\n"
    sockd = m.ok("id", "-u", "sockd").strip()
    assert (owner(m, m.property("sockd", "MainPID")), owner(m, worker_of(m))) == ("0", sockd)


def test_a_worker_that_dies_costs_no_restart():
    m = started()
    main, worker = m.property("sockd", "MainPID"), worker_of(m)

    m.kill(worker)

    m.wait_journal("sockd", "event=worker_died generation=1 ")
    harness.wait_until(lambda: "generation 2 serving" in m.run("sockctl", "status").stdout, "the next worker")
    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"
    assert m.show("sockd", "MainPID", "NRestarts", "ActiveState") == {"MainPID": main, "NRestarts": "0",
                                                                      "ActiveState": "active"}
    assert worker_of(m) != worker


def test_an_instance_is_a_daemon_of_its_own():
    m = started()
    m.configure({"echo": {"listen": "tcp://127.0.0.1:7010", "handler": "echo"}}, path="/etc/sockd/second.yaml")

    m.ok("systemctl", "start", "sockd@second")

    assert m.echo("TCP:127.0.0.1:7010") == m.echo("TCP:127.0.0.1:7000") == "hello\n"
    assert "7010" in m.ok("sockctl", "--socket", "/run/sockd-second/admin.sock", "listeners")
    assert "7000" in m.ok("sockctl", "listeners")
    m.ok("systemctl", "reload", "sockd@second")
    m.ok("systemctl", "stop", "sockd@second")
    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"


ACTIVATED = ("tcp", "udp", "unix", "unixgram")


def activated():
    """The example on passed sockets, with its sockets open and its service not started."""
    m = the_machine()
    m.run("systemctl", "stop", "sockd-activated.service", *(f"sockd-activated-{t}.socket" for t in ACTIVATED))
    m.forget("sockd-activated.service")
    m.ok("bash", "-c", "cp /usr/share/doc/sockd/examples/systemd/*.s* /etc/systemd/system/ && "
                       "cp /usr/share/doc/sockd/examples/systemd/*.yaml /etc/sockd/ && systemctl daemon-reload")
    m.ok("systemctl", "start", *(f"sockd-activated-{t}.socket" for t in ACTIVATED))
    assert m.property("sockd-activated", "ActiveState") == "inactive"
    return m


def check_activated(m, first):
    """The first client starts the service; then all four serve."""
    def unixgram():
        m.ok("socat", "-u", "-", "UNIX-SENDTO:/run/sockd-activated-events.sock", input_text="event")
        return "hello\n"

    clients = {"tcp": lambda: m.echo("TCP:127.0.0.1:7000"), "udp": lambda: m.echo("UDP:127.0.0.1:7000"),
               "unix": lambda: m.echo("UNIX-CONNECT:/run/sockd-activated-echo.sock"), "unixgram": unixgram}
    for transport in (first, *ACTIVATED):
        assert clients[transport]() == "hello\n", transport
    m.is_state("sockd-activated", "active")


def test_the_first_client_of_each_transport_starts_the_service():
    for first in ACTIVATED:
        m = activated()
        check_activated(m, first)
        rows = m.ok("sockctl", "--socket", "/run/sockd-activated/admin.sock", "listeners")
        assert "unixgram:///run/sockd-activated-events.sock" in rows and "tcp://127.0.0.1:7000" in rows, rows
    m.run("systemctl", "stop", "sockd-activated.service", *(f"sockd-activated-{t}.socket" for t in ACTIVATED))


def test_while_it_restarts_clients_of_passed_sockets_wait():
    m = activated()
    check_activated(m, "tcp")

    m.ok("systemctl", "stop", "sockd-activated.service")

    assert m.echo("TCP:127.0.0.1:7000") == "hello\n"  # it was started again, for this one
    m.is_state("sockd-activated", "active")
    m.run("systemctl", "stop", "sockd-activated.service", *(f"sockd-activated-{t}.socket" for t in ACTIVATED))


if __name__ == "__main__":
    harness.main()
