/* plugins/echo */
#include "plugin_case.h"

START_TEST(a_stream_comes_back)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	feed(f, "hello ");
	feed(f, "world");
	sockd_fake_turn(f);
	expect_answer(f, "hello world");
	expect_no_answer(f);
	sockd_fake_free(f);
}
END_TEST

START_TEST(the_end_is_answered_in_full_and_closes)
{
	struct sockd_fake *f = started(SOCKD_UNIX);

	feed(f, "last words");
	sockd_fake_end(f);
	sockd_fake_turn(f);
	expect_answer(f, "last words");
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_EOF);
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(what_finds_no_room_waits_and_is_not_lost)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	sockd_fake_set_room(f, 4);
	feed(f, "abcdefghij");
	sockd_fake_turn(f);
	expect_answer(f, "abcd");
	sockd_fake_turn(f);
	expect_answer(f, "efgh");
	sockd_fake_end(f);
	sockd_fake_turn(f);
	expect_answer(f, "ij");
	sockd_fake_free(f);
}
END_TEST

START_TEST(each_datagram_is_answered_by_itself_the_empty_one_too)
{
	struct sockd_fake *f = started(SOCKD_UDP);

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

START_TEST(a_datagram_that_cannot_be_answered_stops_nothing)
{
	struct sockd_fake *f = started(SOCKD_UDP);
	static const char large[65508];

	sockd_fake_set_read_buffer(f, 100000);
	ck_assert_int_eq(sockd_fake_feed(f, large, sizeof large), 0);
	feed(f, "small");
	sockd_fake_turn(f);
	expect_answer(f, "small");
	expect_no_answer(f);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_broken_connection_is_survived)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	sockd_fake_fail(f, SOCKD_FAKE_WRITE, ECONNRESET, 0, 1);
	feed(f, "lost");
	sockd_fake_turn(f);
	expect_no_answer(f);
	sockd_fake_break(f, SOCKD_BY_RESET);
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(another_service_is_not_answered)
{
	expect_no_talk_with_services(SOCKD_UDP);
}
END_TEST

UNIT_TESTS("echo", a_stream_comes_back, the_end_is_answered_in_full_and_closes,
	what_finds_no_room_waits_and_is_not_lost, each_datagram_is_answered_by_itself_the_empty_one_too,
	a_datagram_that_cannot_be_answered_stops_nothing, a_broken_connection_is_survived,
	another_service_is_not_answered)
