#!/usr/bin/env python3
"""The kernel refuses: system calls of a running daemon fail a few times, and whoever was not hit is served on."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import clients
import harness
from harness import Daemon

PLUGINS = ("echo", "echo-serve")
MIB = 1 << 20


class Faulty:
    """A daemon some of whose system calls fail; afterwards, that they did."""

    def __init__(self, tmp, plugin, call, error, when, observers=(), **more):
        harness.need_tool("strace")
        if harness.SANITIZED:
            harness.skip("a leak check and a tracer cannot both have the process")
        self.trace = tmp / f"trace-{call}-{error}-{plugin}"
        self.what = f"{plugin}: {call} {error} {when}"
        self.d = Daemon({"t": {"listen": "tcp://127.0.0.1:0", "handler": plugin, **more},
                         "u": {"listen": "udp://127.0.0.1:0", "handler": plugin}}, daemon={"threads": 1, "observers": list(observers)},
                        wrapper=["strace", "-D", "-f", "-qq", "-o", str(self.trace), "-e", f"trace={call}",
                                 "-e", f"inject={call}:error={error}:when={when}"])

    def __enter__(self):
        self.d.start()
        return self.d

    def __exit__(self, kind, *_):
        if kind is None:
            assert self.d.stop() == 0, self.what
            injected = self.trace.read_text(errors="replace").count("(INJECTED)")
            assert injected > 0, f"{self.what}: it never came to pass"


def served(d, data=b"hello"):
    with d.connect("t") as c:
        return clients.exchange(c, data) == data


def served_or_lost(d):
    """Twice, so that it has been waited for."""
    try:
        with d.connect("t") as c:
            for _ in range(2):
                c.sendall(b"x")
                if c.recv(1) != b"x":
                    return False
        return True
    except ConnectionError:
        return False


def broken(d):
    """A client that may lose its connection."""
    try:
        with d.connect("t") as c:
            c.sendall(b"x")
            return c.recv(1) != b"x"
    except ConnectionError:
        return True


def test_accepting_survives_what_accept_says(tmp):
    for plugin in PLUGINS:
        for error in ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "ECONNABORTED", "EINTR", "EPROTO", "EPERM", "ENETDOWN"):
            with Faulty(tmp, plugin, "accept4", error, "1..3") as d:
                assert served(d), f"{plugin}: {error}"
                short = error in ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS")
                assert bool(d.find_logs("accept_paused")) == short, f"{plugin}: {error}"


def test_what_accept_says_for_ever_keeps_no_loop_busy(tmp):
    for error in ("EPERM", "ECONNABORTED"):
        with Faulty(tmp, "echo", "accept4", error, "1+") as d, d.connect("t"):
            paused = d.wait_log("accept_paused", listener="t")
            assert paused["count"] == "1", paused


def test_a_read_that_is_interrupted_is_repeated(tmp):
    """Of EAGAIN there is nothing to inject: where bytes are, the kernel does not say it, and an edge does not come twice."""
    for plugin in PLUGINS:
        with Faulty(tmp, plugin, "recvfrom", "EINTR", "1..2") as d:
            assert served(d), plugin


def test_a_read_that_fails_costs_its_connection_only(tmp):
    for plugin in PLUGINS:
        for error, reason in (("ECONNRESET", "reset"), ("ENOMEM", "error"), ("EIO", "error")):
            with Faulty(tmp, plugin, "recvfrom", error, "1") as d:
                assert broken(d), f"{plugin}: {error}"
                d.wait_log("conn_closed", reason=reason)
                assert served(d), f"{plugin}: {error}"


def test_a_failed_socket_is_told_to_observers(tmp):
    observer = {"plugin": str(harness.build_plugin(tmp, "observer"))}
    with Faulty(tmp, "echo", "recvfrom", "EIO", "1", observers=[observer]) as d:
        assert broken(d)
        d.wait_log("error_told", msg=lambda text: text.startswith("5 "))


def test_a_write_that_finds_no_room_is_repeated(tmp):
    data = clients.pattern(MIB)
    for plugin in PLUGINS:
        for call in ("sendto", "writev"):
            for error in ("EINTR", "EAGAIN"):
                with Faulty(tmp, plugin, call, error, "1..5", socket={"send_buffer": "16KiB"}) as d:
                    assert served(d, data), f"{plugin}: {call} {error}"


def test_a_write_that_fails_costs_its_connection_only(tmp):
    for plugin in PLUGINS:
        for error in ("EPIPE", "ECONNRESET"):
            with Faulty(tmp, plugin, "sendto", error, "1") as d:
                assert broken(d), f"{plugin}: {error}"
                d.wait_log("conn_closed", reason="reset")
                assert served(d), f"{plugin}: {error}"


def test_a_connection_that_cannot_be_watched_is_ended(tmp):
    """fs.epoll.max_user_watches is reached."""
    for plugin in PLUGINS:
        with Faulty(tmp, plugin, "epoll_ctl", "ENOSPC", "8") as d:  # the loop's own come before
            lost = [i for i in range(6) if not served_or_lost(d)]
            assert len(lost) == 1, f"{plugin}: {lost}"
            d.wait_log("conn_closed", reason="error")


def test_an_interrupted_wait_is_no_matter(tmp):
    for plugin in PLUGINS:
        with Faulty(tmp, plugin, "epoll_wait", "EINTR", "2+3") as d:
            assert served(d, clients.pattern(MIB)), plugin


def test_datagrams_survive_what_the_kernel_says(tmp):
    for plugin in PLUGINS:
        for call, errors in (("recvmmsg", ("EINTR", "ENOMEM", "ENOBUFS", "ECONNREFUSED")),
                             ("sendmmsg", ("EINTR", "EAGAIN", "ENOBUFS", "ECONNREFUSED", "EPERM"))):
            for error in errors:
                with Faulty(tmp, plugin, call, error, "1..2") as d, d.datagram("u") as c:
                    c.settimeout(0.5)
                    for _ in range(40):  # one that meets the fault may be lost
                        c.send(b"x")
                        try:
                            assert c.recv(10) == b"x"
                            break
                        except TimeoutError:
                            continue
                    else:
                        raise AssertionError(f"{plugin}: {call} {error}: no datagram is answered any more")


if __name__ == "__main__":
    harness.main()
