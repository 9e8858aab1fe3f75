/* Dialling out, relaying and copying, in both styles. */
#include "scenario.h"
#include "told.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *
target(struct sockd_conn c)
{
	return sockd_setting_string(sockd_host_settings(sockd_conn_host(c)), "to");
}

/* A line there and back, by an upstream that echoes. */
static bool
echoes(struct sockd_conn up)
{
	struct sockd_reader r = sockd_conn_reader(up);
	char buf[16];

	return HOLDS(!sockd_null(up)) && HOLDS(sockd_write(sockd_conn_writer(up), "hello\n", 6) == 6) &&
	       HOLDS(sockd_read_until(r, "\n", 1, buf, sizeof buf) == 6) &&
	       HOLDS(memcmp(buf, "hello\n", 6) == 0);
}

static void
there_and_back(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), target(c), NULL);
	char buf[4];

	(void)r;
	(void)w;
	if (!echoes(up))
		return;
	CHECK(sockd_conn_id(up) != 0 && sockd_conn_id(up) != sockd_conn_id(c));
	CHECK(sockd_close_write(sockd_conn_writer(up)) == 0);
	CHECK(sockd_read(sockd_conn_reader(up), buf, sizeof buf) == 0);
	CHECK(sockd_conn_close(up) == 0);
	CHECK(sockd_sleep(sockd_conn_host(c), 50) == 0);
	CHECK(FAILS(sockd_conn_close(up), EBADF));
}

static void
refusals(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	const struct sockd_dial_options quick = { .size = sizeof quick, .timeout_ms = 50 };
	const struct sockd_dial_options odd = { .size = 1 };

	(void)r;
	(void)w;
	CHECK(sockd_null(sockd_dial(h, "tcp://127.0.0.1:1", NULL)) && errno == ECONNREFUSED);
	CHECK(sockd_null(sockd_dial(h, "unix:///nowhere/at/all", NULL)) && errno == ENOENT);
	CHECK(sockd_null(sockd_dial(h, "tcp://no-such-host.invalid:80", NULL)));
	CHECK(errno == EADDRNOTAVAIL || errno == EAGAIN);
	CHECK(sockd_null(sockd_dial(h, "gopher://x:70", NULL)) && errno == EINVAL);
	CHECK(sockd_null(sockd_dial(h, "tcp://127.0.0.1:0", NULL)) && errno == EINVAL);
	CHECK(sockd_null(sockd_dial(h, NULL, NULL)) && errno == EINVAL);
	CHECK(sockd_null(sockd_dial(h, "fd:9999", NULL)) && errno == EBADF);
	CHECK(sockd_null(sockd_dial(h, "fd:0", NULL)) && errno == ENOTSOCK);
	CHECK(sockd_null(sockd_dial(h, target(c), &odd)) && errno == EINVAL);
	(void)quick;
}

/* A backlog that is full: nobody answers. */
static void
times_out(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_dial_options quick = { .size = sizeof quick, .timeout_ms = 60 };
	int64_t began = sockd_now(sockd_conn_host(c));

	(void)r;
	(void)w;
	CHECK(sockd_null(sockd_dial(sockd_conn_host(c), target(c), &quick)) && errno == ETIMEDOUT);
	CHECK(sockd_now(sockd_conn_host(c)) - began >= 60);
}

static int
dial_it(struct sockd_host h, void *arg)
{
	return sockd_null(sockd_dial(h, arg, NULL)) ? errno : 0;
}

static void
cancel_ends_dialling(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t id = sockd_spawn(h, dial_it, (void *)(uintptr_t)target(c));

	(void)r;
	(void)w;
	CHECK(sockd_sleep(h, 5) == 0);
	CHECK(sockd_cancel(h, id) == 0);
	CHECK(sockd_join(h, id) == ECANCELED);
}

static void
adopt_a_descriptor(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn mine;
	char url[20], buf[8];
	int pair[2];

	(void)r;
	(void)w;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	snprintf(url, sizeof url, "fd:%d", pair[0]);
	mine = sockd_dial(sockd_conn_host(c), url, NULL);
	CHECK(!sockd_null(mine));
	CHECK(write(pair[1], "abc", 3) == 3);
	CHECK(sockd_read(sockd_conn_reader(mine), buf, sizeof buf) == 3);
	CHECK(sockd_write(sockd_conn_writer(mine), "defg", 4) == 4);
	CHECK(read(pair[1], buf, sizeof buf) == 4);
	close(pair[1]);
	CHECK(sockd_read(sockd_conn_reader(mine), buf, sizeof buf) == 0);
}

/* What a plugin keeps of a socket can come again under the same number. */
static void
adopt_what_was_kept(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn mine;
	char url[20], buf[8];
	int pair[2], kept, again;

	(void)r;
	(void)w;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	kept = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
	again = pair[0];
	for (int i = 0; i < 2; i++) {
		snprintf(url, sizeof url, "fd:%d", again);
		mine = sockd_dial(sockd_conn_host(c), url, NULL);
		CHECK(!sockd_null(mine));
		CHECK(sockd_conn_set_timeout(mine, SOCKD_TIMEOUT_READ, 10) == 0);
		CHECK(FAILS(sockd_read(sockd_conn_reader(mine), buf, sizeof buf), ETIMEDOUT));
		CHECK(sockd_conn_set_timeout(mine, SOCKD_TIMEOUT_READ, SOCKD_FOREVER) == 0);
		CHECK(write(pair[1], "abc", 3) == 3);
		CHECK(sockd_read(sockd_conn_reader(mine), buf, sizeof buf) == 3);
		CHECK(sockd_conn_abort(mine) == 0);
		while (sockd_conn_id(mine) != 0)
			CHECK(sockd_sleep(sockd_conn_host(c), 5) == 0);
		again = fcntl(kept, F_DUPFD_CLOEXEC, pair[0]);
		CHECK(again == pair[0]);
	}
	close(again);
	close(kept);
	close(pair[1]);
}

static void
relay(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), target(c), NULL);
	int64_t n;

	(void)r;
	(void)w;
	CHECK(!sockd_null(up));
	n = sockd_relay(c, up);
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "relayed", "%lld %s", (long long)n,
		n < 0 ? strerror(errno) : "");
}

static int
close_read(struct sockd_host h, void *arg)
{
	(void)h;
	return sockd_close_read(*(struct sockd_reader *)arg);
}

static void
relay_without_a_reader(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	CHECK(sockd_spawn(sockd_conn_host(c), close_read, &r) != 0);
	relay(c, r, w);
}

static void
relay_one_way(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), target(c), NULL);
	int64_t n;

	(void)r;
	(void)w;
	CHECK(sockd_close_write(sockd_conn_writer(up)) == 0);
	n = sockd_relay(c, up);
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "relayed", "%lld", (long long)n);
}

static int
start_tls(struct sockd_host h, void *arg)
{
	if (FAILS(sockd_conn_start_tls(*(struct sockd_conn *)arg, "localhost"), EBUSY))
		(void)sockd_log(h, SOCKD_LOG_NOTICE, "refused", "EBUSY");
	return 0;
}

static void
no_tls_within_a_relay(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), target(c), NULL);

	(void)r;
	(void)w;
	CHECK(sockd_spawn(sockd_conn_host(c), start_tls, &up) != 0);
	CHECK(sockd_relay(c, up) >= 0);
}

static int
copy_up(struct sockd_host h, void *arg)
{
	struct sockd_conn *both = arg;
	int64_t n = sockd_copy(sockd_conn_writer(both[1]), sockd_conn_reader(both[0]));

	(void)h;
	(void)sockd_close_write(sockd_conn_writer(both[1]));
	return n < 0 ? -2 : 0;
}

/* The same by hand: two fibers that copy. */
static void
copy_both_ways(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn both[2] = { c, sockd_dial(sockd_conn_host(c), target(c), NULL) };
	uint64_t id;

	(void)r;
	CHECK(!sockd_null(both[1]));
	id = sockd_spawn(sockd_conn_host(c), copy_up, both);
	CHECK(sockd_copy(w, sockd_conn_reader(both[1])) >= 0);
	CHECK(sockd_join(sockd_conn_host(c), id) == 0);
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "copied", "%s", "");
}

static void
relay_refusals(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_conn none = { NULL, 0 };

	(void)r;
	(void)w;
	CHECK(FAILS(sockd_relay(c, c), EINVAL));
	CHECK(FAILS(sockd_relay(c, none), EBADF));
	CHECK(FAILS(sockd_relay(none, c), EBADF));
}

/* Left open: ends with its scope. */
static void
leave_it_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), target(c), NULL);

	(void)r;
	if (echoes(up))
		CHECK(sockd_write(w, "left\n", 5) == 5);
}

static void
messages_there_and_back(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), target(c), NULL);
	struct sockd_reader ur = sockd_conn_reader(up);
	struct sockd_writer uw = sockd_conn_writer(up);
	const void *seen;
	static char large[70000];
	char buf[8];
	size_t n;

	(void)r;
	(void)w;
	CHECK(!sockd_null(up));
	CHECK(sockd_conn_transport(up) == SOCKD_UDP);
	CHECK(sockd_write(uw, "one", 3) == 3);
	CHECK(sockd_peek(ur, &seen, 1) == 3 && memcmp(seen, "one", 3) == 0);
	CHECK(sockd_receive(ur, buf, sizeof buf, &n) == 1 && n == 3 && memcmp(buf, "one", 3) == 0);
	CHECK(sockd_write(uw, NULL, 0) == 0);
	CHECK(sockd_receive(ur, buf, sizeof buf, &n) == 1 && n == 0);
	CHECK(sockd_write(uw, "larger than the buffer", 22) == 22);
	CHECK(sockd_write(uw, "next", 4) == 4);
	CHECK(sockd_receive(ur, buf, sizeof buf, &n) == 1 && n == 4);
	CHECK(FAILS(sockd_write(uw, large, sizeof large), EMSGSIZE));
	CHECK(FAILS(sockd_close_write(uw), ENOTSUP));
	CHECK(FAILS(sockd_relay(c, up), ENOTSUP));
	CHECK(sockd_conn_set_timeout(up, SOCKD_TIMEOUT_READ, 20) == 0);
	CHECK(FAILS(sockd_read(ur, buf, sizeof buf), ETIMEDOUT));
	CHECK(sockd_conn_close(up) == 0);
}

/* Nobody listens: the kernel learns of it, and says so to whoever reads. */
static void
messages_refused(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), "udp://127.0.0.1:1", NULL);
	char buf[8];

	(void)r;
	(void)w;
	CHECK(!sockd_null(up));
	CHECK(sockd_write(sockd_conn_writer(up), "x", 1) == 1);
	CHECK(FAILS(sockd_read(sockd_conn_reader(up), buf, sizeof buf), ECONNREFUSED));
	CHECK(sockd_conn_close(up) == 0);
}

/* ---- event style ---- */

static void
events_there_and_back(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct told t = { "", 0, 0, 0 };
	const struct sockd_dial_options o = { .size = sizeof o, .events = &up_events, .data = &t };
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), target(c), &o);

	(void)r;
	(void)w;
	CHECK(!sockd_null(up));
	CHECK(t.text[0] == '\0'); /* never from within the call */
	CHECK(FAILS(sockd_write(sockd_conn_writer(up), "x", 1), EAGAIN));
	for (int i = 0; i < 200 && t.closes == 0; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(t.closes == 1 && t.reason == SOCKD_BY_HANDLER);
	CHECK(strcmp(t.text, "odc") == 0);
}

static void
up_open_messages(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	say(c, 'o');
	(void)sockd_write(w, "one", 3);
	(void)sockd_write(w, NULL, 0);
	(void)sockd_write(w, "three", 5);
}

static void
up_message(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[8];
	size_t n;

	(void)w;
	if (sockd_readable(r) == 3)
		return; /* not read: dropped */
	if (sockd_receive(r, buf, sizeof buf, &n) != 1 ||
		!FAILS(sockd_receive(r, buf, sizeof buf, &n), EAGAIN))
		return;
	say(c, (char)('0' + n));
	if (n == 5)
		(void)sockd_conn_close(c);
}

static void
events_of_messages(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_events events = {
		.size = sizeof events, .open = up_open_messages, .data = up_message, .close = up_close
	};
	struct told t = { "", 0, 0, 0 };
	const struct sockd_dial_options o = { .size = sizeof o, .events = &events, .data = &t };

	(void)r;
	(void)w;
	CHECK(!sockd_null(sockd_dial(sockd_conn_host(c), target(c), &o)));
	for (int i = 0; i < 200 && t.closes == 0; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(strcmp(t.text, "o05c") == 0 && t.reason == SOCKD_BY_HANDLER);
}

static void
events_refused(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct told t = { "", 0, 0, 0 };
	const struct sockd_dial_options o = { .size = sizeof o, .events = &up_events, .data = &t };
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), "tcp://127.0.0.1:1", &o);

	(void)r;
	(void)w;
	CHECK(!sockd_null(up));
	CHECK(sockd_sleep(sockd_conn_host(c), 50) == 0);
	CHECK(strcmp(t.text, "c") == 0 && t.reason == SOCKD_BY_ERROR && t.error == ECONNREFUSED);
	up = sockd_dial(sockd_conn_host(c), target(c), &o);
	CHECK(sockd_conn_close(up) == 0);
	CHECK(sockd_sleep(sockd_conn_host(c), 50) == 0);
	CHECK(t.closes == 2 && t.reason == SOCKD_BY_HANDLER);
}

static const struct scenario scenarios[] = { { "there_and_back", there_and_back }, { "refusals", refusals },
	{ "times_out", times_out }, { "cancel_ends_dialling", cancel_ends_dialling },
	{ "adopt_a_descriptor", adopt_a_descriptor }, { "adopt_what_was_kept", adopt_what_was_kept },
	{ "relay", relay }, { "relay_one_way", relay_one_way },
	{ "no_tls_within_a_relay", no_tls_within_a_relay },
	{ "relay_without_a_reader", relay_without_a_reader }, { "copy_both_ways", copy_both_ways },
	{ "relay_refusals", relay_refusals }, { "leave_it_open", leave_it_open },
	{ "messages_there_and_back", messages_there_and_back }, { "messages_refused", messages_refused },
	{ "events_of_messages", events_of_messages }, { "events_there_and_back", events_there_and_back },
	{ "events_refused", events_refused }, { NULL, NULL } };

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	scenario_serve(scenarios, c, r, w);
}

static const struct sockd_option options[] = { { "to", SOCKD_T_STRING, 0, NULL, 0, 0, NULL, "Whom to dial." },
	{ 0 } };

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "dial", .version = "1.0",
	.options = options, .serve = serve };
