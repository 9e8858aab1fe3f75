#!/usr/bin/env python3
"""The default settings before the eyes of tools that others wrote."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority
from harness import Daemon

SCAN_S = 600  # of testssl, on a machine that does other things too

# What only a certificate of an authority that the world trusts would mend.
PRIVATE = {
    "cert_chain_of_trust": "our root is nobody's but ours",
    "cert_trust": "nor does its name fit how the scanner calls the address",
    "cert_revocation": "and nobody serves its lists or answers",
    "cert_ocspURL": "neither address is in the certificate",
    "cert_crlDistributionPoints": "",
    "OCSP_stapling": "nobody to ask for a response",
    "DNS_CAArecord": "a record of the domain",
    "overall_grade": "follows from the chain of trust",
    "grade_cap_reason_1": "",
}


def daemon(tmp, kinds=("ec", "rsa")):
    ca = Authority(tmp)
    certificates = [ca.issue(kind, kind, dns=["localhost"], ip=["127.0.0.1"]) for kind in kinds]
    d = Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo",
                         "tls": {"certificates": [{"cert": str(c.both)} for c in certificates]}}}).start()
    return ca, d, "%s:%d" % d.addr("echo").sockaddr


def run(*command, text=None, timeout=harness.PATIENCE_S, ok=(0,)):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL if text is None else None)
    assert done.returncode in ok, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout + done.stderr


def test_testssl_finds_nothing_above_low(tmp):
    harness.need_tool("testssl")
    _, d, address = daemon(tmp)
    run("testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--jsonfile", tmp / "out.json", address,
        timeout=SCAN_S, ok=range(0, 200))
    findings = json.loads((tmp / "out.json").read_text())
    by_id = {f["id"].split(" ")[0]: f for f in findings}

    for wanted, text in (("TLS1", "not offered"), ("TLS1_1", "not offered"), ("TLS1_2", "offered"),
                         ("TLS1_3", "offered"), ("SSLv2", "not offered"), ("SSLv3", "not offered"),
                         ("cipherlist_STRONG", "offered"), ("secure_client_renego", "not vulnerable")):
        assert wanted in by_id, (wanted, sorted(by_id))
        assert by_id[wanted]["finding"].startswith(text), by_id[wanted]
    bad = [f for f in findings if f["severity"] in ("MEDIUM", "HIGH", "CRITICAL")
           and f["id"].split(" ")[0] not in PRIVATE]
    assert not bad, json.dumps(bad, indent=1)
    assert d.exit_status is None


def test_sslscan_sees_two_versions_and_strong_ciphers(tmp):
    harness.need_tool("sslscan")
    _, _, address = daemon(tmp)
    text = run("sslscan", "--no-colour", address, timeout=SCAN_S)
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert re.search(rf"^{version}\s+disabled$", text, re.MULTILINE), text
    for version in ("TLSv1.2", "TLSv1.3"):
        assert re.search(rf"^{version}\s+enabled$", text, re.MULTILINE), text
    assert "Compression enabled" not in text
    assert "not vulnerable to heartbleed" in text or "Heartbleed" not in text
    ciphers = re.findall(r"^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)", text, re.MULTILINE)
    assert len(ciphers) >= 9, text
    for version, cipher in ciphers:
        assert version == "TLSv1.3" or cipher.startswith("ECDHE-"), cipher
        assert "GCM" in cipher or "CHACHA20" in cipher, cipher


def test_nmap_gives_an_a(tmp):
    harness.need_tool("nmap")
    _, _, address = daemon(tmp)
    host, port = address.split(":")
    text = run("nmap", "-Pn", "-n", "--script", "ssl-enum-ciphers", "-p", port, host, timeout=SCAN_S)
    assert "least strength: A" in text, text
    assert set(re.findall(r"(TLSv1\.\d|SSLv3):", text)) == {"TLSv1.2", "TLSv1.3"}, text
    assert "cipher preference: server" in text, text


def test_gnutls_is_content(tmp):
    harness.need_tool("gnutls-cli", "gnutls-cli-debug")
    ca, _, address = daemon(tmp)
    host, port = address.split(":")
    text = run("gnutls-cli", "--x509cafile", ca.cert, "--verify-hostname", "localhost", "-p", port, host, text="hello\n",
               ok=(0, 1))
    assert "The certificate is trusted" in text and "Handshake was completed" in text, text
    assert "TLS1.3" in text and "hello" in text, text
    text = run("gnutls-cli-debug", "-p", port, host, timeout=SCAN_S, ok=(0, 1))
    answers = dict(re.findall(r"^\s*(.+?)\.\.\. (.*)$", text, re.MULTILINE))
    for question, answer in (("for TLS 1.0 (RFC2246) support", "no"), ("for TLS 1.1 (RFC4346) support", "no"),
                             ("for TLS 1.2 (RFC5246) support", "yes"), ("for TLS 1.3 (RFC8446) support", "yes"),
                             ("for safe renegotiation (RFC5746) support", "yes"), ("for RSA key exchange support", "no"),
                             ("for ext master secret (RFC7627) support", "yes"),
                             ("for ephemeral EC Diffie-Hellman support", "yes"),
                             ("whether the server understands TLS closure alerts", "yes"),
                             ("whether the server supports session resumption", "yes"),
                             ("for heartbeat (RFC6520) support", "no"), ("for anonymous authentication support", "no"),
                             ("for AES-CBC cipher (RFC3268) support", "no"), ("for 3DES-CBC cipher (RFC2246) support", "no"),
                             ("for MD5 MAC support", "no"), ("for SHA1 MAC support", "no")):
        assert answers.get(question) == answer, (question, answers)


def test_openssl_and_curl(tmp):
    harness.need_tool("curl")
    ca, d, address = daemon(tmp)
    for version in ("-tls1_2", "-tls1_3"):
        text = run("openssl", "s_client", "-connect", address, "-CAfile", ca.cert, "-verify_return_error", "-verify_hostname",
                   "localhost", version, text="hello\nQ\n")
        assert "Verify return code: 0 (ok)" in text or "Verification: OK" in text, text
        assert "Secure Renegotiation IS" in text, text
    text = run("openssl", "s_client", "-connect", address, "-tls1_2", text="R\n", ok=(0, 1))
    assert "no renegotiation" in text, text
    for version in ("-tls1", "-tls1_1"):
        text = run("openssl", "s_client", "-connect", address, version, "-cipher", "ALL:@SECLEVEL=0", ok=(1,))
        assert "alert number 70" in text, text
    text = run("curl", "-sv", "--http0.9", "--max-time", "2", "--cacert", ca.cert, f"https://{address}/", ok=(0, 28))
    assert "SSL certificate verify ok" in text and "TLSv1.3" in text, text
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
