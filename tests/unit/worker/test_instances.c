/* worker/instances.c and worker/check.c */
#include <errno.h>

#include "plugin/instance.h"
#include "worker/check.h"
#include "worker/instances.h"

#include "fixture.h"

#define PICKY                                                                                               \
	"static const struct sockd_option options[] = {\n"                                                  \
	"	{ .name = \"n\", .type = SOCKD_T_INT, .max = 100 }, { 0 } };\n"                                   \
	"static int check(const struct sockd_settings *s, struct sockd_error *e)\n"                         \
	"{ return sockd_setting_int(s, \"n\") % 2 == 0 ? 0 : sockd_error_set(e, \"n\", \"must be even\"); " \
	"}\n" MADE_ENTRY MADE_DESCRIPTION(".options = options, .check = check, .data = nothing")

/* The first error, of so many. */
static void
expect_error(const struct fixture *f, size_t errors, int line, const char *words)
{
	ck_assert_uint_eq(f->report.errors, errors);
	ck_assert_int_eq(f->report.findings[0].line, line);
	ck_assert_msg(strstr(f->report.findings[0].text, words) != NULL, "%s", f->report.findings[0].text);
}

START_TEST(every_use_gets_an_instance_of_its_own)
{
	struct instances i;
	struct snapshot *s;
	struct fixture f;

	fixture_init(&f);
	made_plugin(f.dir, "picky", "", PICKY);
	s = fixture_snapshot(&f,
		HEAD "  a: {listen: 'unix://${DIR}/a', handler: picky}\n"
		     "  b: {listen: 'unix://${DIR}/b', handler: {plugin: picky, config: {n: 2}}}\n",
		false);

	ck_assert_int_eq(instances_build(s, NULL, INSTANCES_ALL, &f.report, &i), 0);

	ck_assert_uint_eq(i.listener_count, 2);
	ck_assert_ptr_ne(i.listeners[0], i.listeners[1]);
	ck_assert_ptr_eq(instance_plugin(i.listeners[0]), instance_plugin(i.listeners[1]));
	instances_fini(&i);
	snapshot_free(s);
	fixture_fini(&f);
}
END_TEST

START_TEST(every_fault_is_told_and_only_where_it_is_asked_for)
{
	struct instances i;
	struct snapshot *s;
	struct fixture f;

	fixture_init(&f);
	made_plugin(f.dir, "picky", "", PICKY);
	s = fixture_snapshot(&f,
		HEAD "  a: {listen: 'unix://${DIR}/a', handler: {plugin: picky, config: {n: 1}}}\n"
		     "  b: {listen: 'unix://${DIR}/b', handler: {plugin: picky, config: {zebra: 2}}}\n",
		false);

	ck_assert_int_eq(instances_build(s, NULL, INSTANCES_ALL, &f.report, &i), -EINVAL);
	instances_fini(&i);
	expect_error(&f, 2, 4, "must be even");
	cfg_report_fini(&f.report);
	ck_assert_int_eq(instances_build(s, NULL, 1, &f.report, &i), -EINVAL);
	instances_fini(&i);
	expect_error(&f, 1, 5, "zebra");

	snapshot_free(s);
	fixture_fini(&f);
}
END_TEST

START_TEST(a_transport_that_the_plugin_cannot_serve_is_refused)
{
	struct instances i;
	struct snapshot *s;
	struct fixture f;

	fixture_init(&f);
	made_plugin(f.dir, "streams", "", MADE_ENTRY MADE_DESCRIPTION(".data = nothing"));
	s = fixture_snapshot(&f,
		HEAD "  a:\n"
		     "    listen: [tcp://127.0.0.1:0, udp://127.0.0.1:0]\n"
		     "    handler: streams\n",
		false);

	ck_assert_int_eq(instances_build(s, NULL, INSTANCES_ALL, &f.report, &i), -EINVAL);

	expect_error(&f, 1, 5, "plugin 'streams' cannot serve udp");
	instances_fini(&i);
	snapshot_free(s);
	fixture_fini(&f);
}
END_TEST

START_TEST(a_file_that_is_no_plugin_is_told_at_its_first_use)
{
	struct instances i;
	struct snapshot *s;
	struct fixture f;
	char path[256];

	fixture_init(&f);
	snprintf(path, sizeof path, "%s/text.so", f.dir);
	made_write(path, "no shared object", 0755);
	s = fixture_snapshot(&f,
		HEAD "  a: {listen: 'unix://${DIR}/a', handler: text}\n"
		     "  b: {listen: 'unix://${DIR}/b', handler: text}\n",
		false);

	ck_assert_int_eq(instances_build(s, NULL, INSTANCES_ALL, &f.report, &i), -EINVAL);

	expect_error(&f, 1, 4, "text.so");
	instances_fini(&i);
	snapshot_free(s);
	fixture_fini(&f);
}
END_TEST

START_TEST(a_check_tells_which_listeners_run_on_fibers)
{
	struct snapshot *s;
	struct fixture f;
	bool serves = false;

	fixture_init(&f);
	made_plugin(f.dir, "events", "", MADE_ENTRY MADE_DESCRIPTION(".data = nothing"));
	made_plugin(f.dir, "fibers", "", MADE_ENTRY MADE_DESCRIPTION(".serve = nothing"));
	s = fixture_snapshot(&f,
		HEAD "  a: {listen: 'unix://${DIR}/a', handler: fibers}\n"
		     "  b: {listen: 'unix://${DIR}/b', handler: events}\n"
		     "  c: {listen: 'udp://127.0.0.1:0', handler: fibers}\n",
		false);

	ck_assert_uint_eq(worker_check_count(s), 3);
	ck_assert_int_eq(worker_check(s, 0, false, &f.report, &serves), 0);
	ck_assert(serves);
	ck_assert_int_eq(worker_check(s, 1, false, &f.report, &serves), 0);
	ck_assert(!serves);
	ck_assert_int_eq(worker_check(s, 2, false, &f.report, &serves), 0);
	ck_assert(!serves);
	snapshot_free(s);
	fixture_fini(&f);
}
END_TEST

START_TEST(observers_are_checked_after_the_listeners)
{
	struct snapshot *s;
	struct fixture f;
	bool serves = false;

	fixture_init(&f);
	made_plugin(f.dir, "picky", "", PICKY);
	s = fixture_snapshot(&f,
		"version: 1\n"
		"daemon:\n"
		"  plugin_path: ['${DIR}']\n"
		"  observers: [{plugin: picky, config: {n: 3}}]\n",
		false);

	ck_assert_uint_eq(worker_check_count(s), 1);
	ck_assert_int_eq(worker_check(s, 0, false, &f.report, &serves), -EINVAL);

	expect_error(&f, 1, 4, "must be even");
	snapshot_free(s);
	fixture_fini(&f);
}
END_TEST

UNIT_TESTS("instances", every_use_gets_an_instance_of_its_own,
	every_fault_is_told_and_only_where_it_is_asked_for,
	a_transport_that_the_plugin_cannot_serve_is_refused,
	a_file_that_is_no_plugin_is_told_at_its_first_use, a_check_tells_which_listeners_run_on_fibers,
	observers_are_checked_after_the_listeners)
