/* daemon/ctl/top_frame.c: rates from two looks, the busiest first. */
#include "ctl/top_frame.h"

#include <string.h>

#include "unit.h"

static struct top_look
look(int64_t at_ms, const char *listeners)
{
	struct top_look l = { .at_ms = at_ms,
		.status = json_loads(
			"{\"version\":\"1.2\",\"state\":\"serving\",\"uptime_ms\":61000,\"connections\":3}",
			0, NULL),
		.listeners = json_loads(listeners, 0, NULL) };

	ck_assert_ptr_nonnull(l.status);
	ck_assert_ptr_nonnull(l.listeners);
	return l;
}

/* What is shown of two looks, so many milliseconds apart. */
static const char *
shown(int64_t ms, const char *before, const char *now)
{
	static char text[2048];
	struct top_look one = look(5000, before), two = look(5000 + ms, now);
	FILE *out = fmemopen(text, sizeof text, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(top_frame_print(&one, &two, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	top_look_fini(&one);
	top_look_fini(&two);
	return text;
}

START_TEST(counters_become_rates_by_the_time_that_passed)
{
	ck_assert_str_eq(shown(2000,
				 "[{\"name\":\"a\",\"state\":\"serves\",\"open\":1,\"accepted\":10,\"rx\":"
				 "1000,\"tx\":0}]",
				 "[{\"name\":\"a\",\"state\":\"serves\",\"open\":3,\"accepted\":17,\"rx\":"
				 "5096,\"tx\":1}]"),
		"sockd 1.2 serving, up 1m01s: 3 open, 4 new/s, 2.0KiB/s read, 1B/s written\n\n"
		"NAME  STATE   OPEN  NEW/s    RX/s  TX/s\n"
		"a     serves     3      4  2.0KiB    1B\n");
}
END_TEST

START_TEST(the_busiest_is_first_and_equals_stay_in_order)
{
	const char *text =
		shown(1000, "[{\"name\":\"a\",\"rx\":0},{\"name\":\"b\",\"rx\":0},{\"name\":\"c\",\"rx\":0}]",
			"[{\"name\":\"a\",\"rx\":1},{\"name\":\"b\",\"rx\":1},{\"name\":\"c\",\"rx\":2}]");
	const char *a = strstr(text, "\na "), *b = strstr(text, "\nb "), *c = strstr(text, "\nc ");

	ck_assert(a != NULL && b != NULL && c != NULL);
	ck_assert_msg(c < a && a < b, "%s", text);
}
END_TEST

START_TEST(a_counter_that_fell_or_is_new_counts_from_zero)
{
	const char *text = shown(1000, "[{\"name\":\"a\",\"accepted\":1000}]",
		"[{\"name\":\"a\",\"accepted\":7},{\"name\":\"b\",\"accepted\":5}]");

	ck_assert_ptr_nonnull(strstr(text, "3 open, 12 new/s"));
	ck_assert_ptr_nonnull(strstr(text, "\na         7\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nb         5\n"));
}
END_TEST

START_TEST(two_looks_at_one_moment_have_no_rates)
{
	ck_assert_ptr_nonnull(
		strstr(shown(0, "[{\"name\":\"a\",\"accepted\":1}]", "[{\"name\":\"a\",\"accepted\":9}]"),
			" 0 new/s"));
}
END_TEST

START_TEST(without_listeners_there_is_the_daemon)
{
	ck_assert_str_eq(shown(1000, "[]", "[]"),
		"sockd 1.2 serving, up 1m01s: 3 open, 0 new/s, 0B/s read, 0B/s written\n\n");
}
END_TEST

UNIT_TESTS("top_frame", counters_become_rates_by_the_time_that_passed,
	the_busiest_is_first_and_equals_stay_in_order, a_counter_that_fell_or_is_new_counts_from_zero,
	two_looks_at_one_moment_have_no_rates, without_listeners_there_is_the_daemon)
