#!/usr/bin/env python3
"""The proxy plugin before servers of every kind: plain ones, dead ones, ones that end their side first."""

import os
import queue
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon


class Server:
    """A tcp server in a thread: each connection is handed to a function."""

    def __init__(self, handle):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.handle, self.accepted = handle, 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        with c:
            try:
                self.handle(c)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def says(text):
    return lambda c: c.sendall(text)


def echo(c):
    while data := c.recv(65536):
        c.sendall(data)


def dead_url():
    """An address where nobody listens."""
    return f"tcp://127.0.0.1:{harness.free_port()}"


def start(*upstream, listen="tcp://127.0.0.1:0", **config):
    return Daemon({"p": {"listen": listen, "handler": {"plugin": "proxy",
                                                       "config": {"upstream": list(upstream), **config}}}}).start()


def ask(d):
    with d.connect("p") as c:
        c.shutdown(socket.SHUT_WR)
        return harness.receive_all(c)


def test_bytes_go_both_ways_and_ends_are_carried():
    data = os.urandom(4 << 20)
    server = Server(echo)
    with start(server.url) as d, d.connect("p") as c:
        sender = threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR)))
        sender.start()
        assert harness.receive_all(c) == data
        sender.join()


def test_a_server_may_end_its_side_first():
    got = []

    def handle(c):
        c.sendall(b"bye")
        c.shutdown(socket.SHUT_WR)
        got.append(harness.receive_all(c))

    server = Server(handle)
    with start(server.url) as d, d.connect("p") as c:
        assert harness.receive_all(c) == b"bye"
        c.sendall(b"still here")
        c.shutdown(socket.SHUT_WR)
        harness.wait_until(lambda: got == [b"still here"], "what the client sent after the server's end")


def test_servers_take_turns():
    a, b = Server(says(b"a")), Server(says(b"b"))
    with start(a.url, b.url) as d:
        assert sorted(ask(d) for _ in range(10)) == 5 * [b"a"] + 5 * [b"b"]


def test_a_dead_server_is_passed_over_and_told_once():
    good = Server(says(b"good"))
    with start(dead_url(), good.url, fail_time="1h") as d:
        assert [ask(d) for _ in range(10)] == 10 * [b"good"]
        harness.wait_until(lambda: d.find_logs("proxy_upstream_down"), "a line of it")
        assert len(d.find_logs("proxy_upstream_down")) == 1
        text = d.sockctl("metrics").stdout
        assert 'sockd_plugin_proxy_failures_total{plugin="proxy",listener="p"} 1\n' in text, text
        assert 'sockd_plugin_proxy_refused_total{plugin="proxy",listener="p"} 0\n' in text, text


def test_when_all_are_dead_the_client_is_reset_and_one_that_comes_back_is_used():
    port = harness.free_port()
    with start(f"tcp://127.0.0.1:{port}", dead_url(), fail_time="1h") as d:
        try:
            with d.connect("p") as c:  # the reset may be quicker than the client
                assert c.recv(1) == b""
        except ConnectionResetError:
            pass
        with socket.create_server(("127.0.0.1", port)) as listener:
            with d.connect("p") as c:
                s, _ = listener.accept()
                s.sendall(b"back")
                s.close()
                assert harness.receive_all(c) == b"back"
        d.wait_log("proxy_upstream_up", level="notice")


def test_an_address_stays_with_its_server():
    servers = [Server(says(b"%d" % i)) for i in range(4)]
    with start(*(s.url for s in servers), balance="source") as d:
        assert len({ask(d) for _ in range(8)}) == 1


def test_the_server_with_the_fewest_connections_is_next():
    a, b = Server(echo), Server(echo)
    with start(a.url, b.url, balance="least") as d:
        clients = []
        for _ in range(6):
            clients.append(d.connect("p"))
            clients[-1].sendall(b"x")
            assert clients[-1].recv(1) == b"x"
        assert (a.accepted, b.accepted) == (3, 3)
        for c in clients:
            c.close()


def test_the_client_is_told_in_a_proxy_header():
    server = Server(lambda c: c.sendall(harness.receive_exactly(c, 28)))
    with start(server.url, send_proxy=True) as d, d.connect("p") as c:
        header = harness.receive_exactly(c, 28)
        assert header[:16] == b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
        assert header[16:24] == socket.inet_aton("127.0.0.1") * 2
        assert struct.unpack("!HH", header[24:]) == (c.getsockname()[1], c.getpeername()[1])


def test_unix_on_both_sides(tmp):
    backend = Daemon({"e": {"listen": f"unix://{tmp}/backend", "handler": "echo"}}).start()
    with start(f"unix://{tmp}/backend", listen=f"unix://{tmp}/front") as d, d.connect("p") as c:
        c.sendall(b"hello")
        c.shutdown(socket.SHUT_WR)
        assert harness.receive_all(c) == b"hello"
    assert backend.stop() == 0


def test_a_broken_server_breaks_its_client():
    def handle(c):
        c.recv(1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server = Server(handle)
    with start(server.url) as d, d.connect("p") as c:
        c.sendall(b"x")
        try:
            assert c.recv(1) == b""
        except ConnectionResetError:
            pass
        broke = d.wait_log("proxy_upstream_broke", level="info")
        assert broke["msg"] == f"{server.url}: Connection reset by peer" and broke["conn"] == "1", broke


def reset(c):
    """Its end is a reset."""
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_server_that_dies_amid_its_answer_is_no_end():
    def handle(c):
        c.recv(1)
        c.sendall(100_000 * b"x")
        c.recv(1)  # the client has had some of it
        reset(c)

    server = Server(handle)
    with start(server.url) as d, d.connect("p") as c:
        c.sendall(b"x")
        assert len(harness.receive_exactly(c, 50_000)) == 50_000
        c.sendall(b"y")
        try:
            while c.recv(65536):
                pass
            raise AssertionError("a truncated answer ended as a whole one does")
        except ConnectionResetError:
            pass


def test_a_client_that_breaks_off_is_no_end_for_the_server():
    """Half of an upload is not to be taken for the whole."""
    ends = queue.Queue()

    def handle(c):
        try:
            assert harness.receive_exactly(c, 5) == b"first"
            c.sendall(b"go on")
            ends.put(c.recv(1))
        except ConnectionResetError:
            ends.put("reset")

    server = Server(handle)
    with start(server.url) as d:
        with d.connect("p") as c:
            c.sendall(b"first")
            assert harness.receive_exactly(c, 5) == b"go on"
            reset(c)
        assert ends.get(timeout=harness.PATIENCE_S) == "reset"
        assert d.wait_log("conn_closed", listener="p")["reason"] == "reset"
        assert d.find_logs("proxy_upstream_broke") == []


def test_a_client_that_ends_at_once_still_gets_its_answer():
    data = os.urandom(3 << 20)

    def handle(c):
        assert harness.receive_all(c) == b"GET"
        c.sendall(data)

    server = Server(handle)
    with start(server.url) as d, d.connect("p") as c:
        c.sendall(b"GET")
        c.shutdown(socket.SHUT_WR)
        assert harness.receive_all(c) == data


def test_a_client_that_does_not_read_holds_its_server_up():
    """What lies between them is bounded: by the sockets' buffers and the daemon's."""
    sent, data = [0], memoryview(64 * os.urandom(1 << 20))
    most = len(data)

    def handle(c):
        c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 10)
        c.recv(1)
        c.settimeout(1)
        try:
            while sent[0] < most:
                sent[0] += c.send(data[sent[0]:sent[0] + 65536])
        except TimeoutError:
            sent.append("held up")
        c.settimeout(harness.PATIENCE_S)
        while sent[0] < most:
            sent[0] += c.send(data[sent[0]:sent[0] + 65536])

    server = Server(handle)
    with start(server.url) as d, d.connect("p") as c:
        c.sendall(b"x")
        harness.wait_until(lambda: len(sent) == 2, "a server that can send no more")
        assert sent[0] < most / 2, sent
        assert harness.receive_all(c) == data


def test_counts_of_the_least_used_are_exact_after_a_storm():
    """Clients that end, reset, or leave while they are served: nothing of them is counted on."""
    a, b = Server(echo), Server(echo)
    with start(a.url, b.url, balance="least") as d:
        def one(i):
            for turn in range(20):
                c = d.connect("p")
                if (i + turn) % 3 > 0:
                    c.sendall(b"x")
                if (i + turn) % 3 == 1:
                    reset(c)
                c.close()
        threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        harness.wait_until(lambda: 'sockd_connections_open{listener="p"} 0\n' in d.sockctl("metrics").stdout, "all to be gone")
        before = a.accepted, b.accepted
        clients = [d.connect("p") for _ in range(10)]
        for c in clients:
            c.sendall(b"x")
            assert c.recv(1) == b"x"
        assert (a.accepted - before[0], b.accepted - before[1]) == (5, 5)
        for c in clients:
            c.close()


def test_datagrams_find_their_way_back():
    backend = Daemon({"e": {"listen": "udp://127.0.0.1:0", "handler": "echo"}}).start()
    port = backend.addr("e").sockaddr[1]
    with start(f"udp://127.0.0.1:{port}", listen="udp://127.0.0.1:0") as d:
        clients = [d.datagram("p") for _ in range(20)]
        for turn in range(5):
            for i, c in enumerate(clients):
                c.send(b"%d %d" % (i, turn))
            for i, c in enumerate(clients):
                assert c.recv(100) == b"%d %d" % (i, turn)
        clients[0].send(b"")
        assert clients[0].recv(100) == b""
        clients[0].send(60000 * b"x")
        assert clients[0].recv(65536) == 60000 * b"x"
        for c in clients:
            c.close()
    assert backend.stop() == 0


def test_one_list_serves_streams_and_datagrams():
    backend = Daemon({"e": {"listen": ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"], "handler": "echo"}}).start()
    urls = [a.url for a in backend.addresses("e")]
    with start(*urls, listen=["udp://127.0.0.1:0", "tcp://127.0.0.1:0"]) as d:
        for address in d.addresses("p"):
            datagram = address.transport == "udp"
            for _ in range(3):
                with d.datagram_to(address) if datagram else harness.connect(address) as c:
                    c.send(b"hello")
                    assert c.recv(100) == b"hello"
    assert backend.stop() == 0


def test_a_listener_without_servers_of_its_kind_is_told_once():
    with start("tcp://127.0.0.1:9", listen="udp://127.0.0.1:0") as d, d.datagram("p") as c:
        for refused in range(1, 6):
            c.send(b"x")
            line = f'sockd_plugin_proxy_refused_total{{plugin="proxy",listener="p"}} {refused}\n'
            harness.wait_until(lambda line=line: line in d.sockctl("metrics").stdout, "one more to be refused")
        d.wait_log("proxy_no_upstream", level="warning")
        assert len(d.find_logs("proxy_no_upstream")) == 1


def test_sessions_end_and_are_bounded():
    backend = Daemon({"e": {"listen": "udp://127.0.0.1:0", "handler": "echo"}}).start()
    url = f"udp://127.0.0.1:{backend.addr('e').sockaddr[1]}"
    with Daemon({"p": {"listen": "udp://127.0.0.1:0", "threads": "1", "handler": {"plugin": "proxy", "config": {
            "upstream": [url], "sessions": 2, "session_idle": "300ms"}}}}).start() as d:
        first, second, third = (d.datagram("p") for _ in range(3))
        for c in (first, second):
            c.send(b"x")
            assert c.recv(10) == b"x"
        third.settimeout(0.2)

        def third_is_served():
            third.send(b"x")
            try:
                return third.recv(10) == b"x"
            except TimeoutError:
                return False
        harness.wait_until(third_is_served, "a session that ended by itself")
        for c in (first, second, third):
            c.close()
    assert backend.stop() == 0


def test_redis_behind_it(tmp):
    harness.need_tool("redis-benchmark")
    backend = Daemon({"kv": {"listen": "tcp://127.0.0.1:0", "handler": "kv"}}).start()
    with start(f"tcp://127.0.0.1:{backend.addr('kv').sockaddr[1]}") as d:
        port = d.addr("p").sockaddr[1]
        result = subprocess.run(["redis-benchmark", "-p", str(port), "-t", "set,get", "-n", "2000", "-P", "4", "-c", "20",
                                 "--csv"], capture_output=True, text=True, timeout=harness.PATIENCE_S, check=True)
        assert len(result.stdout.splitlines()) >= 3 and "ERR" not in result.stdout + result.stderr, result
    assert backend.stop() == 0


def test_settings_that_mean_nothing_are_refused(tmp):
    for config, said in (({"upstream": []}, "names no server"), ({"upstream": ["http://x"]}, "is no address"),
                         ({"upstream": ["unixgram:///x"]}, "cannot be proxied"),
                         ({"upstream": ["tcp://x:1"], "server_name": "x"}, "means nothing without tls"),
                         ({"upstream": ["tcp://x:1"], "balance": "randomly"}, "cannot be 'randomly'")):
        d = Daemon({"p": {"listen": f"unix://{tmp}/s", "handler": {"plugin": "proxy", "config": config}}})
        d.launch()
        assert d.wait() == 78, config
        assert said in "\n".join(d.lines), (config, d.lines)
        d.close()


if __name__ == "__main__":
    harness.main()
