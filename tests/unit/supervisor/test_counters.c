/* supervisor/counters.c */
#include "supervisor/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "config/load.h"
#include "control/snapshot.h"
#include "unit.h"

static struct counters *c;

/* A snapshot whose listeners have these names of one letter. */
static struct snapshot *
snapshot_of(const char *names)
{
	struct snapshot *s = calloc(1, sizeof *s);
	struct cfg_report report = { 0 };
	struct strbuf text = { 0 };

	strbuf_add(&text, "version: 1\nlisteners:\n");
	for (const char *n = names; *n != '\0'; n++)
		strbuf_printf(&text, "  %c: {listen: 'unix:@%c', handler: echo}\n", *n, *n);
	ck_assert_int_eq(config_parse_text("t.yaml", text.data, text.size, NULL, &s->config, &report), 0);
	s->loops = 2;
	cfg_report_fini(&report);
	strbuf_fini(&text);
	return s;
}

static struct counters_block *
generation(void)
{
	struct counters_block *b = NULL;
	struct err e = { 0 };

	ck_assert_int_eq(counters_block_new(c, 2, &b, &e), 0);
	return b;
}

static void
assign(struct snapshot *s)
{
	struct err e = { 0 };

	ck_assert_int_eq(counters_assign(c, s, &e), 0);
}

static void
count(struct counters_block *b, unsigned loop, unsigned row, uint64_t n)
{
	metric_add(metric_cells(&b->cells, loop, row), METRIC_CONNECTIONS_ACCEPTED, n);
}

static uint64_t
accepted(unsigned row)
{
	return counters_sum(c, row, METRIC_CONNECTIONS_ACCEPTED);
}

START_TEST(a_listener_keeps_its_row_wherever_it_stands_in_the_file)
{
	struct snapshot *before = snapshot_of("ab"), *after = snapshot_of("xba");

	c = counters_new();
	assign(before);
	assign(after);

	ck_assert_uint_eq(after->metric_rows[1], before->metric_rows[1]);
	ck_assert_uint_eq(after->metric_rows[2], before->metric_rows[0]);
	ck_assert_uint_ne(after->metric_rows[0], before->metric_rows[0]);
	ck_assert_uint_gt(after->metric_row_count, 4096);
	snapshot_free(before);
	snapshot_free(after);
	counters_free(c);
}
END_TEST

START_TEST(sums_go_over_generations_and_survive_them)
{
	struct snapshot *s = snapshot_of("ab");
	struct counters_block *first, *second;

	c = counters_new();
	assign(s);
	first = generation();
	second = generation();
	count(first, 0, 0, 5);
	count(first, 1, 1, 7);
	count(second, 1, 0, 100);
	ck_assert_uint_eq(accepted(0), 105);
	ck_assert_uint_eq(accepted(1), 7);
	ck_assert_uint_eq(counters_block_sum(c, first, METRIC_CONNECTIONS_ACCEPTED), 12);

	counters_fold(c, first);

	ck_assert_uint_eq(accepted(0), 105);
	ck_assert_uint_eq(accepted(1), 7);
	counters_fold(c, second);
	ck_assert_uint_eq(accepted(0), 105);
	ck_assert_uint_eq(accepted(1), 7);
	snapshot_free(s);
	counters_free(c);
}
END_TEST

START_TEST(nobody_is_open_in_a_generation_that_ended)
{
	struct snapshot *s = snapshot_of("a");
	struct counters_block *b;

	c = counters_new();
	assign(s);
	b = generation();
	metric_add(metric_cells(&b->cells, 0, 0), METRIC_CONNECTIONS_OPEN, 3);
	ck_assert_uint_eq(counters_sum(c, 0, METRIC_CONNECTIONS_OPEN), 3);

	counters_fold(c, b);

	ck_assert_uint_eq(counters_sum(c, 0, METRIC_CONNECTIONS_OPEN), 0);
	snapshot_free(s);
	counters_free(c);
}
END_TEST

START_TEST(what_was_told_never_falls_whatever_a_worker_writes)
{
	struct snapshot *s = snapshot_of("a");
	struct counters_block *b;

	c = counters_new();
	assign(s);
	b = generation();
	count(b, 0, 0, 50);
	ck_assert_uint_eq(accepted(0), 50);

	metric_set(metric_cells(&b->cells, 0, 0), METRIC_CONNECTIONS_ACCEPTED, 3);

	ck_assert_uint_eq(accepted(0), 50);
	snapshot_free(s);
	counters_free(c);
}
END_TEST

START_TEST(a_worker_cannot_take_the_memory_away)
{
	struct counters_block *b;

	c = counters_new();
	b = generation();
	ck_assert_int_eq(ftruncate(b->fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	counters_free(c);
}
END_TEST

START_TEST(rows_are_given_away_again_when_there_are_no_others)
{
	struct counters_block *b;
	struct snapshot *s;

	c = counters_new();
	b = generation();
	for (int i = 0; i < 8192 / 32 + 2; i++) {
		s = snapshot_of("");
		/* Names beyond one letter, without parsing 8192 files. */
		config_unref(s->config);
		s->config = &(struct config){ .listener_count = 32,
			.listeners = calloc(32, sizeof(struct cfg_listener)) };
		for (int k = 0; k < 32; k++) {
			char *name;

			ck_assert_int_gt(asprintf(&name, "l%d-%d", i, k), 0);
			s->config->listeners[k].name = name;
		}
		assign(s);
		for (int k = 0; k < 32; k++) {
			ck_assert_uint_eq(accepted(s->metric_rows[k]), 0);
			count(b, 0, s->metric_rows[k], 1);
			ck_assert_uint_eq(accepted(s->metric_rows[k]), 1);
			free((void *)(uintptr_t)s->config->listeners[k].name);
		}
		free(s->config->listeners);
		s->config = NULL;
		snapshot_free(s);
	}
	counters_free(c);
}
END_TEST

START_TEST(the_text_has_each_listener_by_its_name)
{
	struct snapshot *s = snapshot_of("ab");
	struct strbuf text = { 0 };
	struct counters_block *b;

	c = counters_new();
	assign(s);
	b = generation();
	count(b, 1, s->metric_rows[1], 9);

	counters_expose(c, s, &text);

	ck_assert_ptr_nonnull(strstr(text.data, "sockd_connections_accepted_total{listener=\"a\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(text.data, "sockd_connections_accepted_total{listener=\"b\"} 9\n"));
	strbuf_fini(&text);
	snapshot_free(s);
	counters_free(c);
}
END_TEST

UNIT_TESTS("counters", a_listener_keeps_its_row_wherever_it_stands_in_the_file,
	sums_go_over_generations_and_survive_them, nobody_is_open_in_a_generation_that_ended,
	what_was_told_never_falls_whatever_a_worker_writes, a_worker_cannot_take_the_memory_away,
	rows_are_given_away_again_when_there_are_no_others, the_text_has_each_listener_by_its_name)
