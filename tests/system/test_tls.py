#!/usr/bin/env python3
"""TLS: what is agreed on, who is refused and why, how streams end."""

import contextlib
import os
import random
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority, openssl
from harness import Daemon

MIB = 1 << 20


def listener(tls, plugin="echo", listen="tcp://127.0.0.1:0", **more):
    return {"listen": listen, "handler": plugin, "tls": tls, **more}


def settings(certificate, **more):
    return {"certificates": [{"cert": str(certificate.cert), "key": str(certificate.key)}], **more}


def client_context(ca, cert=None, **options):
    context = ssl.create_default_context(cafile=str(ca.cert))
    if cert is not None:
        context.load_cert_chain(cert.cert, cert.key)
    for name, value in options.items():
        setattr(context, name, value)
    return context


def tls_connect(d, name, context, server_name="localhost"):
    return context.wrap_socket(d.connect(name), server_hostname=server_name)


def roundtrip(c, text=b"hello"):
    c.sendall(text)
    assert harness.receive_exactly(c, len(text)) == text


def refused(d, name, context, **closed):
    """The client gets no byte through, and the log says why. @return the alert, in OpenSSL's words"""
    since = d.mark()
    try:
        with tls_connect(d, name, context) as c:
            c.sendall(b"x")
            got = c.recv(1)
            alert = "no alert" if got == b"" else f"taken: {got!r}"
    except (ssl.SSLError, ConnectionError) as e:
        alert = str(e).upper().replace(" ", "_")
    d.wait_log("conn_closed", since=since, **closed)
    assert "taken" not in alert, alert
    return alert


def contains(text):
    return lambda value: text in value


# ---------------------------------------------------------------- what is agreed on


def test_echo_over_tcp_and_unix_in_both_styles(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({f"{plugin}-{kind}": listener(settings(site), plugin, listen)
                for plugin in ("echo", "echo-serve")
                for kind, listen in (("tcp", "tcp://127.0.0.1:0"), ("unix", f"unix://{tmp}/{plugin}.sock"))}).start()
    for name in ("echo-tcp", "echo-unix", "echo-serve-tcp", "echo-serve-unix"):
        since = d.mark()
        with tls_connect(d, name, client_context(ca)) as c:
            assert c.version() == "TLSv1.3"
            roundtrip(c)
            roundtrip(c, os.urandom(MIB // 2))
            plain = c.unwrap()  # our close_notify; theirs comes back
            assert plain.recv(1) == b""
        d.wait_log("conn_closed", since=since, listener=name, reason="eof", rx=5 + MIB // 2, tx=5 + MIB // 2)
    assert d.stop() == 0


def test_versions(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"both": listener(settings(site)),
                "old": listener(settings(site, max_version="1.2")),
                "new": listener(settings(site, min_version="1.3"))}).start()
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    for name, low, high, wanted in (("both", v12, v13, "TLSv1.3"), ("both", v12, v12, "TLSv1.2"),
                                    ("old", v12, v13, "TLSv1.2"), ("old", v13, v13, None), ("new", v12, v12, None),
                                    ("new", v13, v13, "TLSv1.3")):
        context = client_context(ca, minimum_version=low, maximum_version=high)
        if wanted is None:
            alert = refused(d, name, context, reason="handshake_failed", detail="unsupported protocol")
            assert "PROTOCOL_VERSION" in alert, alert
        else:
            with tls_connect(d, name, context) as c:
                assert c.version() == wanted
                roundtrip(c)


def test_old_versions_get_alert_70(tmp):
    ca = Authority(tmp)
    d = Daemon({"echo": listener(settings(ca.issue("site", dns=["localhost"])))}).start()
    for version in (0x0301, 0x0302):
        hello = b"\x03\x03"[:0] + version.to_bytes(2, "big") + bytes(32) + b"\0" + b"\0\x04\xc0\x13\0\x2f" + b"\x01\0"
        message = b"\x01" + len(hello).to_bytes(3, "big") + hello
        with d.connect("echo") as c:
            c.sendall(b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message)
            alert = harness.receive_all(c)
        assert alert[:1] == b"\x15" and alert[-2:] == b"\x02\x46", alert
    d.wait_log("conn_closed", reason="handshake_failed", detail="unsupported protocol", count=2)


def test_ciphers_are_ours_to_order_and_to_leave_out(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"default": listener(settings(site)),
                "chacha": listener(settings(site, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305",
                                            ciphersuites="TLS_CHACHA20_POLY1305_SHA256"))}).start()
    v12 = {"maximum_version": ssl.TLSVersion.TLSv1_2}

    def cipher(name, words=None, **options):
        context = client_context(ca, **options)
        if words:
            context.set_ciphers(words)
        with tls_connect(d, name, context) as c:
            roundtrip(c)
            return c.cipher()[0]

    assert cipher("default", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
                  **v12) == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert cipher("default", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256",
                  **v12) == "ECDHE-ECDSA-CHACHA20-POLY1305"
    assert cipher("chacha", **v12) == "ECDHE-ECDSA-CHACHA20-POLY1305"
    assert cipher("chacha") == "TLS_CHACHA20_POLY1305_SHA256"
    for words in ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256"):
        context = client_context(ca, **v12)
        context.set_ciphers(words + ":@SECLEVEL=0")
        alert = refused(d, "default", context, reason="handshake_failed", detail="no shared cipher")
        assert "HANDSHAKE_FAILURE" in alert, alert


def test_groups(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"default": listener(settings(site)), "p384": listener(settings(site, groups="P-384"))}).start()

    def group(name, groups, version="-tls1_3"):
        host, port = d.addr(name).sockaddr
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-groups", groups, version],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        words = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Server Temp Key")]
        return words[0].split(": ")[1] if words else None

    assert group("default", "P-256:X25519", "-tls1_2").startswith("X25519")  # our order
    assert group("default", "P-256:X25519").endswith("256 bits")  # the one that came with a share
    assert group("default", "P-256").endswith("256 bits")
    assert group("p384", "X25519:P-384").endswith("384 bits")
    since = d.mark()
    assert group("p384", "X25519") is None
    d.wait_log("conn_closed", since=since, reason="handshake_failed", detail="no suitable key share")


def test_alpn_is_ours_to_order(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"echo": listener(settings(site, alpn=["b/2", "a/1"])), "none": listener(settings(site))}).start()

    def chosen(name, *protocols):
        context = client_context(ca)
        context.set_alpn_protocols(list(protocols))
        with tls_connect(d, name, context) as c:
            roundtrip(c)
            return c.selected_alpn_protocol()

    assert chosen("echo", "a/1", "b/2") == "b/2"
    assert chosen("echo", "x", "a/1") == "a/1"
    assert chosen("none", "x") is None
    with tls_connect(d, "echo", client_context(ca)) as c:
        roundtrip(c)
        assert c.selected_alpn_protocol() is None
    context = client_context(ca)
    context.set_alpn_protocols(["x", "a/11"])
    alert = refused(d, "echo", context, reason="handshake_failed", detail="no application protocol")
    assert "NO_APPLICATION_PROTOCOL" in alert, alert


# ---------------------------------------------------------------- which certificate


def shown(d, name, server_name=None, **options):
    """The subject of the certificate that a client gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for key, value in options.items():
        if key == "sigalgs":
            continue
        setattr(context, key, value)
    with tls_connect(d, name, context, server_name) as c:
        roundtrip(c)
        pem = ssl.DER_cert_to_PEM_cert(c.getpeercert(True))
    return openssl("x509", "-noout", "-subject", text=pem).strip().rpartition("CN = ")[2]


def test_certificates_are_chosen_by_name(tmp):
    ca = Authority(tmp)
    certificates = [ca.issue("default", dns=["localhost"]), ca.issue("wild", dns=["*.example.org"]),
                    ca.issue("exact", dns=["www.example.org", "example.org"])]
    d = Daemon({"echo": listener({"certificates": [{"cert": str(c.cert), "key": str(c.key)}
                                                   for c in certificates]})}).start()
    for name, wanted in ((None, "default"), ("localhost", "default"), ("other.net", "default"),
                         ("www.example.org", "exact"), ("WWW.example.org", "exact"), ("example.org", "exact"),
                         ("a.example.org", "wild"), ("a.b.example.org", "default")):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            got = shown(d, "echo", name, maximum_version=version)
            assert got == wanted, (name, version, got)


def test_certificates_are_chosen_by_kind_of_key(tmp):
    ca = Authority(tmp)
    kinds = {kind: ca.issue(kind, kind, dns=["localhost"]) for kind in ("rsa", "ec", "ed25519")}
    d = Daemon({"all": listener({"certificates": [{"cert": str(c.both)} for c in kinds.values()]}),
                **{kind: listener({"certificates": str(c.both)}) for kind, c in kinds.items()}}).start()

    def kind_of(name, sigalgs, version):
        host, port = d.addr(name).sockaddr
        done = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", "localhost", version,
                               *(("-sigalgs", sigalgs) if sigalgs else ())],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        found = [line for line in done.stdout.splitlines() if line.startswith("subject=")]
        return found[0].rpartition("CN = ")[2] if found else None

    for version in ("-tls1_2", "-tls1_3"):
        assert kind_of("all", "rsa_pss_rsae_sha256:RSA+SHA256", version) == "rsa"
        assert kind_of("all", "ecdsa_secp256r1_sha256", version) == "ec"
        assert kind_of("all", "ed25519", version) == "ed25519"
        for kind in kinds:
            assert kind_of(kind, None, version) == kind
    since = d.mark()
    assert kind_of("ec", "rsa_pss_rsae_sha256", "-tls1_3") is None
    d.wait_log("conn_closed", since=since, reason="handshake_failed", detail="no suitable signature algorithm")


def test_chain_passphrase_and_one_file(tmp):
    root = Authority(tmp)
    middle = Authority(tmp, "middle", parent=root)
    site = middle.issue("site", dns=["localhost"], chain=[middle])
    locked = tmp / "locked.key"
    openssl("pkey", "-in", site.key, "-aes-256-cbc", "-passout", "pass:se cret", "-out", locked)
    locked.chmod(0o600)
    (tmp / "phrase").write_text("se cret\n")
    d = Daemon({"echo": listener({"certificates": {"cert": str(site.cert), "key": str(locked),
                                                   "key_passphrase": {"file": str(tmp / "phrase")}}})}).start()
    with tls_connect(d, "echo", client_context(root)) as c:
        roundtrip(c)


# ---------------------------------------------------------------- client certificates


def test_client_certificates(tmp):
    """verify: none, optional, required, each with every kind of client."""
    ca, other = Authority(tmp), Authority(tmp, "other")
    site = ca.issue("site", dns=["localhost"])
    names = {"uri": ["spiffe://example.org/web"]}
    clients = {
        "no": None,
        "valid": ca.issue("valid", client=True, **names),
        "expired": ca.issue("expired", client=True, days=-1, **names),
        "revoked": ca.issue("revoked", client=True, **names),
        "wrong ca": other.issue("foreign", client=True, **names),
        "wrong san": ca.issue("nameless", client=True, uri=["spiffe://example.net/web"]),
        "wrong use": ca.issue("server", dns=["localhost"], **names),
    }
    ca.revoke(clients["revoked"])
    rules = {"ca": str(ca.cert), "crl": str(ca.crl()), "allow_san": ["spiffe://example.org/*"]}
    d = Daemon({verify: listener(settings(site, client={"verify": verify, **(rules if verify != "none" else {})}))
                for verify in ("none", "optional", "required")}).start()
    why = {"no": ("peer did not return a certificate", "CERTIFICATE_REQUIRED"),
           "expired": ("certificate has expired (CN=expired)", "CERTIFICATE_EXPIRED"),
           "revoked": ("certificate revoked (CN=revoked)", "CERTIFICATE_REVOKED"),
           "wrong ca": ("unable to get local issuer certificate (CN=foreign)", "UNKNOWN_CA"),
           "wrong san": ("none of its names is in allow_san (CN=nameless)", "BAD_CERTIFICATE"),
           "wrong use": ("unsuitable certificate purpose (CN=server)", "UNSUPPORTED_CERTIFICATE")}
    for verify in ("none", "optional", "required"):
        for who, cert in clients.items():
            taken = verify == "none" or who == "valid" or (who == "no" and verify == "optional")
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = client_context(ca, cert, maximum_version=version)
                if taken:
                    with tls_connect(d, verify, context) as c:
                        roundtrip(c)
                    continue
                detail, alert = why[who]
                got = refused(d, verify, context, reason="handshake_failed", detail=contains(detail))
                if who == "no" and version == ssl.TLSVersion.TLSv1_2:
                    alert = "HANDSHAKE_FAILURE"
                assert alert in got, (verify, who, version, got)


def test_clients_by_name_and_fingerprint(tmp):
    ca, unknown = Authority(tmp), Authority(tmp, "unknown")
    site = ca.issue("site", dns=["localhost"])
    web = ca.issue("web", client=True, dns=["web-1.example.org"])
    mail = ca.issue("mail", client=True, email=["ops@example.org"])
    own = unknown.issue("own", client=True)
    old = unknown.issue("old", client=True, days=-1)
    d = Daemon({"san": listener(settings(site, client={
                    "verify": "required", "ca": str(ca.cert), "allow_san": ["WEB-*.example.org", "*@example.org"]})),
                "pinned": listener(settings(site, client={
                    "verify": "required", "allow_fingerprint": [own.sha256.upper(), old.sha256]})),
                "both": listener(settings(site, client={
                    "verify": "required", "ca": str(ca.cert),
                    "allow_fingerprint": ":".join(web.sha256[i:i + 2] for i in range(0, 64, 2))}))}).start()
    for name, cert in (("san", web), ("san", mail), ("pinned", own), ("both", web)):
        with tls_connect(d, name, client_context(ca, cert)) as c:
            roundtrip(c)
    for name, cert, detail in (("pinned", web, "its fingerprint is not in allow_fingerprint (CN=web)"),
                               ("pinned", old, "certificate has expired (CN=old)"),
                               ("both", mail, "its fingerprint is not in allow_fingerprint (CN=mail)"),
                               ("both", own, "unable to get local issuer")):
        refused(d, name, client_context(ca, cert), reason="handshake_failed", detail=contains(detail))


def test_authorities_from_a_folder_and_depth(tmp):
    root = Authority(tmp)
    middle = Authority(tmp, "middle", parent=root)
    site = root.issue("site", dns=["localhost"])
    near, far = root.issue("near", client=True), middle.issue("far", client=True, chain=[middle])
    (tmp / "folder").mkdir()
    (tmp / "folder" / "root.pem").write_text(root.cert.read_text())
    d = Daemon({"deep": listener(settings(site, client={"verify": "required", "ca": str(tmp / "folder")})),
                "flat": listener(settings(site, client={"verify": "required", "ca": str(tmp / "folder"),
                                                        "depth": 0}))}).start()
    for name, cert in (("deep", near), ("deep", far), ("flat", near)):
        with tls_connect(d, name, client_context(root, cert)) as c:
            roundtrip(c)
    refused(d, "flat", client_context(root, far), reason="handshake_failed",
            detail=contains("certificate chain too long"))


# ---------------------------------------------------------------- how streams end


def test_their_close_notify_is_an_end_and_ours_follows(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"echo": listener(settings(site)), "serve": listener(settings(site), "echo-serve")}).start()
    for name in ("echo", "serve"):
        since = d.mark()
        c = tls_connect(d, name, client_context(ca))
        roundtrip(c)
        raw = c.unwrap()
        assert raw.recv(1) == b""  # nothing behind their close_notify
        raw.close()
        d.wait_log("conn_closed", since=since, reason="eof")


def test_a_fin_without_close_notify_is_a_truncation(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"echo": listener(settings(site)), "serve": listener(settings(site), "echo-serve")}).start()
    for name in ("echo", "serve"):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            since = d.mark()
            with tls_connect(d, name, client_context(ca, maximum_version=version)) as c:
                c.sendall(b"last words")
                c.shutdown_raw = socket.socket.shutdown(c, socket.SHUT_WR)
                assert harness.receive_exactly(c, 10) == b"last words"  # we still answer
                assert c.recv(1) == b""
            d.wait_log("conn_closed", since=since, reason="tls_truncated", rx=10, tx=10)


def test_drain_sends_close_notify(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"echo": listener(settings(site)), "serve": listener(settings(site), "echo-serve")}).start()
    clients = [tls_connect(d, name, client_context(ca)) for name in ("echo", "serve")]
    for c in clients:
        c.suppress_ragged_eofs = False
        roundtrip(c)
    silent = d.connect("echo")
    d.send(signal.SIGTERM)
    for c in clients:
        assert c.recv(1) == b""  # an end without close_notify would raise
        c.close()
    assert silent.recv(1) == b""
    assert d.wait() == 0
    assert len(d.find_logs("conn_closed", reason="drain")) == 3


def test_both_ways_at_once_every_byte_arrives_and_none_in_plain(tmp):
    """Random sizes both ways at once, a reader that pauses, and no plaintext on the wire."""
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = Daemon({"echo": listener(settings(site), buffers={"write": "64KiB"}),
                "serve": listener(settings(site), "echo-serve")}).start()
    marker = b"PLAINTEXT-OF-THIS-TEST-MUST-NOT-TRAVEL-"
    data = (marker * (MIB // len(marker) + 1))[:MIB]
    for name in ("echo", "serve"):
        tap = Tap(d.addr(name), marker)
        c = client_context(ca).wrap_socket(socket.create_connection(tap.address), server_hostname="localhost")
        c.settimeout(harness.PATIENCE_S)
        exchange(c, data, 24 * MIB)
        c.unwrap()
        c.close()
        tap.end()
        assert tap.size > 48 * MIB
        assert not tap.met


class Tap:
    """Carries bytes between a client and the daemon, and looks for a text in them."""

    def __init__(self, to, marker):
        self.marker, self.size, self.met, self.threads = marker, 0, False, []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        thread = threading.Thread(target=self.run, args=(to,), daemon=True)
        thread.start()
        self.threads.append(thread)

    def run(self, to):
        near, _ = self.listening.accept()
        far = harness.connect(to, timeout=None)
        other = threading.Thread(target=self.carry, args=(far, near), daemon=True)
        other.start()
        self.carry(near, far)
        other.join()

    def carry(self, source, sink):
        tail = b""
        while part := source.recv(1 << 18):
            self.size += len(part)
            self.met = self.met or self.marker in tail + part
            tail = part[-len(self.marker):]
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)

    def end(self):
        for thread in self.threads:
            thread.join(harness.PATIENCE_S)
        self.listening.close()


def exchange(c, data, total):
    """Send and receive so many bytes of data over and over, in random pieces, on one thread (an SSL object bears no
    more)."""
    rng = random.Random(4)
    both = data + data
    c.setblocking(False)
    sent = got = pauses = 0
    piece = b""
    while got < total:
        wanted = [c] if sent < total else []
        ready, _, _ = select.select([c], wanted, [], harness.PATIENCE_S)
        if not piece and sent < total:
            at = sent % len(data)
            piece = both[at:at + min(rng.choice((1, 99, 1369, 16384, 16385, 70000, 300000)), total - sent)]
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            while piece:
                size = c.send(piece)
                sent += size
                piece = piece[size:]
        with contextlib.suppress(ssl.SSLWantReadError):
            while ready or c.pending():
                part = c.recv(65536)
                assert part, f"it ended after {got} bytes"
                at = got % len(data)
                assert part == both[at:at + len(part)], f"other bytes at {got}"
                got += len(part)
        if got // (4 * MIB) > pauses:
            pauses += 1
            time.sleep(0.05)  # a slow reader, on purpose
    c.settimeout(harness.PATIENCE_S)


# ---------------------------------------------------------------- handshakes that come to nothing


def test_no_more_handshakes_than_allowed(tmp):
    ca = Authority(tmp)
    d = Daemon({"echo": listener(settings(ca.issue("site", dns=["localhost"])), limits={"handshakes": "3/m"})}).start()
    context, done = client_context(ca), 0
    for _ in range(6):
        try:
            with context.wrap_socket(d.connect("echo"), server_hostname="localhost") as c:
                c.sendall(b"x")
                done += c.recv(1) == b"x"
        except OSError:
            pass
    assert done == 1, done  # a rate of less than one a second lets one come at once
    d.wait_log("conn_closed", reason="limit", count=5)
    assert d.stop() == 0


def test_silent_clients_time_out(tmp):
    ca = Authority(tmp)
    d = Daemon({"echo": listener(settings(ca.issue("site", dns=["localhost"])), timeouts={"handshake": "500ms"})}).start()
    began = time.monotonic()
    with d.connect("echo") as silent, d.connect("echo") as slow:
        slow.sendall(b"\x16\x03\x01\x01")  # the beginning of a record
        assert silent.recv(1) == b""
        assert slow.recv(1) == b""
    assert 0.4 < time.monotonic() - began < 15
    d.wait_log("conn_closed", reason="handshake_failed", detail="the client said nothing in time")
    d.wait_log("conn_closed", reason="handshake_failed", detail="the handshake was not done in time")


def test_garbage_is_refused_with_its_reason(tmp):
    ca = Authority(tmp)
    d = Daemon({"echo": listener(settings(ca.issue("site", dns=["localhost"])))}).start()
    for sent, detail in ((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "http request"), (b"\0" * 100, "wrong version number"),
                         (b"SSH-2.0-OpenSSH_9.2\r\n", "wrong version number")):
        since = d.mark()
        with d.connect("echo") as c:
            c.sendall(sent)
            assert harness.receive_all(c)[:1] in (b"", b"\x15")  # at most an alert
        d.wait_log("conn_closed", since=since, reason="handshake_failed", detail=detail)
    since = d.mark()
    d.connect("echo").close()
    d.wait_log("conn_closed", since=since, reason="handshake_failed", detail="the client closed the connection")


def test_a_client_that_refuses_us_is_logged(tmp):
    ca, other = Authority(tmp), Authority(tmp, "other")
    d = Daemon({"echo": listener(settings(ca.issue("site", dns=["localhost"])))}).start()
    refused(d, "echo", client_context(other), reason="handshake_failed", detail="tlsv1 alert unknown ca")


# ---------------------------------------------------------------- sessions that come back


def resumes(d, name, context, session):
    c = context.wrap_socket(d.connect(name), server_hostname="localhost", session=session)
    with c:
        roundtrip(c)
        return c.session_reused, c.session


def test_sessions_are_resumed(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    (tmp / "old").write_bytes(os.urandom(80))
    (tmp / "new").write_bytes(os.urandom(80))
    d = Daemon({"memory": listener(settings(site)), "off": listener(settings(site, session_tickets=False)),
                "a": listener(settings(site, ticket_keys=[str(tmp / "old")])),
                "b": listener(settings(site, ticket_keys=[str(tmp / "new"), str(tmp / "old")])),
                "c": listener(settings(site, ticket_keys=[str(tmp / "new")]))}).start()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client_context(ca, maximum_version=version)
        reused, session = resumes(d, "memory", context, None)
        assert not reused
        assert resumes(d, "memory", context, session)[0]
        assert not resumes(d, "a", context, session)[0]
        _, session = resumes(d, "off", context, None)
        assert session is None or not resumes(d, "off", context, session)[0]
        _, session = resumes(d, "a", context, None)
        reused, renewed = resumes(d, "b", context, session)  # another machine that knows the old key
        assert reused
        assert resumes(d, "c", context, renewed)[0]  # sealed anew by the new key
        assert not resumes(d, "c", context, session)[0]


def test_a_session_does_not_outlive_the_rules_that_it_was_verified_by(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    client = ca.issue("client", client=True, uri=["spiffe://a/b"])
    (tmp / "key").write_bytes(os.urandom(80))
    tls = settings(site, ticket_keys=[str(tmp / "key")])
    rules = {"verify": "required", "ca": str(ca.cert)}
    d = Daemon({"open": listener(tls), "any": listener({**tls, "client": rules}),
                "named": listener({**tls, "client": {**rules, "allow_san": ["spiffe://x/*"]}})}).start()
    context = client_context(ca, client)
    for name in ("open", "any"):
        _, session = resumes(d, name, context, None)
        assert resumes(d, name, context, session)[0]
        since = d.mark()
        try:
            reused, _ = resumes(d, "named", context, session)
            raise AssertionError(f"let in, resumed: {reused}")
        except (ssl.SSLError, ConnectionError):
            d.wait_log("conn_closed", since=since, detail=contains("none of its names is in allow_san"))


if __name__ == "__main__":
    harness.main()
