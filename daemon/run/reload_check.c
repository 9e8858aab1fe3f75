/* One child for all uses of plugins, and another one behind each use that ended its child, so that it is
 * known whom to blame; all of them together have the time of one. The first that finds something does not end
 * it: a person wants all of it in one run. */
#include "run/reload_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "control/snapshot.h"
#include "run/check_child.h"
#include "run/check_use.h"
#include "supervisor/limits.h"

enum { TIMEOUT_MS = 30000 };

struct reload_check {
	struct event_base *base; /* borrowed */
	struct check_use use;
	struct cfg_report *report; /* borrowed */
	checker_done_fn *done;
	void *arg;
	struct check_job job;     /* what is still to be checked */
	struct check_child child; /* pid 0: none */
	struct event *event;      /* owned; of the child */
	struct event *next;       /* owned */
	bool *serves;             /* owned */
	int64_t deadline_ms;
};

static void
check_free(struct reload_check *c)
{
	if (c->child.pid != 0)
		check_child_kill(&c->child);
	if (c->event != NULL)
		event_free(c->event);
	if (c->next != NULL)
		event_free(c->next);
	free(c->serves);
	free(c);
}

static void
cancel(void *check)
{
	check_free(check);
}

static void
warn_limit(void *arg, const char *what, const char *text)
{
	struct cfg_report *report = arg;

	(void)what; /* the text names it */
	cfg_report_warning(report, NULL, "%s", text);
}

static void
finish(struct reload_check *c)
{
	checker_done_fn *done = c->done;
	void *arg = c->arg;
	struct limits limits = limits_read();

	if (!c->use.plugins_only)
		limits_check(c->use.snapshot->config, c->use.snapshot->loops, c->serves, &limits, warn_limit,
			c->report);
	check_free(c);
	done(arg);
}

static void
finish_child(struct reload_check *c, bool in_time)
{
	event_free(c->event);
	c->event = NULL;
	c->job.first = check_child_finish(&c->child, in_time, TIMEOUT_MS, c->report, c->serves);
	event_active(c->next, EV_TIMEOUT, 0);
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
	struct reload_check *c = arg;

	(void)fd; /* the child's */
	if (what & EV_TIMEOUT)
		finish_child(c, false);
	else if (check_child_read(&c->child))
		finish_child(c, true);
}

static bool
start_child(struct reload_check *c, struct err *e)
{
	int64_t left_ms = c->deadline_ms - clock_now_ms();
	struct timeval left;

	if (left_ms < 1)
		left_ms = 1;
	left = (struct timeval){ .tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000 };
	if (check_child_start(&c->job, &c->child, e) < 0)
		return false;
	c->event = event_new(c->base, c->child.fd, EV_READ | EV_PERSIST, on_child, c);
	if (c->event == NULL || event_add(c->event, &left) < 0) {
		err_set(e, -ENOMEM, "out of memory");
		return false;
	}
	return true;
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct reload_check *c = arg;
	struct err e = { 0 };

	(void)fd, (void)what; /* activated by hand */
	if (c->job.first == c->job.count) {
		finish(c);
	} else if (!start_child(c, &e)) {
		cfg_report_error(c->report, NULL, "%s", e.text);
		finish(c);
	}
}

static int
start(struct event_base *base, const struct snapshot *snapshot, const struct identity *identity,
	bool plugins_only, struct cfg_report *report, checker_done_fn *done, void *arg, void **ret_check,
	struct err *e)
{
	struct reload_check *c = mem_new(*c);

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	*c = (struct reload_check){ .base = base,
		.use = { .snapshot = snapshot, .identity = identity, .plugins_only = plugins_only },
		.report = report,
		.done = done,
		.arg = arg,
		.deadline_ms = clock_now_ms() + TIMEOUT_MS };
	c->job = check_use_job(&c->use);
	c->serves = calloc(c->job.count + 1, sizeof *c->serves);
	c->next = event_new(base, -1, 0, on_next, c);
	if (c->serves == NULL || c->next == NULL) {
		check_free(c);
		return err_set(e, -ENOMEM, "out of memory");
	}
	event_active(c->next, EV_TIMEOUT, 0);
	*ret_check = c;
	return 0;
}

const struct checker reload_checker = { .start = start, .cancel = cancel };
