#!/usr/bin/env python3
"""Live rules: addresses shut out while sockd runs, and what the rules would do with a client."""

import json
import os
import signal

import netns
from harness import Daemon

ONE, TWO, SIX = "10.77.0.2", "10.77.0.3", "fd77::2"


def start(net, **listeners):
    return Daemon({"echo": {"listen": ["tcp://[::]:0", "udp://[::]:0"], "handler": "echo"}, **listeners},
                  wrapper=net.wrapper).start()


def ctl(d, *words):
    done = d.sockctl(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_served(net, d, source):
    with net.connect(d.addr("echo"), source) as s:
        return netns.is_served(s)


def test_a_banned_client_is_shut_out_and_put_off():
    with netns.Net([ONE, TWO, SIX]) as net:
        d = start(net)
        with net.connect(d.addr("echo"), ONE) as before, net.connect(d.addr("echo"), TWO) as other:
            assert netns.is_served(before) and netns.is_served(other)

            ctl(d, "ban", ONE)
            ctl(d, "ban", "fd77::/64", "for", "1h")

            assert before.recv(1) == b""
            assert netns.is_served(other)
        assert not is_served(net, d, ONE)
        assert not is_served(net, d, SIX)
        d.wait_log("conn_refused", source=ONE, reason="denied", cause="ban")
        d.wait_log("conn_closed", reason="denied")
        bans = {b["network"]: b for b in json.loads(ctl(d, "bans", "--json"))}
        assert set(bans) == {ONE, "fd77::/64"}
        assert "left_ms" not in bans[ONE] and 3500000 < bans["fd77::/64"]["left_ms"] <= 3600000

        ctl(d, "unban", ONE)

        assert is_served(net, d, ONE)
        assert not is_served(net, d, SIX)
        assert d.stop() == 0


JUMP = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t which, struct timespec *ret)
{
	int code = (int)syscall(SYS_clock_gettime, which, ret);
	if (which == CLOCK_REALTIME && access("%s", F_OK) == 0)
		ret->tv_sec += 86400;
	return code;
}
"""


def test_a_clock_that_is_set_does_not_end_a_ban(tmp):
    if netns.harness.SANITIZED:
        netns.harness.skip("a preloaded library comes before the sanitizer's")
    tomorrow = tmp / "tomorrow"
    jump = netns.harness.build_plugin(tmp, "jump", JUMP % tomorrow)
    with netns.Net([ONE]) as net:
        d = Daemon({"echo": {"listen": "tcp://[::]:0", "handler": "echo"}},
                   wrapper=[*net.wrapper, "env", f"LD_PRELOAD={jump}"]).start()
        ctl(d, "ban", ONE, "for", "1h")

        tomorrow.touch()

        assert not is_served(net, d, ONE)
        assert 3500000 < json.loads(ctl(d, "bans", "--json"))[0]["left_ms"] <= 3600000
        assert "for another 35" in ctl(d, "why", ONE, "echo")
        assert d.stop() == 0


def test_a_ban_ends_by_itself():
    with netns.Net([ONE]) as net:
        d = start(net)
        ctl(d, "ban", ONE, "for", "300ms")
        netns.harness.wait_until(lambda: is_served(net, d, ONE), "the ban to end")
        assert json.loads(ctl(d, "bans", "--json")) == []
        assert d.stop() == 0


def test_bans_hold_for_datagrams():
    with netns.Net([ONE, TWO]) as net:
        d = start(net)
        address = d.addr("echo", "udp")
        ctl(d, "ban", ONE)
        with net.datagram(address, ONE) as s, net.datagram(address, TWO) as other:
            s.send(b"x")
            other.send(b"y")
            assert other.recv(10) == b"y"
        d.wait_log("datagram_refused", source=ONE, cause="ban")
        assert d.stop() == 0


def test_bans_are_kept_over_a_reload():
    with netns.Net([ONE, TWO]) as net:
        d = start(net)
        ctl(d, "ban", ONE)

        d.config.write_text(d.config.read_text().replace('"handler": "echo"', '"handler": "echo-serve"'))
        d.send(signal.SIGHUP)
        d.wait_log("reloaded")

        assert is_served(net, d, TWO)
        assert not is_served(net, d, ONE)
        assert d.stop() == 0


def test_bans_are_given_to_a_new_worker():
    with netns.Net([ONE, TWO]) as net:
        d = start(net)
        ctl(d, "ban", ONE)
        workers = [pid for pid in d.pids() if pid != d.process.pid]

        os.kill(workers[0], signal.SIGKILL)
        d.wait_log("worker_ready")

        netns.harness.wait_until(lambda: not is_served(net, d, ONE), "the ban to reach the new worker")
        assert is_served(net, d, TWO)
        assert d.stop() == 0


def test_bans_are_kept_over_an_upgrade():
    with netns.Net([ONE, TWO]) as net:
        d = start(net)
        ctl(d, "ban", ONE)
        ctl(d, "ban", "192.0.2.0/24", "for", "1h")

        d.send(signal.SIGUSR2)
        d.wait_log("upgraded")

        assert {b["network"] for b in json.loads(ctl(d, "bans", "--json"))} == {ONE, "192.0.2.0/24"}
        assert is_served(net, d, TWO)
        netns.harness.wait_until(lambda: not is_served(net, d, ONE), "the new worker to know the ban")
        assert d.stop() == 0


def test_what_cannot_be_banned_is_told():
    with netns.Net([ONE]) as net:
        d = start(net)
        for words, says in ((["ban", "10.77.0.1/16"], "bits beyond its prefix"), (["ban"], "ban needs ADDRESS"),
                            (["unban", ONE], "10.77.0.2 is not banned"), (["ban", ONE, "10m"], "ban ADDRESS for 10m"),
                            (["why", ONE], "why needs LISTENER"), (["why", ONE, "nobody"], "there is no listener 'nobody'")):
            done = d.sockctl(*words)
            assert done.returncode != 0 and says in done.stderr, (words, done.stderr)
        assert d.stop() == 0


def test_why_names_the_rule_that_decides():
    with netns.Net([ONE]) as net:
        d = start(net, ruled={"listen": "tcp://[::]:0", "handler": "echo",
                              "access": {"allow": ["10.77.0.0/16"], "deny": ["10.77.1.0/24"]},
                              "limits": {"per_source": {"connections": 1, "rate": "100/s"}}},
                  local={"listen": "unix:@why-%d" % id(net), "handler": "echo", "access": {"allow_users": [1000]}})
        for client, listener, says in (
                (ONE, "echo", "allowed: the listener has no rules"),
                (ONE, "ruled", "allowed by access.allow 10.77.0.0/16"),
                (ONE, "ruled", "0 of 1 connections of its source are open"),
                ("10.77.1.9", "ruled", "denied by access.deny 10.77.1.0/24"),
                ("192.0.2.1", "ruled", "denied: no network of access holds it, and access.allow is given"),
                ("uid:1000", "local", "allowed by access.allow_users 1000"),
                ("uid:1001", "local", "denied: neither access.allow_users nor access.allow_groups")):
            text = ctl(d, "why", client, listener)
            assert says in text, (client, listener, text)
        with net.connect(d.addr("ruled"), ONE) as s:
            assert netns.is_served(s)
            assert "refused: 1 of 1 connections" in ctl(d, "why", ONE, "ruled")
        ctl(d, "ban", "10.77.0.0/24", "for", "10m")
        assert "banned: 10.77.0.0/24, for another 59" in ctl(d, "why", ONE, "ruled")
        assert d.stop() == 0


if __name__ == "__main__":
    netns.harness.main()
