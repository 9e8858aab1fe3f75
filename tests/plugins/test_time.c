/* plugins/time. The clock of the fakes stands at its beginning, 1970. */
#include "plugin_case.h"

static void
expect_1970(struct sockd_fake *f)
{
	unsigned char out[8];

	ck_assert_int_eq(sockd_fake_take(f, out, sizeof out), 4);
	ck_assert_uint_eq((uint32_t)out[0] << 24 | out[1] << 16 | out[2] << 8 | out[3], 2208988800U);
}

START_TEST(a_stream_gets_four_bytes_and_is_closed)
{
	struct sockd_fake *f = started(SOCKD_UNIX);

	sockd_fake_turn(f);
	expect_1970(f);
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	sockd_fake_free(f);
}
END_TEST

START_TEST(each_datagram_is_answered)
{
	struct sockd_fake *f = started(SOCKD_UNIXGRAM);

	feed(f, "");
	feed(f, "now?");
	sockd_fake_turn(f);
	expect_1970(f);
	expect_1970(f);
	expect_no_answer(f);
	sockd_fake_free(f);
}
END_TEST

START_TEST(another_service_is_not_answered)
{
	expect_no_talk_with_services(SOCKD_UDP);
}
END_TEST

UNIT_TESTS("time", a_stream_gets_four_bytes_and_is_closed, each_datagram_is_answered,
	another_service_is_not_answered)
