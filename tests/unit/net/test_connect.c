/* In which order the addresses of a name are tried, with a name service of the test's own. */
#include "net/connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "net/addr.h"

#include "unit.h"

enum { MANY = 40 };

static const char *families; /* '4' or '6' for each address, in the order of the name service */
static int answer;

static struct addrinfo all[MANY];
static struct sockaddr_storage addresses[MANY];

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	size_t count = strlen(families);

	(void)name, (void)service, (void)hints;
	for (size_t i = 0; i < count; i++) {
		struct sockaddr_in *in = (struct sockaddr_in *)&addresses[i];
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addresses[i];

		if (families[i] == '4')
			*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)i) };
		else
			*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
				.sin6_port = htons((uint16_t)i) };
		all[i] = (struct addrinfo){ .ai_family = addresses[i].ss_family,
			.ai_addr = (struct sockaddr *)&addresses[i],
			.ai_addrlen = families[i] == '4' ? sizeof *in : sizeof *in6,
			.ai_next = i + 1 < count ? &all[i + 1] : NULL };
	}
	*ret = all;
	return answer;
}

void
freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

/* The places in the name service's list, in the order in which they are tried. */
static void
expect_order(const char *served, const size_t *places, size_t count)
{
	struct net_targets t;

	families = served;
	answer = 0;
	ck_assert_int_eq(net_targets_look_up("name", 80, AF_UNSPEC, false, &t), 0);
	ck_assert_uint_eq(t.count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_mem_eq(&t.items[i].address, &addresses[places[i]], t.items[i].size);
}

#define EXPECT_ORDER(served, ...) \
	expect_order(served, (size_t[]){ __VA_ARGS__ }, sizeof((size_t[]){ __VA_ARGS__ }) / sizeof(size_t))

START_TEST(families_have_their_turns_the_preferred_one_first)
{
	EXPECT_ORDER("6644", 0, 2, 1, 3);
	EXPECT_ORDER("4466", 0, 2, 1, 3);
	EXPECT_ORDER("6664", 0, 3, 1, 2);
	EXPECT_ORDER("46", 0, 1);
	EXPECT_ORDER("64", 0, 1);
}
END_TEST

START_TEST(one_family_is_tried_in_its_order)
{
	EXPECT_ORDER("666", 0, 1, 2);
	EXPECT_ORDER("4", 0);
}
END_TEST

START_TEST(of_many_addresses_both_families_are_tried)
{
	struct net_targets t;
	size_t six = 0;

	families = "666666666666666666664444444444";
	answer = 0;
	ck_assert_int_eq(net_targets_look_up("name", 80, AF_UNSPEC, false, &t), 0);
	ck_assert_uint_eq(t.count, NET_TARGETS_MAX);
	for (size_t i = 0; i < t.count; i++)
		six += t.items[i].address.ss_family == AF_INET6;
	ck_assert_uint_eq(six, NET_TARGETS_MAX / 2);
}
END_TEST

START_TEST(what_the_name_service_says_is_told)
{
	static const struct {
		int answer, error;
	} all_answers[] = { { EAI_NONAME, -EADDRNOTAVAIL }, { EAI_AGAIN, -EAGAIN }, { EAI_MEMORY, -ENOMEM } };
	struct net_targets t;

	families = "6";
	for (size_t i = 0; i < sizeof all_answers / sizeof *all_answers; i++) {
		answer = all_answers[i].answer;
		ck_assert_int_eq(net_targets_look_up("name", 80, AF_UNSPEC, false, &t), all_answers[i].error);
	}
}
END_TEST

UNIT_TESTS("connect", families_have_their_turns_the_preferred_one_first, one_family_is_tried_in_its_order,
	of_many_addresses_both_families_are_tried, what_the_name_service_says_is_told)
