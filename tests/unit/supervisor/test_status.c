/* supervisor/status.c */
#include <string.h>

#include "supervisor/status.h"
#include "unit.h"

START_TEST(serving_counts_listeners_and_connections)
{
	char text[STATUS_SIZE];

	status_serving_text(text, 3, 17);
	ck_assert_str_eq(text, "serving 3 listeners, 17 connections");
	status_serving_text(text, 1, 1);
	ck_assert_str_eq(text, "serving 1 listener, 1 connection");
}
END_TEST

START_TEST(draining_shows_what_is_left_of_both)
{
	char text[STATUS_SIZE];

	status_draining_text(text, 37, 412, 17001);
	ck_assert_str_eq(text, "draining 37/412, 18s left");
	status_draining_text(text, 37, 412, 0);
	ck_assert_str_eq(text, "draining 37/412, 0s left");
	status_draining_text(text, 1, 2, -1);
	ck_assert_str_eq(text, "draining 1/2");
}
END_TEST

START_TEST(a_terminal_is_told_how_to_stop_now)
{
	char text[STATUS_SIZE];

	status_terminal_text(text, 3, 25000);
	ck_assert_str_eq(text, "draining: 3 connections, 25s left (again to stop now)");
	status_terminal_text(text, 1, -1);
	ck_assert_str_eq(text, "draining: 1 connection (again to stop now)");
}
END_TEST

START_TEST(only_a_change_is_news)
{
	struct status s = { 0 };

	ck_assert(status_is_news(&s, "a", 1000, true));
	ck_assert(!status_is_news(&s, "a", 9000, true));
	ck_assert(status_is_news(&s, "b", 9000, false));
}
END_TEST

START_TEST(news_wait_a_second_unless_they_cannot)
{
	struct status s = { 0 };

	ck_assert(status_is_news(&s, "a", 5000, false));
	ck_assert(!status_is_news(&s, "b", 5999, false));
	ck_assert(status_is_news(&s, "b", 6000, false));
	ck_assert(status_is_news(&s, "c", 6001, true));
}
END_TEST

UNIT_TESTS("status", serving_counts_listeners_and_connections, draining_shows_what_is_left_of_both,
	a_terminal_is_told_how_to_stop_now, only_a_change_is_news, news_wait_a_second_unless_they_cannot)
