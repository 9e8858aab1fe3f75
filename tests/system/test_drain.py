#!/usr/bin/env python3
"""Draining: who is ended at once, who may finish, who is cut, and what the numbers say."""

import concurrent.futures
import os
import signal
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
import scenarios
from certs import Authority
from harness import Daemon

MIB = 1 << 20


def listener(plugin="echo", **more):
    return {"echo": {"listen": "tcp://127.0.0.1:0", "handler": plugin, **more}}


def roundtrip(c):
    c.sendall(b"x")
    assert harness.receive_exactly(c, 1) == b"x"


def numbers(d):
    stopped = d.wait_log("stopped")
    return {key: int(stopped[key]) for key in ("served", "drained", "forced")}


# A server that holds more than a megabyte for a client, and a client whose kernel takes little of it.
BIG = {"buffers": {"write": "4MiB"}, "socket": {"send_buffer": "64KiB", "receive_buffer": "64KiB"}}


def fill(c):
    """Have a server with BIG buffers owe so much that no kernel takes it off its hands."""
    roundtrip(c)
    c.sendall(bytes(2 * MIB))
    harness.wait_until(lambda: not harness.unsent(c), "the server to take it")


def test_idle_clients_get_their_end_at_once():
    for plugin in ("echo", "echo-serve"):
        d = Daemon(listener(plugin), daemon={"shutdown": {"timeout": "60s"}}).start()
        clients = [d.connect("echo") for _ in range(5)]
        for c in clients:
            roundtrip(c)

        d.send(signal.SIGTERM)
        for c in clients:
            assert c.recv(1) == b""
            c.close()

        assert d.wait() == 0
        assert numbers(d) == {"served": 5, "drained": 5, "forced": 0}


def test_a_client_that_never_sent_gets_its_end_too():
    d = Daemon(listener()).start()
    with d.connect("echo") as c:
        d.wait_note("STATUS", "serving 1 listener, 1 connection")
        d.send(signal.SIGTERM)
        assert c.recv(1) == b""
    assert d.wait() == 0


def test_new_clients_are_refused_while_it_drains():
    d = Daemon(listener(**BIG), daemon={"shutdown": {"timeout": "30s"}}).start()
    address = d.addr("echo")
    with d.connect("echo", receive_buffer=4096) as busy:
        fill(busy)
        d.send(signal.SIGTERM)
        d.wait_log("draining")

        def refused():
            try:
                with harness.connect(address) as c:
                    return c.recv(1) == b""
            except ConnectionError:
                return True

        harness.wait_until(refused, "an end of accepting")
        assert d.exit_status is None
        d.send(signal.SIGTERM)
        assert d.wait() == 0


def test_what_was_sent_before_the_drain_is_answered():
    for plugin in ("echo", "echo-serve"):
        d = Daemon(listener(plugin)).start()
        with d.connect("echo") as c:
            roundtrip(c)
            c.sendall(b"last words")
            d.send(signal.SIGTERM)
            assert harness.receive_all(c) == b"last words"
        assert d.wait() == 0


def test_what_lies_in_the_kernel_when_it_begins_is_answered():
    """The server owes so much that it reads no more: the rest waits in its socket."""
    owing = {"buffers": {"write": "8KiB"}, "socket": {"send_buffer": "64KiB", "receive_buffer": "192KiB"}}
    data = os.urandom(96 << 10)
    for plugin in ("echo", "echo-serve"):
        d = Daemon(listener(plugin, **owing), daemon={"shutdown": {"timeout": "60s"}}).start()
        with d.connect("echo", receive_buffer=4096) as c:
            c.sendall(data)
            harness.wait_until(lambda: not harness.unsent(c), "the server's kernel to take it")
            d.send(signal.SIGTERM)
            d.wait_log("draining")
            got = harness.receive_all(c)
            assert got == data, (plugin, len(got))
        assert d.wait() == 0


def test_a_slow_reader_gets_all_of_it():
    for plugin in ("echo", "echo-serve"):
        d = Daemon(listener(plugin, **BIG), daemon={"shutdown": {"timeout": "60s"}}).start()
        with d.connect("echo", receive_buffer=8192) as c:
            c.sendall(bytes(MIB))
            d.send(signal.SIGTERM)
            d.wait_log("draining")
            got = 0
            while part := c.recv(32768):
                got += len(part)
                time.sleep(0.002)  # slow on purpose
            assert got == MIB, got
        assert d.wait() == 0
        assert numbers(d) == {"served": 1, "drained": 1, "forced": 0}


def test_a_stuck_client_is_cut_at_the_deadline():
    for plugin in ("echo", "echo-serve"):
        d = Daemon(listener(plugin, **BIG), daemon={"shutdown": {"timeout": "1s"}}).start()
        with d.connect("echo", receive_buffer=4096) as c:
            fill(c)
            began = time.monotonic()

            d.send(signal.SIGTERM)

            assert d.wait() == 0
            assert time.monotonic() - began >= 0.9
        assert numbers(d) == {"served": 1, "drained": 0, "forced": 1}
        assert d.wait_log("drain_forced", level="warning")["forced"] == "1"
        d.wait_log("conn_closed", reason="drain_forced")


def test_a_second_signal_stops_now():
    d = Daemon(listener(**BIG), daemon={"shutdown": {"timeout": "60s"}}).start()
    with d.connect("echo", receive_buffer=4096) as c:
        fill(c)
        d.send(signal.SIGTERM)
        d.wait_log("draining", connections="1")
        d.send(signal.SIGTERM)

        assert d.wait() == 0

    assert numbers(d)["forced"] == 1
    d.wait_log("conn_closed", reason="shutdown")


def test_progress_is_told_while_it_drains():
    d = Daemon(listener(**BIG), daemon={"shutdown": {"timeout": "3s"}}).start()
    with d.connect("echo", receive_buffer=4096) as c, d.connect("echo") as idle:
        roundtrip(idle)
        fill(c)
        d.send(signal.SIGTERM)
        assert d.wait() == 0

    told = [text for text in d.status_lines() if text.startswith("draining")]
    assert told[0].startswith("draining 2/2, 3s left"), told
    assert any(text.startswith("draining 1/2, ") for text in told), told
    assert len([1 for key, _ in d.notes if key == "EXTEND_TIMEOUT_USEC"]) >= 2


def test_spread_ends_idle_clients_one_after_the_other():
    d = Daemon(listener(), daemon={"shutdown": {"timeout": "30s", "spread": "2s"}}).start()
    clients = [d.connect("echo") for _ in range(20)]
    for c in clients:
        roundtrip(c)
    began = time.monotonic()

    d.send(signal.SIGTERM)
    ends = []
    for c in clients:
        assert c.recv(1) == b""
        ends.append(time.monotonic() - began)
        c.close()

    assert d.wait() == 0
    assert 0.5 < max(ends) < 10, ends
    assert numbers(d)["drained"] == 20


def test_a_client_that_ends_by_itself_while_it_drains_counts_as_drained():
    d = Daemon(listener(**BIG), daemon={"threads": 1, "shutdown": {"timeout": "60s"}}).start()
    c = d.connect("echo", receive_buffer=4096)
    fill(c)
    d.send(signal.SIGTERM)
    harness.wait_until(lambda: d.addr("echo")[1] not in harness.tcp_listeners().values(), "the loop to drain")
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.close()

    assert d.wait() == 0
    assert numbers(d) == {"served": 1, "drained": 1, "forced": 0}


def test_datagram_listeners_answer_what_was_queued():
    d = Daemon({"echo": {"listen": "udp://127.0.0.1:0", "handler": "echo"}}).start()
    with d.datagram("echo") as c:
        c.send(b"before")
        assert c.recv(100) == b"before"

        assert d.stop() == 0


def test_a_plugin_that_holds_a_loop_does_not_hold_the_end(tmp):
    stuck = harness.build_plugin(tmp, "stuck", """
#include <sockd/plugin.h>
#include <unistd.h>
static void data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r; (void)w;
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "held", "%s", "for ever");
	for (;;)
		pause();
}
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "stuck", .version = "1",
	.data = data };
""")
    d = Daemon({"echo": {"listen": f"unix://{tmp}/s", "handler": str(stuck)}}).start()
    with d.connect("echo") as c:
        c.sendall(b"x")
        d.wait_log("held")
        d.send(signal.SIGTERM)
        d.wait_log("draining")
        d.send(signal.SIGTERM)

        assert d.wait(harness.PATIENCE_S + 10) == 70

    d.wait_log("stuck", level="error")
    assert not (tmp / "s").exists()


def test_a_terminal_is_told_how_to_stop_now():
    d = Daemon(listener(**BIG), daemon={"shutdown": {"timeout": "25s"}})
    terminal, ours = os.openpty()
    process = harness.subprocess.Popen(d.command, stdin=harness.subprocess.DEVNULL, stdout=harness.subprocess.PIPE,
                                       stderr=ours, env=d.env, cwd=d.dir)
    os.close(ours)
    said = b""
    try:
        while b"event=ready" not in said:
            said += os.read(terminal, 65536)
        url = said.decode().split("address=")[1].split()[0]
        with harness.connect(harness.parse_url(url), receive_buffer=4096) as c:
            fill(c)
            process.send_signal(signal.SIGINT)
            while b"again to stop now" not in said:
                said += os.read(terminal, 65536)
            process.send_signal(signal.SIGINT)
            assert process.wait(harness.PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(terminal)
        d.notify.close()
    assert b"draining: 1 connection, 25s left (again to stop now)" in said, said


def test_socket_files_are_removed_at_the_end(tmp):
    for number in (signal.SIGTERM, signal.SIGQUIT):
        d = Daemon({"a": {"listen": f"unix://{tmp}/s", "handler": "echo"},
                    "b": {"listen": f"unixgram://{tmp}/g", "handler": "echo"}}).start()
        assert (tmp / "s").exists() and (tmp / "g").exists()

        assert d.stop(number) == 0

        assert list(tmp.iterdir()) == []


def test_a_relay_in_event_style_keeps_its_flow():
    """A fiber has the input: at its place in the drain nothing of it is data()'s."""
    data, behind = bytes(range(32)) * (MIB // 2), socket.create_server(("127.0.0.1", 0))
    d = scenarios.serve("borrowed", scenarios.STREAMS[:1], {"to": "tcp://127.0.0.1:%d" % behind.getsockname()[1]},
                        daemon={"threads": 1, "shutdown": {"timeout": "60s"}})
    pairs = []
    for _ in range(6):
        client = d.connect("t")
        client.sendall(b"r")
        pairs.append((client, behind.accept()[0]))
    senders = [threading.Thread(target=client.sendall, args=(data,)) for client, _ in pairs]
    takers = [concurrent.futures.ThreadPoolExecutor(1).submit(harness.receive_exactly, server, len(data)) for _, server in pairs]
    for t in senders:
        t.start()
    d.send(signal.SIGTERM)
    d.wait_log("draining")
    for taker in takers:
        assert taker.result() == data
    for t in senders:
        t.join()
    for client, server in pairs:
        assert harness.receive_all(client) == b""
        client.close()
        server.close()
    behind.close()
    assert d.wait() == 0


class Records:
    """A client of TLS whose records are in the test's hands."""

    def __init__(self, sock, ca):
        self.sock, self.incoming, self.outgoing = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(ca.cert))
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.wait_for(self.tls.do_handshake)

    def wait_for(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                self.incoming.write(self.sock.recv(65536))
            finally:
                self.sock.sendall(self.outgoing.read())

    def record(self, data):
        self.tls.write(data)
        return self.outgoing.read()

    def ask(self, data):
        self.sock.sendall(self.record(data))
        assert self.wait_for(lambda: self.tls.read(len(data))) == data


def test_a_part_of_a_record_keeps_nobody_busy(tmp):
    """When the drain looks, bytes are there to be read; what they turn out to be is no message yet."""
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    d = scenarios.serve("unhurried", scenarios.STREAMS[:1], tls={"certificates": [{"cert": str(site.cert), "key": str(site.key)}]},
                        daemon={"threads": 1, "shutdown": {"timeout": "60s"}})
    with d.connect("t") as sock:
        client = Records(sock, ca)
        client.ask(b"b")
        d.send(signal.SIGTERM)
        d.wait_log("draining")
        for _ in range(3):
            client.ask(b"b")  # its place in the drain has come by then
        client.ask(b"q")
        sock.sendall(client.record(b"x" * 100)[:50])
        assert client.wait_for(lambda: client.tls.read(1)) == b""
    assert d.wait() == 0
    assert numbers(d)["forced"] == 0


if __name__ == "__main__":
    harness.main()
