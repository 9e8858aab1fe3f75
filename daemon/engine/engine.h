/* The engine of a worker: N event loops, the listeners attached to them, and the order in which all of it
 * starts, changes, drains and ends. Everything here is called on the worker's main thread, which is never a
 * loop. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "control/occupancy.h"
#include "control/snapshot.h"
#include "metric/metric.h"
#include "plugin/instance.h"

struct ban_list;
struct engine;
struct tls_clients;
struct tls_context;

/** The engine is through with an instance: it has stopped, or was never started. */
typedef void engine_release_fn(void *arg, struct instance *instance);

struct engine_options {
	unsigned loops;
	unsigned coalesce_us;         /* between two looks at the sockets; 0: none */
	size_t fiber_stack;           /* of plugins that do not say what they want */
	struct metric_block *metrics; /* borrowed; rows for each loop, and for as many listeners as there may
				       * ever be */
	struct occupancy occupancy;   /* with as many rows */
	engine_release_fn *release;   /* takes back every instance that was given, once */
	void *release_arg;
};

/** Build the loops; nothing runs yet. */
must_check int engine_new(const struct engine_options *options, struct engine **ret, struct err *e);

/** What the engine is to serve. */
struct engine_setup {
	struct snapshot *snapshot; /* borrowed; sockets that the engine does not know yet are taken out of it,
				    * and its configuration is referenced */
	/** One for each listener of the configuration, and one for each observer, same order. One that runs
	 * already goes on running; another is checked but not started, and moves to the engine whatever
	 * becomes of the setup. */
	struct instance **listeners, **observers;
	struct tls_context *const
		*tls; /* borrowed; one for each map of config.tls, NULL where none is used */
	const struct ban_list
		*bans; /* borrowed; of a start: in force before anybody is accepted; NULL: none */
	struct tls_clients *clients; /* borrowed; what plugins dial with; NULL: nothing */
};

/** Start the loops and serve the first setup: instances (plugin start() on this thread), their threads
 * (thread_start() on each loop), sockets. On failure everything that was started is stopped again. */
must_check int engine_start(struct engine *engine, const struct engine_setup *setup, struct err *e);

/**
 * Change over to another setup, so that nothing notices that does not change. All that can fail is done
 * first, on this thread and on every loop; either all of it is put to use, or nothing is.
 *
 * @return 0; -EBUSY: a loop has not come to the end of an earlier change yet; -ESHUTDOWN: it drains;
 * -ETIMEDOUT: a loop did not answer in time; or what a plugin or the kernel refused. After a failure all is
 * as before
 *
 * Runs plugin code.  Blocks: until every loop has answered, at most @p timeout_ms at a time; CLOCK_NEVER: as
 * long as it takes.
 */
must_check int engine_apply(
	struct engine *engine, const struct engine_setup *setup, int64_t timeout_ms, struct err *e);

/** What loops tell the main thread, such as that the last connection of a removed listener has ended: call
 * engine_turn() whenever the descriptor is readable. */
int engine_main_fd(const struct engine *engine);
void engine_turn(struct engine *engine);

/** Refuse new connections, end quiet ones over @p spread_ms, let busy ones finish, cut the rest after @p
 * timeout_ms. */
void engine_drain(struct engine *engine, int64_t timeout_ms, int64_t spread_ms);

/** Cut every connection now (QUIT, second TERM): reason `shutdown`. After it engine_drain() is over at once.
 */
void engine_shutdown(struct engine *engine);

/**
 * Orders to one listener. Paused: nobody is accepted and no datagram is read; clients wait in the kernel.
 * Drained: the same for datagrams; a client is accepted and closed at once, and the connections that are open
 * drain. A resumed one serves as before. A reload changes none of it.
 *
 * @return 0; -ENOENT: there is no such listener; -ENOMEM
 */
must_check int engine_listener_pause(struct engine *engine, const char *name);
must_check int engine_listener_resume(struct engine *engine, const char *name);
must_check int engine_listener_drain(
	struct engine *engine, const char *name, int64_t timeout_ms, int64_t spread_ms);

/** USR1: calls each plugin's reopen(). */
void engine_reopen(struct engine *engine);

/** Becomes readable when a drain or shutdown is over and every loop is idle. Never read from it. */
int engine_done_fd(const struct engine *engine);

struct engine_counts {
	uint64_t drained; /* ended by the drain at their slot, or by themselves while it ran */
	uint64_t forced;  /* cut at the deadline or by engine_shutdown() */
};
struct engine_counts engine_counts(const struct engine *engine);

/** Tell observers (on_server) of a lifecycle event such as "listening", "ready", "draining", "stopped". */
void engine_tell_server(struct engine *engine, const char *event, const char *text);

/** After engine_done_fd(), or before engine_start(): ends the threads, stops the instances and gives them
 * back, frees. NULL is fine. */
void engine_free(struct engine *engine);

#endif
