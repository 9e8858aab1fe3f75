/* How findings look. */
#include "config/report.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static struct cfg_place
place(const char *line_text, int line, int column, int width)
{
	return (struct cfg_place){ "f", line, column, width, line_text };
}

static void
assert_printed(struct cfg_report *r, bool caret, const char *wanted)
{
	struct strbuf text = { 0 };

	cfg_report_print(r, &text, caret);
	ck_assert_str_eq(text.data != NULL ? text.data : "", wanted);
	strbuf_fini(&text);
	cfg_report_fini(r);
}

START_TEST(findings_are_sorted_by_place)
{
	struct cfg_report r = { 0 };
	struct cfg_place later = place(NULL, 9, 1, 1), early = place(NULL, 2, 8, 1),
			 first = place(NULL, 2, 3, 1);

	ck_assert_int_eq(cfg_report_error(&r, &later, "three"), -EINVAL);
	cfg_report_error(&r, &early, "two");
	cfg_report_warning(&r, &first, "one %d", 1);
	cfg_report_error(&r, NULL, "zero");

	ck_assert(!cfg_report_is_ok(&r));
	assert_printed(&r, false,
		"error: zero\nf:2:3: warning: one 1\nf:2:8: error: two\nf:9:1: error: three\n"
		"3 errors; nothing was changed\n");
}
END_TEST

START_TEST(nothing_is_printed_of_nothing)
{
	struct cfg_report r = { 0 };

	ck_assert(cfg_report_is_ok(&r));
	assert_printed(&r, true, "");
}
END_TEST

START_TEST(warnings_are_no_failure)
{
	struct cfg_report r = { 0 };

	cfg_report_warning(&r, NULL, "mind the gap");

	ck_assert(cfg_report_is_ok(&r));
	assert_printed(&r, true, "warning: mind the gap\n");
}
END_TEST

START_TEST(the_same_is_told_once)
{
	struct cfg_report r = { 0 };
	struct cfg_place here = place(NULL, 1, 1, 1), there = place(NULL, 1, 2, 1);
	const struct err e = { .code = -EINVAL, .text = "x" };

	cfg_report_error(&r, &here, "x");
	cfg_report_err(&r, &here, &e);
	cfg_report_error(&r, &there, "x");

	ck_assert_uint_eq(r.errors, 2);
	cfg_report_fini(&r);
}
END_TEST

START_TEST(the_caret_stands_under_its_text)
{
	struct cfg_report r = { 0 };
	struct cfg_place where = place("key: value\nnext", 3, 6, 5);

	cfg_report_error(&r, &where, "bad");

	assert_printed(&r, true,
		"f:3:6: error: bad\n    3 | key: value\n      |      ^^^^^\n1 error; nothing was changed\n");
}
END_TEST

START_TEST(tabs_and_wide_characters_do_not_move_the_caret)
{
	struct cfg_report r = { 0 };
	struct cfg_place where = place("\t\xc3\xbc: x", 1, 5, 1);

	cfg_report_error(&r, &where, "bad");

	assert_printed(&r, true,
		"f:1:5: error: bad\n    1 |         \xc3\xbc: x\n      |            ^\n"
		"1 error; nothing was changed\n");
}
END_TEST

START_TEST(a_caret_may_stand_behind_the_line)
{
	struct cfg_report r = { 0 };
	struct cfg_place where = place("ab", 1, 3, 1);

	cfg_report_error(&r, &where, "bad");

	assert_printed(
		&r, true, "f:1:3: error: bad\n    1 | ab\n      |   ^\n1 error; nothing was changed\n");
}
END_TEST

START_TEST(long_lines_are_cut_around_the_place)
{
	struct cfg_report r = { 0 };
	struct strbuf text = { 0 };
	char line[4001];
	const char *mark, *caret;

	memset(line, 'a', sizeof line - 1);
	line[2000] = 'X';
	line[sizeof line - 1] = '\0';
	cfg_report_error(&r, &(struct cfg_place){ "f", 1, 2001, 1, line }, "bad");
	cfg_report_print(&r, &text, true);

	ck_assert_uint_lt(text.size, 400);
	mark = strchr(text.data, 'X');
	caret = strchr(text.data, '^');
	ck_assert_ptr_nonnull(mark);
	ck_assert_ptr_nonnull(caret);
	ck_assert_int_eq(mark - strstr(text.data, "    1 |"), caret - strstr(text.data, "      |"));
	ck_assert_ptr_nonnull(strstr(text.data, "| ...a"));
	ck_assert_ptr_nonnull(strstr(text.data, "a...\n"));
	strbuf_fini(&text);
	cfg_report_fini(&r);
}
END_TEST

START_TEST(a_terminal_is_safe_from_what_a_file_holds)
{
	struct cfg_report r = { 0 };
	struct cfg_place where = { "f\x1b", 1, 1, 1, "\x1b[2J \xc2\x9b \xff" };

	cfg_report_error(&r, &where, "unknown '%s'", "\x1b]0;x\a\n");

	assert_printed(&r, true,
		"f?:1:1: error: unknown '?]0;x?"
		"?'\n    1 | ?[2J ? ?\n      | ^\n1 error; nothing was changed\n");
}
END_TEST

START_TEST(findings_beyond_the_limit_are_counted)
{
	struct cfg_report r = { 0 };
	struct strbuf text = { 0 };

	for (int i = 0; i < CFG_REPORT_MAX + 7; i++) {
		cfg_report_error(&r, NULL, "e%d", i);
		cfg_report_warning(&r, NULL, "w%d", i);
	}
	cfg_report_print(&r, &text, false);

	ck_assert_ptr_nonnull(strstr(
		text.data, "and 7 more warnings\nand 7 more errors\n57 errors; nothing was changed\n"));
	strbuf_fini(&text);
	cfg_report_fini(&r);
}
END_TEST

START_TEST(memory_that_ran_out_is_told)
{
	struct cfg_report r = { 0 };

	ck_assert_int_eq(cfg_report_no_memory(&r), -ENOMEM);

	ck_assert(!cfg_report_is_ok(&r));
	assert_printed(
		&r, false, "error: out of memory while reading the configuration\nnothing was changed\n");
}
END_TEST

START_TEST(lines_end_where_yaml_ends_them)
{
	ck_assert_uint_eq(cfg_line_size("ab\ncd"), 2);
	ck_assert_uint_eq(cfg_line_size("ab\r\ncd"), 2);
	ck_assert_uint_eq(cfg_line_size("\xc3\xbc\xe2\x82\xac"
					"a\xe2\x80\xa8"
					"b"),
		6);
	ck_assert_uint_eq(cfg_line_size("\xc2\xa0\xc2\x85x"), 2);
	ck_assert_uint_eq(cfg_line_size(""), 0);
	ck_assert_uint_eq(cfg_characters("\xc3\xbc\xe2\x82\xac"
					 "a",
				  6),
		3);
}
END_TEST

UNIT_TESTS("report", findings_are_sorted_by_place, nothing_is_printed_of_nothing, warnings_are_no_failure,
	the_same_is_told_once, the_caret_stands_under_its_text,
	tabs_and_wide_characters_do_not_move_the_caret, a_caret_may_stand_behind_the_line,
	long_lines_are_cut_around_the_place, a_terminal_is_safe_from_what_a_file_holds,
	findings_beyond_the_limit_are_counted, memory_that_ran_out_is_told, lines_end_where_yaml_ends_them)
