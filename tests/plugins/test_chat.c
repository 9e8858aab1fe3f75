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
	says(f, "/nick a\n/nick b\n/nick c\n/nick d\n",
		"* guest-1 is now a\n* a is now b\n* b is now c\n* c is now d\n");
	says(f, "/nick a\n/nick b\n/nick c\n/nick d\n/nick e\n/nick f\n/nick g\n",
		"* d is now a\n* a is now b\n* b is now c\n* c is now d\n");
	sockd_fake_turn(f);
	expect_answer(f, "* you have missed 3 messages\n");
	sockd_fake_free(f);
}
END_TEST

/* Take all there is, turn by turn, in a room where little of it fits, until it is over. */
static void
expect_in_turns(struct sockd_fake *f, const char *text)
{
	char all[1024] = "";
	size_t size = 0;
	ssize_t n;

	sockd_fake_turn(f);
	while ((n = sockd_fake_take(f, all + size, sizeof all - 1 - size)) > 0) {
		size += (size_t)n;
		if (sockd_fake_closes(f) == 0)
			sockd_fake_turn(f);
	}
	all[size] = '\0';
	ck_assert_str_eq(all, text);
}

START_TEST(answers_arrive_whole_whatever_the_room)
{
	for (size_t room = 1; room < 100; room++) {
		struct sockd_fake *f = entered("100");

		sockd_fake_set_room(f, room);
		feed(f, "/who\n/help\n\n/who\n/?\n/who\n");
		expect_in_turns(f, "* guest-1\n* there are /nick NAME, /who and /quit\n* guest-1\n"
				   "* there are /nick NAME, /who and /quit\n* guest-1\n");
		ck_assert_uint_eq(sockd_fake_closes(f), 0);
		feed(f, "/who\n/quit\n/who\n");
		expect_in_turns(f, "* guest-1\n");
		ck_assert_uint_eq(sockd_fake_closes(f), 1);
		sockd_fake_free(f);
	}
}
END_TEST

START_TEST(a_long_answer_outlives_the_end_of_what_is_asked)
{
	static const struct {
		const char *asked, *max_line, *answer;
	} ends[] = {
		{ "/who\n/help", "100", "* guest-1\n* there are /nick NAME, /who and /quit\n" },
		{ "0123456789abcdef\n", "16", "* a line has at most 16 bytes; good-bye\n" },
	};

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct sockd_fake *f = entered(ends[i].max_line);

		sockd_fake_set_room(f, 7);
		feed(f, ends[i].asked);
		sockd_fake_end(f);
		expect_in_turns(f, ends[i].answer);
		ck_assert_uint_eq(sockd_fake_closes(f), 1);
		sockd_fake_free(f);
	}
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
	who_does_not_read_is_told_what_it_missed, answers_arrive_whole_whatever_the_room,
	a_long_answer_outlives_the_end_of_what_is_asked, a_last_line_without_end_counts)
