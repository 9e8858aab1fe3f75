/* A growing string, and the escapes that keep a client's bytes on one line. */
#include "base/strbuf.h"

#include <string.h>

#include "unit.h"

static void
check_quoted(const char *bytes, size_t size, const char *expected)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	strbuf_add_quoted(&s, bytes, size);
	ck_assert_str_eq(s.data, expected);
}

static void
check_json(const char *bytes, size_t size, const char *expected)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	strbuf_add_json(&s, bytes, size);
	ck_assert_str_eq(s.data, expected);
}

START_TEST(text_is_appended_and_always_ended)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	strbuf_add(&s, "one");
	strbuf_add_char(&s, ' ');
	strbuf_add_bytes(&s, "two and more", 3);
	strbuf_printf(&s, " %d%s", 3, "!");

	ck_assert_str_eq(s.data, "one two 3!");
	ck_assert_uint_eq(s.size, 10);
	ck_assert(!s.failed);
}
END_TEST

START_TEST(it_grows_as_far_as_needed)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	for (int i = 0; i < 100000; i++)
		strbuf_add_char(&s, (char)('a' + i % 26));
	strbuf_printf(&s, "%1000d", 7);

	ck_assert_uint_eq(s.size, 101000);
	ck_assert_uint_eq(strlen(s.data), 101000);
	ck_assert_int_eq(s.data[99999], 'a' + 99999 % 26);
}
END_TEST

START_TEST(bytes_may_hold_anything)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	strbuf_add_bytes(&s, "a\0b", 3);
	strbuf_add_bytes(&s, NULL, 0);

	ck_assert_uint_eq(s.size, 3);
	ck_assert_mem_eq(s.data, "a\0b", 4);
}
END_TEST

START_TEST(a_taken_text_is_the_callers)
{
	struct strbuf s = { 0 };
	char *text;

	strbuf_add(&s, "mine");
	text = strbuf_take(&s);
	ck_assert_str_eq(text, "mine");
	ck_assert_ptr_null(s.data);
	ck_assert_uint_eq(s.size, 0);
	free(text);
	text = strbuf_take(&s);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(a_failure_is_remembered_and_nothing_half_is_given_out)
{
	struct strbuf s = { 0 };

	strbuf_add(&s, "some");
	s.failed = true; /* as an append without memory leaves it */
	strbuf_add(&s, "more");
	strbuf_printf(&s, "%d", 1);

	ck_assert(s.failed);
	ck_assert_uint_eq(s.size, 4);
	ck_assert_ptr_null(strbuf_take(&s));
	ck_assert_ptr_null(s.data);
}
END_TEST

START_TEST(a_reset_keeps_the_memory)
{
	auto_of(strbuf) struct strbuf s = { 0 };
	char *before;

	strbuf_reset(&s);
	strbuf_add(&s, "first text");
	before = s.data;
	strbuf_reset(&s);
	ck_assert_uint_eq(s.size, 0);
	ck_assert_str_eq(s.data, "");
	strbuf_add(&s, "second");
	ck_assert_str_eq(s.data, "second");
	ck_assert_ptr_eq(s.data, before);
}
END_TEST

START_TEST(text_is_quoted_only_if_it_has_to_be)
{
	check_quoted("plain", 5, "plain");
	check_quoted("tcp://[::1]:70", 14, "tcp://[::1]:70");
	check_quoted("", 0, "\"\"");
	check_quoted("a b", 3, "\"a b\"");
	check_quoted("a=b", 3, "\"a=b\"");
	check_quoted("\"\\", 2, "\"\\\"\\\\\"");
	check_quoted("\n\t\r", 3, "\"\\n\\t\\x0d\"");
	check_quoted("a\0b", 3, "\"a\\x00b\"");
	check_quoted("\x7f\x1b", 2, "\"\\x7f\\x1b\"");
	check_quoted("\xc2\x9b\xc2\xa0", 4, "\"\\xc2\\x9b\xc2\xa0\"");
}
END_TEST

START_TEST(utf8_stays_and_what_is_not_utf8_is_escaped)
{
	check_quoted("\xc3\xa9", 2, "\"\xc3\xa9\"");
	check_quoted("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
	check_quoted("\xff", 1, "\"\\xff\"");
	check_quoted("a\xc3", 2, "\"a\\xc3\"");
	check_quoted("\xc0\xaf", 2, "\"\\xc0\\xaf\"");
	check_quoted("\xed\xa0\x80", 3, "\"\\xed\\xa0\\x80\"");
}
END_TEST

START_TEST(json_strings_are_valid_whatever_comes)
{
	check_json("plain", 5, "plain");
	check_json("\"\\/", 3, "\\\"\\\\/");
	check_json("\n\t\r\0", 4, "\\n\\t\\u000d\\u0000");
	check_json("\x7f", 1, "\\u007f");
	check_json("\xc2\x9b\xc2\xa0", 4, "\\u009b\xc2\xa0");
	check_json("\xe2\x82\xac", 3, "\xe2\x82\xac");
	check_json("\xe2\x82", 2, "\\ufffd\\ufffd");
	check_json("\xff", 1, "\\ufffd");
}
END_TEST

START_TEST(utf8_sequences_are_measured)
{
	static const struct {
		const char *bytes;
		size_t size, length;
	} rows[] = {
		{ "a", 1, 1 },
		{ "\0", 1, 1 },
		{ "\x7f", 1, 1 },
		{ "\x80", 1, 0 },
		{ "\xbf", 1, 0 },
		{ "\xc1\xbf", 2, 0 },
		{ "\xc2\x80", 2, 2 },
		{ "\xc2", 1, 0 },
		{ "\xc2"
		  "a",
			2, 0 },
		{ "\xe0\x9f\xbf", 3, 0 },
		{ "\xe0\xa0\x80", 3, 3 },
		{ "\xed\x9f\xbf", 3, 3 },
		{ "\xed\xa0\x80", 3, 0 },
		{ "\xef\xbf\xbf", 3, 3 },
		{ "\xf0\x8f\xbf\xbf", 4, 0 },
		{ "\xf0\x90\x80\x80", 4, 4 },
		{ "\xf4\x8f\xbf\xbf", 4, 4 },
		{ "\xf4\x90\x80\x80", 4, 0 },
		{ "\xf5\x80\x80\x80", 4, 0 },
		{ "\xf0\x90\x80", 3, 0 },
	};

	for (size_t i = 0; i < array_len(rows); i++)
		ck_assert_msg(
			utf8_sequence((const unsigned char *)rows[i].bytes, rows[i].size) == rows[i].length,
			"row %zu", i);
}
END_TEST

UNIT_TESTS("strbuf", text_is_appended_and_always_ended, it_grows_as_far_as_needed, bytes_may_hold_anything,
	a_taken_text_is_the_callers, a_failure_is_remembered_and_nothing_half_is_given_out,
	a_reset_keeps_the_memory, text_is_quoted_only_if_it_has_to_be,
	utf8_stays_and_what_is_not_utf8_is_escaped, json_strings_are_valid_whatever_comes,
	utf8_sequences_are_measured)
