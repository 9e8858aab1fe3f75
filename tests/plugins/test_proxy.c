/* plugins/proxy on fakes: which server a client comes to, what the server is told, and what is done about
 * those that do not answer. Real sockets are in tests/system/test_proxy_plugin.py. */
#include "plugin_case.h"

static struct sockd_fake *
proxy(void)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "upstream", "tcp://a:80"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "upstream", "tcp://b:80"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "fail_time", "10s"), 0);
	return f;
}

static void
start(struct sockd_fake *f)
{
	ck_assert_msg(sockd_fake_start(f) == 0, "%s", sockd_fake_error(f));
}

/* A client from its begin to its end, and the server that it comes to. */
static void
client(struct sockd_fake *f, struct sockd_fake *server)
{
	feed(f, "question");
	feed(server, "answer");
	sockd_fake_turn(f);

	expect_answer(server, "question");
	expect_answer(f, "answer");
	ck_assert(sockd_fake_write_closed(server));
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
}

START_TEST(clients_come_to_the_servers_in_turn)
{
	struct sockd_fake *f = proxy(), *a = sockd_fake_peer(f, "tcp://a:80"),
			  *b = sockd_fake_peer(f, "tcp://b:80");

	start(f);
	client(f, a);
	client(f, b);
	client(f, a);

	ck_assert_int_eq(sockd_fake_metric(f, "proxy_failures"), 0);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_server_that_refuses_is_left_alone_for_a_while)
{
	struct sockd_fake *f = proxy(), *b = sockd_fake_peer(f, "tcp://b:80"), *a;

	start(f);
	client(f, b);
	ck_assert_str_eq(sockd_fake_log(f), "proxy_upstream_down tcp://a:80: Connection refused");
	client(f, b);
	client(f, b);
	ck_assert_int_eq(sockd_fake_metric(f, "proxy_failures"), 1);

	a = sockd_fake_peer(f, "tcp://a:80");
	sockd_fake_advance(f, 10000);
	client(f, a);
	ck_assert_str_eq(sockd_fake_log(f), "proxy_upstream_up tcp://a:80 answers again");
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_client_that_no_server_takes_is_refused)
{
	struct sockd_fake *f = proxy();

	start(f);
	feed(f, "question");
	sockd_fake_turn(f);

	expect_no_answer(f);
	ck_assert_int_eq(sockd_fake_closes(f), 1);
	ck_assert_int_eq(sockd_fake_metric(f, "proxy_failures"), 2);
	ck_assert_int_eq(sockd_fake_metric(f, "proxy_refused"), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_server_is_told_of_its_client_first)
{
	static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
	struct sockd_fake *f = proxy(), *a = sockd_fake_peer(f, "tcp://a:80");
	char buf[64];
	ssize_t n;

	ck_assert_int_eq(sockd_fake_set(f, "send_proxy", "true"), 0);
	start(f);
	feed(f, "question");
	sockd_fake_turn(f);

	n = sockd_fake_take(a, buf, sizeof buf);
	ck_assert_int_ge(n, 16 + 8);
	ck_assert_mem_eq(buf, signature, sizeof signature - 1);
	ck_assert_mem_eq(buf + n - 8, "question", 8);
	sockd_fake_free(f);
}
END_TEST

START_TEST(each_side_may_end_first_and_go_on_reading)
{
	struct sockd_fake *f = proxy(), *a = sockd_fake_peer(f, "tcp://a:80");

	start(f);
	sockd_fake_stay(f, true);
	sockd_fake_stay(a, true);
	sockd_fake_turn(f);
	sockd_fake_end(a);
	sockd_fake_turn(f);
	ck_assert(sockd_fake_write_closed(f));
	feed(f, "more");
	sockd_fake_turn(f);
	expect_answer(a, "more");
	ck_assert_int_eq(sockd_fake_reason(f), 0);
	sockd_fake_end(f);
	sockd_fake_turn(f);

	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	sockd_fake_free(f);
}
END_TEST

/* ---- udp ---- */

static struct sockd_fake *
datagrams(void)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_UDP);

	ck_assert_int_eq(sockd_fake_set(f, "upstream", "udp://a:53"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "fail_time", "10s"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "session_idle", "1s"), 0);
	return f;
}

START_TEST(a_server_of_datagrams_works_when_it_answers_and_no_sooner)
{
	struct sockd_fake *f = datagrams(), *a = sockd_fake_peer(f, "udp://a:53");

	start(f);
	sockd_fake_stay(a, true);
	sockd_fake_fail(a, SOCKD_FAKE_READ, ECONNREFUSED, 0, 1);
	feed(f, "question");
	sockd_fake_turn(f);
	expect_answer(a, "question");
	ck_assert_str_eq(sockd_fake_log(f), "proxy_upstream_down udp://a:53: Connection refused");
	ck_assert_int_eq(sockd_fake_metric(f, "proxy_failures"), 1);

	sockd_fake_advance(f, 10000);
	feed(f, "again");
	sockd_fake_turn(f);
	expect_answer(a, "again");
	ck_assert_str_eq(sockd_fake_log(f), "proxy_upstream_down udp://a:53: Connection refused");
	feed(a, "answer");
	sockd_fake_turn(f);
	expect_answer(f, "answer");
	ck_assert_str_eq(sockd_fake_log(f), "proxy_upstream_up udp://a:53 answers again");
	sockd_fake_free(f);
}
END_TEST

START_TEST(streams_and_datagrams_go_to_servers_of_their_kind)
{
	struct sockd_fake *f = datagrams(), *a, *tcp;

	ck_assert_int_eq(sockd_fake_set(f, "upstream", "tcp://a:53"), 0);
	a = sockd_fake_peer(f, "udp://a:53");
	tcp = sockd_fake_peer(f, "tcp://a:53");
	sockd_fake_stay(a, true);
	start(f);
	for (int i = 0; i < 3; i++) {
		feed(f, "message");
		sockd_fake_turn(f);
		expect_answer(a, "message");
		sockd_fake_advance(f, 2000);
	}
	expect_no_answer(tcp);
	sockd_fake_free(f);

	f = proxy();
	ck_assert_int_eq(sockd_fake_set(f, "upstream", "udp://a:53"), 0);
	a = sockd_fake_peer(f, "tcp://a:80");
	tcp = sockd_fake_peer(f, "tcp://b:80");
	start(f);
	client(f, a);
	client(f, tcp);
	client(f, a);
	ck_assert_int_eq(sockd_fake_metric(f, "proxy_failures"), 0);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_name_that_is_not_known_is_told_as_such)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "upstream", "tcp://a:80"), 0);
	start(f);
	sockd_fake_fail(f, SOCKD_FAKE_DIAL, EADDRNOTAVAIL, 0, 1);
	feed(f, "question");
	sockd_fake_turn(f);

	ck_assert_str_eq(sockd_fake_log(f),
		"proxy_upstream_down tcp://a:80: no address is known for its name, or no port is free here "
		"to call from");
	sockd_fake_free(f);
}
END_TEST

START_TEST(datagrams_for_which_there_is_no_session_are_counted)
{
	struct sockd_fake *f = datagrams(), *a;

	ck_assert_int_eq(sockd_fake_set(f, "sessions", "1"), 0);
	a = sockd_fake_peer(f, "udp://a:53");
	sockd_fake_stay(a, true);
	start(f);
	come_from_port(f, 1001);
	feed(f, "first");
	sockd_fake_turn(f);
	expect_answer(a, "first");

	come_from_port(f, 1002);
	for (int i = 0; i < 3; i++) {
		feed(f, "second");
		sockd_fake_turn(f);
	}
	expect_no_answer(a);
	ck_assert_int_eq(sockd_fake_metric(f, "proxy_dropped"), 3);
	ck_assert_ptr_nonnull(strstr(sockd_fake_log(f), "proxy_sessions_full there are 1 sessions"));
	sockd_fake_free(f);
}
END_TEST

START_TEST(without_a_server_of_that_kind_it_is_told)
{
	struct sockd_fake *f = datagrams();

	start(f);
	feed(f, "message");
	sockd_fake_turn(f);
	ck_assert_str_eq(sockd_fake_log(f), "proxy_upstream_down udp://a:53: Connection refused");
	sockd_fake_free(f);

	f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);
	ck_assert_int_eq(sockd_fake_set(f, "upstream", "udp://a:53"), 0);
	start(f);
	sockd_fake_turn(f);
	ck_assert_str_eq(sockd_fake_log(f),
		"proxy_no_upstream upstream names no server for streams: no client of these is served");
	ck_assert_int_eq(sockd_fake_metric(f, "proxy_refused"), 1);
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("plugins/proxy", clients_come_to_the_servers_in_turn,
	a_server_that_refuses_is_left_alone_for_a_while, a_client_that_no_server_takes_is_refused,
	a_server_is_told_of_its_client_first, each_side_may_end_first_and_go_on_reading,
	a_server_of_datagrams_works_when_it_answers_and_no_sooner,
	streams_and_datagrams_go_to_servers_of_their_kind, a_name_that_is_not_known_is_told_as_such,
	datagrams_for_which_there_is_no_session_are_counted, without_a_server_of_that_kind_it_is_told)
