#!/usr/bin/env python3
"""Large flows through a relay, by pipes or by copies: whole, in order and with their ends, however slowly they are taken."""

import contextlib
import os
import random
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

MIB = 1 << 20
SMALL = 16 << 10
ONE_READ = (64 << 10) - 256  # of a relay: from then on it goes by pipe
PIPES_MAX = 64  # those that a loop has out at a time


class Relay:
    """A proxy of one loop before a server that is the test itself."""

    def __init__(self, splice=True, **listener):
        self.behind = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.behind.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)  # what it accepts has it too
        config = {"upstream": ["tcp://127.0.0.1:%d" % self.behind.getsockname()[1]]}
        self.d = Daemon({"p": {"listen": "tcp://127.0.0.1:0", "handler": {"plugin": "proxy", "config": config},
                               "splice": splice, "socket": {"send_buffer": "32KiB"}, **listener}}, daemon={"threads": 1})

    def __enter__(self):
        self.d.start()
        return self

    def __exit__(self, kind, *_):
        self.behind.close()
        if kind is None:
            assert self.d.stop() == 0

    def connect(self):
        """@return the client's socket and the server's"""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        client.settimeout(harness.PATIENCE_S)
        client.connect(self.d.addr("p").sockaddr)
        server, _ = self.behind.accept()
        server.settimeout(harness.PATIENCE_S)
        return client, server

    def pipe_ends(self):
        count = 0
        for pid in self.d.pids():
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("pipe:")
                except FileNotFoundError:
                    pass  # it was closed meanwhile
        return count


def send(s, data):
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)


def send_until_refused(s, data):
    try:
        s.sendall(data)
        raise AssertionError("it took all")
    except ConnectionError:
        s.close()


def take_as_it_pleases(s, dice):
    """Pieces of any size, with rests between them: the relay's writes come out short in all ways."""
    taken = []
    while piece := s.recv(dice.choice((1, 700, 5000, SMALL, 200_000))):
        taken.append(piece)
        if dice.random() < 0.02:
            time.sleep(0.002)  # so that the relay finds the socket full
    return b"".join(taken)


def in_threads(*calls):
    """@return what each has returned"""
    results = [None] * len(calls)

    def run(i, call):
        results[i] = call()
    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


def carries_both_ways(r, dice, seed):
    up, down = os.urandom(dice.randrange(MIB, 8 * MIB)), os.urandom(dice.randrange(MIB, 8 * MIB))
    client, server = r.connect()
    _, _, at_client, at_server = in_threads(
        lambda: send(client, up), lambda: send(server, down),
        lambda: take_as_it_pleases(client, random.Random(seed)),
        lambda: take_as_it_pleases(server, random.Random(seed + 1)))
    assert at_client == down and at_server == up, f"seed {seed}"
    client.close()
    server.close()


def test_both_ways_at_once_each_byte_arrives_in_its_place():
    for splice in (True, False):
        with Relay(splice) as r:
            before = r.pipe_ends()
            for seed in range(4):
                carries_both_ways(r, random.Random(seed), seed)
            assert (r.pipe_ends() > before) == splice


def test_a_drain_waits_for_what_lies_in_a_pipe():
    """The client has said all and the server takes nothing: the end comes when it has. What flows fast goes by a pipe, so
    it flows until it does."""
    data, taken = os.urandom(8 * MIB), []

    def goes_by_a_pipe():
        if r.pipe_ends() == before:
            taken.append(server.recv(SMALL))
        return r.pipe_ends() > before
    with Relay() as r:
        before = r.pipe_ends()
        client, server = r.connect()
        sender = threading.Thread(target=send, args=(client, data))
        sender.start()
        harness.wait_until(goes_by_a_pipe, "a pipe")
        r.d.send(signal.SIGTERM)
        r.d.wait_log("draining")
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        assert b"".join(taken) + harness.receive_all(server) == data
        sender.join()
        server.close()
        assert harness.receive_all(client) == b""
        client.close()


def send_what_fits(s, data):
    """@return how much of it the peer's kernel has taken, when it takes no more"""
    s.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < len(data):
            sent += s.send(data[sent:])
    s.setblocking(True)
    time.sleep(0.05)  # on its way
    return sent - harness.unsent(s)


def drain_waits_for_the_kernel(splice):
    data = os.urandom(8 * MIB)
    with Relay(splice, socket={"receive_buffer": "128KiB"}) as r:
        client, server = r.connect()
        client.sendall(b"x")
        assert server.recv(1) == b"x"
        with r.d.standing_still():
            taken = send_what_fits(client, data)
            assert taken > 32 << 10, taken
            r.d.send(signal.SIGTERM)
        r.d.wait_log("draining")
        got = harness.receive_all(server)
        assert len(got) >= taken and data.startswith(got), (len(got), taken)
        client.close()
        server.close()


def test_a_drain_waits_for_what_lies_in_the_kernel():
    """All that the relay has read is passed on when the drain comes; much is there that it has not read."""
    for splice in (True, False):
        drain_waits_for_the_kernel(splice)


def test_many_small_pieces_fill_a_pipe_before_its_bytes_do():
    """A pipe has a number of places. What it leaves in the socket is passed on without more having to come."""
    one_read, small = os.urandom(ONE_READ), os.urandom(4000)
    with Relay(socket={"receive_buffer": "256KiB"}) as r:
        pairs = [r.connect() for _ in range(2)]  # two in turn, so that no piece lies beside the one before it
        for client, server in pairs:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(b"x")
            assert server.recv(1) == b"x"
        with r.d.standing_still():
            for client, _ in pairs:
                client.sendall(one_read)
        for _, server in pairs:
            assert harness.receive_exactly(server, len(one_read)) == one_read
        with r.d.standing_still():
            for i in range(0, len(small), 10):
                for client, _ in pairs:
                    client.sendall(small[i:i + 10])
        for client, server in pairs:
            assert harness.receive_exactly(server, len(small)) == small
            client.close()
            server.close()


def flowing(r, down=False):
    """A pair whose flow to the server, or down to the client, goes by pipe: it has brought all that a read takes."""
    one_read = os.urandom(ONE_READ)
    client, server = r.connect()
    client.sendall(b"x")
    assert server.recv(1) == b"x"
    source, sink = (server, client) if down else (client, server)
    with r.d.standing_still():
        source.sendall(one_read)
    assert harness.receive_exactly(sink, len(one_read)) == one_read
    return client, server


def test_what_lies_behind_urgent_data():
    """A pipe is given nothing from the mark on."""
    with Relay(socket={"receive_buffer": "256KiB"}) as r:
        for ends in (False, True):
            client, server = flowing(r)
            with r.d.standing_still():
                client.send(b"!", socket.MSG_OOB)
                client.sendall(b"behind")
                if ends:
                    client.shutdown(socket.SHUT_WR)
            assert harness.receive_exactly(server, 6) == b"behind"
            if not ends:
                client.sendall(b"later")
                assert harness.receive_exactly(server, 5) == b"later"
                client.shutdown(socket.SHUT_WR)
            assert server.recv(1) == b""
            client.close()
            server.close()


def test_a_client_that_breaks_off_behind_the_end_of_its_server():
    """Nobody reads of it, since the server takes nothing; that its end cannot be told tells that it is gone."""
    for splice in (True, False):
        with Relay(splice) as r:
            client, server = r.connect()
            send_what_fits(client, os.urandom(32 * MIB))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            server.shutdown(socket.SHUT_WR)
            assert r.d.wait_log("conn_closed")["reason"] == "reset"
            server.close()


def test_a_moment_without_bytes_does_not_end_a_flow():
    with Relay() as r:
        client, server = r.connect()
        client.sendall(b"one ")
        assert server.recv(4) == b"one "
        r.d.send(signal.SIGTERM)
        r.d.wait_log("draining")
        client.sendall(b"two")
        assert server.recv(3) == b"two"
        server.sendall(b"three")
        assert harness.receive_all(client) == b"three"
        client.close()
        server.close()


def test_a_server_that_thinks_is_waited_for():
    with Relay() as r:
        client, server = r.connect()
        client.sendall(b"question")
        assert server.recv(8) == b"question"
        r.d.send(signal.SIGTERM)
        r.d.wait_log("draining")
        time.sleep(1.5)  # longer than an idle relay is left alone
        server.sendall(b"answer")
        assert harness.receive_all(client) == b"answer"
        client.close()
        server.close()


def test_the_answer_to_a_client_that_has_said_all_is_waited_for():
    with Relay() as r:
        client, server = r.connect()
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert harness.receive_all(server) == b"question"
        r.d.send(signal.SIGTERM)
        r.d.wait_log("draining")
        server.sendall(b"ans")
        assert client.recv(3) == b"ans"
        server.sendall(b"wer")
        server.close()
        assert harness.receive_all(client) == b"wer"
        client.close()


def test_a_client_that_takes_nothing_is_cut_and_its_pipe_closed():
    with Relay(timeouts={"write": "300ms"}) as r:
        before = r.pipe_ends()
        client, server = r.connect()
        sender = threading.Thread(target=send_until_refused, args=(server, os.urandom(32 * MIB)))
        sender.start()
        assert r.d.wait_log("conn_closed")["reason"] == "write_timeout"
        sender.join()
        assert r.pipe_ends() <= before + 2  # the loop's own
        client.close()


def test_pipes_run_out_and_all_is_carried_still():
    count, data = PIPES_MAX + 8, os.urandom(2 * MIB)
    with Relay() as r:
        before = r.pipe_ends()
        pairs = [flowing(r, down=True) for _ in range(count)]
        senders = [threading.Thread(target=send, args=(server, data)) for _, server in pairs]
        for t in senders:
            t.start()
        harness.wait_until(lambda: r.pipe_ends() >= before + 2 * PIPES_MAX, "all pipes to be out")
        assert r.pipe_ends() <= before + 2 * (PIPES_MAX + 1)
        for client, server in pairs:
            assert harness.receive_all(client) == data
            client.shutdown(socket.SHUT_WR)
            assert server.recv(1) == b""
        for t in senders:
            t.join()
        assert r.pipe_ends() <= before + 2
        for pair in pairs:
            for s in pair:
                s.close()


if __name__ == "__main__":
    harness.main()
