/* plugins/kv/resp.c: commands in every shape, whole, cut and broken; replies as clients expect them. */
#include <string.h>

#include "../../plugins/kv/resp.h"
#include "unit.h"

enum { BULK_MAX = 1000 };

static struct resp_command command;
static const char *why;

static enum resp_result
parse(const char *text)
{
	return resp_parse((struct bytes){ text, strlen(text) }, BULK_MAX, &command, &why);
}

static void
has_word(size_t i, const char *word)
{
	ck_assert_uint_lt(i, command.count);
	ck_assert_uint_eq(command.arguments[i].size, strlen(word));
	ck_assert_mem_eq(command.arguments[i].at, word, strlen(word));
}

START_TEST(an_array_of_bulks_is_a_command)
{
	ck_assert_int_eq(parse("*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n*1\r\n"), RESP_COMMAND);

	ck_assert_uint_eq(command.count, 2);
	has_word(0, "GET");
	has_word(1, "a\r\nb");
	ck_assert_uint_eq(command.size, strlen("*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n"));
	ck_assert_int_eq(parse("*1\r\n$0\r\n\r\n"), RESP_COMMAND);
	has_word(0, "");
	ck_assert_int_eq(parse("*0\r\n"), RESP_COMMAND);
	ck_assert_uint_eq(command.count, 0);
	ck_assert_int_eq(parse("*-1\r\nPING\r\n"), RESP_COMMAND);
	ck_assert_uint_eq(command.count, 0);
	ck_assert_uint_eq(command.size, 5);
}
END_TEST

START_TEST(a_line_of_words_is_a_command)
{
	ck_assert_int_eq(parse("SET  a 1 \r\nPING\n"), RESP_COMMAND);

	ck_assert_uint_eq(command.count, 3);
	has_word(2, "1");
	ck_assert_uint_eq(command.size, 11);
	ck_assert_int_eq(parse("PING\n"), RESP_COMMAND);
	has_word(0, "PING");
	ck_assert_int_eq(parse("\r\n"), RESP_COMMAND);
	ck_assert_uint_eq(command.count, 0);
}
END_TEST

/* Or half a command could cost as many values of memory as there may be words. */
START_TEST(all_arguments_together_have_a_limit_too)
{
	char text[3 * BULK_MAX];
	size_t n = (size_t)snprintf(text, sizeof text, "*3\r\n$1000\r\n%01000d\r\n$997\r\n%0997d\r\n", 0, 0);

	snprintf(text + n, sizeof text - n, "$3\r\n");
	ck_assert_int_eq(parse(text), RESP_MORE);
	snprintf(text + n, sizeof text - n, "$3\r\nabc\r\n");
	ck_assert_int_eq(parse(text), RESP_COMMAND);
	snprintf(text + n, sizeof text - n, "$4\r\n");
	ck_assert_int_eq(parse(text), RESP_BROKEN);
	ck_assert_str_eq(why, "too big command");
}
END_TEST

START_TEST(every_cut_of_a_command_waits_for_more)
{
	static const char whole[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$12\r\nabcdefghijkl\r\n";

	for (size_t n = 0; n + 1 < sizeof whole; n++)
		ck_assert_int_eq(resp_parse((struct bytes){ whole, n }, BULK_MAX, &command, &why), RESP_MORE);
	ck_assert_int_eq(parse(whole), RESP_COMMAND);
	ck_assert_int_eq(parse("GET a"), RESP_MORE);
}
END_TEST

START_TEST(what_is_no_command_is_broken_with_a_reason)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "*x\r\n", "invalid multibulk length" },
		{ "*\r\n", "invalid multibulk length" },
		{ "*-\r\n", "invalid multibulk length" },
		{ "*1025\r\n", "invalid multibulk length" },
		{ "*99999999999999999999999999999999999", "invalid multibulk length" },
		{ "*2\n$1\r\n", "invalid multibulk length" },
		{ "*1\r\n:1\r\n", "expected '$'" },
		{ "*1\r\n$-1\r\n", "invalid bulk length" },
		{ "*1\r\n$1001\r\n", "invalid bulk length" },
		{ "*1\r\n$1\r\nabc", "a bulk is longer than it says" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_msg(parse(rows[i].text) == RESP_BROKEN, "'%s' is no error", rows[i].text);
		ck_assert_str_eq(why, rows[i].why);
	}
}
END_TEST

START_TEST(a_line_without_end_is_broken)
{
	static char line[RESP_INLINE_MAX + 1];

	memset(line, 'a', sizeof line);
	ck_assert_int_eq(
		resp_parse((struct bytes){ line, sizeof line - 2 }, BULK_MAX, &command, &why), RESP_MORE);
	ck_assert_int_eq(
		resp_parse((struct bytes){ line, sizeof line }, BULK_MAX, &command, &why), RESP_BROKEN);
	ck_assert_str_eq(why, "too big inline request");
}
END_TEST

START_TEST(replies_are_those_of_the_protocol)
{
	struct reply r = { 0 };

	reply_status(&r, "OK");
	reply_error(&r, "ERR %s", "a\r\nb");
	reply_integer(&r, 0);
	reply_integer(&r, -42);
	reply_integer(&r, INT64_MIN);
	reply_array(&r, 2);
	reply_bulk(&r, (struct bytes){ "x\r", 2 });
	reply_nil(&r);

	ck_assert(!r.failed);
	ck_assert_uint_eq(r.size,
		strlen("+OK\r\n-ERR a  b\r\n:0\r\n:-42\r\n:-9223372036854775808\r\n*2\r\n$2\r\nx\r\r\n"
		       "$-1\r\n"));
	ck_assert_mem_eq(r.data,
		"+OK\r\n-ERR a  b\r\n:0\r\n:-42\r\n:-9223372036854775808\r\n*2\r\n$2\r\nx\r\r\n$-1\r\n",
		r.size);
	reply_consume(&r, 5);
	ck_assert_mem_eq(r.data, "-ERR", 4);
	reply_fini(&r);
	ck_assert_ptr_null(r.data);
}
END_TEST

UNIT_TESTS("kv_resp", an_array_of_bulks_is_a_command, a_line_of_words_is_a_command,
	all_arguments_together_have_a_limit_too, every_cut_of_a_command_waits_for_more,
	what_is_no_command_is_broken_with_a_reason, a_line_without_end_is_broken,
	replies_are_those_of_the_protocol)
