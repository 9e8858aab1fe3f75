/* The fakes themselves, by plugins that are made of a few entries; and the refusals of the header's
 * functions. */
#include "sockd/testing.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static int calls[8];
enum { OPEN, DATA, END, ROOM, DRAIN, TIMEOUT, CLOSE };

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	(void)w;
	calls[OPEN]++;
	ck_assert_int_eq(sockd_conn_set_data(c, calls), 0);
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	calls[DATA]++;
	ck_assert_ptr_eq(sockd_conn_data(c), calls);
	if (sockd_readable(r) > sockd_writable(w)) {
		ck_assert_int_eq(sockd_write(w, "too much for it", sockd_writable(w) + 1), -1);
		return;
	}
	sockd_move(w, r);
}

static void
on_eof(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	calls[END]++;
	ck_assert_int_eq(sockd_printf(w, "%s", "bye"), 3);
	ck_assert_int_eq(sockd_conn_close(c), 0);
	ck_assert_int_eq(sockd_write(w, "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
}

static void
on_writable(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	calls[ROOM]++;
	sockd_move(w, r);
}

static void
on_draining(struct sockd_conn c, int64_t ms_left)
{
	calls[DRAIN]++;
	ck_assert_int_eq(sockd_conn_draining(c), ms_left);
}

static void
on_timeout(struct sockd_conn c, int which)
{
	if (++calls[TIMEOUT] == 1)
		ck_assert_int_eq(sockd_conn_set_timeout(c, which, 1000), 0);
}

static void
on_close(struct sockd_conn c, int reason)
{
	(void)reason;
	calls[CLOSE]++;
	ck_assert_ptr_eq(sockd_conn_data(c), calls);
	ck_assert_int_eq(sockd_write(sockd_conn_writer(c), "x", 1), -1);
	ck_assert_int_eq(errno, EBADF);
}

static const struct sockd_plugin events = { SOCKD_PLUGIN_INIT, .name = "events", .version = "1",
	.open = on_open, .data = on_data, .eof = on_eof, .writable = on_writable, .draining = on_draining,
	.timeout = on_timeout, .close = on_close };

START_TEST(entries_are_called_in_order_and_once)
{
	struct sockd_fake *f = sockd_fake_new(&events, SOCKD_TCP);
	char buf[8];

	ck_assert_int_eq(sockd_fake_start(f), 0);
	sockd_fake_feed(f, "hi", 2);
	sockd_fake_turn(f);
	sockd_fake_drain(f, 500);
	sockd_fake_end(f);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_take(f, buf, sizeof buf), 5);
	ck_assert_mem_eq(buf, "hibye", 5);
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	sockd_fake_free(f);

	ck_assert_int_eq(calls[OPEN], 1);
	ck_assert_int_eq(calls[DATA], 1);
	ck_assert_int_eq(calls[DRAIN], 1);
	ck_assert_int_eq(calls[END], 1);
	ck_assert_int_eq(calls[CLOSE], 1);
}
END_TEST

START_TEST(writable_follows_a_refused_write_once_half_is_free)
{
	struct sockd_fake *f = sockd_fake_new(&events, SOCKD_TCP);
	char buf[8];

	sockd_fake_set_room(f, 4);
	sockd_fake_feed(f, "abc", 3);
	sockd_fake_turn(f);
	sockd_fake_feed(f, "de", 2);
	sockd_fake_turn(f);
	ck_assert_int_eq(calls[ROOM], 0);
	ck_assert_int_eq(sockd_fake_take(f, buf, 2), 2);
	sockd_fake_turn(f);

	ck_assert_int_eq(calls[ROOM], 1);
	ck_assert_int_eq(sockd_fake_take(f, buf, sizeof buf), 3);
	ck_assert_mem_eq(buf, "cde", 3);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_timeout_ends_the_connection_unless_set_anew)
{
	struct sockd_fake *f = sockd_fake_new(&events, SOCKD_TCP);

	sockd_fake_turn(f);
	sockd_fake_timeout(f, SOCKD_TIMEOUT_IDLE);
	ck_assert_int_eq(sockd_fake_reason(f), 0);
	sockd_fake_timeout(f, SOCKD_TIMEOUT_IDLE);
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_IDLE_TIMEOUT);
	sockd_fake_free(f);
}
END_TEST

static int
refuse(struct sockd_conn c, int fd)
{
	(void)c;
	(void)fd;
	return -1;
}

START_TEST(a_refused_socket_is_neither_opened_nor_closed)
{
	struct sockd_plugin p = events;
	struct sockd_fake *f;

	p.tune = refuse;
	f = sockd_fake_new(&p, SOCKD_TCP);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_DENIED);
	sockd_fake_free(f);
	ck_assert_int_eq(calls[OPEN], 0);
	ck_assert_int_eq(calls[CLOSE], 0);
}
END_TEST

static void
serve_lines(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct iovec parts[2] = { { (void *)(uintptr_t) "> ", 2 }, { NULL, 0 } };
	const void *all;
	char line[16];
	ssize_t n;

	ck_assert_int_eq(sockd_peek(r, &all, 1), 9);
	ck_assert_int_eq(sockd_read_full(r, line, 2), 1);
	while ((n = sockd_read_until(r, "\n", 1, line, sizeof line)) > 0) {
		parts[1] = (struct iovec){ line, (size_t)n };
		ck_assert_int_eq(sockd_writev(w, parts, 2), n + 2);
	}
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(sockd_sleep(sockd_conn_host(c), 250), 0);
	ck_assert_int_eq(sockd_now(sockd_conn_host(c)), 250);
	ck_assert_int_eq(sockd_flush(w), 0);
}

START_TEST(straight_line_code_reads_to_the_end)
{
	const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "lines", .version = "1",
		.serve = serve_lines };
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_UNIX);
	char buf[32];

	sockd_fake_feed(f, "##ab\ncd\ne", 9);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_take(f, buf, sizeof buf), 13);
	ck_assert_mem_eq(buf, "> ab\n> cd\n> e", 13);
	sockd_fake_free(f);
}
END_TEST

static void
serve_frames(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_framing f = { .size = sizeof f, .kind = SOCKD_FRAME_LENGTH, .width = 1 };
	char buf[16];
	size_t n;

	(void)c;
	while (sockd_read_frame(r, &f, buf, sizeof buf, &n) == 1)
		ck_assert_int_eq(sockd_write_frame(w, &f, buf, n), n);
}

START_TEST(frames_are_messages_on_every_transport)
{
	const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "frames", .version = "1",
		.serve = serve_frames };
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_TCP);
	char buf[32];

	sockd_fake_feed(f, "\2ab\0\1c", 6);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_take(f, buf, sizeof buf), 6);
	ck_assert_mem_eq(buf, "\2ab\0\1c", 6);
	sockd_fake_free(f);
	f = sockd_fake_new(&p, SOCKD_UDP);
	sockd_fake_feed(f, "ab", 2);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_take(f, buf, sizeof buf), 2);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_null_handle_is_refused_by_every_function)
{
	const struct sockd_conn c = { NULL, 0 };
	const struct sockd_reader r = { NULL, 0 };
	const struct sockd_writer w = { NULL, 0 };
	const struct sockd_host h = { NULL, 0 };
	char buf[1];

	errno = 0;
	ck_assert_int_eq(sockd_read(r, buf, 1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(sockd_write(w, buf, 1), -1);
	ck_assert_int_eq(sockd_printf(w, "x"), -1);
	ck_assert_uint_eq(sockd_conn_id(c), 0);
	ck_assert_ptr_null(sockd_conn_remote(c));
	ck_assert(sockd_null(sockd_conn_reader(c)));
	ck_assert(sockd_null(sockd_conn_host(c)));
	ck_assert_int_eq(sockd_now(h), -1);
	errno = 0;
	ck_assert_int_eq(sockd_log(h, SOCKD_LOG_INFO, "x", "y"), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_ptr_null(sockd_setting_string(NULL, "x"));
	ck_assert_int_eq(sockd_error_set(NULL, NULL, "x"), -1);
}
END_TEST

START_TEST(what_a_table_lacks_is_enosys)
{
	struct sockd_fake *f = sockd_fake_new(&events, SOCKD_TCP);
	struct sockd_reader_ops brief = { .size = offsetof(struct sockd_reader_ops, receive) };
	const struct sockd_reader r = { &brief, 0 };
	struct sockd_conn c;
	size_t n;

	sockd_fake_turn(f);
	c = sockd_fake_conn(f);
	ck_assert(!SOCKD_HAS(c, start_tls));
	ck_assert(SOCKD_HAS(c, id));
	errno = 0;
	ck_assert_int_eq(sockd_conn_start_tls(c, NULL), -1);
	ck_assert_int_eq(errno, ENOSYS);
	ck_assert_uint_eq(sockd_timer_start(sockd_conn_host(c), 1, 0, NULL, NULL), 0);
	ck_assert(sockd_null(sockd_dial(sockd_conn_host(c), "tcp://x:1", NULL)));
	ck_assert(!SOCKD_HAS(r, receive));
	errno = 0;
	ck_assert_int_eq(sockd_receive(r, NULL, 0, &n), -1);
	ck_assert_int_eq(errno, ENOSYS);
	sockd_fake_free(f);
}
END_TEST

START_TEST(fallbacks_are_read_as_in_the_configuration)
{
	static const struct sockd_option options[] = {
		{ "quoted", SOCKD_T_STRING, 0, "\"07\"", 0, 0, NULL, "" },
		{ "plain", SOCKD_T_STRING, 0, "a, b", 0, 0, NULL, "" },
		{ "empty", SOCKD_T_STRING, 0, "''", 0, 0, NULL, "" },
		{ "none", SOCKD_T_STRING, 0, NULL, 0, 0, NULL, "" },
		{ "list", SOCKD_T_STRING | SOCKD_T_LIST, 0, "[one, 'two, three', 4]", 0, 0, NULL, "" }, { 0 }
	};
	struct sockd_plugin plugin = events;
	const struct sockd_settings *s;
	struct sockd_fake *f;

	plugin.options = options;
	f = sockd_fake_new(&plugin, SOCKD_TCP);
	sockd_fake_turn(f);
	s = sockd_host_settings(sockd_conn_host(sockd_fake_conn(f)));
	ck_assert_str_eq(sockd_setting_string(s, "quoted"), "07");
	ck_assert_str_eq(sockd_setting_string(s, "plain"), "a, b");
	ck_assert_str_eq(sockd_setting_string(s, "empty"), "");
	ck_assert_ptr_null(sockd_setting_string(s, "none"));
	ck_assert_str_eq(sockd_setting_list(s, "list", 0), "one");
	ck_assert_str_eq(sockd_setting_list(s, "list", 1), "two, three");
	ck_assert_str_eq(sockd_setting_list(s, "list", 2), "4");
	ck_assert_ptr_null(sockd_setting_list(s, "list", 3));
	sockd_fake_free(f);
}
END_TEST

START_TEST(metrics_can_be_read)
{
	struct sockd_fake *f = sockd_fake_new(&events, SOCKD_TCP);
	struct sockd_host h;
	uint64_t counter, gauge;

	sockd_fake_turn(f);
	h = sockd_conn_host(sockd_fake_conn(f));
	counter = sockd_metric_register(h, 1, "seen", "Seen");
	gauge = sockd_metric_register(h, 2, "open", "Open");
	ck_assert_uint_eq(sockd_metric_register(h, 1, "seen", "Seen"), counter);
	ck_assert_uint_eq(sockd_metric_register(h, 2, "seen", "Seen"), 0);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_uint_eq(sockd_metric_register(h, 1, "Seen", "Seen"), 0);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_metric_add(h, counter, 3), 0);
	ck_assert_int_eq(sockd_metric_add(h, gauge, -3), 0);
	ck_assert_int_eq(sockd_metric_add(h, counter, -1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_metric_add(h, 9, 1), -1);
	ck_assert_int_eq(errno, ENOENT);

	ck_assert_int_eq(sockd_fake_metric(f, "seen"), 3);
	ck_assert_int_eq(sockd_fake_metric(f, "open"), -3);
	ck_assert_int_eq(sockd_fake_metric(f, "none"), -1);
	sockd_fake_free(f);
}
END_TEST

static char fired[64];
static char name_once[] = "once", name_every[] = "every", name_stopped[] = "stopped", name_gone[] = "gone";

static void
on_timer(struct sockd_host h, void *arg)
{
	size_t n = strlen(fired);

	snprintf(fired + n, sizeof fired - n, "%s%lld ", (const char *)arg, (long long)sockd_now(h));
}

START_TEST(timers_fire_in_order_as_the_clock_moves)
{
	static const struct sockd_plugin plugin = { SOCKD_PLUGIN_INIT, .name = "t", .version = "1",
		.data = on_data };
	struct sockd_fake *f = sockd_fake_new(&plugin, SOCKD_TCP);
	struct sockd_host h;
	uint64_t every, stopped;

	ck_assert_int_eq(sockd_fake_start(f), 0);
	sockd_fake_turn(f);
	h = sockd_conn_host(sockd_fake_conn(f));
	fired[0] = '\0';
	ck_assert_uint_ne(sockd_timer_start(h, 25, 0, on_timer, name_once), 0);
	every = sockd_timer_start(h, 10, 10, on_timer, name_every);
	stopped = sockd_timer_start(h, 5, 0, on_timer, name_stopped);
	ck_assert_int_eq(sockd_timer_stop(h, stopped), 0);
	ck_assert_int_eq(sockd_timer_stop(h, stopped), -1);
	sockd_fake_advance(f, 30);
	ck_assert_str_eq(fired, "every10 every20 once25 every30 ");
	ck_assert_int_eq(sockd_timer_stop(h, every), 0);
	ck_assert_uint_ne(sockd_timer_start(h, 5, 0, on_timer, name_gone), 0);
	sockd_fake_break(f, SOCKD_BY_RESET);
	fired[0] = '\0';
	sockd_fake_advance(f, 100);
	ck_assert_str_eq(fired, "");
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("fake", fallbacks_are_read_as_in_the_configuration, entries_are_called_in_order_and_once,
	writable_follows_a_refused_write_once_half_is_free, a_timeout_ends_the_connection_unless_set_anew,
	a_refused_socket_is_neither_opened_nor_closed, straight_line_code_reads_to_the_end,
	frames_are_messages_on_every_transport, a_null_handle_is_refused_by_every_function,
	what_a_table_lacks_is_enosys, metrics_can_be_read, timers_fire_in_order_as_the_clock_moves)
