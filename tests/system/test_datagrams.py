#!/usr/bin/env python3
"""What a datagram handler may ask, in both styles, over udp and unixgram (tests/system/plugins/datagrams.c)."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

SCENARIOS = {"it_tells_of_the_sender": [], "it_tells_who_sent": [],
             "what_a_stream_has_is_not_supported": [], "sizes_have_a_bound": [],
             "an_answer_may_go_to_the_address": [b"direct"], "pieces_are_one_datagram": [b"one,two"]}


def test_scenarios(tmp):
    for name, flags in (("serve", []), ("events", ["-DEVENTS"])):
        (tmp / name).mkdir()
        plugin = harness.build_plugin(tmp / name, "datagrams", None, *flags)
        d = Daemon({"t": {"listen": ["udp://127.0.0.1:0", f"unixgram://{tmp}/g"], "handler": str(plugin)}}).start()
        for address in d.addresses("t"):
            bind = tempfile.mktemp(dir=tmp) if address.transport == "unixgram" else None
            with harness.datagram(address, bind=bind) as c:
                for scenario, answers in SCENARIOS.items():
                    c.send(scenario.encode())
                    for expected in [*answers, b"ok\n"]:
                        said = c.recv(1000)
                        assert said == expected, f"{scenario}, {name}, {address.transport}: {said.decode()}"
        assert d.stop() == 0


if __name__ == "__main__":
    harness.main()
