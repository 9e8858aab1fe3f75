/* plugins/kv/store.c: values, expiry, the memory limit, and many threads at once. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "../../plugins/kv/siphash.h"
#include "../../plugins/kv/store.h"
#include "unit.h"

static struct bytes
b(const char *text)
{
	return (struct bytes){ text, strlen(text) };
}

static void
copy(void *arg, struct bytes value)
{
	char *to = arg;

	memcpy(to, value.at, value.size);
	to[value.size] = '\0';
}

static const char *
get(struct store *s, const char *key, int64_t now_ms)
{
	static char text[4096];

	return store_get(s, b(key), now_ms, copy, text) ? text : NULL;
}

static void
set(struct store *s, const char *key, const char *value)
{
	ck_assert_int_eq(store_set(s, b(key), b(value), STORE_NO_EXPIRY, STORE_ALWAYS, 0), STORE_OK);
}

/* The vectors of the paper's authors for SipHash-1-3 with key 00..0f and input 00, 01, ... */
START_TEST(the_hash_is_siphash_1_3)
{
	static const unsigned char input[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

	ck_assert_uint_eq(siphash(key, input, 0), 0xabac0158050fc4dc);
	ck_assert_uint_eq(siphash(key, input, 1), 0xc9f49bf37d57ca93);
	ck_assert_uint_ne(siphash(key, input, 15), siphash(key, input, 16));
}
END_TEST

START_TEST(values_are_set_replaced_and_deleted)
{
	struct store *s = store_new(0);

	ck_assert_ptr_null(get(s, "a", 0));
	set(s, "a", "one");
	ck_assert_str_eq(get(s, "a", 0), "one");
	set(s, "a", "a much longer value than the one before it, so that it has to move");
	ck_assert_str_eq(
		get(s, "a", 0), "a much longer value than the one before it, so that it has to move");
	set(s, "a", "");
	ck_assert_str_eq(get(s, "a", 0), "");
	ck_assert(store_delete(s, b("a"), 0));
	ck_assert(!store_delete(s, b("a"), 0));
	ck_assert_uint_eq(store_counts(s).keys, 0);
	ck_assert_uint_eq(store_counts(s).memory, 0);
	store_free(s);
}
END_TEST

START_TEST(conditions_hold)
{
	struct store *s = store_new(0);

	ck_assert_int_eq(store_set(s, b("a"), b("1"), STORE_NO_EXPIRY, STORE_IF_PRESENT, 0), STORE_MISSING);
	ck_assert_int_eq(store_set(s, b("a"), b("1"), STORE_NO_EXPIRY, STORE_IF_ABSENT, 0), STORE_OK);
	ck_assert_int_eq(store_set(s, b("a"), b("2"), STORE_NO_EXPIRY, STORE_IF_ABSENT, 0), STORE_MISSING);
	ck_assert_int_eq(store_set(s, b("a"), b("3"), STORE_NO_EXPIRY, STORE_IF_PRESENT, 0), STORE_OK);
	ck_assert_str_eq(get(s, "a", 0), "3");
	store_free(s);
}
END_TEST

START_TEST(a_key_whose_time_has_come_is_gone)
{
	struct store *s = store_new(0);
	int64_t when = 0;

	ck_assert_int_eq(store_set(s, b("a"), b("1"), 100, STORE_ALWAYS, 0), STORE_OK);
	set(s, "b", "1");
	ck_assert(store_expiry(s, b("a"), 99, &when));
	ck_assert_int_eq(when, 100);
	ck_assert_ptr_nonnull(get(s, "a", 99));
	ck_assert_ptr_null(get(s, "a", 100));
	ck_assert(!store_expire(s, b("a"), 500, 100));
	ck_assert(store_expire(s, b("b"), 200, 100));
	ck_assert(store_expire(s, b("b"), STORE_NO_EXPIRY, 100));
	ck_assert_ptr_nonnull(get(s, "b", 1000));
	store_free(s);
}
END_TEST

START_TEST(the_sweep_removes_what_nobody_asks_for)
{
	struct store *s = store_new(0);
	char key[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "%d", i);
		ck_assert_int_eq(
			store_set(s, b(key), b("x"), i % 2 == 0 ? 10 : STORE_NO_EXPIRY, STORE_ALWAYS, 0),
			STORE_OK);
	}
	for (int i = 0; i < 64 * 4; i++)
		store_sweep(s, 10);

	ck_assert_uint_eq(store_counts(s).keys, 500);
	ck_assert_uint_eq(store_counts(s).expired, 500);
	store_free(s);
}
END_TEST

START_TEST(numbers_are_added_to)
{
	struct store *s = store_new(0);
	int64_t sum = 0;

	ck_assert_int_eq(store_add(s, b("n"), 5, 0, &sum), STORE_OK);
	ck_assert_int_eq(store_add(s, b("n"), -7, 0, &sum), STORE_OK);
	ck_assert_int_eq(sum, -2);
	ck_assert_str_eq(get(s, "n", 0), "-2");
	set(s, "n", "9223372036854775807");
	ck_assert_int_eq(store_add(s, b("n"), 1, 0, &sum), STORE_OVERFLOW);
	ck_assert_str_eq(get(s, "n", 0), "9223372036854775807");
	for (size_t i = 0; i < 6; i++) {
		static const char *const wrong[] = { "", "x", "1x", " 1", "+1", "01" };

		set(s, "n", wrong[i]);
		ck_assert_int_eq(store_add(s, b("n"), 1, 0, &sum), STORE_NOT_NUMBER);
	}
	store_free(s);
}
END_TEST

START_TEST(an_expiry_outlives_an_addition)
{
	struct store *s = store_new(0);
	int64_t sum, when = 0;

	ck_assert_int_eq(store_set(s, b("n"), b("1"), 50, STORE_ALWAYS, 0), STORE_OK);
	ck_assert_int_eq(store_add(s, b("n"), 1, 0, &sum), STORE_OK);
	ck_assert(store_expiry(s, b("n"), 0, &when));
	ck_assert_int_eq(when, 50);
	store_free(s);
}
END_TEST

START_TEST(a_full_store_refuses_and_keeps_what_it_has)
{
	static char big[3000];
	struct store *s = store_new(4000);

	memset(big, 'x', sizeof big - 1);
	set(s, "a", big);
	ck_assert_int_eq(store_set(s, b("b"), b(big), STORE_NO_EXPIRY, STORE_ALWAYS, 0), STORE_FULL);
	ck_assert_ptr_null(get(s, "b", 0));
	ck_assert_str_eq(get(s, "a", 0), big);
	ck_assert(store_delete(s, b("a"), 0));
	ck_assert_int_eq(store_set(s, b("b"), b(big), STORE_NO_EXPIRY, STORE_ALWAYS, 0), STORE_OK);
	store_free(s);
}
END_TEST

enum { THREADS = 4, ROUNDS = 20000, KEYS = 50 };

static void *
hammer(void *arg)
{
	struct store *s = arg;
	char key[16];
	int64_t sum;

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(key, sizeof key, "n%d", i % KEYS);
		if (store_add(s, b(key), 1, 0, &sum) != STORE_OK)
			return arg;
		snprintf(key, sizeof key, "s%d", i % KEYS);
		if (store_set(s, b(key), b(key), STORE_NO_EXPIRY, STORE_ALWAYS, 0) != STORE_OK)
			return arg;
		(void)store_delete(s, b(key), 0);
		store_sweep(s, 0);
	}
	return NULL;
}

START_TEST(no_addition_of_many_threads_is_lost)
{
	struct store *s = store_new(0);
	pthread_t threads[THREADS];
	int64_t total = 0;
	char key[16];

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, s), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *failed = s;

		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof key, "n%d", i);
		total += strtoll(get(s, key, 0), NULL, 10);
	}
	ck_assert_int_eq(total, (int64_t)THREADS * ROUNDS);
	ck_assert_uint_eq(store_counts(s).keys, KEYS);
	store_clear(s);
	ck_assert_uint_eq(store_counts(s).memory, 0);
	store_free(s);
}
END_TEST

UNIT_TESTS("kv_store", the_hash_is_siphash_1_3, values_are_set_replaced_and_deleted, conditions_hold,
	a_key_whose_time_has_come_is_gone, the_sweep_removes_what_nobody_asks_for, numbers_are_added_to,
	an_expiry_outlives_an_addition, a_full_store_refuses_and_keeps_what_it_has,
	no_addition_of_many_threads_is_lost)
