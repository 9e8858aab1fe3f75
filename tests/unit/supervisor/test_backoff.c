/* supervisor/backoff.c */
#include "supervisor/backoff.h"

#include "unit.h"

START_TEST(the_first_deaths_cost_nothing_and_the_next_ones_up_to_a_second)
{
	static const int64_t want[] = { 0, 0, 0, 100, 200, 400, 800, 1000, 1000, 1000 };
	struct backoff b = { 0 };

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		ck_assert_int_eq(backoff_next(&b, 10, true), want[i]);
}
END_TEST

START_TEST(workers_that_never_serve_are_tried_ever_more_rarely)
{
	static const int64_t want[] = { 0, 0, 0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000,
		30000 };
	struct backoff b = { 0 };

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		ck_assert_int_eq(backoff_next(&b, 60000, false), want[i]);
}
END_TEST

START_TEST(a_worker_that_served_long_is_replaced_at_once)
{
	struct backoff b = { .deaths = 20 };

	ck_assert_int_gt(backoff_next(&b, BACKOFF_FORGIVEN_MS - 1, true), 0);

	ck_assert_int_eq(backoff_next(&b, BACKOFF_FORGIVEN_MS, true), 0);
	ck_assert_uint_eq(b.deaths, 1);
}
END_TEST

START_TEST(thousands_of_deaths_do_not_overflow)
{
	struct backoff b = { .deaths = UINT32_MAX - 2 };

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(backoff_next(&b, 0, false), BACKOFF_MAX_MS);
}
END_TEST

UNIT_TESTS("backoff", the_first_deaths_cost_nothing_and_the_next_ones_up_to_a_second,
	workers_that_never_serve_are_tried_ever_more_rarely, a_worker_that_served_long_is_replaced_at_once,
	thousands_of_deaths_do_not_overflow)
