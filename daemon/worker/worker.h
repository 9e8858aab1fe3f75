/* A worker: consumes a snapshot, runs its plugins on an engine and obeys orders. It opens no path: all that
 * it uses came with the snapshot. The calling thread is the worker's main thread, which is never a loop. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "control/occupancy.h"
#include "worker/ask.h"

struct cfg_report;
struct snapshot;
struct strbuf;
struct worker;

/** Memory that the supervisor reads too. */
struct worker_memory {
	void *counters; /* metric_block_size() of the snapshot's loops and rows; NULL: of its own */
	struct occupancy occupancy; /* with as many rows; NULL: of its own */
};

/**
 * Open the plugins, build and check the instances, start the engine: when it returns, every listener is
 * served.
 *
 * @param snapshot  moves to the worker; on failure it is freed
 * @param shared    borrowed, with what it points to; NULL: the worker shares nothing
 * @param report    takes what is wrong with plugins and settings, each with its place
 * @param serves    gets, for each listener of the configuration, whether its connections run on fibers
 * @return 0; -EINVAL with errors in @p report; another negative errno with @p e filled
 *
 * Runs plugin code (check, start). Its threads take no signals.
 */
must_check int worker_new(struct snapshot *snapshot, const struct worker_memory *shared,
	struct cfg_report *report, bool *serves, struct worker **ret, struct err *e);

/** Orders; see engine/engine.h for what they do. They return at once. */
void worker_drain(struct worker *w, int64_t timeout_ms, int64_t spread_ms);
/** As its configuration says. */
void worker_drain_as_configured(struct worker *w);
void worker_shutdown(struct worker *w);
void worker_reopen(struct worker *w);
/** Pass a lifecycle event to the observers. */
void worker_tell(struct worker *w, const char *event, const char *text);

/**
 * Go over to another snapshot without disturbing what did not change: all of it, or nothing.
 *
 * @param snapshot  moves to the worker; on failure it is freed. Sockets that the worker has already are known
 * again, whatever their descriptors; its number of loops is not looked at
 * @param report    takes what is wrong at a place
 * @return 0; -EINVAL with errors in @p report; another negative errno with @p e filled
 *
 * Runs plugin code.  Blocks: until every loop has answered, at most some seconds.
 */
must_check int worker_reload(
	struct worker *w, struct snapshot *snapshot, struct cfg_report *report, struct err *e);

/** What its loops have to say to the main thread, such as that the last connection of a removed listener has
 * ended: call worker_turn() whenever the descriptor is readable. */
int worker_turn_fd(const struct worker *w);
void worker_turn(struct worker *w);

struct worker_counts {
	int64_t open;
	uint64_t served, drained, forced; /* connections: accepted so far; ended in the drain; cut */
};
struct worker_counts worker_counts(const struct worker *w);

/** Ask; see worker/ask.h. Answers come from worker_answer(), to be called when worker_answer_fd() is
 * readable, or from worker_free(). */
void worker_ask(struct worker *w, const char *request, ask_reply_fn *reply, void *arg);
int worker_answer_fd(const struct worker *w);
void worker_answer(struct worker *w);

/** Readable when a drain or a shutdown is over. Never read from it. */
int worker_done_fd(const struct worker *w);

/** Ends threads, instances, plugins, and frees all of it with the snapshot: its sockets are closed. Only
 * after worker_done_fd(). NULL is fine. */
void worker_free(struct worker *w);

#endif
