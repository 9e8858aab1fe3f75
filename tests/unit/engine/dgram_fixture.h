/* A loop with one endpoint and a client, for test_dgram.c. */
#ifndef TESTS_DGRAM_FIXTURE_H
#define TESTS_DGRAM_FIXTURE_H

/* Datagram endpoints on a real loop, with a plugin of the test's own and clients on loopback. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>

#include "engine/dgram.h"
#include "engine/scope.h"

enum { STACK = 128 * 1024, SMALL = 16 };

struct world {
	struct loop *loop;
	struct cfg_listener cfg;
	struct sockd_plugin plugin;
	struct listener listener;
	struct scope scope;
	struct handler handler;
	struct handler_thread thread;
	struct metric_block *metrics;
	struct endpoint *ep;
	struct loop_timer watch;
	int server, client;
	struct sockaddr_storage address;
	socklen_t address_size;
	unsigned wanted, seen, ends, calls;
	int result, error;
	size_t readable, size;
};

/* The plugin's entries find it here; each test is a process of its own. */
static struct world world;

static void
see(void)
{
	if (++world.seen == world.wanted)
		world.loop->stopping = true;
}

static void
open_sockets(int family, const char *host)
{
	struct timeval patience = { .tv_sec = 20 };

	world.server = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	world.client = socket(family, SOCK_DGRAM, 0);
	world.address_size = sizeof(struct sockaddr_in);
	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&world.address;

		in->sin_family = AF_INET;
		ck_assert_int_eq(inet_pton(AF_INET, host, &in->sin_addr), 1);
	} else if (family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&world.address;

		in6->sin6_family = AF_INET6;
		world.address_size = sizeof *in6;
		ck_assert_int_eq(inet_pton(AF_INET6, host, &in6->sin6_addr), 1);
	} else {
		struct sockaddr_un *un = (struct sockaddr_un *)&world.address;

		un->sun_family = AF_UNIX;
		world.address_size =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    (size_t)snprintf(un->sun_path + 1, 64, "sockd-test-dgram-%d", getpid()));
	}
	ck_assert_int_eq(bind(world.server, (struct sockaddr *)&world.address, world.address_size), 0);
	ck_assert_int_eq(
		getsockname(world.server, (struct sockaddr *)&world.address, &world.address_size), 0);
	ck_assert_int_eq(setsockopt(world.client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
}

static void
begin(int family, const char *host, size_t read_buffer)
{
	struct err e = { 0 };

	world.cfg = (struct cfg_listener){
		.name = "test", .write_buffer = 65536, .read_buffer = (int64_t)read_buffer
	};
	world.listener =
		(struct listener){ .cfg = &world.cfg, .plugin = &world.plugin, .scopes = &world.scope };
	world.metrics = metric_block_new(1, 1);
	ck_assert_ptr_nonnull(world.metrics);
	ck_assert_int_eq(loop_new(NULL, 0, &world.loop, &e), 0);
	loop_enter(world.loop);
	snprintf(world.handler.name, sizeof world.handler.name, "test");
	world.thread = (struct handler_thread){ .handler = &world.handler, .loop = world.loop };
	world.scope = (struct scope){ .thread = &world.thread,
		.listener = &world.listener,
		.loop = world.loop,
		.cells = metric_cells(world.metrics, 0, 0) };
	open_sockets(family, host);
	ck_assert_int_eq(endpoint_new(&world.scope, world.server, family != AF_UNIX ? CFG_UDP : CFG_UNIXGRAM,
				 &world.address, world.address_size, STACK, &world.ep, &e),
		0);
	endpoint_start(world.ep);
}

static void
run_until_seen(unsigned wanted)
{
	world.wanted = wanted;
	world.loop->stopping = world.seen >= wanted;
	loop_run(world.loop);
}

static void
watch_end(struct loop *loop, struct loop_timer *timer)
{
	loop->stopping = endpoint_is_ended(world.ep);
	if (!loop->stopping)
		loop_timer_set(loop, timer, loop_now_ms(loop) + 1);
}

static void
run_until_ended(void)
{
	world.watch.fire = watch_end;
	world.loop->stopping = false;
	loop_timer_set(world.loop, &world.watch, loop_now_ms(world.loop));
	loop_run(world.loop);
	ck_assert(endpoint_is_ended(world.ep));
}

static void
finish(void)
{
	endpoint_free(world.ep);
	loop_leave(world.loop);
	loop_free(world.loop);
	metric_block_free(world.metrics);
	close(world.server);
	close(world.client);
}

static void
ask(const void *bytes, size_t size)
{
	ck_assert_int_eq(
		sendto(world.client, bytes, size, 0, (struct sockaddr *)&world.address, world.address_size),
		(int)size);
}

static void
expect(const char *bytes, size_t size)
{
	static char buf[70000];

	ck_assert_int_eq(recv(world.client, buf, sizeof buf, 0), (int)size);
	ck_assert_int_eq(memcmp(buf, bytes, size), 0);
}

static uint64_t
counted(enum metric_id id)
{
	return metric_sum(world.metrics, 0, id);
}

/* ---- plugins ---- */

static void
event_echo(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	world.result = (int)sockd_move(w, r);
	see();
}

static void
event_small(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[SMALL];

	(void)c, (void)w;
	world.readable = sockd_readable(r);
	world.result = sockd_receive(r, buf, sizeof buf, &world.size);
	world.error = errno;
	see();
}

static void
event_probe(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_addr none = { 0 };

	(void)r;
	ck_assert_int_eq(sockd_flush(w), -1);
	ck_assert_int_eq(errno, EDEADLK);
	ck_assert_int_eq(sockd_conn_close(c), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_int_eq(sockd_write_to(w, &none, NULL, "x", 1), -1);
	ck_assert_int_eq(errno, EDESTADDRREQ);
	ck_assert_int_eq(sockd_write(w, world.loop->buffer, DGRAM_UDP_MAX + 1), -1);
	ck_assert_int_eq(errno, EMSGSIZE);
	ck_assert_int_eq(sockd_write(w, "ok", 2), 2);
	see();
}

static void
serve_echo(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[SMALL];
	size_t size;
	int n;

	(void)c;
	world.calls++;
	while ((n = sockd_receive(r, buf, sizeof buf, &size)) > 0) {
		ck_assert_int_eq(sockd_write(w, buf, size), (ssize_t)size);
		see();
	}
	world.error = errno;
	world.result = n;
	world.ends++;
}

static void
serve_once(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[SMALL];
	size_t size;

	(void)c;
	world.calls++;
	if (sockd_receive(r, buf, sizeof buf, &size) != 1)
		return;
	ck_assert_int_eq(sockd_write(w, buf, size), (ssize_t)size);
	see();
}

static void
serve_copy(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	world.result = (int)sockd_copy(w, r);
}

/* Takes nothing: without a brake it would be called as fast as the loop turns. */
static void
serve_nothing(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c, (void)r, (void)w;
	world.calls++;
	see();
}

/* Answers by itself, never by the batch's end: to somebody else than the sender as well. */
static void
serve_forward(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[SMALL];
	ssize_t n = sockd_read(r, buf, sizeof buf);
	struct sockd_addr to;

	if (n <= 0)
		return;
	to = *sockd_conn_remote(c);
	ck_assert_str_ne(sockd_conn_remote_text(c), "");
	ck_assert_int_eq(sockd_write_to(w, &to, sockd_conn_local(c), buf, (size_t)n), n);
	((struct sockaddr_in *)&to.sa)->sin_port = 0; /* the kernel refuses it */
	ck_assert_int_eq(sockd_write_to(w, &to, NULL, buf, (size_t)n), n);
	ck_assert_int_eq(sockd_write(w, "last", 4), 4);
	ck_assert_int_eq(sockd_flush(w), 0);
	see();
}

#endif
