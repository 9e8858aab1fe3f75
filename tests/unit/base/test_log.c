/* The logger as its callers see it: levels, threads, flush, start and end. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "log_test.h"

START_TEST(levels_have_names)
{
	ck_assert_str_eq(log_level_name(LOG_LEVEL_ERROR), "error");
	ck_assert_str_eq(log_level_name(LOG_LEVEL_DEBUG), "debug");
	ck_assert_ptr_null(log_level_name(2));
	ck_assert_ptr_null(log_level_name(8));
	ck_assert_int_eq(log_level_parse("warning"), LOG_LEVEL_WARNING);
	ck_assert_int_eq(log_level_parse("notice"), 5);
	ck_assert_int_eq(log_level_parse("warn"), -1);
	ck_assert_int_eq(log_level_parse(""), -1);
}
END_TEST

START_TEST(before_the_start_and_after_the_end_events_go_to_standard_error)
{
	int fd = memory_file(), standard_error = memory_file();
	char *text;

	dup2(standard_error, STDERR_FILENO);
	log_notice("early", LOG_S("why", "not started"));
	start(fd);
	log_notice("running", LOG_I("n", 1));
	log_stop();
	log_notice("late", LOG_I("n", 2));

	text = content(standard_error);
	ck_assert_ptr_nonnull(strstr(text, " notice event=early why=\"not started\"\n"));
	ck_assert_ptr_nonnull(strstr(text, " notice event=late n=2\n"));
	ck_assert_uint_eq(count_text(text, "\n"), 2);
	free(text);
	text = content(fd);
	ck_assert_ptr_nonnull(strstr(text, " notice event=running n=1\n"));
	ck_assert_uint_eq(count_text(text, "\n"), 1);
	free(text);
}
END_TEST

START_TEST(only_levels_that_are_on_are_written)
{
	int fd = start(memory_file());
	char *text;

	log_debug("one", LOG_I("n", 1));
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("two", LOG_I("n", 2));
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("three", LOG_I("n", 3));
	log_event(LOG_LEVEL_INFO, "four", NULL, 0);
	log_event(0, "five", NULL, 0);
	log_stop();

	text = content(fd);
	ck_assert_uint_eq(count_text(text, "\n"), 2);
	ck_assert_ptr_nonnull(strstr(text, " debug event=two n=2\n"));
	ck_assert_ptr_nonnull(strstr(text, " error event=five\n"));
	free(text);
}
END_TEST

START_TEST(a_flush_returns_when_everything_is_written)
{
	int fd = start(memory_file());

	log_thread_attach();
	log_thread_attach();
	for (int i = 1; i <= 50; i++) {
		char *text;

		log_info("n", LOG_I("i", i));
		log_flush();
		text = content(fd);
		ck_assert_uint_eq(count_text(text, "\n"), i);
		free(text);
	}
	log_thread_detach();
	log_thread_detach();
	log_stop();
}
END_TEST

START_TEST(json_is_written_when_asked_for)
{
	int fd = memory_file();
	struct log_options options = { .fd = dup(fd), .json = true, .level = LOG_LEVEL_INFO };
	struct err e = { 0 };
	char *text;

	ck_assert_int_eq(log_start(&options, &e), 0);
	log_info("hello", LOG_S("who", "a\"b"));
	log_stop();

	text = content(fd);
	ck_assert_mem_eq(text, "{\"time\":\"20", 11);
	ck_assert_ptr_nonnull(strstr(text, ",\"level\":\"info\",\"event\":\"hello\",\"who\":\"a\\\"b\"}\n"));
	free(text);
}
END_TEST

enum { THREADS = 4, EVENTS = 3000 };

struct talker {
	pthread_t thread;
	int number;
	bool attach;
};

static void *
talk(void *argument)
{
	const struct talker *t = argument;

	if (t->attach)
		log_thread_attach();
	for (int i = 0; i < EVENTS; i++) {
		log_info(
			"said", LOG_I("thread", t->number), LOG_I("i", i), LOG_S("text", "some words of it"));
		if (i % 100 == 99)
			log_flush();
	}
	log_thread_detach();
	return NULL;
}

/* Each thread's lines in its order, each line whole, and nothing missing, whether a ring is shared or not. */
static void
check_talk(char *text)
{
	int next[THREADS] = { 0 };
	size_t lines = 0;
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0'; line = strsep(&rest, "\n")) {
		int thread, i, end = 0;

		ck_assert_msg(sscanf(line + 24, " info event=said thread=%d i=%d text=\"some words of it\"%n",
				      &thread, &i, &end) == 2 &&
				      line[24 + end] == '\0' && end > 0,
			"%s", line);
		ck_assert_int_eq(i, next[thread]);
		next[thread]++;
		lines++;
	}
	ck_assert_uint_eq(lines, THREADS * EVENTS);
}

START_TEST(threads_with_and_without_a_ring_lose_nothing)
{
	struct talker talkers[THREADS];
	int fd = start(memory_file());
	char *text;

	for (int i = 0; i < THREADS; i++) {
		talkers[i] = (struct talker){ .number = i, .attach = i % 2 == 0 };
		ck_assert_int_eq(pthread_create(&talkers[i].thread, NULL, talk, &talkers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(talkers[i].thread, NULL);
	log_stop();

	text = content(fd);
	check_talk(text);
	free(text);
}
END_TEST

static void *
say_reply(void *argument)
{
	log_thread_attach();
	log_info("reply", LOG_I("to", *(int *)argument));
	log_thread_detach();
	return NULL;
}

START_TEST(a_thread_that_ended_leaves_its_events)
{
	int fd = start(memory_file()), number = 7;
	char *text;

	for (int i = 0; i < 50; i++) {
		pthread_t thread;

		ck_assert_int_eq(pthread_create(&thread, NULL, say_reply, &number), 0);
		pthread_join(thread, NULL);
	}
	log_stop();

	text = content(fd);
	ck_assert_uint_eq(count_text(text, "event=reply to=7"), 50);
	free(text);
}
END_TEST

START_TEST(a_logger_starts_once_at_a_time_and_again_after_its_end)
{
	struct log_options options = { .fd = -1, .level = LOG_LEVEL_INFO };
	int first = start(memory_file()), second;
	struct err e = { 0 };
	char *text;

	ck_assert_int_eq(log_start(&options, &e), -EALREADY);
	log_info("first", LOG_I("n", 1));
	log_stop();
	log_stop();
	log_flush();
	second = start(memory_file());
	log_info("second", LOG_I("n", 2));
	log_stop();

	text = content(first);
	ck_assert_uint_eq(count_text(text, "\n"), 1);
	free(text);
	text = content(second);
	ck_assert_uint_eq(count_text(text, "\n"), 1);
	ck_assert_ptr_nonnull(strstr(text, "event=second"));
	free(text);
}
END_TEST

START_TEST(repeats_are_held_back_and_counted)
{
	struct log_repeat r = { 0 };
	uint64_t missed = 99;

	ck_assert(log_repeat_allows(&r, 1000, 500, &missed));
	ck_assert_uint_eq(missed, 0);
	ck_assert(!log_repeat_allows(&r, 1100, 500, &missed));
	ck_assert(!log_repeat_allows(&r, 1499, 500, &missed));
	ck_assert(log_repeat_allows(&r, 1500, 500, &missed));
	ck_assert_uint_eq(missed, 2);
	ck_assert(log_repeat_allows(&r, 9000, 500, &missed));
	ck_assert_uint_eq(missed, 0);
}
END_TEST

UNIT_TESTS("log", levels_have_names, before_the_start_and_after_the_end_events_go_to_standard_error,
	only_levels_that_are_on_are_written, a_flush_returns_when_everything_is_written,
	json_is_written_when_asked_for, threads_with_and_without_a_ring_lose_nothing,
	a_thread_that_ended_leaves_its_events, a_logger_starts_once_at_a_time_and_again_after_its_end,
	repeats_are_held_back_and_counted)
