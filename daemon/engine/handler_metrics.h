/* What a plugin counts in metrics of its own: a set hangs from each handler whose plugin registered one. */
#ifndef ENGINE_HANDLER_METRICS_H
#define ENGINE_HANDLER_METRICS_H

#include "engine/handler.h"
#include "metric/own_metrics.h"

/** For sockd_metric_register(), with its arguments. @return 0 or a negative errno: see
 * own_metrics_register(), and -EINVAL for a kind that there is not. Thread: any. */
must_check int handler_metric_register(
	struct handler *h, int kind, const char *name, const char *help, uint64_t *ret_id);

/** For sockd_metric_add(). Thread: any. Blocks: never. */
must_check int handler_metric_add(struct handler *h, uint64_t id, int64_t n);

/** The handler ends: what it counted goes on in the one that serves its listener by now, if it has the same
 * plugin. */
void handler_metrics_leave(const struct engine *engine, struct handler *h);

/** Forget what the last handler in this memory had. */
void handler_metrics_reset(struct handler *h);
void handler_metrics_fini(struct handler *h);

/** One metric of one handler. */
struct handler_metric {
	const char *plugin;   /* the name that it gives itself */
	const char *listener; /* "" for an observer */
	struct own_metric own;
};

/**
 * Look through the metrics of all handlers, those that are still ending included: two may have the same
 * names.
 *
 * @param io_place  where to begin, 0 at first; then where to go on
 * @param count     at least so many, if there are as many, and at most OWN_METRICS_MAX more
 * @return whether there are further ones
 *
 * Thread: main.
 */
bool engine_each_handler_metric(const struct engine *engine, uint32_t *io_place, size_t count,
	void (*fn)(void *arg, const struct handler_metric *metric), void *arg);

#endif
