#include "guard/sources.h"

#include <pthread.h>
#include <string.h>

#include "unit.h"

static const struct cfg_per_source plain = {
	.connections = CFG_OFF, .rate = { 0, 1000 }, .ipv4_prefix = 32, .ipv6_prefix = 64
};

static struct source_key
key(const char *text, const struct cfg_per_source *cfg)
{
	struct network n;

	ck_assert_int_eq(network_parse(text, strlen(text), &n, NULL), 0);
	return source_key_of_network(&n, cfg);
}

static struct sources *
table(size_t entries)
{
	struct sources *s;

	ck_assert_int_eq(sources_new(entries, 42, &s), 0);
	return s;
}

static enum source_verdict
take(struct sources *s, const struct cfg_per_source *cfg, const char *text, int64_t now_ms,
	struct source **ret)
{
	struct source_key k = key(text, cfg);
	int64_t wait_ms = 0;

	return sources_take(s, cfg, &k, now_ms, ret, &wait_ms);
}

START_TEST(a_source_is_an_ipv4_address_an_ipv6_network_or_a_user)
{
	struct source_key a = key("192.0.2.1", &plain), b = key("192.0.2.2", &plain),
			  c = key("2001:db8::1", &plain), d = key("2001:db8::2", &plain),
			  e = key("2001:db8:0:1::1", &plain), f = source_key_of_user(7),
			  g = source_key_of_user(8);

	ck_assert_mem_ne(&a, &b, sizeof a);
	ck_assert_mem_eq(&c, &d, sizeof c);
	ck_assert_mem_ne(&c, &e, sizeof c);
	ck_assert_mem_ne(&f, &g, sizeof f);
}
END_TEST

START_TEST(connections_are_counted_and_given_back)
{
	struct cfg_per_source cfg = plain;
	struct sources *s = table(64);
	struct source *a, *b, *c, *other;
	struct source_key k;
	int64_t open;

	cfg.connections = 2;
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 0, &a), SOURCE_OK);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 0, &b), SOURCE_OK);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 0, &c), SOURCE_CONNECTIONS);
	ck_assert_ptr_null(c);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.2", 0, &other), SOURCE_OK);
	k = key("192.0.2.1", &cfg);
	ck_assert_int_eq(sources_look(s, &cfg, &k, 0, &open), SOURCE_CONNECTIONS);
	ck_assert_int_eq(open, 2);

	source_release(a);

	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 0, &c), SOURCE_OK);
	source_release(b);
	source_release(c);
	source_release(other);
	source_release(NULL);
	ck_assert_int_eq(sources_look(s, &cfg, &k, 0, &open), SOURCE_OK);
	ck_assert_int_eq(open, 0);
	sources_unref(s);
}
END_TEST

START_TEST(a_rate_lets_a_burst_through_and_then_one_at_a_time)
{
	struct cfg_per_source cfg = plain;
	struct sources *s = table(64);
	struct source *held;

	cfg.rate = (struct cfg_rate){ 10, 1000 };
	cfg.burst = 5;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 1000, &held), SOURCE_OK);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 1000, &held), SOURCE_RATE);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 1099, &held), SOURCE_RATE);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 1100, &held), SOURCE_OK);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 1100, &held), SOURCE_RATE);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.2", 1100, &held), SOURCE_OK);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 9000, &held), SOURCE_OK);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 9000, &held), SOURCE_RATE);
	sources_unref(s);
}
END_TEST

START_TEST(a_long_run_keeps_its_rate)
{
	static const struct cfg_rate rates[] = { { 7, 1000 }, { 30, 60000 }, { 3600, 3600000 },
		{ 900, 1000 } };

	for (size_t i = 0; i < array_len(rates); i++) {
		struct cfg_per_source cfg = plain;
		struct sources *s = table(64);
		int64_t passed = 0, span_ms = 60000, expected = rates[i].count * span_ms / rates[i].per_ms;

		cfg.rate = rates[i];
		cfg.burst = 1;
		for (int64_t now = 0; now < span_ms; now++) {
			struct source *held;

			if (take(s, &cfg, "192.0.2.1", now, &held) == SOURCE_OK)
				passed++;
		}
		ck_assert_int_ge(passed, expected - expected / 100 - 1);
		ck_assert_int_le(passed, expected + 1);
		sources_unref(s);
	}
}
END_TEST

START_TEST(a_burst_that_is_not_given_is_a_second)
{
	struct cfg_per_source cfg = plain;
	struct sources *s = table(64);
	struct source *held;

	cfg.rate = (struct cfg_rate){ 3, 1000 };
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 0, &held), SOURCE_OK);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 0, &held), SOURCE_RATE);
	cfg.rate = (struct cfg_rate){ 3, 60000 };
	ck_assert_int_eq(take(s, &cfg, "192.0.2.2", 0, &held), SOURCE_OK);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.2", 0, &held), SOURCE_RATE);
	sources_unref(s);
}
END_TEST

START_TEST(delayed_connections_wait_in_a_row)
{
	struct cfg_per_source cfg = plain;
	struct sources *s = table(64);
	struct source_key k = key("192.0.2.1", &plain);
	struct source *held;
	int64_t wait_ms = 0;

	cfg.rate = (struct cfg_rate){ 10, 1000 };
	cfg.burst = 3;
	cfg.delay = true;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sources_take(s, &cfg, &k, 0, &held, &wait_ms), SOURCE_OK);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(sources_take(s, &cfg, &k, 0, &held, &wait_ms), SOURCE_WAIT);
		ck_assert_ptr_nonnull(held);
		ck_assert_int_eq(wait_ms, 100 * i);
	}
	ck_assert_int_eq(sources_take(s, &cfg, &k, 0, &held, &wait_ms), SOURCE_RATE);
	ck_assert_ptr_null(held);
	ck_assert_int_eq(sources_take(s, &cfg, &k, 0, NULL, &wait_ms), SOURCE_RATE);
	sources_unref(s);
}
END_TEST

START_TEST(a_full_table_forgets_who_was_away_longest)
{
	struct cfg_per_source cfg = plain;
	struct sources *s = table(64);
	struct source *held;
	char text[32];

	cfg.rate = (struct cfg_rate){ 1, 3600000 };
	for (int i = 0; i < 64; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i);
		ck_assert_int_eq(take(s, &cfg, text, 0, &held), SOURCE_OK);
		source_release(held);
	}
	ck_assert_int_eq(take(s, &cfg, "192.0.2.0", 1, &held), SOURCE_RATE); /* refreshed */
	ck_assert_int_eq(take(s, &cfg, "198.51.100.1", 1, &held), SOURCE_OK);
	source_release(held);

	ck_assert_int_eq(take(s, &cfg, "192.0.2.0", 1, &held), SOURCE_RATE);
	ck_assert_int_eq(take(s, &cfg, "192.0.2.1", 1, &held), SOURCE_OK); /* it was forgotten */
	ck_assert_uint_eq(sources_counts(s).used, 64);
	ck_assert_uint_eq(sources_counts(s).forgotten, 2);
	sources_unref(s);
}
END_TEST

START_TEST(connected_sources_are_never_forgotten)
{
	struct cfg_per_source cfg = plain;
	struct sources *s = table(64);
	struct source *held[64], *more;
	char text[32];

	cfg.connections = 1;
	for (int i = 0; i < 64; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i);
		ck_assert_int_eq(take(s, &cfg, text, 0, &held[i]), SOURCE_OK);
	}
	ck_assert_int_eq(take(s, &cfg, "198.51.100.1", 0, &more), SOURCE_OK);
	ck_assert_ptr_null(more); /* served, and not limited */
	ck_assert_uint_eq(sources_counts(s).unlimited, 1);
	for (int i = 0; i < 64; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i);
		ck_assert_int_eq(take(s, &cfg, text, 0, &more), SOURCE_CONNECTIONS);
	}

	source_release(held[5]);

	ck_assert_int_eq(take(s, &cfg, "198.51.100.1", 0, &more), SOURCE_OK);
	ck_assert_ptr_nonnull(more);
	sources_unref(s);
}
END_TEST

START_TEST(a_hundred_thousand_sources_stay_within_ten_thousand_entries)
{
	struct cfg_per_source cfg = plain;
	struct sources *s = table(10000);
	struct source *held;

	cfg.rate = (struct cfg_rate){ 1, 1000 };
	for (uint32_t i = 0; i < 100000; i++) {
		struct network n = { .bits = 32,
			.bytes = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
		struct source_key k = source_key_of_network(&n, &cfg);
		int64_t wait_ms;

		ck_assert_int_eq(sources_take(s, &cfg, &k, i / 100, &held, &wait_ms), SOURCE_OK);
		source_release(held);
	}
	ck_assert_uint_le(sources_counts(s).used, 10000);
	ck_assert_uint_ge(sources_counts(s).forgotten, 90000);
	ck_assert_uint_eq(sources_counts(s).unlimited, 0);
	sources_unref(s);
}
END_TEST

enum { THREADS = 4, TURNS = 20000, LIMIT = 3 };

struct worker {
	struct sources *s;
	_Atomic int *most, *open;
};

static void *
take_and_release(void *arg)
{
	struct worker *w = arg;
	struct cfg_per_source cfg = plain;

	cfg.connections = LIMIT;
	for (int i = 0; i < TURNS; i++) {
		struct source *held;
		struct source_key k = source_key_of_user(0);
		int64_t wait_ms;
		int now;

		if (sources_take(w->s, &cfg, &k, 0, &held, &wait_ms) != SOURCE_OK)
			continue;
		now = ++*w->open;
		if (now > *w->most)
			*w->most = now;
		--*w->open;
		source_release(held);
	}
	return NULL;
}

START_TEST(the_count_is_exact_over_threads)
{
	_Atomic int most = 0, open = 0;
	struct worker w = { .s = table(64), .most = &most, .open = &open };
	pthread_t threads[THREADS];
	struct source_key k = source_key_of_user(0);
	struct cfg_per_source cfg = plain;
	int64_t still;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_release, &w), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	ck_assert_int_le(most, LIMIT);
	sources_look(w.s, &cfg, &k, 0, &still);
	ck_assert_int_eq(still, 0);
	sources_unref(w.s);
}
END_TEST

UNIT_TESTS("sources", a_source_is_an_ipv4_address_an_ipv6_network_or_a_user,
	connections_are_counted_and_given_back, a_rate_lets_a_burst_through_and_then_one_at_a_time,
	a_long_run_keeps_its_rate, a_burst_that_is_not_given_is_a_second, delayed_connections_wait_in_a_row,
	a_full_table_forgets_who_was_away_longest, connected_sources_are_never_forgotten,
	a_hundred_thousand_sources_stay_within_ten_thousand_entries, the_count_is_exact_over_threads)
