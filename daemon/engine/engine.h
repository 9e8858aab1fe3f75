/* The engine of a worker: N event loops, the listeners attached to them, and the order in which all of it
 * starts, drains and ends. Everything here is called on the worker's main thread, which is never a loop. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdint.h>

#include "base/err.h"
#include "control/snapshot.h"
#include "metric/metric.h"
#include "plugin/instance.h"

struct engine;

struct engine_options {
	const struct snapshot
		*snapshot; /* borrowed until engine_free(); its socket descriptors are duplicated never, they
			    * stay the snapshot's: the engine stops using them before it ends */
	struct metric_block *metrics; /* borrowed; a row for each loop and listener */
	struct instance *
		*instances; /* borrowed; one for each configured listener, same order, checked, not started */
	struct instance **observers; /* borrowed; one for each daemon.observers entry, same order */
};

/** Build loops and listeners; nothing runs yet, no plugin code is called. */
must_check int engine_new(const struct engine_options *options, struct engine **ret, struct err *e);

/** Start instances and observers (plugin start() on this thread), loops and their threads (thread_start() on
 * each), and then serve. On failure everything that was started is stopped again. */
must_check int engine_start(struct engine *engine, struct err *e);

/** Refuse new connections, end quiet ones over @p spread_ms, let busy ones finish, cut the rest after @p
 * timeout_ms. */
void engine_drain(struct engine *engine, int64_t timeout_ms, int64_t spread_ms);

/** Cut every connection now (QUIT, second TERM): reason `shutdown`. After it engine_drain() is over at once.
 */
void engine_shutdown(struct engine *engine);

/** USR1: calls each plugin's reopen(). */
void engine_reopen(struct engine *engine);

/** Becomes readable when a drain or shutdown is over and every loop is idle. Never read from it. */
int engine_done_fd(const struct engine *engine);

struct engine_counts {
	int64_t open;     /* connections open now, over all listeners */
	uint64_t drained; /* ended by the drain at their slot, or by themselves while it ran */
	uint64_t forced;  /* cut at the deadline or by engine_shutdown() */
};
struct engine_counts engine_counts(const struct engine *engine);

/** Tell observers (on_server) of a lifecycle event such as "listening", "ready", "draining", "stopped". */
void engine_tell_server(struct engine *engine, const char *event, const char *text);

/** After engine_done_fd(), or before engine_start(): ends the threads, stops the instances (which stay the
 * caller's to free), frees. NULL is fine. */
void engine_free(struct engine *engine);

#endif
