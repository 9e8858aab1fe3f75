/* supervisor/holds.c */
#include "supervisor/holds.h"

#include <errno.h>
#include <string.h>

#include "base/fdutil.h"
#include "config/load.h"
#include "unit.h"

static struct config *
config_of(const char *text)
{
	struct config *config = NULL;
	struct cfg_report report = { 0 };

	ck_assert_int_eq(config_parse_text("t.yaml", text, strlen(text), NULL, &config, &report), 0);
	return config;
}

static struct config *
of_three(void)
{
	return config_of("version: 1\nlisteners:\n"
			 "  a: {listen: 'unix:@a', handler: echo}\n"
			 "  b: {listen: 'unix:@b', handler: echo}\n"
			 "  c: {listen: 'unix:@c', handler: echo}\n");
}

START_TEST(a_worker_begins_as_it_was_ordered)
{
	struct snapshot s = { .config = of_three() };
	struct holds h = { 0 };

	ck_assert_int_eq(holds_set(&h, "c", SNAPSHOT_PAUSED), 0);
	ck_assert_int_eq(holds_set(&h, "a", SNAPSHOT_PAUSED), 0);
	ck_assert_int_eq(holds_set(&h, "a", SNAPSHOT_REFUSES), 0);
	ck_assert_int_eq(holds_write(&h, &s), 0);

	ck_assert_uint_eq(s.holds[0], SNAPSHOT_REFUSES);
	ck_assert_uint_eq(s.holds[1], SNAPSHOT_SERVES);
	ck_assert_uint_eq(s.holds[2], SNAPSHOT_PAUSED);
	ck_assert_int_eq(holds_set(&h, "c", SNAPSHOT_SERVES), 0);
	ck_assert_int_eq(holds_write(&h, &s), 0);
	ck_assert_uint_eq(s.holds[2], SNAPSHOT_SERVES);
	free(s.holds);
	config_unref(s.config);
	holds_fini(&h);
}
END_TEST

START_TEST(a_listener_that_went_comes_back_serving)
{
	struct config *without =
		config_of("version: 1\nlisteners:\n  b: {listen: 'unix:@b', handler: echo}\n");
	struct snapshot s = { .config = of_three() };
	struct holds h = { 0 };

	for (const char *name = "abc"; *name != '\0'; name++)
		ck_assert_int_eq(holds_set(&h, (char[]){ *name, '\0' }, SNAPSHOT_PAUSED), 0);
	holds_prune(&h, without);
	ck_assert_int_eq(holds_write(&h, &s), 0);

	ck_assert_uint_eq(s.holds[0], SNAPSHOT_SERVES);
	ck_assert_uint_eq(s.holds[1], SNAPSHOT_PAUSED);
	ck_assert_uint_eq(s.holds[2], SNAPSHOT_SERVES);
	free(s.holds);
	config_unref(without);
	config_unref(s.config);
	holds_fini(&h);
}
END_TEST

static char asked[256];

static void
note(void *worker, const char *request, supervisor_reply_fn *reply, void *arg)
{
	ck_assert_ptr_eq(worker, asked);
	strncat(asked, request, sizeof asked - strlen(asked) - 1);
	reply(arg, 0, "{}");
}

START_TEST(a_worker_that_is_ready_is_told_all_of_it)
{
	static const struct supervisor_worker_ops ops = { .ask = note };
	struct holds h = { 0 };

	ck_assert_int_eq(holds_set(&h, "a", SNAPSHOT_PAUSED), 0);
	ck_assert_int_eq(holds_set(&h, "b", SNAPSHOT_REFUSES), 0);
	ck_assert_int_eq(holds_set(&h, "c", SNAPSHOT_SERVES), 0);
	holds_give(&h, &ops, asked);

	ck_assert_str_eq(asked, "{\"ask\":\"pause\",\"argument\":\"a\"}{\"ask\":\"drain\",\"argument\":\"b\"}"
				"{\"ask\":\"resume\",\"argument\":\"c\"}");
	holds_fini(&h);
}
END_TEST

START_TEST(another_supervisor_has_them_and_refuses_what_makes_no_sense)
{
	struct snapshot s = { .config = of_three() };
	struct holds h = { 0 }, again = { 0 }, bad = { 0 };
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	auto_of(fd) int fd = -1, bad_fd = -1;

	ck_assert_int_eq(holds_set(&h, "b", SNAPSHOT_PAUSED), 0);
	state_begin(&w);
	holds_pack(&w, &h);
	ck_assert_int_eq(fd_memfd("test", w.body.data, w.body.size, &fd), 0);
	ck_assert_int_eq(state_open(fd, false, &r, &e), 0);

	ck_assert_int_eq(holds_unpack(&r, &again), 0);

	ck_assert_int_eq(holds_write(&again, &s), 0);
	ck_assert_uint_eq(s.holds[1], SNAPSHOT_PAUSED);
	state_reader_fini(&r);
	w.body.data[w.body.size - 4] = 9;
	ck_assert_int_eq(fd_memfd("test", w.body.data, w.body.size, &bad_fd), 0);
	ck_assert_int_eq(state_open(bad_fd, false, &r, &e), 0);
	ck_assert_int_eq(holds_unpack(&r, &bad), -EBADMSG);
	state_reader_fini(&r);
	state_writer_fini(&w);
	free(s.holds);
	config_unref(s.config);
	holds_fini(&h);
	holds_fini(&again);
	holds_fini(&bad);
}
END_TEST

UNIT_TESTS("holds", a_worker_begins_as_it_was_ordered, a_listener_that_went_comes_back_serving,
	a_worker_that_is_ready_is_told_all_of_it, another_supervisor_has_them_and_refuses_what_makes_no_sense)
