/* plugins/chat on fakes, where one client is alone in the room: its commands, its limits, what it misses.
 * tests/system/test_chat.py has the company. */
#include "plugin_case.h"

static struct sockd_fake *
entered(const char *max_line)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "max_line", max_line), 0);
	ck_assert_int_eq(sockd_fake_set(f, "greeting", "hi"), 0);
	ck_assert_msg(sockd_fake_start(f) == 0, "%s", sockd_fake_error(f));
	sockd_fake_turn(f);
	expect_answer(f, "hi\n* you are guest-1\n");
	return f;
}

static void
says(struct sockd_fake *f, const char *line, const char *answer)
{
	feed(f, line);
	sockd_fake_turn(f);
	if (answer == NULL)
		expect_no_answer(f);
	else
		expect_answer(f, answer);
}

START_TEST(names_are_taken_and_told)
{
	struct sockd_fake *f = entered("100");

	says(f, "/who\n", "* guest-1\n");
	says(f, "/nick anna\r\n", "* guest-1 is now anna\n");
	says(f, "/who\n", "* anna\n");
	says(f, "/nick anna\n", "* anna is somebody else\n");
	says(f, "/nick an na\n",
		"* a name has 1 to 24 letters, digits, '-' and '_', and does not begin with guest-\n");
	says(f, "/nick guest-7\n",
		"* a name has 1 to 24 letters, digits, '-' and '_', and does not begin with guest-\n");
	says(f, "/nick \n",
		"* a name has 1 to 24 letters, digits, '-' and '_', and does not begin with guest-\n");
	says(f, "/help\n", "* there are /nick NAME, /who and /quit\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(what_one_says_comes_back_to_nobody_and_an_empty_line_says_nothing)
{
	struct sockd_fake *f = entered("100");

	says(f, "hello?\n\n\r\n", NULL);
	says(f, "in pie", NULL);
	says(f, "ces\n", NULL);
	ck_assert_uint_eq(sockd_fake_closes(f), 0);
	sockd_fake_free(f);
}
END_TEST

START_TEST(quit_ends_it_and_the_name_is_free_again)
{
	struct sockd_fake *f = entered("100");

	says(f, "/nick anna\n/quit\n", "* guest-1 is now anna\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_turn(f);
	expect_answer(f, "hi\n* you are guest-2\n");
	says(f, "/nick anna\n", "* guest-2 is now anna\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_line_that_is_too_long_ends_it)
{
	struct sockd_fake *f = entered("16");

	says(f, "0123456789abcde\n", NULL);
	says(f, "0123456789abcdef\n", "* a line has at most 16 bytes; good-bye\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(who_does_not_read_is_told_what_it_missed)
{
	struct sockd_fake *f = entered("100");

	sockd_fake_set_room(f, 64);
	says(f, "/who\n/who\n/who\n/who\n/who\n/who\n/who\n/who\n",
		"* guest-1\n* guest-1\n* guest-1\n* guest-1\n* guest-1\n* guest-1\n");
	sockd_fake_turn(f);
	expect_answer(f, "* you have missed 2 messages\n");
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_last_line_without_end_counts)
{
	struct sockd_fake *f = entered("100");

	feed(f, "/nick anna");
	sockd_fake_end(f);
	sockd_fake_turn(f);
	expect_answer(f, "* guest-1 is now anna\n");
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("chat", names_are_taken_and_told,
	what_one_says_comes_back_to_nobody_and_an_empty_line_says_nothing,
	quit_ends_it_and_the_name_is_free_again, a_line_that_is_too_long_ends_it,
	who_does_not_read_is_told_what_it_missed, a_last_line_without_end_counts)
