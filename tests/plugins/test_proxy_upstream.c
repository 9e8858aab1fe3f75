/* plugins/proxy/upstream.c: who is next, and who is left alone. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "../../plugins/proxy/upstream.h"
#include "unit.h"

static struct upstreams
three(enum balance balance)
{
	return (struct upstreams){ .items = { { .url = "a" }, { .url = "b" }, { .url = "c" } },
		.count = 3,
		.balance = balance,
		.fail_ms = 100 };
}

static const char *
next(struct upstreams *u, const struct sockd_addr *source, int64_t now_ms)
{
	uint64_t tried = 0;
	struct upstream *one = upstream_choose(u, source, now_ms, &tried);

	return one->url;
}

static struct sockd_addr
from(uint32_t host, uint16_t port)
{
	struct sockd_addr a = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)&a.sa;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(host);
	in->sin_port = htons(port);
	return a;
}

START_TEST(each_has_its_turn)
{
	struct upstreams u = three(BALANCE_ROUND_ROBIN);

	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(next(&u, NULL, 0), "a");
		ck_assert_str_eq(next(&u, NULL, 0), "b");
		ck_assert_str_eq(next(&u, NULL, 0), "c");
	}
}
END_TEST

START_TEST(the_one_with_the_fewest_connections_is_next)
{
	struct upstreams u = three(BALANCE_LEAST);

	atomic_store(&u.items[0].connections, 5);
	atomic_store(&u.items[1].connections, 2);
	atomic_store(&u.items[2].connections, 4);
	ck_assert_str_eq(next(&u, NULL, 0), "b");
	ck_assert_str_eq(next(&u, NULL, 0), "b");
	upstream_done(&u.items[2]);
	upstream_done(&u.items[2]);
	ck_assert_str_eq(next(&u, NULL, 0), "c");
}
END_TEST

START_TEST(an_address_stays_with_its_server_whatever_its_port)
{
	struct upstreams u = three(BALANCE_SOURCE);
	unsigned seen[3] = { 0 };

	for (uint32_t host = 0; host < 300; host++) {
		struct sockd_addr a = from(0x0a000000 + host, 1), b = from(0x0a000000 + host, 9999);
		const char *first = next(&u, &a, 0);

		ck_assert_str_eq(next(&u, &b, 0), first);
		seen[first[0] - 'a']++;
	}
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_gt(seen[i], 50);
}
END_TEST

START_TEST(one_that_failed_is_left_alone_for_a_while)
{
	struct upstreams u = three(BALANCE_ROUND_ROBIN);

	ck_assert(upstream_failed(&u, &u.items[0], 1000));
	ck_assert(!upstream_failed(&u, &u.items[0], 1000));
	for (int i = 0; i < 9; i++)
		ck_assert_str_ne(next(&u, NULL, 1099), "a");
	ck_assert_str_eq(next(&u, NULL, 1100), "a");
	ck_assert(upstream_works(&u.items[0]));
	ck_assert(!upstream_works(&u.items[0]));
}
END_TEST

/* How often the first one comes in three rounds. */
static int
turns_of_the_first(struct upstreams *u, int64_t now_ms)
{
	int count = 0;

	for (int i = 0; i < 9; i++)
		count += strcmp(next(u, NULL, now_ms), "a") == 0;
	return count;
}

START_TEST(one_client_finds_out_for_all_whether_it_works_again)
{
	struct upstreams u = three(BALANCE_ROUND_ROBIN);

	u.trial_ms = 50;
	(void)upstream_failed(&u, &u.items[0], 1000);
	ck_assert_int_eq(turns_of_the_first(&u, 1099), 0);
	ck_assert_int_eq(turns_of_the_first(&u, 1100), 1);
	ck_assert(!upstream_failed(&u, &u.items[0], 1149)); /* no news */
	ck_assert_int_eq(turns_of_the_first(&u, 1248), 0);
	ck_assert_int_eq(turns_of_the_first(&u, 1249), 1);
	ck_assert(upstream_works(&u.items[0]));
	ck_assert_int_eq(turns_of_the_first(&u, 1249), 3);
}
END_TEST

START_TEST(each_is_tried_once_and_the_failed_ones_last)
{
	struct upstreams u = three(BALANCE_ROUND_ROBIN);
	uint64_t tried = 0;

	(void)upstream_failed(&u, &u.items[0], 0);
	ck_assert_str_eq(upstream_choose(&u, NULL, 1, &tried)->url, "b");
	ck_assert_str_eq(upstream_choose(&u, NULL, 1, &tried)->url, "c");
	ck_assert_str_eq(upstream_choose(&u, NULL, 1, &tried)->url, "a");
	ck_assert_ptr_null(upstream_choose(&u, NULL, 1, &tried));
}
END_TEST

UNIT_TESTS("proxy_upstream", each_has_its_turn, the_one_with_the_fewest_connections_is_next,
	an_address_stays_with_its_server_whatever_its_port, one_that_failed_is_left_alone_for_a_while,
	one_client_finds_out_for_all_whether_it_works_again, each_is_tried_once_and_the_failed_ones_last)
