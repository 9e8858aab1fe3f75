/* plugins/discard */
#include "plugin_case.h"

START_TEST(a_stream_is_read_and_never_answered)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	feed(f, "into the void");
	sockd_fake_turn(f);
	expect_no_answer(f);
	ck_assert_uint_eq(sockd_readable(sockd_conn_reader(sockd_fake_conn(f))), 0);
	sockd_fake_end(f);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_EOF);
	sockd_fake_free(f);
}
END_TEST

START_TEST(datagrams_are_read_and_never_answered)
{
	struct sockd_fake *f = started(SOCKD_UNIXGRAM);

	feed(f, "a");
	feed(f, "");
	sockd_fake_turn(f);
	expect_no_answer(f);
	ck_assert_uint_eq(sockd_readable(sockd_conn_reader(sockd_fake_conn(f))), 0);
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("discard", a_stream_is_read_and_never_answered, datagrams_are_read_and_never_answered)
