#!/usr/bin/env python3
"""The exec plugin: programs of every kind of behaviour as handlers."""

import os
import socket
import ssl
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import harness
from certs import Authority
from harness import Daemon


def listener(*command, listen="tcp://127.0.0.1:0", **config):
    return {"x": {"listen": listen, "handler": {"plugin": "exec", "config": {"command": list(command), **config}}}}


def shell(script, **config):
    return listener("/bin/sh", "-c", script.replace("$", "$$"), **config)  # one `$` is the configuration's


def talk(d, sent=b""):
    with d.connect("x") as c:
        c.sendall(sent)
        c.shutdown(socket.SHUT_WR)
        return harness.receive_all(c)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_filter_gets_all_and_answers_all():
    data = os.urandom(2 << 20)
    with Daemon(listener("/bin/cat")).start() as d:
        with d.connect("x") as c:
            sender = threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR)))
            sender.start()
            answer = harness.receive_all(c)
            sender.join()
        assert answer == data


def test_the_client_is_in_the_environment(tmp):
    with Daemon(listener("/usr/bin/env", environment=["COLOUR=blue and green"])).start() as d:
        with d.connect("x") as c:
            ours, theirs = c.getsockname(), c.getpeername()
            lines = harness.receive_all(c).decode().splitlines()
        assert sorted(lines) == sorted([
            "COLOUR=blue and green", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PROTO=TCP",
            "TCPREMOTEIP=127.0.0.1", f"TCPREMOTEPORT={ours[1]}", "TCPLOCALIP=127.0.0.1", f"TCPLOCALPORT={theirs[1]}"])
    with Daemon(listener("/usr/bin/env", listen=f"unix://{tmp}/s")).start() as d:
        lines = talk(d).decode().splitlines()
        assert {"PROTO=UNIX", f"UNIXLOCALPATH={tmp}/s", f"UNIXREMOTEPID={os.getpid()}",
                f"UNIXREMOTEEUID={os.geteuid()}"} <= set(lines)


def test_names_are_looked_up_where_that_is_asked():
    with Daemon(listener("/usr/bin/env", names=True)).start() as d:
        lines = talk(d).decode().splitlines()
        try:
            name = socket.getnameinfo(("127.0.0.1", 0), socket.NI_NAMEREQD)[0]
        except socket.gaierror:
            harness.skip("127.0.0.1 has no name here")
        assert {f"TCPREMOTEHOST={name}", f"TCPLOCALHOST={name}"} <= set(lines), lines


def test_a_client_with_a_certificate_is_in_the_environment(tmp):
    ca = Authority(tmp)
    site = ca.issue("site", dns=["localhost"])
    client = ca.issue("web", uri=["spiffe://example.org/web"], dns=["web.example.org"], client=True)
    config = listener("/usr/bin/env")
    config["x"]["tls"] = {"certificates": [{"cert": str(site.cert), "key": str(site.key)}],
                          "client": {"verify": "required", "ca": str(ca.cert)}}
    context = ssl.create_default_context(cafile=str(ca.cert))
    context.load_cert_chain(client.cert, client.key)
    with Daemon(config).start() as d:
        with context.wrap_socket(d.connect("x"), server_hostname="localhost") as c:
            lines = harness.receive_all(c).decode().splitlines()
            cipher = c.cipher()[0]
    assert {"PROTO=TCP", "TCPREMOTEIP=127.0.0.1", "SSL_PROTOCOL=TLSv1.3", f"SSL_CIPHER={cipher}",
            "SSL_TLS_SNI=localhost", "SSL_CLIENT_VERIFY=SUCCESS", "SSL_CLIENT_S_DN=CN=web",
            "SSL_CLIENT_SAN_URI_0=spiffe://example.org/web", "SSL_CLIENT_SAN_DNS_0=web.example.org"} <= set(lines), lines


def test_nothing_is_inherited_but_three_descriptors():
    """The last of them is that of the folder which is being listed."""
    with Daemon(listener("/bin/ls", "/proc/self/fd")).start() as d:
        assert talk(d).split() == [b"0", b"1", b"2", b"3"]


def test_a_program_that_ends_ends_the_connection():
    with Daemon(shell("echo good-bye; exit 3")).start() as d, d.connect("x") as c:
        assert harness.receive_all(c) == b"good-bye\n"
        d.wait_log("exec_ended", msg=lambda text: text.endswith("with status 3"))


def test_input_ends_when_the_client_ends_its_side():
    with Daemon(shell("wc -c")).start() as d:
        assert talk(d, 12345 * b"x").strip() == b"12345"


def test_standard_error_goes_where_it_should(tmp):
    with Daemon(shell("echo oops >&2", stderr="client")).start() as d:
        assert talk(d) == b"oops\n"
    with Daemon(shell("echo oops >&2; echo fine", stderr="nowhere")).start() as d:
        assert talk(d) == b"fine\n"
        assert "oops" not in "\n".join(d.lines)


def test_it_runs_where_it_is_told(tmp):
    with Daemon(listener("/bin/pwd", folder=str(tmp))).start() as d:
        assert talk(d) == f"{tmp}\n".encode()


def test_no_more_programs_than_allowed():
    with Daemon(listener("/bin/cat", processes=2)).start() as d:
        with d.connect("x") as a, d.connect("x") as b:
            for c in (a, b):
                c.sendall(b"x")
                assert c.recv(1) == b"x"
            with d.connect("x") as third:
                assert harness.receive_all(third) == b""
        d.wait_log("exec_refused")

        def served_again():
            with d.connect("x") as c:
                try:
                    c.sendall(b"x")
                    return c.recv(1) == b"x"
                except OSError:
                    return False
        harness.wait_until(served_again, "a free place")


def test_programs_are_counted():
    line = 'sockd_plugin_exec_started_total{plugin="exec",listener="x"} '
    with Daemon(listener("/bin/true")).start() as d:
        assert line + "0\n" in d.sockctl("metrics").stdout
        for _ in range(3):
            talk(d)
        text = d.sockctl("metrics").stdout
        assert line + "3\n" in text, text
        assert "# HELP sockd_plugin_exec_started_total Programs started\n" \
               "# TYPE sockd_plugin_exec_started_total counter\n" in text, text


def test_a_program_that_outlives_its_client_is_ended():
    for script, signal_name in (("echo $$; exec sleep 1000", "Terminated"),
                                ("trap '' TERM; echo $$; while :; do sleep 0.1; done", "Killed")):
        with Daemon(shell(script, grace="100ms")).start() as d:
            with d.connect("x") as c:
                pid = int(c.makefile("r").readline())
                assert is_alive(pid)
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            d.wait_log("exec_killed", msg=lambda text: signal_name in text)
            assert not is_alive(pid)


def test_children_of_a_program_go_with_it():
    with Daemon(shell("sleep 1000 & echo $!; wait", grace="50ms")).start() as d:
        with d.connect("x") as c:
            pid = int(c.makefile("r").readline())
            assert is_alive(pid)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        harness.wait_until(lambda: not is_alive(pid), "the end of the child")


def test_no_program_outlives_a_stop():
    d = Daemon(shell("echo $$; cat"), daemon={"shutdown": {"timeout": "10s"}}).start()
    clients = [d.connect("x") for _ in range(5)]
    pids = [int(c.makefile("r").readline()) for c in clients]

    assert d.stop() == 0

    assert not any(is_alive(pid) for pid in pids)
    for c in clients:
        c.close()


def test_what_cannot_be_run_is_refused_at_the_start(tmp):
    for config, said in (({}, "command"), ({"command": []}, "names no program"),
                         ({"command": ["cat"]}, "no absolute path"), ({"command": ["/bin/nothing"]}, "cannot run"),
                         ({"command": ["/bin"]}, "cannot run '/bin': Is a directory"),
                         ({"command": ["/bin/cat"], "folder": "/nowhere"}, "cannot start in '/nowhere': No such file"),
                         ({"command": ["/bin/cat"], "folder": "/bin/cat"}, "cannot start in '/bin/cat': Not a directory"),
                         ({"command": ["/bin/cat"], "environment": ["x"]}, "is not NAME=VALUE")):
        d = Daemon({"x": {"listen": f"unix://{tmp}/s", "handler": {"plugin": "exec", "config": config}}})
        d.launch()
        assert d.wait() == 78, config
        assert said in "\n".join(d.lines), (config, d.lines)
        d.close()


def expect_reset(d):
    try:  # which may come before connect() has returned
        with d.connect("x") as c:
            assert False, f"an orderly answer: {c.recv(1)}"
    except ConnectionResetError:
        pass


def test_a_client_whose_program_has_gone_is_reset(tmp):
    program = tmp / "program"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)
    with Daemon(listener(str(program))).start() as d:
        assert talk(d) == b"here\n"
        program.unlink()
        expect_reset(d)
        assert "No such file" in d.wait_log("exec_failed", level="error")["msg"]


def test_a_script_that_the_kernel_cannot_start_is_told_as_such(tmp):
    program = tmp / "program"
    for text, said in (("#!/nowhere/sh\n", "its first line names"), ("echo here\n", "no script that begins with '#!'")):
        program.write_text(text)
        program.chmod(0o755)
        with Daemon(listener(str(program))).start() as d:
            expect_reset(d)
            assert said in d.wait_log("exec_failed", level="error")["msg"]


def test_many_short_programs_leave_nothing():
    with Daemon(listener("/bin/echo", "hi")).start() as d:
        talk(d)
        before = d.fd_count()
        for _ in range(50):
            assert talk(d) == b"hi\n"
        harness.wait_until(lambda: d.fd_count() <= before, "the descriptors")


if __name__ == "__main__":
    harness.main()
