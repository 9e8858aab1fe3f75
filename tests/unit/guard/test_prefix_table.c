#include "guard/prefix_table.h"

#include <malloc.h>
#include <string.h>

#include "unit.h"

static struct network
net(const char *text)
{
	struct network n;
	struct err e = { 0 };

	ck_assert_msg(network_parse(text, strlen(text), &n, &e) == 0, "%s", e.text);
	return n;
}

static struct prefix_table *
table_of(const struct network *networks, size_t count)
{
	struct prefix_table *t;

	ck_assert_int_eq(prefix_table_new(networks, count, &t), 0);
	return t;
}

static int
find(const struct prefix_table *t, const char *text)
{
	struct network address = net(text);

	return prefix_table_find(t, &address);
}

START_TEST(the_longest_prefix_decides)
{
	const struct network networks[] = { net("10.0.0.0/8"), net("10.1.0.0/16"), net("10.1.2.0/24"),
		net("10.1.2.3"), net("0.0.0.0/0") };
	struct prefix_table *t = table_of(networks, array_len(networks));

	ck_assert_int_eq(find(t, "10.1.2.3"), 3);
	ck_assert_int_eq(find(t, "10.1.2.4"), 2);
	ck_assert_int_eq(find(t, "10.1.2.2"), 2);
	ck_assert_int_eq(find(t, "10.1.3.0"), 1);
	ck_assert_int_eq(find(t, "10.0.255.255"), 0);
	ck_assert_int_eq(find(t, "10.255.255.255"), 0);
	ck_assert_int_eq(find(t, "11.0.0.0"), 4);
	ck_assert_int_eq(find(t, "9.255.255.255"), 4);
	ck_assert_int_eq(find(t, "255.255.255.255"), 4);
	ck_assert_int_eq(find(t, "0.0.0.0"), 4);
	ck_assert_int_eq(find(t, "::1"), PREFIX_NONE);
	prefix_table_free(t);
}
END_TEST

START_TEST(of_equal_prefixes_the_first_decides)
{
	const struct network networks[] = { net("10.0.0.0/8"), net("10.0.0.0/8"), net("10.0.0.0/9"),
		net("10.0.0.0/9") };
	struct prefix_table *t = table_of(networks, array_len(networks));

	ck_assert_int_eq(find(t, "10.0.0.1"), 2);
	ck_assert_int_eq(find(t, "10.200.0.1"), 0);
	prefix_table_free(t);
}
END_TEST

START_TEST(networks_reach_to_the_ends_of_their_family)
{
	const struct network networks[] = { net("255.255.255.255"), net("0.0.0.0"), net("::"),
		net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), net("ff00::/8") };
	struct prefix_table *t = table_of(networks, array_len(networks));

	ck_assert_int_eq(find(t, "255.255.255.255"), 0);
	ck_assert_int_eq(find(t, "255.255.255.254"), PREFIX_NONE);
	ck_assert_int_eq(find(t, "0.0.0.0"), 1);
	ck_assert_int_eq(find(t, "0.0.0.1"), PREFIX_NONE);
	ck_assert_int_eq(find(t, "::"), 2);
	ck_assert_int_eq(find(t, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 3);
	ck_assert_int_eq(find(t, "ffff::"), 4);
	ck_assert_int_eq(find(t, "feff::"), PREFIX_NONE);
	prefix_table_free(t);
}
END_TEST

START_TEST(an_empty_table_finds_nothing)
{
	struct prefix_table *t = table_of(NULL, 0);

	ck_assert_int_eq(find(t, "192.0.2.1"), PREFIX_NONE);
	ck_assert_int_eq(find(t, "2001:db8::1"), PREFIX_NONE);
	prefix_table_free(t);
}
END_TEST

/* A generator of its own, so that a failure repeats. */
static uint32_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*state >> 33);
}

/* Few distinct bytes, so that many networks nest. */
static struct network
random_network(uint64_t *state, bool whole)
{
	struct network n = { .is_v6 = next_random(state) % 2 == 0 };

	n.bits = (uint8_t)network_width(&n);
	for (unsigned i = 0; i < network_width(&n) / 8; i++) {
		static const uint8_t bytes[] = { 0, 1, 0x80, 0xff };

		n.bytes[i] = bytes[next_random(state) % 4];
	}
	return whole ? n : network_cut(&n, next_random(state) % (network_width(&n) + 1));
}

static int
find_slowly(const struct network *networks, size_t count, const struct network *address)
{
	int best = PREFIX_NONE;

	for (size_t i = 0; i < count; i++)
		if (network_contains(&networks[i], address) &&
			(best == PREFIX_NONE || networks[i].bits > networks[best].bits))
			best = (int)i;
	return best;
}

START_TEST(random_tables_agree_with_a_plain_search)
{
	uint64_t state = 4711;
	struct network networks[200];

	for (int round = 0; round < 200; round++) {
		size_t count = next_random(&state) % array_len(networks);
		struct prefix_table *t;

		for (size_t i = 0; i < count; i++)
			networks[i] = random_network(&state, false);
		t = table_of(networks, count);
		for (int i = 0; i < 200; i++) {
			struct network address = random_network(&state, true);

			ck_assert_int_eq(
				prefix_table_find(t, &address), find_slowly(networks, count, &address));
		}
		prefix_table_free(t);
	}
}
END_TEST

/* Of malloc(); a sanitizer's knows nothing of it. */
static size_t
in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

START_TEST(a_hundred_thousand_networks_take_a_few_megabytes)
{
	enum { COUNT = 100000 };
	struct network *networks = calloc(COUNT, sizeof *networks);
	struct prefix_table *t;
	uint64_t state = 1;
	size_t before;

	ck_assert_ptr_nonnull(networks);
	for (int i = 0; i < COUNT; i++) {
		uint32_t a = next_random(&state);
		struct network n = { .bits = 32 };

		memcpy(n.bytes, &a, sizeof a);
		networks[i] = network_cut(&n, 16 + next_random(&state) % 17);
	}

	before = in_use();
	t = table_of(networks, COUNT);

	ck_assert_uint_lt(in_use() - before, 5 << 20);
	for (int i = 0; i < COUNT; i += 97) {
		struct network address = networks[i];
		int found;

		address.bits = 32;
		found = prefix_table_find(t, &address);
		ck_assert_int_ge(found, 0);
		ck_assert(network_contains(&networks[found], &address));
		ck_assert_uint_ge(networks[found].bits, networks[i].bits);
	}
	prefix_table_free(t);
	free(networks);
}
END_TEST

UNIT_TESTS("prefix_table", the_longest_prefix_decides, of_equal_prefixes_the_first_decides,
	networks_reach_to_the_ends_of_their_family, an_empty_table_finds_nothing,
	random_tables_agree_with_a_plain_search, a_hundred_thousand_networks_take_a_few_megabytes)
