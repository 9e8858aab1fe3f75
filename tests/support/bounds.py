"""What clients may cost: one test each, with the numbers left to who calls it (short in check, whole in check-long)."""

import contextlib
import socket
import struct
import time

import clients
import harness
from harness import Daemon

MIB = 1 << 20
PLUGINS = ("echo", "echo-serve")

GIVER = """
#include <sockd/plugin.h>
enum { SIZE = 1 << 20 };
static char bytes[SIZE];
%s void give(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i %% 251);
	if (sockd_write(w, bytes, SIZE) != SIZE)
		(void)sockd_conn_abort(c);
	(void)sockd_conn_close(c);
}
%s
SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "giver", .version = "1", %s };
"""
EVENT_GIVER = GIVER % ("static", """
static void data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c; (void)w;
	(void)sockd_discard(r, (size_t)-1);
}""", ".open = give, .data = data")
SERVE_GIVER = GIVER % ("static", "", ".serve = give")

KEEPER = """
#include <errno.h>
#include <sockd/plugin.h>
enum { MOST = 100000 };
static struct sockd_conn kept[MOST];
static size_t count;
static uint64_t wrong, tried;

static void must_be_stale(ssize_t result)
{
	tried++;
	wrong += result != -1 || errno != EBADF;
}

/* Every handle of a connection that is gone, whoever has its slot and descriptor now. */
static void try_stale(void)
{
	char byte;

	for (size_t i = count > 200 ? count - 200 : 0; i < count; i++) {
		struct sockd_writer w = sockd_conn_writer(kept[i]);

		wrong += !sockd_null(w);
		w.ref = kept[i].ref;
		must_be_stale(sockd_conn_close(kept[i]));
		must_be_stale(sockd_conn_abort(kept[i]));
		must_be_stale(sockd_conn_set_busy(kept[i], true));
		must_be_stale(sockd_conn_set_data(kept[i], &byte));
		wrong += sockd_conn_id(kept[i]) != 0;
	}
}

static struct sockd_reader readers[MOST];
static struct sockd_writer writers[MOST];

static void try_streams(void)
{
	char byte;

	for (size_t i = count > 200 ? count - 200 : 0; i < count; i++) {
		must_be_stale(sockd_write(writers[i], "STOLEN", 6));
		must_be_stale(sockd_read(readers[i], &byte, 1));
		must_be_stale(sockd_close_write(writers[i]));
	}
}

static void data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	uint64_t result[2];
	char byte;

	(void)c;
	while (sockd_read(r, &byte, 1) == 1) {
		try_stale();
		try_streams();
		result[0] = tried;
		result[1] = wrong;
		if (byte == '?')
			(void)sockd_write(w, result, sizeof result);
		else
			(void)sockd_write(w, &byte, 1);
	}
}

static void closed(struct sockd_conn c, int reason)
{
	(void)reason;
	if (count == MOST)
		return;
	kept[count] = c;
	readers[count] = sockd_conn_reader(c);
	writers[count++] = sockd_conn_writer(c);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "keeper", .version = "1",
	.data = data, .close = closed };
"""


def one(tmp, plugin, transport="unix", **more):
    listen = {"unix": f"unix://{tmp}/s", "tcp": "tcp://127.0.0.1:0"}[transport]
    return {"one": {"listen": listen, "handler": str(plugin), **more}}


def roundtrip(d):
    with d.connect("one") as c:
        c.sendall(b"x")
        assert harness.receive_exactly(c, 1) == b"x"


def settled_descriptors(d):
    """How many are open once nothing changes any more: a connection that ended lingers, a status is sent."""
    seen = []

    def settled():
        seen.append(d.fd_count())
        return len(seen) >= 10 and len(set(seen[-10:])) == 1

    harness.wait_until(settled, "the number of descriptors to settle")
    return seen[-1]


def a_client_that_never_reads_costs_its_buffers(tmp, seconds):
    """It writes all the time, and the process grows by no more than a megabyte."""
    for plugin in PLUGINS:
        for transport in ("tcp", "unix"):
            d = Daemon(one(tmp, plugin, transport)).start()
            roundtrip(d)
            before = d.own_kib()
            with d.connect("one") as c:
                sent, until = 0, time.monotonic() + seconds
                c.settimeout(0.2)
                while time.monotonic() < until:
                    with contextlib.suppress(TimeoutError):
                        sent += c.send(bytes(65536))
                grown = d.own_kib() - before
                print(f"# {plugin} over {transport}: took {sent / MIB:.1f} MiB in {seconds} s, grew by {grown} KiB")
                assert harness.SANITIZED or grown <= 1024, f"{plugin} over {transport}: grew by {grown} KiB"
                roundtrip(d)
            assert d.stop() == 0


def a_slow_client_gets_a_megabyte_after_the_end(tmp):
    """The server has ended long before the client has read."""
    expected = bytes(i % 251 for i in range(251)) * (MIB // 251 + 1)
    for name, code in (("event", EVENT_GIVER), ("serve", SERVE_GIVER)):
        giver = harness.build_plugin(tmp, name, code)
        for transport in ("tcp", "unix"):
            d = Daemon(one(tmp, giver, transport, buffers={"write": "2MiB"}, socket={"send_buffer": "16KiB"} if transport == "tcp" else {})).start()
            with d.connect("one", receive_buffer=4096) as c:
                d.wait_note("STATUS", "serving 1 listener, 1 connection")
                got = b""
                while part := c.recv(20011):
                    got += part
                assert got == expected[:MIB], f"{name} over {transport}: {len(got)} bytes"
            assert d.stop() == 0


def idle_clients_cost_little(tmp, count, transport, most_kib):
    """@param most_kib  for each plugin, of one client"""
    for plugin in PLUGINS:
        d = Daemon(one(tmp, plugin, transport, limits={"connections": count + 10})).start()
        roundtrip(d)
        descriptors, before = settled_descriptors(d), d.own_kib()
        with clients.Crowd(d.addr("one"), count) as crowd:
            harness.wait_until(lambda: d.fd_count() >= descriptors + count, f"{count} connections", 5 * harness.PATIENCE_S)
            each = (d.own_kib() - before) / count
            print(f"# {plugin} over {transport}: {each:.2f} KiB for each of {count} idle connections")
            assert harness.SANITIZED or each <= most_kib[plugin], f"{plugin}: {each:.2f} KiB each"
            crowd.talk()
            each = (d.own_kib() - before) / count
            print(f"# {plugin} over {transport}: {each:.2f} KiB after each has talked")
            assert harness.SANITIZED or each <= most_kib[plugin], f"{plugin}: {each:.2f} KiB each after they talked"
        assert d.stop() == 0


def resets_leave_nothing(tmp, count):
    """Connects and resets in a row: nothing stays counted, nothing stays open."""
    linger = b"\1\0\0\0\0\0\0\0"  # on, zero seconds: close() sends RST
    for plugin in PLUGINS:
        d = Daemon(one(tmp, plugin, "tcp")).start()
        roundtrip(d)
        before = settled_descriptors(d)
        where = d.addr("one").sockaddr
        for i in range(count):
            with socket.socket() as c:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                c.connect(where)
                if i % 3 == 1:
                    c.send(b"x" * (i % 7000))
        roundtrip(d)
        harness.wait_until(lambda: d.fd_count() == before, f"{before} descriptors")
        harness.wait_until(lambda: d.status_lines()[-1] == "serving 1 listener, 0 connections", "0 connections")
        assert d.stop() == 0
        assert int(d.wait_log("stopped")["drained"]) == 0


def without_descriptors_it_waits(tmp, seconds):
    """Forty descriptors and a hundred clients: the daemon does not spin, and serves again when clients leave."""
    for plugin in PLUGINS:
        d = Daemon(one(tmp, plugin), rlimits={harness.resource.RLIMIT_NOFILE: 40}).start()
        crowd = [d.connect("one") for _ in range(100)]
        d.wait_log("accept_paused", level="warning", listener="one")
        before = d.cpu_seconds()
        time.sleep(seconds)
        spent = d.cpu_seconds() - before
        print(f"# {plugin}: {spent:.2f} s of processor time in {seconds} s without descriptors")
        assert spent <= seconds * 0.1 + 0.05, f"{plugin}: {spent} s of processor time in {seconds} s"
        for c in crowd[:80]:
            c.close()
        for number, c in enumerate(crowd[80:]):  # they waited in the backlog
            data = b"%d" % number
            c.sendall(data)
            assert harness.receive_exactly(c, len(data)) == data
            c.close()
        roundtrip(d)
        assert len(d.find_logs("accept_paused")) == 1, "it is told once"
        assert d.stop() == 0


def a_stale_handle_reaches_nobody(tmp, storm):
    """A plugin keeps the handles of closed connections and uses them while new ones take their slots."""
    keeper = harness.build_plugin(tmp, "keeper", KEEPER)
    d = Daemon(one(tmp, keeper, threads=1)).start()
    for number in range(storm):
        with d.connect("one") as a, d.connect("one") as b:
            a.sendall(b"a")
            b.sendall(b"b")
            assert a.recv(100) == b"a", f"round {number}"
            assert b.recv(100) == b"b", f"round {number}"
            if number % 2:
                a.shutdown(socket.SHUT_WR)
                assert a.recv(100) == b""
    with d.connect("one") as c:
        c.sendall(b"?")
        tried, wrong = struct.unpack("QQ", harness.receive_exactly(c, 16))
    print(f"# {tried} uses of stale handles")
    assert tried > 20 * storm, tried
    assert wrong == 0, f"{wrong} of {tried} uses of a stale handle were not EBADF"
    assert d.stop() == 0
