/* A configured listener inside the engine, and what each loop keeps of it (its scope). Both are made before
 * the loops run and outlive every connection, so everything here but the counters is read without a lock. */
#ifndef ENGINE_LISTENER_H
#define ENGINE_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sockd/plugin.h"

#include "config/config.h"
#include "engine/estate.h"
#include "engine/slab.h"
#include "metric/metric.h"
#include "plugin/instance.h"

struct engine;
struct loop;

/** What is called for a connection: the entries of its listener's plugin, or what it was dialled with. The
 * contracts are those of struct sockd_plugin. Without data() its bytes are read in straight-line code. */
struct conn_entries {
	void (*open)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*data)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*eof)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*writable)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*draining)(struct sockd_conn c, int64_t ms_left);
	void (*timeout)(struct sockd_conn c, int which);
	void (*close)(struct sockd_conn c, int reason);
};

/** Straight-line code is told of nothing but the end. */
static inline struct conn_entries
conn_entries_of(const struct sockd_plugin *p)
{
	if (p->data == NULL)
		return (struct conn_entries){ .close = p->close };
	return (struct conn_entries){ p->open, p->data, p->eof, p->writable, p->draining, p->timeout,
		p->close };
}

struct listener {
	unsigned index;                    /* in the configuration; also the metric row */
	const struct cfg_listener *cfg;    /* borrowed */
	struct instance *instance;         /* borrowed */
	const struct sockd_plugin *plugin; /* borrowed: the entries of its plugin */
	struct conn_entries entries;       /* of its stream connections */
	size_t fiber_stack;                /* bytes; of a plugin that asks for none */
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
	unsigned conns;             /* accepted ones that live here */
	struct estate estate;       /* what was made through the host of this loop */
	bool thread_started;        /* thread_start() succeeded: thread_stop() is owed */
};

#endif
