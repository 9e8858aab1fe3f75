/* run/plugin_script.c: what a step is, and what is refused with its line. */
#include <errno.h>
#include <string.h>

#include "run/plugin_script.h"
#include "unit.h"

static void
refused(const char *text, const char *said)
{
	auto_of(script) struct script s;
	struct err e = { 0 };

	ck_assert_int_eq(script_parse(&s, "f", text, &e), -EINVAL);
	ck_assert_msg(strstr(e.text, said) != NULL, "'%s' does not say '%s'", e.text, said);
}

START_TEST(every_step_is_understood)
{
	static const enum script_verb wanted[] = { SCRIPT_SEND, SCRIPT_EXPECT, SCRIPT_SEND, SCRIPT_END,
		SCRIPT_EXPECT_END, SCRIPT_RESET, SCRIPT_CONNECT, SCRIPT_DRAIN, SCRIPT_STOP };
	auto_of(script) struct script s;
	struct err e = { 0 };

	ck_assert_int_eq(
		script_parse(&s, "f",
			"# a comment\n\nsend \"a\"\n  expect \"b\"\t\nsend 3\nend\nexpect end\nreset\n"
			"connect\r\ndrain\nstop",
			&e),
		0);

	ck_assert_uint_eq(s.count, array_len(wanted));
	for (size_t i = 0; i < s.count; i++)
		ck_assert_int_eq(s.steps[i].verb, wanted[i]);
	ck_assert_int_eq(s.steps[0].line, 3);
	ck_assert_int_eq(s.steps[7].line, 10);
}
END_TEST

START_TEST(escapes_are_those_of_c)
{
	auto_of(script) struct script s;
	struct err e = { 0 };

	ck_assert_int_eq(script_parse(&s, "f", "send \"\\n\\t\\r\\0\\\\\\\"\\x7f#\"\nexpect \"\"", &e), 0);

	ck_assert_uint_eq(s.steps[0].size, 8);
	ck_assert_mem_eq(s.steps[0].bytes, "\n\t\r\0\\\"\x7f#", 8);
	ck_assert_uint_eq(s.steps[1].size, 0);
}
END_TEST

START_TEST(a_number_is_a_pattern_that_both_ends_share)
{
	auto_of(script) struct script s;
	struct err e = { 0 };

	ck_assert_int_eq(script_parse(&s, "f", "send 1KiB\nexpect 1024\nsend 0", &e), 0);

	ck_assert_uint_eq(s.steps[0].size, 1024);
	ck_assert_mem_eq(s.steps[0].bytes, s.steps[1].bytes, 1024);
	ck_assert_int_ne(s.steps[0].bytes[0], s.steps[0].bytes[1]);
	ck_assert_uint_eq(s.steps[2].size, 0);
}
END_TEST

START_TEST(what_is_no_step_is_refused_with_its_line)
{
	refused("end\nsned \"x\"\n", "f:2: 'sned \"x\"' is no step; there are: send TEXT");
	refused("end now", "f:1: 'end now' is no step");
	refused("send", "f:1: 'send' is no step");
	refused("send \"x", "closing quote");
	refused("send \"x\" y", "behind the closing quote");
	refused("send \"\\q\"", "no such escape");
	refused("send \"\\x1\"", "no such escape");
	refused("send \"\\", "no such escape");
	refused("send x", "neither a text in double quotes nor a number");
	refused("send 65MiB", "at most 67108864 bytes");
}
END_TEST

UNIT_TESTS("plugin_script", every_step_is_understood, escapes_are_those_of_c,
	a_number_is_a_pattern_that_both_ends_share, what_is_no_step_is_refused_with_its_line)
