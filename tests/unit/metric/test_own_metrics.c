/* Metrics that plugins name. */
#include "metric/own_metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "unit.h"

enum { THREADS = 4, ROUNDS = 20000 };

static struct own_metrics *set;

static uint64_t
registered(enum metric_kind kind, const char *name)
{
	uint64_t id = 0;

	ck_assert_int_eq(own_metrics_register(set, kind, name, "Help", &id), 0);
	return id;
}

static int
refused(enum metric_kind kind, const char *name)
{
	uint64_t id = 77;
	int code = own_metrics_register(set, kind, name, "Help", &id);

	ck_assert_uint_eq(id, 77);
	return code;
}

START_TEST(a_name_and_kind_have_one_id)
{
	uint64_t first, second;

	set = own_metrics_new();
	first = registered(METRIC_COUNTER, "first");
	second = registered(METRIC_GAUGE, "second");

	ck_assert_uint_ne(first, 0);
	ck_assert_uint_ne(first, second);
	ck_assert_uint_eq(registered(METRIC_COUNTER, "first"), first);
	ck_assert_int_eq(refused(METRIC_GAUGE, "first"), -EEXIST);
	ck_assert_uint_eq(own_metrics_count(set), 2);
	own_metrics_free(set);
}
END_TEST

START_TEST(a_bad_name_is_refused)
{
	static const char *const bad[] = { "", "9lives", "_x", "Upper", "da-sh", "a b", "\xc3\xa4", "x_total",
		"_total" };
	char longest[OWN_METRIC_NAME_MAX + 2] = "";

	set = own_metrics_new();
	for (size_t i = 0; i < array_len(bad); i++)
		ck_assert_msg(refused(METRIC_COUNTER, bad[i]) == -EINVAL, "%s", bad[i]);
	memset(longest, 'a', sizeof longest - 1);
	ck_assert_int_eq(refused(METRIC_COUNTER, longest), -EINVAL);
	longest[OWN_METRIC_NAME_MAX] = '\0';
	registered(METRIC_COUNTER, longest);
	registered(METRIC_COUNTER, "total");
	own_metrics_free(set);
}
END_TEST

START_TEST(a_set_has_an_end)
{
	char name[16];

	set = own_metrics_new();
	for (int i = 0; i < OWN_METRICS_MAX; i++) {
		snprintf(name, sizeof name, "m%d", i);
		registered(METRIC_GAUGE, name);
	}

	ck_assert_int_eq(refused(METRIC_GAUGE, "more"), -ENOSPC);
	ck_assert_uint_eq(registered(METRIC_GAUGE, "m0"), 1);
	own_metrics_free(set);
}
END_TEST

START_TEST(a_counter_never_falls)
{
	uint64_t counter, gauge;

	set = own_metrics_new();
	counter = registered(METRIC_COUNTER, "counter");
	gauge = registered(METRIC_GAUGE, "gauge");

	ck_assert_int_eq(own_metrics_add(set, counter, 5), 0);
	ck_assert_int_eq(own_metrics_add(set, counter, -1), -EINVAL);
	ck_assert_int_eq(own_metrics_add(set, gauge, 5), 0);
	ck_assert_int_eq(own_metrics_add(set, gauge, -7), 0);
	ck_assert_int_eq(own_metrics_add(set, 0, 1), -ENOENT);
	ck_assert_int_eq(own_metrics_add(set, 3, 1), -ENOENT);
	ck_assert_int_eq(own_metrics_get(set, counter - 1).value, 5);
	ck_assert_int_eq(own_metrics_get(set, gauge - 1).value, -2);
	own_metrics_free(set);
}
END_TEST

static void *
add_often(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(own_metrics_add(set, registered(METRIC_COUNTER, "shared"), 1), 0);
		ck_assert_int_eq(own_metrics_add(set, registered(METRIC_COUNTER, arg), 1), 0);
	}
	return NULL;
}

START_TEST(nothing_is_lost_between_threads)
{
	static char names[THREADS][8] = { "a", "b", "c", "d" };
	pthread_t threads[THREADS];

	set = own_metrics_new();
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_often, names[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	ck_assert_uint_eq(own_metrics_count(set), THREADS + 1);
	ck_assert_int_eq(
		own_metrics_get(set, registered(METRIC_COUNTER, "shared") - 1).value, THREADS * ROUNDS);
	own_metrics_free(set);
}
END_TEST

START_TEST(counters_go_on_in_the_next_set)
{
	struct own_metrics *next = own_metrics_new();
	uint64_t id;

	set = own_metrics_new();
	ck_assert_int_eq(own_metrics_add(set, registered(METRIC_GAUGE, "gauge"), 3), 0);
	ck_assert_int_eq(own_metrics_add(set, registered(METRIC_COUNTER, "counter"), 3), 0);
	ck_assert_int_eq(own_metrics_register(next, METRIC_COUNTER, "counter", "New", &id), 0);
	ck_assert_int_eq(own_metrics_add(next, id, 4), 0);

	own_metrics_inherit(next, set);

	ck_assert_uint_eq(own_metrics_count(next), 1);
	ck_assert_int_eq(own_metrics_get(next, 0).value, 7);
	own_metrics_free(set);
	own_metrics_free(next);
}
END_TEST

UNIT_TESTS("own_metrics", a_name_and_kind_have_one_id, a_bad_name_is_refused, a_set_has_an_end,
	a_counter_never_falls, nothing_is_lost_between_threads, counters_go_on_in_the_next_set)
