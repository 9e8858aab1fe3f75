/* Datagram endpoints, against a real loop, real fibers and real sockets. */
#include "dgram_fixture.h"

#include <sys/wait.h>

/* ---- tests ---- */

START_TEST(serve_that_takes_nothing_is_slowed_down)
{
	int64_t begun_ms = clock_now_ms();

	world.plugin.serve = serve_nothing;
	begin(AF_INET, "127.0.0.1", 65536);
	run_until_seen(5);
	ck_assert_int_ge(clock_now_ms() - begun_ms, 10 + 20 + 40 + 80);
	endpoint_drain(world.ep);
	run_until_ended();
	finish();
}
END_TEST

START_TEST(a_refused_datagram_does_not_stop_those_behind_it)
{
	world.plugin.serve = serve_forward;
	begin(AF_INET, "0.0.0.0", 65536);
	inet_pton(AF_INET, "127.0.0.1", &((struct sockaddr_in *)&world.address)->sin_addr);
	ask("first", 5);
	run_until_seen(1);
	expect("first", 5);
	expect("last", 4);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_DROPPED_SEND), 1);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_WRITTEN), 2);
	endpoint_drain(world.ep);
	run_until_ended();
	finish();
}
END_TEST

START_TEST(over_ipv6_the_asked_address_answers_too)
{
	struct sockaddr_in6 from;
	socklen_t size = sizeof from;
	char buf[8];

	world.plugin.datagram = event_echo;
	begin(AF_INET6, "::", 65536);
	((struct sockaddr_in6 *)&world.address)->sin6_addr = in6addr_loopback;
	ask("six", 3);
	run_until_seen(1);
	ck_assert_int_eq(recvfrom(world.client, buf, sizeof buf, 0, (struct sockaddr *)&from, &size), 3);
	ck_assert(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr));
	ck_assert(IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&world.ep->local.sa)->sin6_addr));
	inet_pton(AF_INET6, "::ffff:127.0.0.5", &((struct sockaddr_in6 *)&world.address)->sin6_addr);
	ask("four", 4);
	run_until_seen(2);
	ck_assert_int_eq(recvfrom(world.client, buf, sizeof buf, 0, (struct sockaddr *)&from, &size), 4);
	ck_assert_int_eq(memcmp(&from.sin6_addr, &((struct sockaddr_in6 *)&world.address)->sin6_addr, 16), 0);
	finish();
}
END_TEST

START_TEST(a_batch_is_echoed_in_order)
{
	char text[SMALL];

	world.plugin.datagram = event_echo;
	begin(AF_INET, "127.0.0.1", 65536);
	for (int i = 0; i < 100; i++)
		ask(text, (size_t)snprintf(text, sizeof text, "n%d", i));
	run_until_seen(100);
	for (int i = 0; i < 100; i++)
		expect(text, (size_t)snprintf(text, sizeof text, "n%d", i));
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_READ), 100);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_WRITTEN), 100);
	finish();
}
END_TEST

START_TEST(empty_and_largest_datagrams_are_echoed)
{
	static char large[DGRAM_UDP_MAX];

	memset(large, 'x', sizeof large);
	world.plugin.datagram = event_echo;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("", 0);
	ask(large, sizeof large);
	ask("", 0);
	run_until_seen(3);
	expect("", 0);
	expect(large, sizeof large);
	expect("", 0);
	finish();
}
END_TEST

START_TEST(an_empty_datagram_does_not_end_serve)
{
	world.plugin.serve = serve_echo;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("", 0);
	ask("after", 5);
	run_until_seen(2);
	expect("", 0);
	expect("after", 5);
	ck_assert_uint_eq(world.ends, 0);
	ck_assert_uint_eq(world.calls, 1);
	endpoint_drain(world.ep);
	run_until_ended();
	ck_assert_uint_eq(world.ends, 1);
	finish();
}
END_TEST

START_TEST(a_reply_leaves_from_the_address_that_was_asked)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&world.address, from;
	socklen_t size = sizeof from;
	char buf[8];

	world.plugin.datagram = event_echo;
	begin(AF_INET, "0.0.0.0", 65536);
	inet_pton(AF_INET, "127.0.0.9", &in->sin_addr);
	ask("who", 3);
	run_until_seen(1);
	ck_assert_int_eq(recvfrom(world.client, buf, sizeof buf, 0, (struct sockaddr *)&from, &size), 3);
	ck_assert_uint_eq(from.sin_addr.s_addr, in->sin_addr.s_addr);
	ck_assert_uint_eq(((struct sockaddr_in *)&world.ep->local.sa)->sin_addr.s_addr, in->sin_addr.s_addr);
	finish();
}
END_TEST

START_TEST(only_a_socket_without_one_address_is_told_which_was_asked)
{
	static const struct {
		int family;
		const char *host;
		int told;
	} cases[] = { { AF_INET, "127.0.0.1", 0 }, { AF_INET, "0.0.0.0", 1 }, { AF_INET, "239.1.2.3", 1 },
		{ AF_INET6, "::1", 0 }, { AF_INET6, "::", 1 }, { AF_INET6, "::ffff:127.0.0.1", 1 } };

	for (size_t i = 0; i < array_len(cases); i++) {
		bool ipv6 = cases[i].family == AF_INET6;
		socklen_t size = sizeof(int);
		int told = -1;

		open_sockets(cases[i].family, cases[i].host);

		ck_assert_int_eq(dgram_want_local(world.server, &world.address), cases[i].told);
		ck_assert_int_eq(getsockopt(world.server, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
					 ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &told, &size),
			0);
		ck_assert_int_eq(told, cases[i].told);
		close(world.server);
		close(world.client);
		world = (struct world){ 0 };
	}
}
END_TEST

START_TEST(a_truncated_datagram_is_counted_and_dropped)
{
	char text[SMALL + 1] = { 0 };

	world.plugin.datagram = event_echo;
	begin(AF_INET, "127.0.0.1", SMALL);
	ask(text, sizeof text);
	ask("fits", 4);
	run_until_seen(1);
	expect("fits", 4);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_TRUNCATED), 1);
	finish();
}
END_TEST

START_TEST(serve_never_sees_a_datagram_above_its_buffer)
{
	char text[SMALL + 1] = { 0 };

	world.plugin.serve = serve_echo;
	begin(AF_INET, "127.0.0.1", 65536);
	ask(text, sizeof text);
	ask("fits", 4);
	run_until_seen(1);
	expect("fits", 4);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_DROPPED_OVERSIZE), 1);
	endpoint_drain(world.ep);
	run_until_ended();
	finish();
}
END_TEST

START_TEST(an_event_entry_is_told_of_a_datagram_above_its_buffer)
{
	char text[SMALL + 1] = { 0 };

	world.plugin.datagram = event_small;
	begin(AF_INET, "127.0.0.1", 65536);
	ask(text, sizeof text);
	run_until_seen(1);
	ck_assert_int_eq(world.result, -1);
	ck_assert_int_eq(world.error, EMSGSIZE);
	ck_assert_uint_eq(world.readable, sizeof text);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_DROPPED_OVERSIZE), 1);
	finish();
}
END_TEST

START_TEST(an_event_entry_never_waits)
{
	world.plugin.datagram = event_probe;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("x", 1);
	run_until_seen(1);
	expect("ok", 2);
	finish();
}
END_TEST

START_TEST(serve_that_returns_is_called_again)
{
	world.plugin.serve = serve_once;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("a", 1);
	ask("b", 1);
	ask("c", 1);
	run_until_seen(3);
	expect("a", 1);
	expect("b", 1);
	expect("c", 1);
	ck_assert_uint_ge(world.calls, 3);
	endpoint_drain(world.ep);
	run_until_ended();
	finish();
}
END_TEST

START_TEST(drain_answers_what_the_socket_holds)
{
	world.plugin.serve = serve_once;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("a", 1);
	ask("b", 1);
	endpoint_drain(world.ep);
	run_until_ended();
	expect("a", 1);
	expect("b", 1);
	ck_assert_uint_eq(world.seen, 2);
	finish();
}
END_TEST

START_TEST(drain_delivers_in_event_style)
{
	world.plugin.datagram = event_echo;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("a", 1);
	endpoint_drain(world.ep);
	run_until_ended();
	expect("a", 1);
	finish();
}
END_TEST

START_TEST(cut_cancels_a_waiting_serve)
{
	world.plugin.serve = serve_echo;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("a", 1);
	run_until_seen(1);
	endpoint_cut(world.ep);
	run_until_ended();
	ck_assert_int_eq(world.result, -1);
	ck_assert_int_eq(world.error, ECANCELED);
	finish();
}
END_TEST

START_TEST(copy_echoes_until_drain)
{
	world.plugin.serve = serve_copy;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("one", 3);
	ask("", 0);
	ask("two", 3);
	endpoint_drain(world.ep);
	run_until_ended();
	expect("one", 3);
	expect("", 0);
	expect("two", 3);
	ck_assert_int_eq(world.result, 6);
	finish();
}
END_TEST

START_TEST(an_unnamed_sender_gets_no_answer_and_stops_nothing)
{
	static char large[65536];
	struct sockaddr_un me = { .sun_family = AF_UNIX };

	memset(large, 'y', sizeof large);
	world.plugin.datagram = event_echo;
	begin(AF_UNIX, NULL, 65536);
	ask("nobody", 6);
	run_until_seen(1);
	ck_assert_int_eq(world.result, 6);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_DROPPED_UNNAMED), 1);
	ck_assert_int_eq(bind(world.client, (struct sockaddr *)&me, sizeof(sa_family_t)), 0);
	ask(large, sizeof large);
	run_until_seen(2);
	expect(large, sizeof large);
	finish();
}
END_TEST

static uint64_t senders[8];

static void
event_sender(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_cred *cred;
	char byte;

	(void)w;
	world.result = (int)sockd_read(r, &byte, 1);
	cred = sockd_conn_cred(c);
	senders[world.seen] = cred != NULL ? (uint64_t)cred->pid : 0;
	see();
}

START_TEST(each_datagram_tells_its_own_sender)
{
	int status;
	pid_t child;

	world.plugin.datagram = event_sender;
	begin(AF_UNIX, NULL, 65536);
	ask("a", 1);
	child = fork();
	if (child == 0) {
		ask("b", 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ask("c", 1);
	run_until_seen(3);

	ck_assert_uint_eq(senders[0], (uint64_t)getpid());
	ck_assert_uint_eq(senders[1], (uint64_t)child);
	ck_assert_uint_eq(senders[2], (uint64_t)getpid());
	finish();
}
END_TEST

START_TEST(a_full_peer_costs_only_its_own_answers)
{
	struct sockaddr_un me = { .sun_family = AF_UNIX };
	int deaf = socket(AF_UNIX, SOCK_DGRAM, 0);
	unsigned sent = 0;

	world.plugin.datagram = event_echo;
	begin(AF_UNIX, NULL, 65536);
	ck_assert_int_eq(bind(deaf, (struct sockaddr *)&me, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(bind(world.client, (struct sockaddr *)&me, sizeof(sa_family_t)), 0);
	while (counted(METRIC_DATAGRAMS_DROPPED_SEND) == 0) {
		ck_assert_int_eq(
			sendto(deaf, "d", 1, 0, (struct sockaddr *)&world.address, world.address_size), 1);
		run_until_seen(++sent);
		ck_assert_uint_lt(sent, 100000);
	}
	ck_assert_int_eq(sendto(deaf, "d", 1, 0, (struct sockaddr *)&world.address, world.address_size), 1);
	ask("me", 2);
	run_until_seen(sent + 2);
	expect("me", 2);
	ck_assert_uint_eq(counted(METRIC_DATAGRAMS_DROPPED_SEND), 2);
	close(deaf);
	finish();
}
END_TEST

START_TEST(a_stale_handle_is_refused)
{
	struct sockd_reader r = { .ops = &endpoint_reader_ops };
	char buf[1];

	world.plugin.datagram = event_echo;
	begin(AF_INET, "127.0.0.1", 65536);
	r.ref = endpoint_ref(world.ep);
	ck_assert_int_eq(sockd_read(r, buf, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	endpoint_free(world.ep);
	world.ep = NULL;
	ck_assert_int_eq(sockd_read(r, buf, 1), -1);
	ck_assert_int_eq(errno, EBADF);
	loop_leave(world.loop);
	ck_assert_int_eq(sockd_read(r, buf, 1), -1);
	ck_assert_int_eq(errno, EXDEV);
	finish();
}
END_TEST

/* Pauses at the first one, which it takes. */
static void
event_pause(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	event_echo(c, r, w);
	if (world.calls++ == 0)
		ck_assert_int_eq(sockd_pause(r, true), 0);
}

START_TEST(what_a_paused_one_left_unread_survives_a_new_endpoint)
{
	struct world first;
	struct sockd_reader r = { .ops = &endpoint_reader_ops };
	struct endpoint *second;
	struct err e = { 0 };

	world.plugin.datagram = event_pause;
	begin(AF_INET, "127.0.0.1", 65536);
	ask("one", 3);
	ask("two", 3);
	ask("three", 5);
	run_until_seen(1);
	expect("one", 3);

	first = world;
	memset(&world.address, 0, sizeof world.address);
	open_sockets(AF_INET, "127.0.0.1");
	ck_assert_int_eq(endpoint_new(&world.scope, world.server, CFG_UDP, &world.address, world.address_size,
				 STACK, &second, &e),
		0);
	endpoint_start(second);
	ask("other", 5);
	run_until_seen(2);
	expect("other", 5);
	endpoint_free(second);
	close(world.server);
	close(world.client);
	world.server = first.server;
	world.client = first.client;

	r.ref = endpoint_ref(world.ep);
	ck_assert_int_eq(sockd_pause(r, false), 0);
	run_until_seen(4);
	expect("two", 3);
	expect("three", 5);
	finish();
}
END_TEST

UNIT_TESTS("dgram", a_batch_is_echoed_in_order, empty_and_largest_datagrams_are_echoed,
	an_empty_datagram_does_not_end_serve, a_reply_leaves_from_the_address_that_was_asked,
	only_a_socket_without_one_address_is_told_which_was_asked,
	a_truncated_datagram_is_counted_and_dropped, serve_never_sees_a_datagram_above_its_buffer,
	an_event_entry_is_told_of_a_datagram_above_its_buffer, an_event_entry_never_waits,
	serve_that_returns_is_called_again, drain_answers_what_the_socket_holds,
	drain_delivers_in_event_style, cut_cancels_a_waiting_serve, copy_echoes_until_drain,
	an_unnamed_sender_gets_no_answer_and_stops_nothing, each_datagram_tells_its_own_sender,
	a_full_peer_costs_only_its_own_answers, a_stale_handle_is_refused,
	serve_that_takes_nothing_is_slowed_down, a_refused_datagram_does_not_stop_those_behind_it,
	over_ipv6_the_asked_address_answers_too, what_a_paused_one_left_unread_survives_a_new_endpoint)
