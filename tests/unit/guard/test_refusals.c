#include "guard/refusals.h"

#include "unit.h"

START_TEST(a_source_is_told_of_once_a_second)
{
	static struct refusals r;
	struct source_key a = source_key_of_user(1), b = source_key_of_user(2);
	uint64_t count = 0, silent = 0;

	ck_assert(refusals_tell(&r, &a, 5000, &count, &silent));
	ck_assert_uint_eq(count, 1);
	for (int i = 0; i < 100; i++)
		ck_assert(!refusals_tell(&r, &a, 5999, &count, &silent));
	ck_assert(refusals_tell(&r, &b, 5999, &count, &silent));
	ck_assert_uint_eq(count, 1);

	ck_assert(refusals_tell(&r, &a, 6000, &count, &silent));

	ck_assert_uint_eq(count, 101);
	ck_assert_uint_eq(silent, 0);
}
END_TEST

START_TEST(a_flood_from_everywhere_is_told_of_in_few_lines_and_counted)
{
	static struct refusals r;
	uint64_t count, silent, told = 0, lines = 0;

	for (uint32_t i = 0; i < 100000; i++) {
		struct source_key key = source_key_of_user(i);

		if (!refusals_tell(&r, &key, 1000 + i / 20, &count, &silent))
			continue;
		lines++;
		told += count + silent;
	}
	for (size_t i = 0; i < REFUSALS_SLOTS; i++)
		told += r.slots[i].missed;

	ck_assert_uint_le(lines, REFUSALS_LINES * 6);
	ck_assert_uint_ge(lines, REFUSALS_LINES * 5);
	ck_assert_uint_eq(told + r.silent, 100000);
}
END_TEST

UNIT_TESTS("refusals", a_source_is_told_of_once_a_second,
	a_flood_from_everywhere_is_told_of_in_few_lines_and_counted)
