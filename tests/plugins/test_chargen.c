/* plugins/chargen */
#include "plugin_case.h"

START_TEST(a_stream_gets_the_lines_of_the_rfc_until_it_breaks)
{
	struct sockd_fake *f = started(SOCKD_TCP);
	static char out[2 * 95 * 74];

	sockd_fake_fail(f, SOCKD_FAKE_WRITE, EPIPE, 2, 1);
	sockd_fake_turn(f);

	ck_assert_int_eq(sockd_fake_take(f, out, sizeof out), sizeof out);
	ck_assert_mem_eq(out,
		" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n!\"#", 77);
	ck_assert_mem_eq(out + 94 * 74, "~ !\"#", 5);
	ck_assert_mem_eq(out + 95 * 74, out, 95 * 74);
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(every_datagram_length_has_its_turn)
{
	struct sockd_fake *f = started(SOCKD_UDP);
	bool seen[513] = { false };
	char out[1024];

	for (int i = 0; i < 513; i++) {
		ssize_t n;

		feed(f, i % 2 == 0 ? "" : "whatever");
		sockd_fake_turn(f);
		n = sockd_fake_take(f, out, sizeof out);
		ck_assert_int_ge(n, 0);
		ck_assert_int_le(n, 512);
		ck_assert(!seen[n]);
		seen[n] = true;
	}
	sockd_fake_free(f);
}
END_TEST

START_TEST(another_service_is_not_answered)
{
	expect_no_talk_with_services(SOCKD_UDP);
}
END_TEST

UNIT_TESTS("chargen", a_stream_gets_the_lines_of_the_rfc_until_it_breaks, every_datagram_length_has_its_turn,
	another_service_is_not_answered)
