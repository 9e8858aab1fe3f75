/* Servers that plugins dial, on the fakes. */
#include "fake_case.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void
serve_relay(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn server = sockd_dial(sockd_conn_host(c), "tcp://server:80", NULL);

	(void)r, (void)w;
	tell_result("dial", sockd_null(server) ? -1 : 0);
	if (sockd_null(server))
		return;
	tell_result("relay", sockd_relay(c, server));
	ck_assert_int_eq(sockd_conn_close(server), 0);
}

START_TEST(a_relay_carries_both_ways_and_both_ends)
{
	struct sockd_fake *f = serving(serve_relay), *server = sockd_fake_peer(f, "tcp://server:80");

	sockd_fake_stay(f, true);
	sockd_fake_stay(server, true);
	feed(f, "question");
	sockd_fake_turn(f);
	expect_taken(server, "question");
	feed(server, "answer");
	sockd_fake_turn(f);
	expect_taken(f, "answer");
	sockd_fake_end(f);
	sockd_fake_turn(f);
	ck_assert(sockd_fake_write_closed(server));
	ck_assert(!sockd_fake_write_closed(f));
	sockd_fake_end(server);
	sockd_fake_turn(f);

	ck_assert_str_eq(told, "dial=ok relay=ok");
	ck_assert_int_eq(sockd_fake_reason(server), SOCKD_BY_HANDLER);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_peer_that_breaks_ends_the_relay)
{
	struct sockd_fake *f = serving(serve_relay), *server = sockd_fake_peer(f, "tcp://server:80");

	sockd_fake_stay(f, true);
	sockd_fake_stay(server, true);
	sockd_fake_turn(f);
	sockd_fake_break(server, SOCKD_BY_RESET);
	sockd_fake_turn(f);

	ck_assert_str_eq(told, "dial=ok relay=ECONNRESET");
	sockd_fake_free(f);
}
END_TEST

static void
serve_messages(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn server = sockd_dial(sockd_conn_host(c), "udp://server:53", NULL);
	char buf[16];
	size_t n;

	(void)r, (void)w;
	ck_assert_uint_ne(sockd_conn_id(server), 0);
	ck_assert_int_eq(sockd_conn_set_timeout(server, SOCKD_TIMEOUT_READ, 100), 0);
	tell_result("receive", sockd_receive(sockd_conn_reader(server), buf, sizeof buf, &n));
	tell_result("receive", sockd_receive(sockd_conn_reader(server), buf, sizeof buf, &n));
	tell_result("close", sockd_conn_close(server));
}

START_TEST(a_dialled_datagram_socket_is_a_connection)
{
	struct sockd_fake *f = serving(serve_messages), *server = sockd_fake_peer(f, "udp://server:53");

	sockd_fake_stay(server, true);
	feed(server, "message");
	sockd_fake_turn(f);
	sockd_fake_timeout(server, SOCKD_TIMEOUT_READ);

	ck_assert_str_eq(told, "receive=ok receive=ETIMEDOUT close=ok");
	ck_assert_int_eq(sockd_fake_reason(server), SOCKD_BY_HANDLER);
	sockd_fake_free(f);
}
END_TEST

static int handed;

static void
serve_descriptor(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn other;
	char url[32];

	(void)w;
	snprintf(url, sizeof url, "fd:%d", handed);
	other = sockd_dial(sockd_conn_host(c), url, NULL);
	tell_result("dial", sockd_null(other) ? -1 : 0);
	if (!sockd_null(other))
		(void)sockd_copy(sockd_conn_writer(other), r);
}

START_TEST(a_descriptor_moves_to_whoever_was_announced_for_all)
{
	struct sockd_fake *f = serving(serve_descriptor), *other;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	handed = fds[0];
	sockd_fake_turn(f);
	other = sockd_fake_peer(f, "fd:");
	feed(f, "hello");
	sockd_fake_turn(f);

	expect_taken(other, "hello");
	ck_assert_int_eq(fcntl(handed, F_GETFD), -1);
	sockd_fake_turn(f);
	ck_assert_str_eq(told, "dial=EOPNOTSUPP dial=ok dial=EBADF");
	close(fds[1]);
	sockd_fake_free(f);
}
END_TEST

START_TEST(who_is_not_announced_refuses_and_a_fault_can_be_given)
{
	struct sockd_fake *f = serving(serve_relay);

	sockd_fake_turn(f);
	ck_assert_str_eq(told, "dial=ECONNREFUSED");
	sockd_fake_free(f);

	f = serving(serve_relay);
	ck_assert_ptr_nonnull(sockd_fake_peer(f, "tcp://server:80"));
	sockd_fake_fail(f, SOCKD_FAKE_DIAL, ETIMEDOUT, 0, 1);
	sockd_fake_turn(f);
	ck_assert_str_eq(told, "dial=ETIMEDOUT");
	sockd_fake_free(f);
}
END_TEST

static void
on_peer_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	tell(sockd_conn_data(c));
	sockd_write(w, "hello", 5);
}

static void
on_peer_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[8];

	(void)w;
	ck_assert_int_eq(sockd_read(r, buf, sizeof buf), 2);
	tell("data");
	sockd_conn_close(c);
}

static void
on_peer_close(struct sockd_conn c, int reason)
{
	(void)c;
	tell_result("close", reason == SOCKD_BY_ERROR ? -1 : 0);
}

static void
dial_on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static const struct sockd_events events = { sizeof events, .open = on_peer_open, .data = on_peer_data,
		.close = on_peer_close };
	static char name[] = "open";
	struct sockd_dial_options o = { .size = sizeof o, .events = &events, .data = name };

	(void)w;
	sockd_discard(r, SIZE_MAX);
	ck_assert(!sockd_null(sockd_dial(sockd_conn_host(c), "unix:///s", &o)));
	tell("dialled");
}

START_TEST(events_of_a_dialled_connection_come_from_the_loop)
{
	static const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1",
		.data = dial_on_data };
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_TCP), *server = sockd_fake_peer(f, "unix:///s");

	told[0] = '\0';
	sockd_fake_stay(server, true);
	feed(f, "x");
	sockd_fake_turn(f);
	expect_taken(server, "hello");
	feed(server, "hi");
	sockd_fake_turn(f);
	ck_assert_str_eq(told, "dialled open data close=ok");
	sockd_fake_free(f);

	f = sockd_fake_new(&p, SOCKD_TCP);
	told[0] = '\0';
	feed(f, "x");
	sockd_fake_turn(f);
	ck_assert_str_eq(told, "dialled close=ECONNREFUSED");
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("fake_peers", a_relay_carries_both_ways_and_both_ends, a_peer_that_breaks_ends_the_relay,
	a_dialled_datagram_socket_is_a_connection, a_descriptor_moves_to_whoever_was_announced_for_all,
	who_is_not_announced_refuses_and_a_fault_can_be_given,
	events_of_a_dialled_connection_come_from_the_loop)
