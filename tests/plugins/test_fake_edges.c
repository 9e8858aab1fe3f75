/* The edges of the interface on the fakes: what is said there is what tests/system/test_edges.py has a real
 * daemon say, since both run the tables in tests/system/plugins. */
#include "sockd/testing.h"

#include "../system/plugins/edges_run.h"
#include "unit.h"

static const struct sockd_plugin straight = { SOCKD_PLUGIN_INIT, .name = "edges", .version = "1.0",
	.options = edges_options, .start = edges_start, .serve = edges_serve };
static const struct sockd_plugin events = { SOCKD_PLUGIN_INIT, .name = "edges_event", .version = "1.0",
	.options = edges_options, .start = edges_start, .data = edges_data, .datagram = edges_data };

/* The last answer; a row may have sent empty datagrams before it. */
static void
expect_ok(struct sockd_fake *f)
{
	static char buf[sizeof edge_report];
	ssize_t n = 0;

	while (n == 0)
		n = sockd_fake_take(f, buf, sizeof buf - 1);
	ck_assert_int_gt(n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf, "ok\n");
}

static struct sockd_fake *
started(const struct sockd_plugin *plugin, int transport)
{
	struct sockd_fake *f = sockd_fake_new(plugin, transport);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	return f;
}

START_TEST(straight_line_code_meets_them_on_every_transport)
{
	for (int transport = SOCKD_TCP; transport <= SOCKD_UNIXGRAM; transport++) {
		struct sockd_fake *f = started(&straight, transport);

		ck_assert_int_eq(sockd_fake_feed(f, "edges", 5), 0);
		ck_assert_int_eq(sockd_fake_feed(f, "abcdef", 6), 0);
		sockd_fake_turn(f);
		expect_ok(f);
		sockd_fake_free(f);
	}
}
END_TEST

START_TEST(events_meet_them_on_every_transport)
{
	for (int transport = SOCKD_TCP; transport <= SOCKD_UNIXGRAM; transport++) {
		struct sockd_fake *f = started(&events, transport);

		ck_assert_int_eq(sockd_fake_feed(f, "abcdef", 6), 0);
		sockd_fake_turn(f);
		expect_ok(f);
		sockd_fake_free(f);
	}
}
END_TEST

START_TEST(connections_that_a_plugin_made_meet_them)
{
	struct sockd_fake *f = started(&straight, SOCKD_TCP);
	struct sockd_fake *up = sockd_fake_peer(f, "udp://127.0.0.1:9");
	struct sockd_fake *stream = sockd_fake_peer(f, "tcp://127.0.0.1:9");

	sockd_fake_stay(f, true);
	sockd_fake_stay(stream, true);
	ck_assert_int_eq(sockd_fake_feed(up, "abcdef", 6), 0);
	ck_assert_int_eq(sockd_fake_feed(f, "dials", 5), 0);
	sockd_fake_turn(f);
	expect_ok(f);
	sockd_fake_free(f);
}
END_TEST

static struct sockd_conn kept;

static void
keep(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)w;
	ck_assert_int_eq(sockd_discard(r, SIZE_MAX), 1);
	if (sockd_null(kept))
		kept = c;
	ck_assert_int_eq(sockd_conn_close(c), 0);
}

/* Both clients have the same fake, but not the same handle. */
START_TEST(a_handle_kept_does_not_reach_the_next_client)
{
	static const struct sockd_plugin plugin = { SOCKD_PLUGIN_INIT, .name = "keep", .version = "1.0",
		.data = keep };
	struct sockd_fake *f = started(&plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_feed(f, "x", 1), 0);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_closes(f), 1);
	sockd_fake_stay(f, true);
	sockd_fake_turn(f);

	ck_assert(!sockd_null(sockd_fake_conn(f)));
	ck_assert_int_eq(sockd_conn_close(kept), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert(sockd_null(sockd_conn_writer(kept)));
	sockd_fake_free(f);
}
END_TEST

static const struct sockd_addr somebody = { .len = sizeof(sa_family_t) };

static void
answer_first(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char byte;

	(void)c;
	if (sockd_readable(r) == 0)
		return;
	ck_assert_int_eq(sockd_write(w, "x", 1), -1);
	ck_assert_int_eq(errno, EDESTADDRREQ);
	ck_assert_int_eq(sockd_write_to(w, &somebody, NULL, "y", 1), 1);
	ck_assert_int_eq(sockd_read(r, &byte, 1), 1);
	ck_assert_int_eq(sockd_write(w, "z", 1), 1);
}

START_TEST(an_answer_goes_to_who_has_asked)
{
	static const struct sockd_plugin plugin = { SOCKD_PLUGIN_INIT, .name = "answer", .version = "1.0",
		.serve = answer_first };
	struct sockd_fake *f = started(&plugin, SOCKD_UDP);
	char buf[2];

	ck_assert_int_eq(sockd_fake_feed(f, "?", 1), 0);
	sockd_fake_turn(f);
	ck_assert(sockd_fake_take(f, buf, 2) == 1 && buf[0] == 'y');
	ck_assert(sockd_fake_take(f, buf, 2) == 1 && buf[0] == 'z');
	ck_assert_int_eq(sockd_fake_take(f, buf, 2), -1);
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("fake_edges", an_answer_goes_to_who_has_asked, a_handle_kept_does_not_reach_the_next_client,
	straight_line_code_meets_them_on_every_transport, events_meet_them_on_every_transport,
	connections_that_a_plugin_made_meet_them)
