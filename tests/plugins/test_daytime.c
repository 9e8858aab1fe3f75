/* plugins/daytime. The clock of the fakes stands at its beginning until it is moved. */
#include "plugin_case.h"

static struct sockd_fake *
with(int transport, const char *format)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, transport);

	ck_assert_int_eq(sockd_fake_set(f, "utc", "true"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "format", format), 0);
	return f;
}

START_TEST(a_stream_is_told_and_closed)
{
	struct sockd_fake *f = with(SOCKD_TCP, "%M:%S");

	ck_assert_int_eq(sockd_fake_start(f), 0);
	sockd_fake_advance(f, 5000 - sockd_wall(sockd_conn_host(sockd_fake_conn(f))) % 60000 + 60000);
	sockd_fake_turn(f);
	expect_answer(f, "01:05\r\n");
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	sockd_fake_free(f);
}
END_TEST

START_TEST(each_datagram_is_answered)
{
	struct sockd_fake *f = with(SOCKD_UDP, "%H");

	ck_assert_int_eq(sockd_fake_start(f), 0);
	feed(f, "");
	feed(f, "now?");
	sockd_fake_turn(f);
	expect_answer(f, "00\r\n");
	expect_answer(f, "00\r\n");
	expect_no_answer(f);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_format_that_is_too_long_is_refused)
{
	char format[101] = { 0 };
	struct sockd_fake *f;

	for (size_t i = 0; i + 1 < sizeof format; i += 2)
		memcpy(format + i, "%c", 2);
	f = with(SOCKD_TCP, format);

	ck_assert_int_eq(sockd_fake_start(f), -1);
	ck_assert_str_eq(sockd_fake_error(f), "format: gives nothing, or more than 253 characters");
	sockd_fake_free(f);
}
END_TEST

START_TEST(another_service_is_not_answered)
{
	expect_no_talk_with_services(SOCKD_UDP);
}
END_TEST

UNIT_TESTS("daytime", a_stream_is_told_and_closed, each_datagram_is_answered,
	a_format_that_is_too_long_is_refused, another_service_is_not_answered)
