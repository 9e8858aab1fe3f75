#!/usr/bin/env python3
"""The edges of the plugin interface on a real daemon: no room, nothing, nowhere, nonsense, a handle that is gone.
tests/plugins/test_fake_edges.c runs the same tables on the fakes."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios


def verdict(d, address, *messages):
    """What the plugin says at its end; a row may have sent empty datagrams before it."""
    if address.transport.startswith(("udp", "unixgram")):
        with d.datagram_to(address) as client:
            for message in messages:
                client.sendall(message)
            said = b""
            while not said:
                said = client.recv(65536)
            return said.decode()
    with harness.connect(address) as client:
        client.sendall(b"".join(messages))
        return scenarios.answer(client).decode()


def serve(plugin, listen=scenarios.STREAMS, config=None):
    """On one loop, since the tables and what they report are the plugin's, for one client after the other."""
    return scenarios.serve(plugin, listen, config, daemon={"threads": 1})


def test_straight_line_code_meets_them_on_every_transport():
    d = serve("edges", scenarios.STREAMS + scenarios.DATAGRAMS)
    for address in d.addresses("t"):
        assert (said := verdict(d, address, b"edges", b"abcdef")) == "ok\n", said
    assert d.stop() == 0


def test_events_meet_them_on_every_transport():
    d = serve("edges_event", scenarios.STREAMS + scenarios.DATAGRAMS)
    for address in d.addresses("t"):
        assert (said := verdict(d, address, b"abcdef")) == "ok\n", said
    assert d.stop() == 0


def test_connections_that_a_plugin_made_meet_them():
    up = harness.Daemon({"t": {"listen": ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"], "handler": "echo"}}).start()
    datagrams, stream = (address.url for address in up.addresses("t"))
    d = serve("edges", config={"datagrams": datagrams, "stream": stream})
    for address in d.addresses("t"):
        assert (said := verdict(d, address, b"dials")) == "ok\n", said
    assert d.stop() == 0
    assert up.stop() == 0


if __name__ == "__main__":
    harness.main()
