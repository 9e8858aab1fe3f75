#!/usr/bin/env python3
"""Connections that plugins make, and the relay, on a real daemon, with upstreams of the test's own."""

import contextlib
import hashlib
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios

MIB = 1 << 20


class Upstream:
    """A server on a thread: what(client) for each that connects."""

    def __init__(self, what, family=socket.AF_INET, address=("127.0.0.1", 0)):
        self.what, self.seen, self.threads = what, [], []
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(address)
        self.socket.listen(16)
        self.port = None if family == socket.AF_UNIX else self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.settimeout(harness.PATIENCE_S)
            self.seen.append(client)
            thread = threading.Thread(target=self.what, args=(client,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(harness.PATIENCE_S)
        for thread in self.threads:
            thread.join(harness.PATIENCE_S)


def echo(client):
    with client:
        while data := client.recv(65536):
            client.sendall(data)


def test_there_and_back_over_every_kind_of_address(tmp):
    v4, v6 = Upstream(echo), Upstream(echo, socket.AF_INET6, ("::1", 0))
    local = Upstream(echo, socket.AF_UNIX, str(tmp / "up"))
    abstract = Upstream(echo, socket.AF_UNIX, f"\0sockd-test-{os.getpid()}")
    for url in (f"tcp://127.0.0.1:{v4.port}", f"tcp://[::1]:{v6.port}", f"unix://{tmp}/up",
                f"unix:@sockd-test-{os.getpid()}", f"tcp://localhost:{v4.port}", f"tcp4://localhost:{v4.port}"):
        d = scenarios.serve("dial", scenarios.STREAMS + scenarios.DATAGRAMS, config={"to": url})
        scenarios.run_all(d, "there_and_back", "events_there_and_back")
        assert d.stop() == 0, url
    for up in (v4, v6, local, abstract):
        up.close()


@contextlib.contextmanager
def datagram_echo():
    """@return the URL of a service that sends back what it gets"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("127.0.0.1", 0))

        def answer():
            while True:
                data, peer = service.recvfrom(65536)
                if data == b"stop":
                    return
                service.sendto(data, peer)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"udp://localhost:{service.getsockname()[1]}"
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"stop", service.getsockname())
            thread.join()


def test_messages_to_a_datagram_service():
    with datagram_echo() as url:
        d = scenarios.serve("dial", scenarios.STREAMS + scenarios.DATAGRAMS, config={"to": url})
        for address in d.addresses("t"):
            if address.transport in ("tcp", "unix"):
                scenarios.run(d, "messages_there_and_back", address)
            scenarios.run(d, "messages_refused", address)
            scenarios.run(d, "events_of_messages", address)
        assert d.stop() == 0


def test_all_that_can_be_asked_of_messages():
    with datagram_echo() as url:
        d = scenarios.serve("messages", config={"to": url})
        scenarios.run_all(d, "each_read_takes_one", "others_wait_while_the_fiber_does", "one_is_discarded_whole",
                          "writes_that_no_datagram_has", "a_closed_reader_is_at_its_end", "from_one_to_another",
                          "an_empty_one_moves_too", "a_paused_one_waits", "a_refusal_is_no_data")
        assert d.stop() == 0


def test_refusals_have_their_errno():
    d = scenarios.serve("dial", config={"to": "tcp://127.0.0.1:9"})
    scenarios.run_all(d, "refusals", "events_refused", "adopt_a_descriptor", "adopt_what_was_kept", "relay_refusals")
    assert d.stop() == 0


def test_nobody_answers():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for s in waiting:
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
        d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{port}"})
        scenarios.run_all(d, "times_out", "cancel_ends_dialling")
        for s in waiting:
            s.close()
        assert d.stop() == 0


def hash_upstream(client):
    """Sends 8 MiB while it reads to the end, then answers with the hash of what came."""
    digest = hashlib.sha256()

    def send():
        client.sendall(bytes(range(256)) * (8 * MIB // 256))

    sender = threading.Thread(target=send)
    sender.start()
    with client:
        while data := client.recv(1 << 18):
            digest.update(data)
        sender.join()
        client.sendall(digest.digest())


def both_ways(scenario, told):
    """A large transfer each way at once, with half-close, byte for byte."""
    up = Upstream(hash_upstream)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"})
    sent = os.urandom(16 * MIB)
    for address in d.addresses("t"):
        with harness.connect(address) as c:
            c.sendall(scenario.encode() + b"\n")

            def send(c=c):
                c.sendall(sent)
                c.shutdown(socket.SHUT_WR)

            thread = threading.Thread(target=send)
            thread.start()
            got = harness.receive_all(c)
            thread.join()
            got, tail = got[:8 * MIB + 32], got[8 * MIB + 32:]
            assert got[:8 * MIB] == bytes(range(256)) * (8 * MIB // 256)
            assert got[8 * MIB:] == hashlib.sha256(sent).digest()
            assert tail in (b"", b"ok\n"), tail
    d.wait_log(told, count=2)
    assert d.stop() == 0
    up.close()


def test_relay_carries_both_ways_and_each_end():
    both_ways("relay", "relayed")


def test_copies_carry_both_ways():
    both_ways("copy_both_ways", "copied")


def hold(client):
    with client:
        client.sendall(b"up")
        client.recv(1)


def test_relay_ends_with_a_reset():
    up = Upstream(hold)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"})
    with d.connect("t") as c:
        c.sendall(b"relay\n")
        assert harness.receive_exactly(c, 2) == b"up"
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    d.wait_log("relayed", msg=lambda text: text.startswith("-1 Connection reset"))
    assert d.stop() == 0
    up.close()


def test_a_closed_reader_is_an_end_for_a_relay():
    up = Upstream(echo)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"})
    with d.connect("t") as c:
        c.sendall(b"relay_without_a_reader\n")
        assert harness.receive_all(c) == b""
    d.wait_log("relayed", msg="0 ")
    assert d.stop() == 0
    up.close()


def say_bye(client):
    with client:
        assert client.recv(1) == b""
        client.sendall(b"bye")


def test_a_relay_whose_one_way_is_closed_ends_with_the_other():
    up = Upstream(say_bye)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"})
    with d.connect("t") as c:
        c.sendall(b"relay_one_way\n")
        assert harness.receive_all(c) == b"bye"
        d.wait_log("relayed", msg="3")
    assert d.stop() == 0
    up.close()


def test_no_tls_begins_within_a_relay():
    up = Upstream(echo)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"})
    with d.connect("t") as c:
        c.sendall(b"no_tls_within_a_relay\n")
        d.wait_log("refused", msg="EBUSY")
        c.sendall(b"still")
        c.shutdown(socket.SHUT_WR)
        assert harness.receive_all(c) == b"still"
    assert d.stop() == 0
    up.close()


def test_a_drain_ends_a_quiet_relay():
    up = Upstream(hold)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"}, daemon={"shutdown": {"timeout": "60s"}})
    with d.connect("t") as c:
        c.sendall(b"relay\n")
        assert harness.receive_exactly(c, 2) == b"up"
        d.send(signal.SIGTERM)
        assert harness.receive_all(c) in (b"", b"ok\n")
    assert d.wait() == 0
    d.wait_log("conn_closed", reason="drain")
    d.wait_log("relayed", msg="2 ")
    up.close()


def test_a_relay_whose_peer_does_not_read_is_bounded():
    up = Upstream(lambda client: client.recv(1))
    # What the kernel keeps may grow to tcp_rmem, which is as much as the bound and more, unless somebody says how much.
    up.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"}, daemon={"shutdown": {"timeout": "200ms"}},
                        socket={"receive_buffer": "256KiB"})
    with d.connect("t") as c:
        c.settimeout(1)
        c.sendall(b"relay\n")
        sent = 0
        try:
            while sent < 64 * MIB:
                sent += c.send(bytes(65536))
        except TimeoutError:
            pass
        assert sent < 32 * MIB, sent
    assert d.stop() == 0
    up.socket.close()


def test_what_was_dialled_ends_with_its_scope():
    ended = threading.Event()

    def watch(client):
        echo(client)
        ended.set()

    up = Upstream(watch)
    d = scenarios.serve("dial", config={"to": f"tcp://127.0.0.1:{up.port}"})
    with d.connect("t") as c:
        c.sendall(b"leave_it_open\n")
        assert harness.receive_exactly(c, 5) == b"left\n"
    assert ended.wait(harness.PATIENCE_S)
    assert d.stop() == 0
    up.close()


if __name__ == "__main__":
    harness.main()
