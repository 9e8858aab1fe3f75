/* Running plugin code where its crash hurts nobody: one child process for each use of a plugin. */
#ifndef RUN_CHECK_CHILD_H
#define RUN_CHECK_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "config/report.h"

/** The work of the child. What it finds goes to @p report; @p ret_flag is an answer of its own. */
typedef void check_child_fn(void *arg, struct cfg_report *report, bool *ret_flag);

/**
 * Fork, let the child run @p fn, and take over its findings and its flag. A child that dies, or has not ended
 * after
 * @p timeout_ms, is an error at @p place.
 *
 * @param what  who is to blame then, such as "plugin 'echo'"
 * @return 0, also when something was found; a negative errno with @p e filled if there could be no child
 *
 * The process must have a single thread.
 */
must_check int check_child_run(check_child_fn *fn, void *arg, int timeout_ms, const struct cfg_place *place,
	const char *what, struct cfg_report *report, bool *ret_flag, struct err *e);

#endif
