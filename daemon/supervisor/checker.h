/* What the supervisor knows of a check that runs plugin code somewhere else: a table that run/ hands it. */
#ifndef SUPERVISOR_CHECKER_H
#define SUPERVISOR_CHECKER_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

struct cfg_report;
struct identity;
struct snapshot;

/** Everything was checked, and what was found is in the report. From the event base, once. */
typedef void checker_done_fn(void *arg);

struct checker {
	/**
	 * Check every plugin that @p snapshot uses, with its settings, as a worker will.
	 *
	 * @param snapshot  borrowed until done, or cancel()
	 * @param identity  the same: whose rights its code gets
	 * @param plugins_only  there are errors, so the rest of the configuration is not to be relied on
	 * @param report    the same: takes what is wrong
	 * @return 0 and a check; a negative errno with @p e filled
	 */
	int (*start)(struct event_base *base, const struct snapshot *snapshot,
		const struct identity *identity, bool plugins_only, struct cfg_report *report,
		checker_done_fn *done, void *arg, void **ret_check, struct err *e);
	/** End it; nothing is told any more. After `done` it must not be called. */
	void (*cancel)(void *check);
};

#endif
