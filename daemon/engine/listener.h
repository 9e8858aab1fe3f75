/* A configured listener inside the engine, and what each loop keeps of it (its scope). Both are made before
 * the loops run and outlive every connection, so everything here but the counters is read without a lock. */
#ifndef ENGINE_LISTENER_H
#define ENGINE_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sockd/plugin.h"

#include "config/config.h"
#include "engine/slab.h"
#include "metric/metric.h"
#include "plugin/instance.h"

struct engine;
struct loop;

struct listener {
	unsigned index;                    /* in the configuration; also the metric row */
	const struct cfg_listener *cfg;    /* borrowed */
	struct instance *instance;         /* borrowed */
	const struct sockd_plugin *plugin; /* borrowed: the entries of its plugin */
	struct engine *engine;             /* borrowed: outlives us */
	_Atomic int64_t open;              /* connections, over all loops: what limits.connections bounds */
	_Atomic bool draining;
	struct scope *scopes; /* owned; one for each loop */
};

/** A listener, or an observer, on one loop: what a datagram's host and thread_start()'s host stand for. */
struct scope {
	struct listener *listener;
	struct loop *loop;
	struct metric_cells *cells; /* borrowed */
	void *thread_state;         /* what thread_start() returned */
	bool thread_started;        /* thread_start() succeeded: thread_stop() is owed */
};

#endif
