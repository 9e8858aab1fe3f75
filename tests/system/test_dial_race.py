#!/usr/bin/env python3
"""A server of two families, of which one leads nowhere: the other is found (RFC 8305), in a network of the test's own."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import netns
import scenarios
from harness import Daemon

FOUR, SIX, PORT = "10.77.0.2", "fd77::2", 4711


@contextlib.contextmanager
def network():
    """The name both.test is both addresses of the clients' side, which is where the servers are here."""
    with netns.Net(clients=[FOUR, SIX]) as net:
        folder = pathlib.Path("/etc/netns") / net.server
        folder.mkdir(parents=True)
        try:
            (folder / "hosts").write_text(f"{SIX} both.test\n{FOUR} both.test\n127.0.0.1 localhost\n")
            (folder / "resolv.conf").write_text("")
            yield net
        finally:
            shutil.rmtree(folder)


@contextlib.contextmanager
def dialler(net):
    handler = {"plugin": str(scenarios.build("dial")), "config": {"to": f"tcp://both.test:{PORT}"}}
    with Daemon({"t": {"listen": "unix://${SOCKD_DIR}/s", "handler": handler}}, wrapper=net.wrapper).start() as d:
        yield d


@contextlib.contextmanager
def echo(net, address):
    """@return the peers that came there"""
    family, seen = socket.AF_INET6 if ":" in address else socket.AF_INET, []
    listener = net.socket(family, socket.SOCK_STREAM, address, PORT)
    listener.listen(8)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                c, peer = listener.accept()
                seen.append(peer[0])
                with c:
                    while data := c.recv(4096):
                        c.sendall(data)

    listener.settimeout(None)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(harness.PATIENCE_S)


def drop(net, address):
    """What is sent there is lost, and nobody says so."""
    harness.need_tool("nft")
    kind = "ip6" if ":" in address else "ip"
    subprocess.run(["ip", "netns", "exec", net.client, "nft", "-f", "-"], check=True, text=True, input=f"""
        table {kind} lost {{
            chain in {{
                type filter hook input priority 0
                tcp dport {PORT} drop
            }}
        }}""")


def dial_once(d):
    scenarios.run(d, "there_and_back", d.addr("t"))


def test_the_preferred_family_is_tried_first():
    with network() as net, echo(net, FOUR) as four, echo(net, SIX) as six, dialler(net) as d:
        dial_once(d)
        assert (len(four), len(six)) == (0, 1)


def test_a_family_that_swallows_packets_is_not_waited_for():
    """The other one connects long before the ten seconds of a dial are over."""
    for lost, good in ((SIX, FOUR), (FOUR, SIX)):
        with network() as net, echo(net, good) as seen, dialler(net) as d:
            drop(net, lost)
            dial_once(d)
            assert len(seen) == 1


def test_a_family_without_a_route_is_passed_over():
    with network() as net, echo(net, FOUR) as seen, dialler(net) as d:
        net.batch(net.server, [f"addr del {netns.SERVER6}/48 dev {net.near}"])
        dial_once(d)
        assert len(seen) == 1


def test_a_family_that_refuses_is_passed_over():
    for good in (SIX, FOUR):
        with network() as net, echo(net, good) as seen, dialler(net) as d:
            dial_once(d)
            assert len(seen) == 1


def test_what_a_host_said_is_told_and_not_that_another_family_has_no_route():
    config = {"plugin": "proxy", "config": {"upstream": [f"tcp://both.test:{PORT}"]}}
    with network() as net:
        net.batch(net.server, [f"addr del {netns.SERVER6}/48 dev {net.near}"])
        with Daemon({"p": {"listen": "unix://${SOCKD_DIR}/s", "handler": config}}, wrapper=net.wrapper).start() as d:
            with contextlib.suppress(ConnectionError), d.connect("p") as c:
                c.recv(1)
            assert d.wait_log("proxy_upstream_down")["msg"].endswith("Connection refused")


if __name__ == "__main__":
    harness.main()
