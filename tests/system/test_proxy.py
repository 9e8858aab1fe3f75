#!/usr/bin/env python3
"""Clients that come through balancers: the PROXY protocol, by hand and by the balancers that people use."""

import os
import signal
import socket
import struct
import subprocess

import harness
import netns
import scenarios
from harness import Daemon
from test_access import ask_as, open_folder

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"


def v2(client="203.0.113.7", port=56324, tlvs=b"", command=1):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    server = "2001:db8::1" if ":" in client else "192.0.2.1"
    body = (socket.inet_pton(family, client) + socket.inet_pton(family, server) + struct.pack("!HH", port, 443) + tlvs)
    return SIGNATURE + bytes([0x20 | command, 0x21 if ":" in client else 0x11]) + struct.pack("!H", len(body)) + body


def tlv(kind, value):
    return bytes([kind]) + struct.pack("!H", len(value)) + value


def plugin():
    return str(scenarios.build("whoami"))


def line_of(s):
    """The first line that the plugin says, or "" if it never spoke."""
    found = b""
    try:
        while not found.endswith(b"\n"):
            part = s.recv(1)
            if not part:
                break
            found += part
    except ConnectionError:
        pass
    return found.decode()


def say(address, *pieces):
    """What the plugin says of a client that begins with these bytes, and what it echoes."""
    with harness.connect(address) as s:
        try:
            for piece in pieces:
                s.sendall(piece)
            s.sendall(b"x")
        except ConnectionError:
            return ""
        line = line_of(s)
        if line:
            assert s.recv(1) == b"x"
        return line.strip()


def start(proxy, **more):
    return Daemon({"who": {"listen": "tcp://127.0.0.1:0", "handler": {"plugin": plugin()}, "proxy_protocol": proxy,
                           **more}}).start()


def test_headers_of_both_versions_name_the_client():
    d = start({"trust": ["127.0.0.0/8"]})
    a = d.addr("who")

    assert say(a, V1) == "remote=203.0.113.7:56324 proxy=yes"
    assert say(a, b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n") == "remote=[2001:db8::7]:1 proxy=yes"
    assert say(a, v2()) == "remote=203.0.113.7:56324 proxy=yes"
    assert say(a, v2("2001:db8::7")) == "remote=[2001:db8::7]:56324 proxy=yes"
    tlvs = tlv(5, b"id-1") + tlv(2, b"example.org") + tlv(0x20, b"\x07\0\0\0\0" + tlv(0x22, b"me")) + tlv(0xe0, b"own")
    assert say(a, v2(tlvs=tlvs)) == "remote=203.0.113.7:56324 proxy=yes id=id-1 authority=example.org cn=me custom=own"
    for own in (LOCAL, b"PROXY UNKNOWN\r\n", v2(command=0)):
        assert say(a, own).startswith("remote=127.0.0.1:"), own
    event = d.wait_log("conn_closed", peer="203.0.113.7:56324")
    assert event["proxy"].startswith("127.0.0.1:")
    assert d.stop() == 0


def test_headers_may_come_byte_by_byte():
    d = start({"trust": ["127.0.0.1"]})
    for header in (V1, v2(tlvs=tlv(5, b"id-1"))):
        pieces = [header[i:i + 1] for i in range(len(header))]
        assert say(d.addr("who"), *pieces).startswith("remote=203.0.113.7:56324 proxy=yes")
    assert d.stop() == 0


def test_a_wrong_header_never_reaches_the_plugin():
    d = start({"trust": ["127.0.0.1"]})
    wrong = [b"GET / HTTP/1.0\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", b"PROXY " + b"x" * 200,
             SIGNATURE + b"\x21\x11\0\x04abcd", SIGNATURE + b"\x21\x11\xff\xff", SIGNATURE + b"\x51\x11\0\0",
             v2(tlvs=b"\x05\0\xffx"), v2(tlvs=tlv(3, b"\0\0\0\0"))]
    for header in wrong:
        assert say(d.addr("who"), header) == "", header
    d.wait_log("conn_refused", source="127.0.0.1", reason="handshake_failed", cause="proxy_header")
    assert not d.find_logs("conn_closed")
    assert d.stop() == 0


def test_a_header_that_does_not_come_times_out():
    d = start({"trust": ["127.0.0.1"], "timeout": "100ms"})
    for begun in (b"", b"P", V1[:-1], SIGNATURE[:5], v2()[:20]):
        with d.connect("who") as s:
            if begun:
                s.sendall(begun)
            assert line_of(s) == "", begun
    d.wait_log("conn_refused", reason="handshake_failed", cause="proxy_timeout")
    with d.connect("who") as s:  # a port check: nothing is said, and nobody complains
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1) == b""
    assert d.stop() == 0


def test_without_require_a_header_is_optional_for_the_trusted():
    d = start({"trust": ["127.0.0.1"], "require": False, "timeout": "100ms"})
    a = d.addr("who")

    assert say(a, V1) == "remote=203.0.113.7:56324 proxy=yes"
    for plain in (b"hello ", b"PRO", b"\r\n\r\n", b"PROXIES "):
        with harness.connect(a) as s:
            s.sendall(plain)
            line = line_of(s)
            assert line.startswith("remote=127.0.0.1:") and line.endswith("proxy=no\n"), (plain, line)
            assert harness.receive_exactly(s, len(plain)) == plain
    with harness.connect(a) as s:  # one that lets the server speak first
        assert line_of(s).endswith("proxy=no\n")
    assert d.stop() == 0


def test_whoever_is_not_trusted_cannot_forge():
    with netns.Net(["10.77.0.2", "10.77.0.3"]) as net:
        d = Daemon({name: {"listen": "tcp://0.0.0.0:0", "handler": {"plugin": plugin()},
                           "proxy_protocol": {"trust": ["10.77.0.2"], "require": require}}
                    for name, require in (("strict", True), ("loose", False))}, wrapper=net.wrapper).start()
        said = {}
        for name in ("strict", "loose"):
            for source in net.clients:
                with net.connect(d.addr(name), source) as s:
                    try:
                        s.sendall(V1)
                    except ConnectionError:
                        pass
                    said[name, source] = line_of(s)
        assert said["strict", "10.77.0.2"] == said["loose", "10.77.0.2"] == "remote=203.0.113.7:56324 proxy=yes\n"
        assert said["strict", "10.77.0.3"] == ""
        assert said["loose", "10.77.0.3"].startswith("remote=10.77.0.3:")
        assert said["loose", "10.77.0.3"].endswith("proxy=no\n")
        d.wait_log("conn_refused", listener="strict", source="10.77.0.3", reason="denied", cause="proxy_untrusted")
        assert d.stop() == 0


def test_rules_and_limits_see_the_client():
    d = start({"trust": ["127.0.0.1"]}, access={"deny": ["203.0.113.8", "2001:db8::/32"]},
              limits={"per_source": {"connections": 1}})
    a = d.addr("who")

    assert say(a, v2("203.0.113.7")).startswith("remote=203.0.113.7:")
    assert say(a, v2("203.0.113.8")) == ""
    assert say(a, v2("2001:db8::7")) == ""
    d.wait_log("conn_refused", source="203.0.113.8", reason="denied", cause="network", rule="203.0.113.8")
    with harness.connect(a) as held:
        held.sendall(v2("203.0.113.9"))
        assert line_of(held).startswith("remote=203.0.113.9:")
        assert say(a, v2("203.0.113.9")) == ""
        assert say(a, v2("203.0.113.10")).startswith("remote=203.0.113.10:")
    d.wait_log("conn_refused", source="203.0.113.9", reason="limit", cause="source_connections")
    assert d.stop() == 0


def test_balancers_on_unix_sockets_are_trusted_by_a_word():
    harness.need_root()
    d = Daemon(text="""
version: 1
daemon: {plugin_path: ["${SOCKD_PLUGINS}"]}
defaults: {socket: {mode: "0666"}}
listeners:
  who: {listen: "unix://${SOCKD_DIR}/who", handler: {plugin: %s}, proxy_protocol: {trust: unix},
        access: {deny: 203.0.113.8, allow_users: [0, 61001]}}
""" % plugin())
    folder = open_folder(d)
    os.chmod(folder.parent, 0o711)
    d.start()
    a = d.addr("who")

    assert say(a, V1) == "remote=203.0.113.7:56324 proxy=yes"
    assert say(a, v2("203.0.113.8")) == ""
    assert say(a, LOCAL) == "remote=unnamed proxy=yes"
    assert not ask_as("stream", folder / "who", "other")
    d.wait_log("conn_refused", source="uid:61004", cause="account")
    assert d.stop() == 0


def test_a_drain_does_not_wait_for_a_header():
    d = start({"trust": ["127.0.0.1"], "timeout": "60s"})
    with d.connect("who") as silent, d.connect("who") as speaking:
        speaking.sendall(V1 + b"x")
        assert line_of(speaking)
        assert d.stop(signal.SIGTERM) == 0
        assert silent.recv(1) == b""


# ---------------------------------------------------------------- real balancers


class Balancer:
    """haproxy or nginx in front of the daemon, all on loopback."""

    def __init__(self, words, port):
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        self.address = harness.parse_url(f"tcp://127.0.0.1:{port}")

    def __enter__(self):
        harness.wait_until(self._answers, "the balancer to listen")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(self.process.stderr.read().decode())
        with socket.socket() as s:
            return s.connect_ex(self.address.sockaddr) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def ask(self):
        """Our own address, and what the plugin behind the balancer says."""
        with harness.connect(self.address) as s:
            host, port = s.getsockname()
            s.sendall(b"x")
            return f"{host}:{port}", line_of(s)


def haproxy(tmp, servers):
    harness.need_tool("haproxy")
    port = harness.free_port()
    (tmp / "haproxy.cfg").write_text(f"""
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen in
  bind 127.0.0.1:{port}
  {servers}
""")
    return Balancer(["haproxy", "-db", "-f", str(tmp / "haproxy.cfg")], port)


def test_haproxy_in_front(tmp):
    d = start({"trust": ["127.0.0.1"]})
    _, port = d.addr("who").sockaddr
    options = "proxy-v2-options unique-id"
    for send in ("send-proxy", "send-proxy-v2"):
        with haproxy(tmp, f"server s 127.0.0.1:{port} {send}") as b:
            us, said = b.ask()
            assert said == f"remote={us} proxy=yes\n", (send, said)
    with haproxy(tmp, f"unique-id-format id-%rt\n  server s 127.0.0.1:{port} send-proxy-v2 {options}") as b:
        us, said = b.ask()
        assert said.startswith(f"remote={us} proxy=yes id=id-"), said
    with haproxy(tmp, f"server s 127.0.0.1:{port}") as b:
        assert b.ask()[1] == ""
    d.wait_log("conn_refused", cause="proxy_header")
    assert d.stop() == 0


def test_haproxy_checks_its_health(tmp):
    d = start({"trust": ["127.0.0.1"]})
    _, port = d.addr("who").sockaddr
    for send in ("send-proxy", "send-proxy-v2"):
        line = f"server s 127.0.0.1:{port} {send} check check-send-proxy inter 50 fastinter 50 rise 1 fall 1"
        mark = d.mark()
        with haproxy(tmp, "option tcp-check\n  tcp-check expect string remote=127.0.0.1\n  " + line) as b:
            d.wait_log("conn_closed", since=mark, count=3, peer=lambda p: p.startswith("127.0.0.1:"))
            us, said = b.ask()
            assert said == f"remote={us} proxy=yes\n", (send, said)
    # One that only connects is no fault either.
    with haproxy(tmp, f"server s 127.0.0.1:{port} send-proxy check inter 50 fastinter 50 rise 1 fall 1") as b:
        assert b.ask()[1].endswith("proxy=yes\n")
    assert not d.find_logs("conn_refused")
    assert d.stop() == 0


def test_nginx_stream_in_front(tmp):
    harness.need_tool("nginx")
    module = "/usr/lib/nginx/modules/ngx_stream_module.so"
    if not os.path.exists(module):
        harness.skip("the stream module of nginx is not installed")
    d = start({"trust": ["127.0.0.1"]})
    _, port = d.addr("who").sockaddr
    own = harness.free_port()
    (tmp / "nginx.conf").write_text(f"""
load_module {module};
daemon off; master_process off; pid {tmp}/pid; error_log stderr;
events {{}}
stream {{ server {{ listen 127.0.0.1:{own}; proxy_pass 127.0.0.1:{port}; proxy_protocol on; }} }}
""")
    with Balancer(["nginx", "-p", str(tmp), "-e", "stderr", "-c", str(tmp / "nginx.conf")], own) as b:
        us, said = b.ask()
        assert said == f"remote={us} proxy=yes\n"
    assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
