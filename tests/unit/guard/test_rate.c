/* guard/rate.c: a burst, then the rate; a bucket that several threads share. */
#include <pthread.h>

#include "guard/rate.h"
#include "unit.h"

static const struct cfg_rate ten_a_second = { .count = 10, .per_ms = 1000 };

static int
take_all(_Atomic int64_t *due, const struct cfg_rate *rate, int64_t now_ms)
{
	int n = 0;

	while (n < 1000 && rate_take(due, rate, now_ms))
		n++;
	return n;
}

START_TEST(a_burst_of_a_second_comes_first_and_then_the_rate)
{
	_Atomic int64_t due = 0;

	ck_assert_int_eq(take_all(&due, &ten_a_second, 5000), 10);
	ck_assert_int_eq(take_all(&due, &ten_a_second, 5050), 0);
	ck_assert_int_eq(take_all(&due, &ten_a_second, 5100), 1);
	ck_assert_int_eq(take_all(&due, &ten_a_second, 5350), 2);
	ck_assert_int_eq(take_all(&due, &ten_a_second, 60000), 10);
}
END_TEST

START_TEST(a_slow_rate_has_a_burst_of_one)
{
	const struct cfg_rate one_a_minute = { .count = 1, .per_ms = 60000 };
	_Atomic int64_t due = 0;

	ck_assert_int_eq(rate_burst(&one_a_minute, 0), 1);
	ck_assert(rate_take(&due, &one_a_minute, 1000));
	ck_assert(!rate_take(&due, &one_a_minute, 59000));
	ck_assert(rate_take(&due, &one_a_minute, 61000));
}
END_TEST

START_TEST(without_a_rate_there_is_always_one)
{
	const struct cfg_rate none = { 0 };
	_Atomic int64_t due = 0;

	ck_assert_int_eq(take_all(&due, &none, 1), 1000);
	ck_assert_int_eq(due, 0);
}
END_TEST

static _Atomic int64_t shared;
static _Atomic int taken;

static void *
take_shared(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++)
		if (rate_take(&shared, &ten_a_second, 1000))
			atomic_fetch_add(&taken, 1);
	return NULL;
}

START_TEST(threads_together_get_no_more_than_one_would)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_shared, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(taken, 10);
}
END_TEST

UNIT_TESTS("rate", a_burst_of_a_second_comes_first_and_then_the_rate, a_slow_rate_has_a_burst_of_one,
	without_a_rate_there_is_always_one, threads_together_get_no_more_than_one_would)
