/* What the supervisor knows of a worker: a table of calls that run/ hands it at the start. Only a snapshot,
 * orders and numbers cross it, so that a process boundary can take its place. */
#ifndef SUPERVISOR_WORKER_OPS_H
#define SUPERVISOR_WORKER_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct cfg_report;
struct snapshot;

struct supervisor_counts {
	int64_t open;     /* connections open now */
	uint64_t served;  /* connections accepted since the start */
	uint64_t drained; /* ended by the drain, or by themselves while it ran */
	uint64_t forced;  /* cut */
};

/** Every call is made on the supervisor's thread; none but start() and end() may block. */
struct supervisor_worker_ops {
	/**
	 * Build a worker from @p snapshot and let it serve.
	 *
	 * @param snapshot  moves to the worker, on failure too
	 * @param report    takes what is wrong with plugins and settings, each with its place
	 * @param serves    gets, for each listener, whether its connections run on fibers
	 * @return 0; -EINVAL with errors in @p report; another negative errno with @p e filled
	 */
	int (*start)(struct snapshot *snapshot, struct cfg_report *report, bool *serves, void **ret_worker,
		struct err *e);
	void (*drain)(void *worker, int64_t timeout_ms, int64_t spread_ms);
	void (*shutdown)(void *worker);
	void (*reopen)(void *worker);
	void (*tell)(void *worker, const char *event, const char *text); /* to observers */
	struct supervisor_counts (*counts)(void *worker);
	int (*done_fd)(void *worker); /* readable when a drain or shutdown is over */
	void (*end)(void *worker);    /* after done_fd; frees it with its snapshot */
};

#endif
