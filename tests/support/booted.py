"""One machine with systemd for all tests of a file, and a sockd in it that was just started."""

import atexit
import re

import harness
import machine

BOOTED = []
ECHO = {"echo": {"listen": "tcp://127.0.0.1:7000", "handler": "echo"}}


def the_machine():
    """One for all tests of this file, with a sockd that does not run and no memory of the last test."""
    if not BOOTED:
        m = machine.Machine()
        m.__enter__()
        atexit.register(m.__exit__)
        BOOTED.append(m)
    BOOTED[0].forget("sockd.service")
    return BOOTED[0]


def started(listeners=None, **daemon):
    m = the_machine()
    m.configure(ECHO if listeners is None else listeners, **daemon)
    m.ok("systemctl", "start", "sockd")
    return m


def worker_of(m):
    """The process that runs the plugins."""
    return harness.wait_until(lambda: m.run("pgrep", "-P", m.property("sockd", "MainPID")).stdout.split(), "a worker")[-1]


def owner(m, pid):
    """Whose process it is, by number."""
    return re.search(r"^Uid:\s+(\d+)", m.ok("cat", f"/proc/{pid}/status"), re.MULTILINE).group(1)
