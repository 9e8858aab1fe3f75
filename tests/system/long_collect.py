#!/usr/bin/env python3
"""collect, on a socket that systemd passes, under a sender that never pauses: reloads, an upgrade, log rotation, restarts
and a stop, and every datagram is written once."""

# runner: timeout=900

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from booted import the_machine
from numbered import Numbered

DATAGRAMS = 1_000_000
UNITS = {"collect.socket": "[Socket]\nListenDatagram=/run/collect.sock\nSocketMode=0666\nFileDescriptorName=events\n"
                           "Service=collect.service\n",
         "collect.service": "[Service]\nType=notify\nExecStart=/usr/bin/sockd -c /etc/sockd/collect.yaml\n"
                            "ExecReload=/usr/bin/sockctl --config /etc/sockd/collect.yaml reload\n"
                            "KillMode=mixed\nUser=sockd\nRuntimeDirectory=collect\nLogsDirectory=collect\n"}
LOG = "/var/log/collect/events"
SOCKCTL = ("sockctl", "--socket", "/run/collect/admin.sock")


class Operator:
    """What people and timers do to a collector on a long day."""

    def __init__(self, machine):
        self.m, self.rotations, self.changes = machine, 0, 0
        for name, text in UNITS.items():
            machine.write(f"/etc/systemd/system/{name}", text)
        self.configure()
        machine.ok("systemctl", "daemon-reload")
        machine.ok("systemctl", "start", "collect.socket")

    def configure(self):
        """A file that differs from the last one in the handler's settings, so that a reload brings a new instance."""
        self.changes += 1
        self.m.configure({"events": {"listen": "systemd:events",
                                     "handler": {"plugin": "collect", "config": {"file": LOG, "stamp": False,
                                                                                 "tag": f"change-{self.changes}"}}}},
                         path="/etc/sockd/collect.yaml")

    def logs(self):
        return sorted((self.m.tree / LOG.lstrip("/")).parent.glob("events*"))

    def reload(self):
        self.configure()
        self.m.ok("systemctl", "reload", "collect")

    def reload_nothing(self):
        self.m.ok(*SOCKCTL, "reload")

    def upgrade(self):
        self.m.ok(*SOCKCTL, "upgrade")

    def rotate(self):
        """As logrotate does: move the file away, then USR1."""
        self.rotations += 1
        self.m.is_state("collect", "active")
        self.m.ok("mv", LOG, f"{LOG}.{self.rotations}")
        self.m.kill(self.m.property("collect", "MainPID"), signal.SIGUSR1)
        harness.wait_until((self.m.tree / LOG.lstrip("/")).exists, "the new file")

    def restart(self):
        self.m.ok("systemctl", "restart", "collect")

    def stop(self):
        """The next datagram starts it again."""
        self.m.ok("systemctl", "stop", "collect.service")


def test_a_million_datagrams_are_written_once_each_whatever_the_operator_does():
    m = the_machine()
    o = Operator(m)
    day = [o.reload, o.restart, o.rotate, o.reload, o.upgrade, o.reload_nothing, o.rotate, o.restart, o.reload, o.rotate,
           o.upgrade, o.restart, o.stop, o.rotate, o.reload]
    sender = Numbered(m.inside("/run/collect.sock"), DATAGRAMS)

    sender.during(day)

    print(f"# meanwhile: {', '.join(act.__name__ for act in day)}")
    sender.account(o.logs())
    assert len(o.logs()) == o.rotations + 1
    m.ok("systemctl", "stop", "collect.socket", "collect.service")
    assert m.property("collect", "Result") == "success"


if __name__ == "__main__":
    harness.main()
