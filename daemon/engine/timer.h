/* The timers that plugins start: a wheel node with a function of theirs, named by an id. */
#ifndef ENGINE_TIMER_H
#define ENGINE_TIMER_H

#include "sockd/types.h"

#include "engine/estate.h"
#include "engine/loop.h"

struct plugin_timer {
	struct slot slot; /* of loop->timers */
	struct loop_timer timer;
	struct loop *loop;                 /* borrowed */
	struct estate *estate;             /* borrowed: what it ends with */
	struct plugin_timer *next, **link; /* in its estate */
	int64_t at_ms, every_ms;           /* every: 0 for once */
	sockd_timer_fn fn;
	void *arg;
};

/** @return the timer's id, or 0 with errno (EAGAIN: too many in this scope) */
uint64_t timer_start(struct estate *e, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg);
/** @return 0, or -ENOENT: it is not one of this scope's, or not any more */
must_check int timer_stop(struct estate *e, uint64_t id);
void timer_free(struct plugin_timer *t);

#endif
