/* Generations whose workers are this program: what a worker says is written by whoever tests. */
#ifndef TESTS_CHILD_CASE_H
#define TESTS_CHILD_CASE_H

#include <event2/event.h>
#include <string.h>

#include "base/pack.h"
#include "config/load.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "supervisor/child.h"
#include "supervisor/child_private.h"
#include "supervisor/generations.h"

static struct supervisor_worker_ops case_ops;
static struct child *case_child; /* the last that was started */
static struct wire *case_worker; /* the worker's end */
static char case_told[64];       /* a letter for each event */

static inline int
case_start(const struct supervisor_start *o, void **ret_worker, struct err *e)
{
	struct child *c = mem_new(*c);
	int fds[2];

	if (c == NULL || wire_pair(fds, e) < 0 || wire_new(fds[0], &c->wire) < 0 ||
		wire_new(fds[1], &case_worker) < 0)
		abort();
	c->start = *o;
	c->start.snapshot = NULL;
	c->listeners = o->snapshot->config->listener_count;
	c->pidfd = -1; /* and no pid: there is nobody to kill */
	c->readable = event_new(o->base, wire_fd(c->wire), EV_READ, child_on_readable, c);
	c->writable = event_new(o->base, wire_fd(c->wire), EV_WRITE, child_on_writable, c);
	c->retry = event_new(o->base, -1, 0, child_on_writable, c);
	c->hello = event_new(o->base, -1, 0, child_on_no_hello, c);
	case_child = c;
	*ret_worker = c;
	return 0;
}

static inline void
case_note(char what)
{
	size_t size = strlen(case_told);

	if (size + 1 < sizeof case_told)
		case_told[size] = what;
}

static inline void
case_on_hello(void *arg, struct generation *g)
{
	(void)arg, (void)g;
	case_note('h');
}

static inline void
case_on_ready(void *arg, struct generation *g, const bool *serves)
{
	(void)arg, (void)g, (void)serves;
	case_note('r');
}

static inline void
case_on_done(void *arg, struct generation *g)
{
	(void)arg, (void)g;
	case_note('d');
}

static inline void
case_on_ended(void *arg, struct generation *g, enum supervisor_end how, const struct err *e)
{
	(void)arg, (void)g, (void)how, (void)e;
	case_note('e');
}

static const struct generations_events case_events = {
	.hello = case_on_hello, .ready = case_on_ready, .done = case_on_done, .ended = case_on_ended
};

/* One generation of one listener, which has said nothing yet. */
static inline struct generations *
case_generations(struct event_base *base, struct snapshot *snapshot, struct cfg_report *report)
{
	static const char text[] = "version: 1\nlisteners: {a: {listen: 'unix:@a', handler: echo}}\n";
	struct generations *all = NULL;
	struct err e = { 0 };

	memset(case_told, 0, sizeof case_told);
	case_ops = *child_ops();
	case_ops.start = case_start;
	if (config_parse_text("t.yaml", text, sizeof text - 1, NULL, &snapshot->config, report) < 0)
		abort();
	snapshot->loops = 1;
	if (generations_new(
		    &(struct generations_options){ .base = base, .ops = &case_ops, .events = &case_events },
		    &all, &e) < 0 ||
		generations_start(all, snapshot, -1, report, &e) < 0)
		abort();
	case_child->version = protocol_version; /* what it starts from is not sent to anybody */
	return all;
}

static inline void
case_fini(struct event_base *base, struct generations *all, struct snapshot *snapshot)
{
	wire_free(case_worker);
	case_worker = NULL;
	generations_free(all);
	free(snapshot->metric_rows);
	config_unref(snapshot->config);
	*snapshot = (struct snapshot){ 0 };
	event_base_free(base);
}

#endif
