/* run/check_child.c: what a child finds arrives whole, and what becomes of it when it does not. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "run/check_child.h"
#include "unit.h"

static const struct cfg_place blamed = { .file = "sockd.yaml", .line = 7, .column = 14, .width = 4 };

typedef void check_fn(void *arg, size_t which, struct cfg_report *report, bool *ret_flag);

static void
blame(void *arg, size_t which, char what[CHECK_BLAME_SIZE], const struct cfg_place **ret_place)
{
	(void)arg;
	snprintf(what, CHECK_BLAME_SIZE, "plugin 'p' of use %zu", which);
	*ret_place = &blamed;
}

static void
run_many(check_fn *fn, void *arg, size_t count, int timeout_ms, struct cfg_report *report, bool *flags)
{
	struct check_job job = { .check = fn, .blame = blame, .arg = arg, .count = count };
	struct err e = { 0 };

	ck_assert_int_eq(check_child_run(&job, timeout_ms, report, flags, &e), 0);
}

static void
run(check_fn *fn, void *arg, int timeout_ms, struct cfg_report *report, bool *ret_flag)
{
	run_many(fn, arg, 1, timeout_ms, report, ret_flag);
}

static void
find_nothing(void *arg, size_t which, struct cfg_report *report, bool *ret_flag)
{
	(void)which;
	(void)report;
	*ret_flag = *(bool *)arg;
}

START_TEST(the_flag_arrives)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool yes = true, no = false, flag = false;

	run(find_nothing, &yes, 10000, &report, &flag);
	ck_assert(flag);
	run(find_nothing, &no, 10000, &report, &flag);
	ck_assert(!flag);
	ck_assert(cfg_report_is_ok(&report));
}
END_TEST

static void
find_two(void *arg, size_t which, struct cfg_report *report, bool *ret_flag)
{
	(void)which;
	const struct cfg_place place = {
		.file = "a.yaml", .line = 3, .column = 5, .width = 2, .line_text = "  x: 1\nrest"
	};

	(void)arg;
	(void)ret_flag;
	cfg_report_error(report, &place, "bad x");
	cfg_report_warning(report, NULL, "odd: %s", "y");
}

START_TEST(findings_arrive_with_their_places)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool flag;

	run(find_two, NULL, 10000, &report, &flag);

	ck_assert_uint_eq(report.count, 2);
	ck_assert_str_eq(report.findings[0].file, "a.yaml");
	ck_assert_int_eq(report.findings[0].line, 3);
	ck_assert_int_eq(report.findings[0].column, 5);
	ck_assert_int_eq(report.findings[0].width, 2);
	ck_assert_str_eq(report.findings[0].line_text, "  x: 1");
	ck_assert_str_eq(report.findings[0].text, "bad x");
	ck_assert_int_eq(report.findings[1].severity, CFG_WARNING);
	ck_assert_ptr_null(report.findings[1].file);
	ck_assert_str_eq(report.findings[1].text, "odd: y");
}
END_TEST

/* One error, at the place that is to blame, with these words. */
static void
expect_blame(const struct cfg_report *report, const char *words)
{
	ck_assert_uint_eq(report->errors, 1);
	ck_assert_int_eq(report->findings[0].line, blamed.line);
	ck_assert_msg(strstr(report->findings[0].text, "plugin 'p'") != NULL, "%s", report->findings[0].text);
	ck_assert_msg(strstr(report->findings[0].text, words) != NULL, "%s", report->findings[0].text);
}

static int
cannot_begin(void *arg, int fd, struct err *e)
{
	(void)arg;
	(void)fd;
	return err_set(e, -EPERM, "there is no way");
}

START_TEST(what_keeps_it_from_beginning_is_told_once)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool yes = true, flags[3] = { true, true, true };
	struct check_job job = {
		.begin = cannot_begin, .check = find_nothing, .blame = blame, .arg = &yes, .count = 3
	};
	struct err e = { 0 };

	ck_assert_int_eq(check_child_run(&job, 10000, &report, flags, &e), 0);

	ck_assert_uint_eq(report.errors, 1);
	ck_assert_str_eq(report.findings[0].text, "plugins cannot be checked: there is no way");
	ck_assert(!flags[0] && !flags[1] && !flags[2]);
}
END_TEST

static void
crash(void *arg, size_t which, struct cfg_report *report, bool *ret_flag)
{
	(void)which;
	(void)arg;
	(void)report;
	(void)ret_flag;
	raise(SIGKILL); /* a sanitizer cannot take it for its own */
}

START_TEST(a_crash_is_an_error_at_the_place_that_is_to_blame)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool flag;

	run(crash, NULL, 10000, &report, &flag);

	expect_blame(&report, "Killed");
}
END_TEST

static void
leave(void *arg, size_t which, struct cfg_report *report, bool *ret_flag)
{
	(void)which;
	(void)arg;
	(void)report;
	(void)ret_flag;
	_exit(0);
}

START_TEST(a_plugin_that_exits_is_not_taken_for_a_success)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool flag;

	run(leave, NULL, 10000, &report, &flag);

	expect_blame(&report, "ended the process");
}
END_TEST

static void
hang(void *arg, size_t which, struct cfg_report *report, bool *ret_flag)
{
	(void)which;
	(void)arg;
	(void)report;
	(void)ret_flag;
	for (;;)
		pause();
}

START_TEST(a_child_that_hangs_is_ended)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool flag;

	run(hang, NULL, 50, &report, &flag);

	expect_blame(&report, "had not checked its settings");
}
END_TEST

/* Each finds something; the third and the fifth end the child. */
static void
find_or_crash(void *arg, size_t which, struct cfg_report *report, bool *ret_flag)
{
	(void)arg;
	if (which == 2 || which == 4)
		raise(SIGKILL);
	cfg_report_warning(report, NULL, "use %zu", which);
	*ret_flag = which == 3;
}

START_TEST(the_others_are_checked_when_some_crash)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool flags[6] = { false };
	const char *const wanted[] = { "use 0", "use 1", "plugin 'p' of use 2 crashed", "use 3",
		"plugin 'p' of use 4 crashed", "use 5" };

	run_many(find_or_crash, NULL, 6, 10000, &report, flags);

	ck_assert_uint_eq(report.count, 6);
	for (size_t i = 0; i < 6; i++) {
		ck_assert_msg(strncmp(report.findings[i].text, wanted[i], strlen(wanted[i])) == 0, "%s",
			report.findings[i].text);
		ck_assert(flags[i] == (i == 3));
	}
}
END_TEST

START_TEST(many_uses_need_one_child_only)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	static bool flags[5000];
	bool yes = true;

	run_many(find_nothing, &yes, 5000, 10000, &report, flags);

	for (size_t i = 0; i < 5000; i++)
		ck_assert(flags[i]);
	ck_assert(cfg_report_is_ok(&report));
}
END_TEST

UNIT_TESTS("check_child", the_others_are_checked_when_some_crash, many_uses_need_one_child_only,
	the_flag_arrives, findings_arrive_with_their_places,
	a_crash_is_an_error_at_the_place_that_is_to_blame, a_plugin_that_exits_is_not_taken_for_a_success,
	a_child_that_hangs_is_ended, what_keeps_it_from_beginning_is_told_once)
