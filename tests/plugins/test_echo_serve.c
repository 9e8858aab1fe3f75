/* plugins/echo-serve */
#include "plugin_case.h"

START_TEST(a_stream_comes_back_and_is_closed_at_its_end)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	feed(f, "hello");
	sockd_fake_turn(f);
	expect_answer(f, "hello");
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(each_datagram_is_answered_by_itself_the_empty_one_too)
{
	struct sockd_fake *f = started(SOCKD_UNIXGRAM);

	feed(f, "one");
	feed(f, "");
	feed(f, "two");
	sockd_fake_turn(f);
	expect_answer(f, "one");
	expect_answer(f, "");
	expect_answer(f, "two");
	expect_no_answer(f);
	sockd_fake_free(f);
}
END_TEST

START_TEST(the_largest_unixgram_datagram_fits)
{
	struct sockd_fake *f = started(SOCKD_UNIXGRAM);
	static char large[65536], back[65537];

	memset(large, 'x', sizeof large);
	ck_assert_int_eq(sockd_fake_feed(f, large, sizeof large), 0);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_take(f, back, sizeof back), sizeof large);
	ck_assert_mem_eq(back, large, sizeof large);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_datagram_that_cannot_be_answered_stops_nothing)
{
	struct sockd_fake *f = started(SOCKD_UDP);
	static const char large[65508];

	ck_assert_int_eq(sockd_fake_feed(f, large, sizeof large), 0);
	feed(f, "small");
	sockd_fake_turn(f);
	expect_answer(f, "small");
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_failed_write_ends_the_connection)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	sockd_fake_fail(f, SOCKD_FAKE_WRITE, ECONNRESET, 0, 1);
	feed(f, "lost");
	sockd_fake_turn(f);
	expect_no_answer(f);
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(another_service_is_not_answered)
{
	expect_no_talk_with_services(SOCKD_UDP);
}
END_TEST

UNIT_TESTS("echo-serve", a_stream_comes_back_and_is_closed_at_its_end,
	each_datagram_is_answered_by_itself_the_empty_one_too, the_largest_unixgram_datagram_fits,
	a_datagram_that_cannot_be_answered_stops_nothing, a_failed_write_ends_the_connection,
	another_service_is_not_answered)
