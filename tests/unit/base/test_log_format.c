/* The four looks of an event. */
#include "base/log_format.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

static unsigned char memory[LOG_RECORD_SIZE] __attribute__((aligned(8)));
static struct log_view view;

/* 2026-11-24T00:15:23.123456789Z */
static const int64_t TIME_NS = 1795479323123456789;

static void
make_view(int level, const char *event, const struct log_field *fields, size_t count)
{
	struct log_measure m;

	log_record_measure(&m, event, fields, count);
	log_record_pack(memory, &m, TIME_NS, level, event, fields);
	log_view_read(&view, memory);
}

#define VIEW(level, event, ...)                                       \
	do {                                                          \
		const struct log_field fields_[] = { __VA_ARGS__ };   \
		make_view(level, event, fields_, array_len(fields_)); \
	} while (0)

static const char hostile[] = "a\"b\\c\n\t\x1b[2J\x7f\xff\xc3\xa9=";

START_TEST(a_line_of_text_has_time_level_event_and_fields)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	VIEW(LOG_LEVEL_NOTICE, "listening", LOG_S("listener", "echo"),
		LOG_S("address", "tcp://127.0.0.1:7000"), LOG_I("backlog", -1), LOG_U("rx", UINT64_MAX),
		LOG_I("low", INT64_MIN), LOG_I("zero", 0));
	log_format_text(&s, &view);

	ck_assert_str_eq(s.data, "2026-11-24T00:15:23.123Z notice event=listening listener=echo "
				 "address=tcp://127.0.0.1:7000 backlog=-1 rx=18446744073709551615 "
				 "low=-9223372036854775808 zero=0\n");
}
END_TEST

START_TEST(text_is_quoted_where_it_has_to_be)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	VIEW(LOG_LEVEL_ERROR, "two words", LOG_S("empty", ""), LOG_S("space", "a b"),
		LOG_S("hostile", hostile));
	log_format_text(&s, &view);

	ck_assert_str_eq(s.data,
		"2026-11-24T00:15:23.123Z error event=\"two words\" empty=\"\" space=\"a b\" "
		"hostile=\"a\\\"b\\\\c\\n\\t\\x1b[2J\\x7f\\xff\xc3\xa9=\"\n");
}
END_TEST

START_TEST(every_byte_a_client_may_send_stays_on_one_line)
{
	auto_of(strbuf) struct strbuf text = { 0 }, json = { 0 };
	char bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	VIEW(LOG_LEVEL_INFO, "e", LOG_BYTES("bytes", bytes, sizeof bytes));
	log_format_text(&text, &view);
	log_format_json(&json, &view);

	ck_assert_uint_eq(strlen(text.data), text.size);
	ck_assert_uint_eq(strlen(json.data), json.size);
	for (size_t i = 0; i + 1 < text.size; i++)
		ck_assert_msg((unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7f, "at %zu", i);
	for (size_t i = 0; i + 1 < json.size; i++)
		ck_assert_msg((unsigned char)json.data[i] >= ' ', "at %zu", i);
}
END_TEST

START_TEST(json_is_one_object_a_line)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	VIEW(LOG_LEVEL_INFO, "conn_closed", LOG_S("peer", hostile), LOG_U("rx", 5), LOG_I("code", -2),
		LOG_S("rx", "again"), LOG_S("event", "x"));
	log_format_json(&s, &view);

	ck_assert_str_eq(s.data,
		"{\"time\":\"2026-11-24T00:15:23.123Z\",\"level\":\"info\",\"event\":\"conn_closed\","
		"\"peer\":\"a\\\"b\\\\c\\n\\t\\u001b[2J\\u007f\\ufffd\xc3\xa9=\",\"rx\":5,\"code\":-2,"
		"\"rx_2\":\"again\",\"event_2\":\"x\"}\n");
}
END_TEST

START_TEST(a_journal_entry_has_a_field_for_each)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	VIEW(LOG_LEVEL_WARNING, "conn_closed", LOG_S("listener", "my echo"), LOG_U("rx", 5),
		LOG_I("code", -2));
	log_format_journal(&s, &view, false);

	ck_assert_str_eq(s.data, "MESSAGE=event=conn_closed listener=\"my echo\" rx=5 code=-2\n"
				 "PRIORITY=4\n"
				 "SYSLOG_IDENTIFIER=sockd\n"
				 "SOCKD_EVENT=conn_closed\n"
				 "SOCKD_LISTENER=my echo\n"
				 "SOCKD_RX=5\n"
				 "SOCKD_CODE=-2\n");
}
END_TEST

START_TEST(a_journal_value_with_a_newline_is_sent_by_length)
{
	static const char expected[] = "SOCKD_PEER\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\nSOCKD_NEXT=1\n";
	auto_of(strbuf) struct strbuf s = { 0 };
	static const char head[] = "MESSAGE=event=e peer=\"a\\nPRIORITY=0\" next=1\nPRIORITY=6\n";
	const char *at;

	VIEW(LOG_LEVEL_INFO, "e", LOG_S("peer", "a\nPRIORITY=0"), LOG_I("next", 1));
	log_format_journal(&s, &view, false);

	at = memmem(s.data, s.size, expected, sizeof expected - 1);
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_eq(at + sizeof expected - 1, s.data + s.size);
	ck_assert_mem_eq(s.data, head, sizeof head - 1);
}
END_TEST

START_TEST(a_syslog_message_has_priority_local_time_and_pid)
{
	auto_of(strbuf) struct strbuf s = { 0 };
	char expected[256];

	setenv("TZ", "UTC-2", 1);
	tzset();
	VIEW(LOG_LEVEL_ERROR, "bind_failed", LOG_S("address", "a b"));
	log_format_syslog(&s, &view, false);

	snprintf(expected, sizeof expected,
		"<27>Nov 24 02:15:23 sockd[%d]: event=bind_failed address=\"a b\"", (int)getpid());
	ck_assert_str_eq(s.data, expected);
}
END_TEST

START_TEST(journal_and_syslog_carry_json_when_it_is_asked_for)
{
	static const char object[] =
		"{\"time\":\"2026-11-24T00:15:23.123Z\",\"level\":\"info\",\"event\":\"e\",\"n\":1}";
	auto_of(strbuf) struct strbuf journal = { 0 }, syslog = { 0 };

	VIEW(LOG_LEVEL_INFO, "e", LOG_I("n", 1));
	log_format(&journal, &view, LOG_TO_JOURNAL, true);
	log_format(&syslog, &view, LOG_TO_SYSLOG, true);

	ck_assert_mem_eq(journal.data, "MESSAGE=", 8);
	ck_assert_mem_eq(journal.data + 8, object, sizeof object - 1);
	ck_assert_str_eq(strstr(syslog.data, ": ") + 2, object);
}
END_TEST

START_TEST(streams_carry_what_the_format_says)
{
	auto_of(strbuf) struct strbuf text = { 0 }, json = { 0 };

	VIEW(LOG_LEVEL_INFO, "e", LOG_I("n", 1));
	log_format(&text, &view, LOG_TO_STREAM, false);
	log_format(&json, &view, LOG_TO_STREAM, true);

	ck_assert_str_eq(text.data, "2026-11-24T00:15:23.123Z info event=e n=1\n");
	ck_assert_int_eq(json.data[0], '{');
	ck_assert_int_eq(json.data[json.size - 1], '\n');
}
END_TEST

UNIT_TESTS("log_format", a_line_of_text_has_time_level_event_and_fields, text_is_quoted_where_it_has_to_be,
	every_byte_a_client_may_send_stays_on_one_line, json_is_one_object_a_line,
	a_journal_entry_has_a_field_for_each, a_journal_value_with_a_newline_is_sent_by_length,
	a_syslog_message_has_priority_local_time_and_pid, journal_and_syslog_carry_json_when_it_is_asked_for,
	streams_carry_what_the_format_says)
