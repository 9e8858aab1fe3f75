/* plugins/template */
#include "plugin_case.h"

START_TEST(a_stream_is_greeted_and_each_message_counted)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	feed(f, "12345");
	sockd_fake_turn(f);
	expect_answer(f, "hello\nhello 1: 5 bytes\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(the_greeting_is_a_setting)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_UNIX);

	ck_assert_int_eq(sockd_fake_set(f, "greeting", "moin"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "greting", "moin"), -1);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	sockd_fake_turn(f);
	expect_answer(f, "moin\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(datagrams_are_counted_without_a_greeting)
{
	struct sockd_fake *f = started(SOCKD_UDP);

	feed(f, "abc");
	feed(f, "");
	sockd_fake_turn(f);
	expect_answer(f, "hello 1: 3 bytes\n");
	expect_answer(f, "hello 2: 0 bytes\n");
	expect_no_answer(f);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_failed_write_ends_the_connection)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	sockd_fake_fail(f, SOCKD_FAKE_WRITE, EPIPE, 0, 1);
	feed(f, "lost");
	sockd_fake_turn(f);
	expect_no_answer(f);
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(how_a_connection_ended_is_logged)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	sockd_fake_turn(f);
	ck_assert_str_eq(sockd_fake_log(f), "closed reason 2");
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("template", a_stream_is_greeted_and_each_message_counted, the_greeting_is_a_setting,
	datagrams_are_counted_without_a_greeting, a_failed_write_ends_the_connection,
	how_a_connection_ended_is_logged)
