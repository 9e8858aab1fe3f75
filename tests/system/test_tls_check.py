#!/usr/bin/env python3
"""What `sockd -t` says of certificates and of everything else that TLS settings name."""

import base64
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority, openssl
from harness import run_sockd


def check(folder, tls):
    """Test a file with these settings. @return exit status and what it says"""
    path = folder / "t.yaml"
    path.write_text("version: 1\n"
                    f"daemon: {{plugin_path: [{json.dumps(str(harness.PLUGINS))}]}}\n"
                    "tls:\n"
                    f"  a: {json.dumps(tls)}\n"
                    'listeners: {echo: {listen: "unix:@sockd-test-tls", handler: echo, tls: a}}\n')
    done = run_sockd("-t", "-c", path)
    return done.returncode, done.stderr


def expect(folder, tls, says, status=78):
    code, text = check(folder, tls)
    assert re.search(says, text), f"wanted {says!r} in:\n{text}"
    assert re.search(rf"^{re.escape(str(folder))}/t.yaml:4:\d+: ", text, re.MULTILINE) or status == 0, text
    assert code == status, (code, text)


def pair(c, **more):
    return {"certificates": [{"cert": str(c.cert), "key": str(c.key), **more}]}


def test_a_fine_one_is_fine(tmp):
    ca = Authority(tmp)

    code, text = check(tmp, pair(ca.issue("site", dns=["localhost"])))

    assert (code, text) == (0, "") or "limits.connections" in text, text


def test_the_key_of_another_certificate(tmp):
    ca = Authority(tmp)
    a, b = ca.issue("a"), ca.issue("b")
    a.key.write_text(b.key.read_text())

    def public(*args):
        der = openssl(*args)
        return hashlib.sha256(base64.b64decode("".join(der.splitlines()[1:-1]))).hexdigest()

    of_key, of_cert = public("pkey", "-in", a.key, "-pubout"), public("x509", "-in", a.cert, "-noout", "-pubkey")
    expect(tmp, pair(a), f"a.key does not belong to the certificate in .*a.crt: .*{of_key}.*{of_cert}")


def test_dates(tmp):
    ca = Authority(tmp)
    expect(tmp, pair(ca.issue("old", days=-1)), r"old\.crt has expired: it was valid until \d{4}-")
    expect(tmp, pair(ca.issue("early", begins="20990101000000Z")),
           r"early\.crt is not valid yet, only from 2099-01-01 00:00:00Z on")


def test_who_may_read_the_key(tmp):
    site = Authority(tmp).issue("site")
    site.key.chmod(0o644)
    expect(tmp, pair(site), r"warning: the private key in .*site.key can be read by everybody; chmod o=", status=0)
    site.key.chmod(0o602)
    expect(tmp, pair(site), r"can be written by everybody", status=0)
    site.key.chmod(0o640)
    assert "everybody" not in check(tmp, pair(site))[1]


def test_an_incomplete_chain(tmp):
    root = Authority(tmp)
    first = Authority(tmp, "first", parent=root)
    second = Authority(tmp, "second", parent=first)
    fetched = "authorityInfoAccess=caIssuers;URI:http://example.org/ca.crt\n"
    missing = "warning: the chain in .* is incomplete: behind certificate %d that of its issuer \\(%s\\) is missing"
    expect(tmp, pair(second.issue("alone", extra=fetched)), missing % (1, "CN=second authority"), status=0)
    expect(tmp, pair(second.issue("gap", chain=[first])), missing % (1, "CN=second authority"), status=0)
    expect(tmp, pair(second.issue("tail", chain=[second, root])), missing % (2, "CN=first authority"), status=0)
    for whole in (second.issue("whole", chain=[second, first], extra=fetched), root.issue("direct")):
        assert "incomplete" not in check(tmp, pair(whole))[1]


def test_weak_keys(tmp):
    expect(tmp, pair(Authority(tmp).issue("weak", "rsa1024")),
           "the RSA key of .*weak.crt is weak: it has 1024 bits, and clients want at least 2048")


def test_unreadable_files(tmp):
    ca = Authority(tmp)
    site = ca.issue("site")
    (tmp / "empty").write_text("")
    for tls, says in (
            ({"certificates": [{"cert": str(tmp / "none"), "key": str(site.key)}]},
             "'cert': cannot read .*/none: No such file"),
            ({"certificates": [{"cert": str(tmp / "empty"), "key": str(site.key)}]},
             "'cert': .*/empty holds no certificate in PEM form"),
            ({"certificates": str(site.cert)}, "'key': .*site.crt holds no private key in PEM form .*; name its file"),
            ({"certificates": [{"cert": str(site.cert), "key": str(tmp)}]}, "'key': cannot read .*: Is a directory"),
            (pair(site, key_passphrase={"file": str(tmp / "none")}), "'key_passphrase': cannot read"),
            ({**pair(site), "ticket_keys": str(tmp / "empty")}, "has 0 bytes, and a key has 80: make one with `openssl"),
            ({**pair(site), "ocsp": str(tmp / "empty")}, "'ocsp': .* is no OCSP response"),
            ({**pair(site), "client": {"verify": "required", "ca": str(tmp / "empty")}},
             "'client.ca': .*/empty holds no certificate"),
            ({**pair(site), "client": {"verify": "required", "ca": str(ca.cert), "crl": str(ca.cert)}},
             "'client.crl': .* holds no list of revoked certificates")):
        expect(tmp, tls, says)


def test_encrypted_keys(tmp):
    site = Authority(tmp).issue("site")
    openssl("pkey", "-in", site.key, "-aes-256-cbc", "-passout", "pass:right", "-out", tmp / "locked.key")
    (tmp / "locked.key").chmod(0o600)
    site.key = tmp / "locked.key"
    expect(tmp, pair(site), "'key': the key in .*locked.key is encrypted; add 'key_passphrase: {file: PATH}'")
    expect(tmp, pair(site, key_passphrase="wrong"), "'key_passphrase' does not open the key in")
    assert check(tmp, pair(site, key_passphrase="right"))[0] == 0


def test_words_that_openssl_does_not_know(tmp):
    site = pair(Authority(tmp).issue("site"))
    for key, value, says in (
            ("ciphers", "ECDHE+AESGCM:ECDHE-RSA-AES128-GCM-SHA257",
             "'ciphers': OpenSSL knows no cipher 'ECDHE-RSA-AES128-GCM-SHA257'"),
            ("ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_AES_1", "'ciphersuites': OpenSSL knows no .* 'TLS_AES_1'"),
            ("groups", "X25519:P-257", "'groups': OpenSSL knows no group 'P-257'"),
            ("alpn", ["a" * 256], "'alpn': 'a{40}...' has 256 bytes; a protocol's name has 1 to 255"),
            ("min_version", "1.1", "'min_version': '1.1' is unknown")):
        expect(tmp, {**site, key: value}, says)
    for key, value in (("ciphers", "ECDHE+AESGCM:!aNULL:!MD5:@STRENGTH"), ("ciphers", "HIGH:-kRSA"),
                       ("groups", "X25519:secp384r1"), ("ciphersuites", "TLS_AES_256_GCM_SHA384")):
        code, text = check(tmp, {**site, key: value})
        assert code == 0, text


def test_all_is_told_in_one_run(tmp):
    ca = Authority(tmp)
    old, weak = ca.issue("old", days=-1), ca.issue("weak", "rsa1024")
    code, text = check(tmp, {"certificates": [{"cert": str(c.both)} for c in (old, weak)], "groups": "P-257",
                             "ticket_keys": str(ca.cert), "client": {"verify": "required", "ca": str(tmp / "none")}})
    assert code == 78
    for word in ("has expired", "is weak", "P-257", "'ticket_keys'", "'client.ca'"):
        assert word in text, (word, text)


def test_an_expired_certificate_serves_with_a_warning(tmp):
    old = Authority(tmp).issue("old", days=-1)
    d = harness.Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo", "tls": pair(old)}}).start()
    d.wait_log("configuration", level="warning", msg=lambda m: "has expired" in m)
    d.wait_log("certificate_expired", level="warning", subject="CN=old")
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
