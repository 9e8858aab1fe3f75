#!/usr/bin/env python3
"""TLS towards servers: plugins that dial with it, and the proxy plugin, before servers of the test's own."""

import json
import os
import signal
import socket
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios
from certs import Authority
from harness import Daemon

MIB = 1 << 20


class Server:
    """A server on a thread: handle(socket) for each that connects, with TLS if there is a context."""

    def __init__(self, handle, context=None):
        self.handle, self.context, self.names = handle, context, []
        if context is not None:
            context.sni_callback = lambda s, name, c: self.names.append(name)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"tcp://127.0.0.1:{self.port}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.settimeout(harness.PATIENCE_S)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.context is not None:
                client = self.context.wrap_socket(client, server_side=True, suppress_ragged_eofs=False)
            self.handle(client)
        except OSError:
            pass
        finally:
            client.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def echo(c):
    """Until the client's close_notify; then ours."""
    while data := c.recv(65536):
        c.sendall(data)
    c.unwrap()


def server_context(certificate, ca=None, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    if ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(str(ca.cert))
    for name, value in options.items():
        setattr(context, name, value)
    return context


def daemon(listener, tls, **options):
    """One listener `t`, and these entries of tls:."""
    text = {"version": 1, "daemon": {"plugin_path": ["${SOCKD_PLUGINS}"]}, "tls": tls,
            "listeners": {"t": {"listen": "tcp://127.0.0.1:0", "handler": listener}}}
    return Daemon(text=json.dumps(text, indent=1), **options)


def trusting(ca, **more):
    return {"server": {"ca": str(ca.cert)}, **more}


def start(entry, **config):
    handler = {"plugin": str(scenarios.build("dial_tls")), "config": {"tls": "up", **config}}
    return daemon(handler, {"up": entry, "unused": {"server": {"verify": "none"}}}).start()


def run(entry, *names, **config):
    """These scenarios on a daemon with these settings. @return its log"""
    d = start(entry, **config)
    scenarios.run_all(d, *names)
    assert d.stop() == 0
    return d


BOTH = ("there_and_back", "events_there_and_back")


def test_a_server_with_a_good_certificate(tmp):
    ca = Authority(tmp)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        up = Server(echo, server_context(ca.issue("site", dns=["site.example", "localhost"], ip=["127.0.0.1"]),
                                         maximum_version=version))
        run(trusting(ca), *BOTH, to=f"tcp://localhost:{up.port}", sni="localhost")
        run(trusting(ca), *BOTH, to=up.url, name="site.example", sni="site.example")
        assert up.names == ["localhost"] * 2 + ["site.example"] * 2
        run(trusting(ca), *BOTH, to=up.url)  # by its address, which is no name to say
        assert up.names[4:] == [None] * 2
        up.close()


def test_alpn_and_versions(tmp):
    ca = Authority(tmp)
    context = server_context(ca.issue("site", dns=["localhost"]))
    context.set_alpn_protocols(["two", "one"])
    up = Server(echo, context)
    run(trusting(ca, alpn=["one"]), "there_and_back", to=f"tcp://localhost:{up.port}", sni="localhost", alpn="one")
    up.close()
    old = Server(echo, server_context(ca.issue("site", dns=["localhost"]), maximum_version=ssl.TLSVersion.TLSv1_2))
    run(trusting(ca, min_version="1.3"), "refused", to=f"tcp://localhost:{old.port}", expect="protocol version")
    old.close()


def test_servers_that_are_refused(tmp):
    ca = Authority(tmp)
    good, other = ca.issue("site", dns=["localhost"], ip=["127.0.0.1"]), Authority(tmp, "other")
    for certificate, entry, name, reason in (
        (good, trusting(other), "localhost", "unable to get local issuer certificate"),
        (good, trusting(ca), "other.example", "hostname mismatch"),
        (good, trusting(ca), "127.0.0.2", "IP address mismatch"),
        (ca.issue("old", dns=["localhost"], days=-1), trusting(ca), "localhost", "certificate has expired"),
        (ca.issue("cl", dns=["localhost"], client=True), trusting(ca), "localhost", "unsuitable certificate purpose"),
    ):
        up = Server(echo, server_context(certificate))
        d = start(entry, to=up.url, name=name, expect=reason)
        since = d.mark()
        scenarios.run_all(d, "refused", "events_refused")
        d.wait_log("dial_tls_failed", since=since, name=name, listener="t", detail=lambda text: reason in text)
        assert d.stop() == 0
        # who does not verify takes it
        run({"server": {"verify": "none"}}, "there_and_back", to=up.url, name=name, verified=False,
            **({} if name[0].isdigit() else {"sni": name}))
        up.close()


def test_the_store_of_the_system(tmp):
    ca = Authority(tmp)
    up = Server(echo, server_context(ca.issue("site", dns=["localhost"])))
    to = f"tcp://localhost:{up.port}"
    handler = {"plugin": str(scenarios.build("dial_tls")), "config": {"tls": "up", "to": to, "sni": "localhost"}}
    d = daemon(handler, {"up": {}}, env={"SSL_CERT_FILE": str(ca.cert)}).start()
    scenarios.run_all(d, "there_and_back")
    assert d.stop() == 0
    up.close()


def test_our_certificate_is_presented(tmp):
    ca = Authority(tmp)
    mine = ca.issue("me", client=True)
    seen = []

    def note(c):
        seen.append(dict(x[0] for x in c.getpeercert()["subject"])["commonName"])
        echo(c)

    entry = trusting(ca, certificates=[{"cert": str(mine.cert), "key": str(mine.key)}])
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        up = Server(note, server_context(ca.issue("site", dns=["localhost"]), ca, maximum_version=version))
        to = f"tcp://localhost:{up.port}"
        run(entry, "there_and_back", to=to, sni="localhost")
        run(trusting(ca), "unwelcome", to=to)
        up.close()
    assert seen == ["me", "me"]


def test_servers_that_do_not_speak_tls(tmp):
    ca = Authority(tmp)
    hold = threading.Event()
    for handle, scenario, reason, timeout in (
        (lambda c: c.sendall(b"220 hello\r\n" * 9), "refused", "wrong version number", "20s"),
        (lambda c: c.recv(1000), "gone", "", "20s"),
        (lambda c: hold.wait(harness.PATIENCE_S), "silent", "the server said nothing in time", "200ms"),
    ):
        up = Server(handle)
        run(trusting(ca), scenario, to=f"tcp://localhost:{up.port}", expect=reason or "server closed", timeout=timeout)
        up.close()
    hold.set()


def test_waiting_for_a_silent_server_can_be_given_up(tmp):
    hold = threading.Event()
    up = Server(lambda c: hold.wait(harness.PATIENCE_S))
    run(trusting(Authority(tmp)), "events_given_up", "cancelled", to=f"tcp://localhost:{up.port}")
    hold.set()
    up.close()


def test_a_truncated_stream_is_no_end(tmp):
    ca = Authority(tmp)

    def cut(c):
        c.sendall(b"part")
        c.shutdown(socket.SHUT_WR)  # without close_notify
        c.recv(1)

    up = Server(cut, server_context(ca.issue("site", dns=["localhost"])))
    run(trusting(ca), "truncated", to=f"tcp://localhost:{up.port}")
    up.close()


def test_nonsense_is_refused(tmp):
    run(trusting(Authority(tmp)), "nonsense", to="tcp://127.0.0.1:1")


def test_starttls_as_the_client(tmp):
    ca = Authority(tmp)

    def begin(c):
        while not (text := c.recv(1)) == b"\n":
            assert text
        c.sendall(b"go ahead\n")
        with context.wrap_socket(c, server_side=True) as s:
            echo(s)

    context = server_context(ca.issue("site", dns=["localhost"]))
    up = Server(begin)
    run(trusting(ca), "starttls", "starttls_refused", to=up.url, name="localhost", sni="localhost")
    up.close()


# ---------------------------------------------------------------- what the configuration says


def test_faults_are_told_at_their_place(tmp):
    plugin = str(scenarios.build("dial_tls"))
    for name, entry, wanted in (("upp", {}, ("'tls': there is no 'upp' under 'tls:'", "did you mean 'up'?")),
                                ("up", {"server": {"ca": f"{tmp}/nowhere.crt"}}, ("server.ca", "nowhere.crt"))):
        handler = {"plugin": plugin, "config": {"tls": name, "to": "tcp://127.0.0.1:1"}}
        d = daemon(handler, {"up": entry})
        done = harness.run_sockd("-t", "-c", d.config, env=d.env)
        said = done.stderr + done.stdout
        assert done.returncode != 0
        for text in (*wanted, "sockd.yaml:"):
            assert text in said, said


def test_a_reload_changes_what_is_dialled_with(tmp):
    ca, other = Authority(tmp), Authority(tmp, "other")
    up = Server(echo, server_context(ca.issue("site", dns=["localhost"])))
    d = start(trusting(other), to=f"tcp://localhost:{up.port}", sni="localhost", expect="issuer")
    scenarios.run_all(d, "refused")
    since = d.mark()
    d.config.write_text(d.config.read_text().replace(str(other.cert), str(ca.cert)))
    d.send(signal.SIGHUP)
    d.wait_log("reloaded", since=since)
    scenarios.run_all(d, "there_and_back")
    assert d.stop() == 0
    up.close()


# ---------------------------------------------------------------- the proxy


def proxy(up, ca, **config):
    return daemon({"plugin": "proxy", "config": {"upstream": [f"tcp://localhost:{up.port}"], "tls": "up", **config}},
                  {"up": trusting(ca)}).start()


def test_proxy_carries_both_ways_and_both_ends(tmp):
    ca = Authority(tmp)

    def answer(c):
        got = 0
        while data := c.recv(65536):
            got += len(data)
        c.sendall(b"%d" % got + b"x" * MIB)  # after the client's end
        c.unwrap()

    up = Server(answer, server_context(ca.issue("site", dns=["localhost"])))
    d = proxy(up, ca)
    with d.connect("t") as c:
        c.sendall(os.urandom(MIB))
        c.shutdown(socket.SHUT_WR)
        assert harness.receive_all(c) == b"%d" % MIB + b"x" * MIB
    assert d.stop() == 0
    up.close()


def test_proxy_comes_back_to_its_server_without_a_full_handshake(tmp):
    ca, reused = Authority(tmp), []

    def handle(c):
        reused.append(c.session_reused)
        echo(c)

    up = Server(handle, server_context(ca.issue("site", dns=["localhost"])))
    for tickets, expected in ((True, [False, True, True]), (False, [False] * 3)):
        d = daemon({"plugin": "proxy", "config": {"upstream": [f"tcp://localhost:{up.port}"], "tls": "up"}},
                   {"up": trusting(ca, session_tickets=tickets)}).start()
        for _ in range(3):
            with d.connect("t") as c:
                c.sendall(b"x")
                c.shutdown(socket.SHUT_WR)
                assert harness.receive_all(c) == b"x"
        assert d.stop() == 0
        assert reused == expected, reused
        reused.clear()
    up.close()


def test_proxy_breaks_off_what_was_truncated(tmp):
    ca = Authority(tmp)

    def cut(c):
        c.sendall(b"part")
        c.recv(1)
        c.shutdown(socket.SHUT_RDWR)

    up = Server(cut, server_context(ca.issue("site", dns=["localhost"])))
    d = proxy(up, ca)
    with d.connect("t") as c:
        assert harness.receive_exactly(c, 4) == b"part"
        c.sendall(b"x")
        try:
            assert c.recv(1) == b"never"
        except ConnectionResetError:
            pass
    assert d.stop() == 0
    up.close()


def test_proxy_refuses_for_a_server_that_is_not_who_it_should_be(tmp):
    ca = Authority(tmp)
    up = Server(echo, server_context(ca.issue("site", dns=["localhost"])))
    d = proxy(up, ca, server_name="other.example")
    since = d.mark()
    with d.connect("t") as c:
        try:
            assert c.recv(1) == b"never"
        except ConnectionResetError:
            pass
    d.wait_log("dial_tls_failed", since=since, name="other.example")
    assert "'dial_tls_failed'" in d.wait_log("proxy_upstream_down", since=since)["msg"]
    assert d.stop() == 0
    up.close()


if __name__ == "__main__":
    harness.main()
