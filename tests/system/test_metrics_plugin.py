#!/usr/bin/env python3
"""The metrics plugin under real HTTP clients: what they read is what sockctl says, and nobody can hold it up."""

import concurrent.futures
import email.utils
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from harness import Daemon

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def start(tmp, config=None, daemon=None, **listener):
    """The admin socket's place is the default one, so the plugin finds it by itself."""
    return Daemon({"m": {"listen": ["tcp://127.0.0.1:0", f"unix://{tmp}/m"], "handler": {"plugin": "metrics", "config": config or {}},
                         **listener},
                   "echo": {"listen": "tcp://127.0.0.1:0", "handler": "echo"}}, daemon={"threads": 2, **(daemon or {})}).start()


def client(d):
    return http.client.HTTPConnection(*d.addr("m", "tcp").sockaddr, timeout=harness.PATIENCE_S)


def get(d, path, method="GET", headers=None):
    """@return the response, and its body"""
    c = client(d)
    try:
        c.request(method, path, headers=headers or {})
        response = c.getresponse()
        return response, response.read().decode()
    finally:
        c.close()


def names_of(text):
    return set(re.findall(r"^(\w+)", text, re.MULTILINE))


def test_metrics_are_those_that_sockctl_prints(tmp):
    with start(tmp) as d:
        with d.connect("echo") as c:
            c.sendall(b"12345")
            assert harness.receive_exactly(c, 5) == b"12345"
            response, text = get(d, "/metrics")

        assert (response.status, response.getheader("Content-Type")) == (200, EXPOSITION)
        assert response.getheader("Cache-Control") == "no-store"
        assert email.utils.parsedate_to_datetime(response.getheader("Date")).year >= 2020
        assert 'sockd_connections_accepted_total{listener="echo"} 1\n' in text
        assert "# TYPE sockd_connections_open gauge\n" in text and text.endswith("\n") and "\\n" not in text
        assert names_of(text) == names_of(d.sockctl("metrics").stdout)


def test_status_is_the_json_of_sockctl(tmp):
    with start(tmp) as d:
        response, text = get(d, "/status")

        assert (response.status, response.getheader("Content-Type")) == (200, "application/json")
        said, asked = json.loads(text), d.ask("status")
        assert said["state"] == "serving" and said["pid"] == asked["pid"] == d.process.pid
        assert said.keys() == asked.keys()


def test_it_is_alive_and_ready_while_it_serves(tmp):
    with start(tmp) as d:
        for path in ("/livez", "/readyz"):
            response, text = get(d, path)
            assert (response.status, text) == (200, "ok\n"), path


def test_a_daemon_that_drains_is_alive_and_not_ready(tmp):
    with start(tmp, {"keep": "0"}, daemon={"shutdown": {"timeout": "1h", "spread": "1h"}}) as d:
        kept, others = client(d), [client(d) for _ in range(4)]
        for c in (kept, *others):  # each stays, and has its place in the spread
            c.request("GET", "/readyz")
            assert c.getresponse().read() == b"ok\n"
        d.send(signal.SIGTERM)
        d.wait_log("draining")

        answers = []
        for c in (kept, *others):
            try:
                c.request("GET", "/readyz")
                response = c.getresponse()
                answers.append((response.status, response.read()))
            except (http.client.RemoteDisconnected, ConnectionError):
                pass  # its turn had come
            c.close()

        assert answers and set(answers) == {(503, b"sockd does not serve new clients\n")}, answers
        assert d.wait() == 0


def test_curl_reads_it_over_both_transports(tmp):
    harness.need_tool("curl")
    with start(tmp) as d:
        port = d.addr("m", "tcp").sockaddr[1]
        curl = ["curl", "-sS", "--fail", "--max-time", str(harness.PATIENCE_S)]
        over_tcp = subprocess.run([*curl, f"http://127.0.0.1:{port}/metrics"], capture_output=True, text=True, check=True)
        over_unix = subprocess.run([*curl, "--unix-socket", f"{tmp}/m", "http://localhost/livez", "http://localhost/readyz"],
                                   capture_output=True, text=True, check=True)
        head = subprocess.run([*curl, "-I", f"http://127.0.0.1:{port}/metrics"], capture_output=True, text=True, check=True)
        post = subprocess.run([*curl, "-d", "x=1", f"http://127.0.0.1:{port}/metrics"], capture_output=True, text=True, check=False)

    assert over_tcp.stdout.startswith("# HELP sockd_") and over_unix.stdout == "ok\nok\n"
    assert re.search(r"^Content-Length: [1-9]\d+\r?$", head.stdout, re.MULTILINE), head
    assert post.returncode == 22 and "413" in post.stderr, post


def test_refusals_reach_the_client(tmp):
    with start(tmp) as d:
        assert get(d, "/nothing")[0].status == 404
        refused, _ = get(d, "/metrics", method="DELETE")
        assert (refused.status, refused.getheader("Allow")) == (405, "GET, HEAD")
        assert get(d, "/metrics", headers={"X-Long": 20000 * "x"})[0].status == 431
        assert get(d, "/" + 20000 * "x")[0].status == 414
        with harness.connect(d.addr("m", "tcp")) as c:
            c.sendall(b"nonsense\r\n\r\n")
            assert harness.receive_all(c).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_connection_serves_many_requests(tmp):
    with start(tmp) as d:
        c = client(d)
        for path in 20 * ("/metrics", "/livez", "/nothing"):
            c.request("GET", path)
            assert c.getresponse().read()
        c.close()
        harness.wait_until(lambda: 'sockd_connections_open{listener="m"} 0\n' in d.sockctl("metrics").stdout, "its end")
        text = d.sockctl("metrics").stdout
        assert 'sockd_connections_accepted_total{listener="m"} 1\n' in text
        assert re.search(r'^sockd_plugin_metrics_requests_total\{.*\} 60$', text, re.MULTILINE), text


def test_answers_are_longer_than_any_buffer(tmp):
    """Each listener has its lines: 150 of them are some hundred KiB, many times what a buffer holds."""
    many = {f"listener-{i:03}": {"listen": f"unix:@sockd-metrics-{os.getpid()}-{i}", "handler": "echo"} for i in range(150)}
    with Daemon({"m": {"listen": "tcp://127.0.0.1:0", "handler": "metrics", "buffers": {"read": "4KiB", "write": "4KiB"}}, **many},
                daemon={"threads": 1}).start() as d:
        _, text = get(d, "/metrics")

        assert len(text) > 100_000 and text.endswith("\n"), len(text)
        assert 'sockd_connections_open{listener="listener-149"} 0\n' in text
        assert names_of(text) == names_of(d.sockctl("metrics").stdout)


def test_many_clients_at_once_cost_the_daemon_little(tmp):
    with start(tmp, {"keep": "60s"}) as d, concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: get(d, "/metrics"), range(200)))

        assert all(response.status == 200 and text.endswith("\n") for response, text in answers)
        assert len({text for _, text in answers}) <= 2, "each loop asks once"
        assert d.sockctl("status").returncode == 0


def test_without_keep_each_answer_is_new(tmp):
    with start(tmp, {"keep": "0"}) as d:
        c = client(d)
        for number in range(3):
            with d.connect("echo") as e:
                e.sendall(b"x")
                assert harness.receive_exactly(e, 1) == b"x"
            c.request("GET", "/metrics")
            assert f'sockd_connections_accepted_total{{listener="echo"}} {number + 1}\n' in c.getresponse().read().decode()
        c.close()


def test_a_daemon_that_does_not_answer_is_told_once_and_never_waited_for(tmp):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(tmp / "silent"))
        silent.listen()
        with start(tmp, {"admin": f"unix://{tmp}/silent", "timeout": "100ms"}, daemon={"threads": 1}) as d:
            for _ in range(3):
                response, text = get(d, "/livez")
                assert response.status == 503 and "does not answer" in text
            with d.connect("echo") as c:  # the one loop is free
                c.sendall(b"x")
                assert harness.receive_exactly(c, 1) == b"x"
            d.wait_log("metrics_no_answer", level="error", msg=lambda text: text.endswith("/silent: Connection timed out"))
            assert len(d.find_logs("metrics_no_answer")) == 1
            silent.close()
            (tmp / "silent").unlink()
            (tmp / "silent").symlink_to(d.dir / "admin.sock")
            assert get(d, "/livez")[0].status == 200
            d.wait_log("metrics_answer", level="notice")


def test_an_answer_that_is_none_is_a_503(tmp):
    for number, said in enumerate((b"hello\n", b'{"error":"not \\u0074oday"}\n', b'{"done":{"text":17}}\n', b'{"done":{"text":"\\ud800"}}\n', b'{"done"', b"")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as odd:
            place = tmp / f"odd{number}"
            odd.bind(str(place))
            odd.listen()
            odd.settimeout(harness.PATIENCE_S)
            with start(tmp, {"admin": f"unix://{place}"}) as d:
                with concurrent.futures.ThreadPoolExecutor(1) as pool:
                    answer = pool.submit(get, d, "/metrics")
                    peer, _ = odd.accept()
                    with peer:
                        assert peer.recv(100) == b'{"verb":"metrics"}\n'
                        peer.sendall(said)
                    assert answer.result(harness.PATIENCE_S)[0].status == 503, said
                if b"error" in said:
                    d.wait_log("metrics_no_answer", msg=lambda text: "not today" in text)
        (tmp / "m").unlink(missing_ok=True)


def test_a_slow_client_is_ended_by_the_timeouts_of_the_listener(tmp):
    with start(tmp, timeouts={"first_byte": "100ms", "idle": "300ms", "lifetime": "2s"}) as d:
        with harness.connect(d.addr("m", "tcp")) as mute:
            assert harness.receive_all(mute) == b""
        with harness.connect(d.addr("m", "tcp")) as stuck:
            stuck.sendall(b"GET /metrics HT")
            assert harness.receive_all(stuck) == b""
        with harness.connect(d.addr("m", "tcp")) as dripping:
            dripping.sendall(b"GET /metrics HTTP/1.1\r\n")
            try:
                harness.wait_until(lambda: dripping.send(b"x") == 0, "an error, as it must")
            except OSError:
                pass
        d.wait_log("conn_closed", listener="m", reason="first_byte_timeout")
        d.wait_log("conn_closed", listener="m", reason="idle_timeout")
        d.wait_log("conn_closed", listener="m", reason="lifetime_timeout")


def test_the_admin_socket_is_a_unix_one(tmp):
    d = Daemon({"m": {"listen": f"unix://{tmp}/m", "handler": {"plugin": "metrics", "config": {"admin": "tcp://127.0.0.1:1"}}}})
    d.launch()
    assert d.wait() == 78
    assert "the admin socket is a unix:// one" in "\n".join(d.lines), d.lines
    d.close()


if __name__ == "__main__":
    harness.main()
