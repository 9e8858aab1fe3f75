#!/usr/bin/env python3
"""Stapled OCSP responses (RFC 6066 section 8): which client gets which, and how one is replaced."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority, openssl
from harness import Daemon

EARLIER = "20200101000000Z"


def pair(certificate):
    return {"cert": str(certificate.cert), "key": str(certificate.key)}


def start(certificates, *responses):
    return Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo",
                            "tls": {"certificates": [pair(c) for c in certificates],
                                    "ocsp": [str(r) for r in responses]}}}).start()


def told(d, ca, *options, name="localhost"):
    """What a client that asks for a response is told, as the openssl command prints it, once it has verified all."""
    done = subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % d.addr("echo").sockaddr, "-CAfile", ca.cert, "-status",
                           "-servername", name, "-verify_return_error", *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return done.stdout


def serial(certificate):
    return openssl("x509", "-in", certificate.cert, "-noout", "-serial").strip().split("=")[1]


def test_who_asks_gets_it_in_each_version(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"], begins=EARLIER)
    d = start([site], ca.ocsp(site))
    for version in ("-tls1_2", "-tls1_3"):
        text = told(d, ca, version)
        assert "OCSP Response Status: successful" in text and "Cert Status: good" in text, text
    assert d.stop() == 0


def test_each_certificate_has_its_own(tmp):
    ca = Authority(tmp)
    names = ("one.example", "two.example", "three.example")
    one, two, bare = (ca.issue(name.split(".")[0], dns=[name], begins=EARLIER) for name in names)
    d = start([one, two, bare], ca.ocsp(two), ca.ocsp(one))
    for certificate, name in ((one, names[0]), (two, names[1])):
        assert f"Serial Number: {serial(certificate)}" in told(d, ca, name=name)
    assert "OCSP response: no response sent" in told(d, ca, name=names[2])
    assert d.stop() == 0


def test_a_new_response_is_taken_up_and_a_revoked_one_is_told(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"], begins=EARLIER)
    d = start([site], ca.ocsp(site))
    assert "Cert Status: good" in told(d, ca)
    ca.revoke(site)
    ca.ocsp(site, "next").rename(tmp / "site.ocsp")
    d.wait_log("reloaded", reason="watched files")
    assert "Cert Status: revoked" in told(d, ca)
    done = d.sockctl("reload")
    assert "site.ocsp says that the certificate in" in done.stdout + done.stderr, (done.stdout, done.stderr)
    assert d.stop() == 0


def test_one_of_another_certificate_is_refused(tmp):
    ca = Authority(tmp)
    site, other = (ca.issue(name, dns=["localhost"], begins=EARLIER) for name in ("site", "other"))
    d = start([site], ca.ocsp(site))
    ca.ocsp(other, "next").rename(tmp / "site.ocsp")
    d.wait_log("reload_refused")
    done = d.sockctl("reload")
    assert done.returncode != 0
    assert "is about none of these certificates: the serial number is another one" in done.stdout + done.stderr
    assert "Cert Status: good" in told(d, ca)  # what was there before
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
