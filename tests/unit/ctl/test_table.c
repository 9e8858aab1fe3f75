/* ctl/table.c: what people read is aligned and complete. */
#include <string.h>

#include "ctl/show.h"
#include "ctl/table.h"
#include "unit.h"

static const struct ctl_column columns[] = {
	{ "NAME", "name", CTL_SHOW_TEXT, NULL },
	{ "OPEN", "open", CTL_SHOW_NUMBER, NULL },
	{ "NOWHERE", "nowhere", CTL_SHOW_TEXT, NULL },
	{ "ABI", "abi", CTL_SHOW_VERSION, NULL },
	{ "WHERE", "where", CTL_SHOW_LIST, NULL },
	{ 0 },
};

static char *
printed(json_t *rows)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(table_print(rows, columns, out), 0);
	fclose(out);
	json_decref(rows);
	return text;
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	char *text = printed(json_pack("[{s:s, s:i, s:[i,i], s:[s,s]}, {s:s, s:i, s:[i,i], s:[]}]", "name",
		"a", "open", 12345, "abi", 1, 0, "where", "tcp://x", "udp://y", "name", "l\xc3\xa4nger",
		"open", 7, "abi", 1, 12, "where"));

	ck_assert_str_eq(text, "NAME     OPEN  ABI   WHERE\n"
			       "a       12345  1.0   tcp://x, udp://y\n"
			       "l\xc3\xa4nger      7  1.12  \n");
	free(text);
}
END_TEST

START_TEST(what_is_missing_is_a_dash_and_no_rows_are_nothing)
{
	char *text = printed(json_pack("[{s:s}, {s:i}]", "name", "a", "open", 1));

	ck_assert_str_eq(text, "NAME  OPEN\na        -\n-        1\n");
	free(text);
	text = printed(json_array());
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(bytes_and_durations_are_short)
{
	static const struct {
		long long value;
		const char *bytes, *duration;
	} rows[] = {
		{ 0, "0B", "0ms" },
		{ 999, "999B", "999ms" },
		{ 1000, "1.0KiB", "1.0s" },
		{ 59999, "59KiB", "59.9s" },
		{ 60000, "59KiB", "1m00s" },
		{ 3600000, "3.4MiB", "1h00m" },
		{ 86400000, "82MiB", "1d00h" },
		{ 1234567890, "1.1GiB", "14d06h" },
	};
	char buffer[32];

	for (size_t i = 0; i < array_len(rows); i++) {
		ck_assert_str_eq(table_bytes(rows[i].value, buffer), rows[i].bytes);
		ck_assert_str_eq(table_duration(rows[i].value, buffer), rows[i].duration);
	}
}
END_TEST

static const char *
shown(void (*show)(json_t *done, size_t rows, FILE *out), json_t *done)
{
	static char text[1024];
	FILE *out;

	text[0] = '\0'; /* nothing written leaves nothing */
	out = fmemopen(text, sizeof text, "w");

	show(done, 0, out);
	fclose(out);
	json_decref(done);
	return text;
}

START_TEST(sentences_leave_out_what_the_daemon_does_not_say)
{
	ck_assert_str_eq(shown(show_killed, json_pack("{s:i}", "count", 1)), "1 connection ended\n");
	ck_assert_str_eq(shown(show_drain, json_object()), "");
	ck_assert_str_eq(shown(show_drain, json_pack("{s:i, s:i}", "open", 2, "left_ms", -1)),
		"draining: 2 connections\n");
	ck_assert_str_eq(shown(show_drain, json_pack("{s:i, s:i}", "open", 1, "left_ms", 1001)),
		"draining: 1 connection, 2s left\n");
	ck_assert_str_eq(shown(show_text, json_pack("{s:s}", "text", "no newline")), "no newline\n");
	ck_assert_str_eq(shown(show_text, json_object()), "");
	ck_assert_ptr_nonnull(strstr(shown(show_status, json_object()), "sockd ? is ?, pid 0"));
}
END_TEST

UNIT_TESTS("table", columns_are_as_wide_as_their_widest_cell,
	what_is_missing_is_a_dash_and_no_rows_are_nothing, bytes_and_durations_are_short,
	sentences_leave_out_what_the_daemon_does_not_say)
