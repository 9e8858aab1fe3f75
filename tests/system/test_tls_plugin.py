#!/usr/bin/env python3
"""What a plugin has of TLS: who the client is, key material, and TLS that begins when it says so."""

import os
import re
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios
from certs import Authority
from harness import Daemon


def daemon(tmp, plugin, **more):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    tls = {"certificates": [{"cert": str(site.cert), "key": str(site.key)}], **more}
    d = Daemon({"echo": {"listen": "tcp://127.0.0.1:0", "handler": str(scenarios.build(plugin)), "tls": tls,
                         "timeouts": {"handshake": "2s"}}}).start()
    return ca, d


STYLES = ("starttls", "starttls_serve")


def line(c):
    text = b""
    while not text.endswith(b"\n"):
        part = c.recv(1)
        assert part, text
        text += part
    return text.decode().strip()


def ask(c, what):
    c.sendall(what.encode() + b"\n")
    return line(c)


def upgrade(ca, c, **options):
    context = ssl.create_default_context(cafile=str(ca.cert))
    for name, value in options.items():
        setattr(context, name, value)
    return context.wrap_socket(c, server_hostname="localhost")


def test_starttls_in_both_styles(tmp):
    for plugin in STYLES:
        ca, d = daemon(tmp, plugin, start="handler")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            since = d.mark()
            plain = d.connect("echo")
            assert ask(plain, "abc") == "abc"
            assert ask(plain, "info") == "plain"
            assert ask(plain, "export") == "ENOTSUP"
            assert ask(plain, "starttls") == "go ahead"
            c = upgrade(ca, plain, maximum_version=version)
            assert line(c) == "hello"  # open() again
            assert ask(c, "xyz") == "xyz"
            assert ask(c, "info").startswith("TLSv1.2" if version == ssl.TLSVersion.TLSv1_2 else "TLSv1.3")
            assert ask(c, "starttls") == "go ahead" and line(c) == "EALREADY"
            c.unwrap().close()
            d.wait_log("conn_closed", since=since, reason="eof")


def test_plain_bytes_behind_starttls_are_no_way_in(tmp):
    for plugin in STYLES:
        _, d = daemon(tmp, plugin, start="handler")
        with d.connect("echo") as c:
            c.sendall(b"starttls\ninjected\n")
            assert line(c) == "go ahead"
            assert line(c) == "EBUSY"
            assert line(c) == "injected"
            assert ask(c, "info") == "plain"


def test_a_handshake_that_fails_after_starttls(tmp):
    for plugin in STYLES:
        _, d = daemon(tmp, plugin, start="handler")
        for sent, detail in ((b"this is no handshake\r\n\r\n", "wrong version number"),
                             (b"", "the client said nothing in time")):
            since = d.mark()
            with d.connect("echo") as c:
                assert ask(c, "starttls") == "go ahead"
                c.sendall(sent)
                harness.receive_all(c)
            d.wait_log("conn_closed", since=since, reason="handshake_failed", detail=detail)


def test_who_the_client_is(tmp):
    for plugin in STYLES:
        ca, d = daemon(tmp, plugin, alpn=["test/1"],
                       client={"verify": "optional", "ca": str(tmp / "ca.crt")})
        me = ca.issue("me", client=True, uri=["spiffe://example.org/me"])
        context = ssl.create_default_context(cafile=str(ca.cert))
        context.set_alpn_protocols(["test/1"])
        with context.wrap_socket(d.connect("echo"), server_hostname="localhost") as c:
            if plugin == "starttls":
                assert line(c) == "hello"
            assert " alpn=test/1 sni=localhost subject=- san=- sha256=- unverified full" in ask(c, "info")
        context.load_cert_chain(me.cert, me.key)
        session = None
        for wanted in ("full", "resumed"):
            c = context.wrap_socket(d.connect("echo"), server_hostname="localhost", session=session)
            with c:
                if plugin == "starttls":
                    assert line(c) == "hello"
                told = ask(c, "info")
                assert f"subject=CN=me san=uri:spiffe://example.org/me sha256={me.sha256} verified {wanted}" in told
                session = c.session
        d.close()


def test_exported_keys_are_the_same_on_both_sides(tmp):
    for plugin in STYLES:
        _, d = daemon(tmp, plugin)
        host, port = d.addr("echo").sockaddr
        with subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-keymatexport", "EXPORTER-test",
                               "-keymatexportlen", "32"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as client:
            client.stdin.write("export\n")
            client.stdin.flush()
            theirs = ours = None
            while theirs is None or ours is None:
                text = client.stdout.readline()
                assert text, (theirs, ours)
                if "Keying material: " in text:
                    theirs = text.split(": ")[1].strip().lower()
                elif re.fullmatch(r"[0-9a-f]{64}\n", text):
                    ours = text.strip()
            client.stdin.close()
            client.kill()
        assert ours == theirs
        d.close()


if __name__ == "__main__":
    harness.main()
