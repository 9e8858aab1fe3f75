/* All that can be asked of a datagram connection that a plugin made, in both styles. The upstream echoes. */
#include "scenario.h"
#include "told.h"

#include <stdint.h>
#include <unistd.h>

static struct sockd_conn
dial_with(struct sockd_conn c, const char *to, const struct sockd_dial_options *o)
{
	struct sockd_host h = sockd_conn_host(c);

	return sockd_dial(h, to != NULL ? to : sockd_setting_string(sockd_host_settings(h), "to"), o);
}

/* Wait until the next one is there. @return its size */
static ssize_t
arrival(struct sockd_conn up)
{
	const void *seen;

	return sockd_peek(sockd_conn_reader(up), &seen, 1);
}

/* ---- on a fiber ---- */

static void
each_read_takes_one(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_framing line = { sizeof line, SOCKD_FRAME_DELIMITER, 0, 0, 0, '\n', 0 };
	const struct sockd_framing whole = { sizeof whole, SOCKD_FRAME_DELIMITER, 0, 0, 0, '\n', 1 };
	const struct sockd_framing odd = { .size = 1 };
	struct sockd_conn up = dial_with(c, NULL, NULL);
	struct sockd_reader ur = sockd_conn_reader(up);
	struct sockd_writer uw = sockd_conn_writer(up);
	char buf[16];
	size_t n = 77;

	(void)r, (void)w;
	CHECK(sockd_write(uw, "abc\n", 4) == 4 && sockd_write(uw, "abc\n", 4) == 4);
	CHECK(FAILS(sockd_read_until(ur, "\n", 1, buf, sizeof buf), ENOTSUP));
	CHECK(FAILS(sockd_read_frame(ur, &odd, buf, sizeof buf, &n), EINVAL) && n == 77);
	CHECK(sockd_read_frame(ur, &line, buf, sizeof buf, &n) == 1 && n == 3 && memcmp(buf, "abc", 3) == 0);
	CHECK(sockd_read_frame(ur, &whole, buf, sizeof buf, &n) == 1 && n == 4);
	CHECK(sockd_write(uw, "hello", 5) == 5 && sockd_write(uw, "hell", 4) == 4);
	CHECK(sockd_read_full(ur, buf, 5) == 1 && memcmp(buf, "hello", 5) == 0);
	CHECK(FAILS(sockd_read_full(ur, buf, 5), EPIPE));
	CHECK(sockd_write(uw, "last", 4) == 4);
	CHECK(sockd_read(ur, buf, sizeof buf) == 4 && memcmp(buf, "last", 4) == 0);
}

/* The loop, which still waits for input, leaves them alone. */
static void
others_wait_while_the_fiber_does(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = dial_with(c, NULL, NULL);
	char buf[8];

	(void)r, (void)w;
	for (int i = 0; i < 3; i++)
		CHECK(sockd_write(sockd_conn_writer(up), "xxx", (size_t)i + 1) == i + 1);
	for (int i = 0; i < 3; i++) {
		CHECK(sockd_read(sockd_conn_reader(up), buf, sizeof buf) == i + 1);
		CHECK(sockd_sleep(sockd_conn_host(c), 30) == 0);
	}
}

static void
one_is_discarded_whole(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = dial_with(c, NULL, NULL);
	struct sockd_reader ur = sockd_conn_reader(up);
	struct sockd_writer uw = sockd_conn_writer(up);
	const void *seen;
	char buf[8];

	(void)r, (void)w;
	CHECK(sockd_readable(ur) == 0 && sockd_discard(ur, 9) == 0);
	CHECK(sockd_write(uw, "unwanted", 8) == 8 && sockd_write(uw, "next", 4) == 4);
	CHECK(arrival(up) == 8);
	CHECK(FAILS(sockd_peek(ur, &seen, SIZE_MAX), EMSGSIZE));
	CHECK(sockd_readable(ur) == 8);
	CHECK(sockd_discard(ur, 1) == 8);
	CHECK(sockd_read(ur, buf, sizeof buf) == 4 && memcmp(buf, "next", 4) == 0);
}

static void
writes_that_no_datagram_has(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = dial_with(c, NULL, NULL);
	struct sockd_writer uw = sockd_conn_writer(up);
	struct iovec two[] = { { .iov_base = "one,", .iov_len = 4 }, { .iov_base = "two", .iov_len = 3 } };
	const struct iovec endless[] = { { .iov_base = two, .iov_len = SIZE_MAX },
		{ .iov_base = two, .iov_len = SIZE_MAX } };
	char buf[8];

	(void)r, (void)w;
	CHECK(FAILS(sockd_writev(uw, two, -1), EINVAL));
	CHECK(FAILS(sockd_writev(uw, two, 1025), EINVAL));
	CHECK(FAILS(sockd_writev(uw, endless, 2), EMSGSIZE));
	CHECK(FAILS(sockd_write_to(uw, sockd_conn_remote(up), NULL, "x", 1), ENOTSUP));
	CHECK(FAILS(sockd_sendfile(uw, STDIN_FILENO, 0, 1), ENOTSUP));
	CHECK(sockd_writable(uw) == 65507 && sockd_flush(uw) == 0);
	/* None of those has sent anything. */
	CHECK(sockd_writev(uw, two, 2) == 7);
	CHECK(sockd_read(sockd_conn_reader(up), buf, sizeof buf) == 7 && memcmp(buf, "one,two", 7) == 0);
}

static void
a_closed_reader_is_at_its_end(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = dial_with(c, NULL, NULL);
	struct sockd_reader ur = sockd_conn_reader(up);
	char buf[8];
	size_t n = 99;

	(void)r, (void)w;
	CHECK(sockd_write(sockd_conn_writer(up), "x", 1) == 1 && arrival(up) == 1);
	CHECK(sockd_close_read(ur) == 0);
	CHECK(sockd_receive(ur, buf, sizeof buf, &n) == 0 && n == 99); /* untouched */
	CHECK(sockd_pause(ur, true) == 0); /* there is nothing left to hold back */
	CHECK(sockd_write(sockd_conn_writer(up), "x", 1) == 1);
	CHECK(sockd_sleep(sockd_conn_host(c), 50) == 0);
	CHECK(sockd_readable(ur) == 0); /* thrown away, with the first */
	CHECK(sockd_conn_close(up) == 0);
	CHECK(sockd_write(sockd_conn_writer(up), "x", 1) == -1);
	CHECK(sockd_sleep(sockd_conn_host(c), 50) == 0);
	CHECK(FAILS(sockd_read(ur, buf, sizeof buf), EBADF));
	CHECK(FAILS(sockd_close_read(ur), EBADF) && FAILS(sockd_pause(ur, true), EBADF));
	CHECK(FAILS(sockd_discard(ur, 1), EBADF) && FAILS(sockd_read_until(ur, "x", 1, buf, 1), EBADF));
	CHECK(FAILS(sockd_write(sockd_conn_writer(up), "x", 1), EBADF));
	CHECK(FAILS(sockd_flush(sockd_conn_writer(up)), EBADF));
	CHECK(sockd_writable(sockd_conn_writer(up)) == 0 && sockd_readable(ur) == 0);
}

static void
from_one_to_another(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn a = dial_with(c, NULL, NULL), b = dial_with(c, NULL, NULL);
	char buf[8];

	(void)r, (void)w;
	CHECK(!sockd_null(a) && !sockd_null(b));
	CHECK(sockd_move(sockd_conn_writer(b), sockd_conn_reader(a)) == 0);
	CHECK(sockd_write(sockd_conn_writer(a), "move", 4) == 4 && arrival(a) == 4);
	CHECK(sockd_move(sockd_conn_writer(b), sockd_conn_reader(a)) == 4);
	CHECK(sockd_read(sockd_conn_reader(b), buf, sizeof buf) == 4 && memcmp(buf, "move", 4) == 0);

	CHECK(sockd_conn_set_timeout(a, SOCKD_TIMEOUT_READ, 300) == 0);
	CHECK(sockd_write(sockd_conn_writer(a), "copy", 4) == 4);
	CHECK(sockd_write(sockd_conn_writer(a), "me", 2) == 2);
	CHECK(FAILS(sockd_copy(sockd_conn_writer(b), sockd_conn_reader(a)), ETIMEDOUT));
	CHECK(sockd_read(sockd_conn_reader(b), buf, sizeof buf) == 4 && memcmp(buf, "copy", 4) == 0);
	CHECK(sockd_read(sockd_conn_reader(b), buf, sizeof buf) == 2 && memcmp(buf, "me", 2) == 0);
	CHECK(sockd_close_read(sockd_conn_reader(a)) == 0);
	CHECK(sockd_copy(sockd_conn_writer(b), sockd_conn_reader(a)) == 0);
}

/* As any other, and once. */
static void
an_empty_one_moves_too(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn a = dial_with(c, NULL, NULL), b = dial_with(c, NULL, NULL);
	struct sockd_reader br = sockd_conn_reader(b);
	struct sockd_writer bw = sockd_conn_writer(b);
	char buf[8];
	size_t n = 99;

	(void)r, (void)w;
	CHECK(sockd_conn_set_timeout(b, SOCKD_TIMEOUT_READ, 2000) == 0);
	CHECK(sockd_write(sockd_conn_writer(a), "", 0) == 0 && arrival(a) == 0);
	CHECK(sockd_move(bw, sockd_conn_reader(a)) == 0);
	CHECK(sockd_receive(br, buf, sizeof buf, &n) == 1 && n == 0);
	CHECK(sockd_move(bw, sockd_conn_reader(a)) == 0);
	CHECK(sockd_write(bw, "x", 1) == 1);
	CHECK(sockd_receive(br, buf, sizeof buf, &n) == 1 && n == 1);
}

/* ---- event style ---- */

static struct sockd_conn seen_by_fiber;

static void
in_view_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	say(c, 'o');
	seen_by_fiber = c;
	(void)HOLDS(sockd_write(w, "first", 5) == 5);
}

/* The first is looked at and thrown away, and no other wanted for now. */
static void
in_view_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const void *seen;
	char small[2];
	size_t n;

	say(c, 'd');
	CHECK(sockd_peek(r, &seen, 1) == 5 && sockd_readable(r) == 5);
	if (memcmp(seen, "first", 5) != 0) {
		say(c, '2');
		CHECK(sockd_conn_close(c) == 0);
		return;
	}
	CHECK(FAILS(sockd_receive(r, small, sizeof small, &n), EMSGSIZE));
	CHECK(FAILS(sockd_flush(w), EDEADLK) && FAILS(sockd_copy(w, r), EDEADLK));
	CHECK(sockd_discard(r, 5) == 5);
	CHECK(sockd_readable(r) == 0 && FAILS(sockd_peek(r, &seen, 1), EAGAIN));
	CHECK(sockd_discard(r, 5) == 0);
	CHECK(sockd_pause(r, true) == 0);
	CHECK(sockd_write(w, "other", 5) == 5);
}

static void
a_paused_one_waits(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_events events = {
		.size = sizeof events, .open = in_view_open, .data = in_view_data, .close = up_close
	};
	struct told t = { "", 0, 0, 0 };
	const struct sockd_dial_options o = { .size = sizeof o, .events = &events, .data = &t };
	struct sockd_conn up = dial_with(c, NULL, &o);

	(void)r, (void)w;
	CHECK(!sockd_null(up));
	CHECK(FAILS(sockd_write(sockd_conn_writer(up), "x", 1), EAGAIN));
	for (int i = 0; i < 500 && strlen(t.text) < 2; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(strcmp(t.text, "od") == 0);
	for (int i = 0; i < 500 && sockd_readable(sockd_conn_reader(seen_by_fiber)) != 5; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(strcmp(t.text, "od") == 0); /* it has come, and nobody was called */
	CHECK(sockd_pause(sockd_conn_reader(seen_by_fiber), false) == 0);
	for (int i = 0; i < 500 && t.closes == 0; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(strcmp(t.text, "odd2c") == 0 && t.reason == SOCKD_BY_HANDLER);
}

/* Nobody listens there. What the kernel says of one datagram is no reason to end, nor to call data(). */
static void
a_refusal_is_no_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_events events = {
		.size = sizeof events, .open = in_view_open, .data = in_view_data, .close = up_close
	};
	struct told t = { "", 0, 0, 0 };
	const struct sockd_dial_options o = { .size = sizeof o, .events = &events, .data = &t };

	(void)r, (void)w;
	CHECK(!sockd_null(dial_with(c, "udp://127.0.0.1:1", &o)));
	for (int i = 0; i < 500 && t.text[0] == '\0'; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(sockd_sleep(sockd_conn_host(c), 20) == 0); /* the refusal is read meanwhile */
	CHECK(sockd_write(sockd_conn_writer(seen_by_fiber), "again", 5) == 5);
	CHECK(sockd_conn_close(seen_by_fiber) == 0);
	for (int i = 0; i < 500 && t.closes == 0; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(strcmp(t.text, "oc") == 0 && t.reason == SOCKD_BY_HANDLER);
}

static const struct scenario scenarios[] = { { "each_read_takes_one", each_read_takes_one },
	{ "others_wait_while_the_fiber_does", others_wait_while_the_fiber_does },
	{ "one_is_discarded_whole", one_is_discarded_whole },
	{ "writes_that_no_datagram_has", writes_that_no_datagram_has },
	{ "a_closed_reader_is_at_its_end", a_closed_reader_is_at_its_end },
	{ "from_one_to_another", from_one_to_another }, { "an_empty_one_moves_too", an_empty_one_moves_too },
	{ "a_paused_one_waits", a_paused_one_waits }, { "a_refusal_is_no_data", a_refusal_is_no_data },
	{ NULL, NULL } };

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)up_events; /* told.h's own upstream speaks in lines */
	scenario_serve(scenarios, c, r, w);
}

static const struct sockd_option options[] = { { "to", SOCKD_T_STRING, 0, NULL, 0, 0, NULL, "Whom to dial." },
	{ 0 } };

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "messages",
	.version = "1.0", .options = options, .serve = serve };
