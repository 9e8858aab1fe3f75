/* supervisor/backoff.c */
#include "supervisor/backoff.h"

#include "unit.h"

START_TEST(the_first_death_costs_nothing_and_the_next_ones_more_and_more)
{
	static const int64_t want[] = { 0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000 };
	struct backoff b = { 0 };

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		ck_assert_int_eq(backoff_next(&b, 10), want[i]);
}
END_TEST

START_TEST(a_worker_that_lived_long_is_replaced_at_once)
{
	struct backoff b = { 0 };

	backoff_next(&b, 10);
	ck_assert_int_gt(backoff_next(&b, 10), 0);

	ck_assert_int_eq(backoff_next(&b, BACKOFF_FORGIVEN_MS), 0);
	ck_assert_int_eq(backoff_next(&b, 10), BACKOFF_FIRST_MS);
}
END_TEST

START_TEST(thousands_of_deaths_do_not_overflow)
{
	struct backoff b = { .deaths = UINT32_MAX - 2 };

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(backoff_next(&b, 0), BACKOFF_MAX_MS);
}
END_TEST

UNIT_TESTS("backoff", the_first_death_costs_nothing_and_the_next_ones_more_and_more,
	a_worker_that_lived_long_is_replaced_at_once, thousands_of_deaths_do_not_overflow)
