#!/usr/bin/env python3
"""Certificates that change while they are in use: what new clients get, what old ones keep, what is told."""

import json
import os
import re
import shutil
import signal
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority, openssl
from harness import Daemon


def connect(d, ca, name="localhost"):
    context = ssl.create_default_context(cafile=str(ca.cert))
    return context.wrap_socket(d.connect("echo"), server_hostname=name)


def serial(c):
    return c.getpeercert()["serialNumber"]


def roundtrip(c):
    c.sendall(b"x")
    assert harness.receive_exactly(c, 1) == b"x"


def start(tmp, certificate, **more):
    return Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo",
                            "tls": {"certificates": [{"cert": str(certificate.cert), "key": str(certificate.key)}],
                                    **more}}}).start()


def put(certificate, over):
    """Rename the files of one certificate over those of another, the key first."""
    for new, old in ((certificate.key, over.key), (certificate.cert, over.cert)):
        copy = old.with_suffix(".new")
        shutil.copy(new, copy)
        copy.rename(old)


def test_a_watched_file_that_is_renamed_over_serves_new_clients(tmp):
    ca = Authority(tmp)
    site, other = ca.issue("site", dns=["localhost"]), ca.issue("other", dns=["localhost"])
    d = start(tmp, site)
    with connect(d, ca) as old:
        first = serial(old)
        put(other, site)
        d.wait_log("reloaded", reason="watched files")
        with connect(d, ca) as new:
            roundtrip(new)
            assert serial(new) != first
        roundtrip(old)  # keeps its session
        assert serial(old) == first
    assert d.stop() == 0


def test_a_link_that_leads_elsewhere(tmp):
    """As Kubernetes does it: tls.crt -> ..data/tls.crt, ..data -> ..2024, and ..data is renamed over."""
    ca = Authority(tmp)
    folder = tmp / "mounted"
    for version in ("..1", "..2"):
        (folder / version).mkdir(parents=True)
        c = ca.issue("v" + version[-1], dns=["localhost"])
        shutil.copy(c.cert, folder / version / "tls.crt")
        shutil.copy(c.key, folder / version / "tls.key")
    (folder / "..data").symlink_to("..1")
    site = ca.issue("site", dns=["localhost"])
    site.cert, site.key = folder / "tls.crt", folder / "tls.key"
    for path in (site.cert, site.key):
        path.symlink_to(f"..data/{path.name}")
    d = start(tmp, site)
    with connect(d, ca) as c:
        first = serial(c)
    (folder / "..next").symlink_to("..2")
    (folder / "..next").rename(folder / "..data")
    d.wait_log("reloaded", reason="watched files")
    with connect(d, ca) as c:
        roundtrip(c)
        assert serial(c) != first


def test_a_bad_new_file_keeps_the_old_one_and_is_told_once(tmp):
    ca = Authority(tmp)
    site, other = ca.issue("site", dns=["localhost"]), ca.issue("other", dns=["localhost"])
    d = start(tmp, site)
    with connect(d, ca) as c:
        first = serial(c)
    for spoil, says in ((lambda: shutil.copy(other.key, site.key), "does not belong to the certificate"),
                        (lambda: put(ca.issue("late", dns=["localhost"], days=-1), site), "has expired"),
                        (lambda: site.cert.write_text("nothing"), "holds no certificate"),
                        (site.cert.unlink, "cannot read")):
        since = d.mark()
        spoil()
        refused = d.wait_log("reload_refused", since=since)
        assert refused["reason"] == "watched files", refused
        told = [e for e in d.events[since:] if says in " ".join(e.values())]
        assert told, d.lines[-10:]
        with connect(d, ca) as c:
            roundtrip(c)
            assert serial(c) == first
        assert len(d.find_logs("reload_refused", since=since)) == 1
    put(other, site)
    d.wait_log("reloaded")
    with connect(d, ca) as c:
        assert serial(c) != first
    assert d.stop() == 0


def test_what_is_not_watched_waits_for_a_reload(tmp):
    ca = Authority(tmp)
    site, other = ca.issue("site", dns=["localhost"]), ca.issue("other", dns=["localhost"])
    d = start(tmp, site, watch=False)
    with connect(d, ca) as c:
        first = serial(c)
    put(other, site)
    with connect(d, ca) as c:
        assert serial(c) == first
    d.send(signal.SIGHUP)
    d.wait_log("reloaded")
    with connect(d, ca) as c:
        assert serial(c) != first


def test_tickets_outlive_a_reload(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = start(tmp, site)
    context = ssl.create_default_context(cafile=str(ca.cert))
    with context.wrap_socket(d.connect("echo"), server_hostname="localhost") as c:
        roundtrip(c)
        session = c.session
    put(ca.issue("other", dns=["localhost"]), site)
    d.wait_log("reloaded")
    with context.wrap_socket(d.connect("echo"), server_hostname="localhost", session=session) as c:
        roundtrip(c)
        assert c.session_reused


def test_certificates_near_their_end_are_warned_of(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"], days=200)
    d = start(tmp, site)
    for days, event in ((20, "certificate_expires"), (5, "certificate_expires"), (1, "certificate_expires")):
        since = d.mark()
        put(ca.issue(f"in{days}", dns=["localhost"], days=days), site)
        told = d.wait_log(event, since=since, level="warning")
        assert f"CN=in{days}" == told["subject"] and days - 1 <= int(told["days_left"]) <= days, told
    since = d.mark()
    d.send(signal.SIGHUP)
    d.wait_log("reloaded", since=since)
    assert not d.find_logs("certificate_expires", since=since)


def test_sockctl_lists_them(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost", "example.org"])
    d = start(tmp, site)

    rows = json.loads(d.sockctl("certs", "--json").stdout)
    row = (rows["rows"] if isinstance(rows, dict) else rows)[0]
    assert row["subject"] == "CN=site" and row["names"] == "localhost example.org" and row["sha256"] == site.sha256
    assert row["key"] == "EC 256" and 198 <= row["days_left"] <= 200 and row["file"] == str(site.cert), row
    assert "CN=site" in d.sockctl("certs").stdout
    when = re.search(r'^sockd_tls_certificate_not_after_seconds\{tls="echo",subject="CN=site",serial="([0-9A-F]+)"\} (\d+)$',
                     d.sockctl("metrics").stdout, re.MULTILINE)
    assert int(when.group(2)) == row["not_after_s"]
    assert when.group(1) == openssl("x509", "-in", site.cert, "-noout", "-serial").strip().split("=")[1]


def test_replacing_under_load_costs_no_handshake(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    spare = [ca.issue(f"s{i}", dns=["localhost"]) for i in range(2)]
    d = start(tmp, site, watch=False)
    old = connect(d, ca)
    over, failures, done = threading.Event(), [], [0]

    def clients():
        while not over.is_set():
            try:
                with connect(d, ca) as c:
                    roundtrip(c)
                done[0] += 1
            except OSError as e:
                failures.append(e)

    threads = [threading.Thread(target=clients, daemon=True) for _ in range(2)]
    for t in threads:
        t.start()
    for i in range(10):
        since = d.mark()
        put(spare[i % 2], site)
        d.send(signal.SIGHUP)
        d.wait_log("reloaded", since=since)
    over.set()
    for t in threads:
        t.join()
    assert not failures and done[0] > 0, (failures, done)
    roundtrip(old)
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
