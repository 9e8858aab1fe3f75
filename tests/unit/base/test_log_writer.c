/* The log thread under stress: order, a reader that stalls, a disk that is full, a swapped file. */
#include "base/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "log_test.h"

static void *
say_reply(void *argument)
{
	log_thread_attach();
	log_info("reply", LOG_I("to", *(int *)argument));
	log_thread_detach();
	return NULL;
}

/* All of it lies in rings while the pipe is full, so that one batch has to sort it. */
START_TEST(events_of_several_threads_come_in_the_order_of_their_time)
{
	char filler[256], *text = malloc(4 << 20);
	int p[2], expected = 0;
	size_t size = 0;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	memset(filler, 'x', sizeof filler);
	start(p[1]);
	close(p[1]);
	log_thread_attach();
	for (int i = 0; i < 400; i++)
		log_info("fill", LOG_BYTES("x", filler, sizeof filler));
	log_flush(); /* ends unfinished: the pipe is full */
	for (int i = 0; i < 20; i++) {
		pthread_t thread;

		log_info("call", LOG_I("number", i));
		ck_assert_int_eq(pthread_create(&thread, NULL, say_reply, &i), 0);
		pthread_join(thread, NULL);
	}
	for (text[0] = '\0'; strstr(text, "reply to=19") == NULL; text[size] = '\0') {
		ssize_t n = read(p[0], text + size, 4096);

		ck_assert_int_gt(n, 0);
		size += (size_t)n;
	}

	for (const char *at = strstr(text, "event=call"); at != NULL; at = strstr(at + 1, "event=call")) {
		int number, reply;
		const char *second = strstr(at, "event=reply");

		ck_assert_int_eq(sscanf(at, "event=call number=%d", &number), 1);
		ck_assert_ptr_nonnull(second);
		ck_assert_int_eq(sscanf(second, "event=reply to=%d", &reply), 1);
		ck_assert_int_eq(number, expected++);
		ck_assert_int_eq(reply, number);
	}
	ck_assert_int_eq(expected, 20);
	log_thread_detach();
	log_stop();
	free(text);
	close(p[0]);
}
END_TEST

static void *
read_to_end(void *argument)
{
	char *text = malloc(64 << 20);
	size_t size = 0;

	for (ssize_t n = 1; n > 0; size += (size_t)n) {
		n = read(*(int *)argument, text + size, 65536);
		ck_assert_int_ge(n, 0);
	}
	text[size] = '\0';
	return text;
}

START_TEST(a_stalled_reader_costs_counted_events_and_no_waiting)
{
	enum { COUNT = 20000 };
	pthread_t thread;
	void *text;
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	start(p[1]);
	close(p[1]);
	log_thread_attach();
	for (int i = 0; i < COUNT; i++)
		log_info("many", LOG_I("i", i), LOG_S("text", "that nobody reads for a long time"));
	log_flush(); /* returns: the reader had its second */
	ck_assert_int_eq(pthread_create(&thread, NULL, read_to_end, &p[0]), 0);
	log_flush();
	log_info("after", LOG_I("i", COUNT));
	log_thread_detach();
	log_stop();
	pthread_join(thread, &text);

	ck_assert_uint_gt(sum_after(text, "warning event=log_dropped count="), 0);
	ck_assert_uint_eq(
		count_text(text, " event=many ") + sum_after(text, "event=log_dropped count="), COUNT);
	ck_assert_uint_eq(count_text(text, " event=after "), 1);
	free(text);
	close(p[0]);
}
END_TEST

START_TEST(what_a_stalled_reader_never_took_is_told_at_the_end)
{
	int standard_error = memory_file(), p[2];
	enum { COUNT = 2000 };
	uint64_t lost, taken;
	pthread_t thread;
	void *text;
	char *told;

	dup2(standard_error, STDERR_FILENO);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	start(p[1]);
	close(p[1]);
	for (int i = 0; i < COUNT; i++)
		log_info("many", LOG_I("i", i), LOG_S("text", "that nobody reads for a long time"));
	log_stop();
	ck_assert_int_eq(pthread_create(&thread, NULL, read_to_end, &p[0]), 0);
	pthread_join(thread, &text);

	told = content(standard_error);
	lost = sum_after(told, "warning event=log_lost count=");
	taken = count_text(text, " event=many ") + sum_after(text, "event=log_dropped count=");
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_eq(lost + taken, COUNT);
	free(told);
	free(text);
	close(p[0]);
}
END_TEST

/* A pipe of one page with something in it is full. */
START_TEST(a_report_of_drops_that_nobody_took_counts_for_what_it_tells)
{
	struct log_rings rings = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct log_options options = { .protocol = LOG_TO_STREAM, .level = LOG_LEVEL_INFO };
	struct log_ring *ring = log_rings_add(&rings);
	struct log_writer w;
	struct err e = { 0 };
	int p[2];

	ck_assert_ptr_nonnull(ring);
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_ge(fcntl(p[1], F_SETPIPE_SZ, 4096), 0);
	ck_assert_int_eq(write(p[1], "x", 1), 1);
	options.fd = p[1];
	atomic_store(&ring->dropped, 5);
	ck_assert_msg(log_writer_start(&w, &rings, &options, &e) == 0, "%s", e.text);

	ck_assert_uint_eq(log_writer_stop(&w), 5);

	atomic_store(&ring->closed, true);
	ck_assert_uint_eq(log_rings_sweep(&rings), 0);
	close(p[0]);
}
END_TEST

START_TEST(a_swapped_file_splits_the_lines_at_the_swap)
{
	int old = start(memory_file()), new = memory_file();
	char *text;

	log_thread_attach();
	for (int i = 0; i < 300; i++)
		log_info("before", LOG_I("i", i));
	log_replace_fd(dup(new));
	for (int i = 0; i < 200; i++)
		log_info("after", LOG_I("i", i));
	log_thread_detach();
	log_stop();

	text = content(old);
	ck_assert_uint_eq(count_text(text, "event=before"), 300);
	ck_assert_uint_eq(count_text(text, "event=after"), 0);
	free(text);
	text = content(new);
	ck_assert_uint_eq(count_text(text, "event=before"), 0);
	ck_assert_uint_eq(count_text(text, "event=after"), 200);
	free(text);
}
END_TEST

START_TEST(a_full_disk_is_told_when_writing_works_again)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), new = memory_file();
	char *text;

	ck_assert_int_ge(full, 0);
	start(full);
	close(full);
	log_info("kept", LOG_I("n", 1));
	log_flush();
	log_info("kept", LOG_I("n", 2));
	log_replace_fd(dup(new));
	log_info("kept", LOG_I("n", 3));
	log_stop();

	text = content(new);
	ck_assert_uint_eq(count_text(text, "event=kept"), 3);
	ck_assert_uint_eq(
		count_text(text, "warning event=log_write_recovered error=\"No space left on device\""), 1);
	ck_assert_uint_gt(sum_after(text, " failures="), 0);
	free(text);
}
END_TEST

START_TEST(a_target_that_takes_nothing_is_seen_while_it_lasts)
{
	enum { COUNT = 20000 };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), new = memory_file();
	struct log_health h;
	char *text;

	ck_assert_int_ge(full, 0);
	start(full);
	close(full);
	ck_assert_int_eq(log_look().error, 0);
	for (int i = 0; i < COUNT; i++)
		log_info("many", LOG_I("i", i), LOG_S("text", "that finds no room for a long time"));
	log_flush();
	log_flush(); /* by now it has counted what the rings did not take */

	h = log_look();
	ck_assert_int_eq(h.error, ENOSPC);
	ck_assert_int_ge(h.for_ms, 0);
	ck_assert_uint_gt(h.lost, 0);
	ck_assert_str_eq(log_health_text(h.error), "No space left on device");

	log_replace_fd(dup(new));
	log_flush();
	ck_assert_int_eq(log_look().error, 0);
	ck_assert_uint_eq(log_look().lost, h.lost);
	log_stop();
	text = content(new);
	ck_assert_uint_eq(count_text(text, " event=log_write_recovered "), 1);
	ck_assert_uint_eq(sum_after(text, " lost="), h.lost);
	ck_assert_uint_eq(count_text(text, " event=many ") + h.lost, COUNT);
	free(text);
}
END_TEST

START_TEST(a_reader_that_takes_nothing_for_a_second_is_seen)
{
	static char lines[65536];
	struct log_health h;
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	start(p[1]);
	close(p[1]);
	log_thread_attach();
	for (int i = 0; i < 400; i++)
		log_info("fill", LOG_BYTES("x", lines, 256));
	do {
		log_flush(); /* the reader had its second, or is in it */
		h = log_look();
	} while (h.error == 0);

	ck_assert_int_eq(h.error, EAGAIN);
	ck_assert_int_ge(h.for_ms, 1000);
	ck_assert_str_eq(log_health_text(h.error), "it is not read");

	ck_assert_int_eq(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
	do {
		while (read(p[0], lines, sizeof lines) > 0)
			;
		log_flush();
	} while (log_look().error != 0);
	log_thread_detach();
	log_stop();
	close(p[0]);
}
END_TEST

START_TEST(an_idle_log_thread_does_not_run)
{
	struct timespec before, after;

	start(memory_file());
	log_info("one", LOG_I("n", 1));
	log_flush();
	/* Two flushes later it has been through a nap and fallen asleep, and still answers. */
	log_flush();
	log_flush();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	ck_assert_int_eq(poll(NULL, 0, 200), 0); /* the passing of time is what is tested */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	log_stop();

	ck_assert_int_lt(
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, 50);
}
END_TEST

UNIT_TESTS("log_writer", events_of_several_threads_come_in_the_order_of_their_time,
	a_stalled_reader_costs_counted_events_and_no_waiting,
	what_a_stalled_reader_never_took_is_told_at_the_end,
	a_report_of_drops_that_nobody_took_counts_for_what_it_tells,
	a_swapped_file_splits_the_lines_at_the_swap, a_full_disk_is_told_when_writing_works_again,
	a_target_that_takes_nothing_is_seen_while_it_lasts, a_reader_that_takes_nothing_for_a_second_is_seen,
	an_idle_log_thread_does_not_run)
