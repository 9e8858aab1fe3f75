/* Running plugin code where its crash hurts nobody: one child process for each use of a plugin. */
#ifndef RUN_CHECK_CHILD_H
#define RUN_CHECK_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "config/report.h"

/** The work of the child. What it finds goes to @p report; @p ret_flag is an answer of its own. */
typedef void check_child_fn(void *arg, struct cfg_report *report, bool *ret_flag);

/** A child that runs. */
struct check_child {
	pid_t pid;
	int fd; /* owned: becomes readable when it has something to say, or has ended */
	struct strbuf answer;
};

/**
 * Fork, and let the child run @p fn.
 *
 * @return 0; a negative errno with @p e filled if there could be no child
 *
 * Other threads may run: what the child may call is what a child of theirs may, and the logger is not among
 * it. A child that hangs for that is ended as one that a plugin holds up.
 */
must_check int check_child_start(check_child_fn *fn, void *arg, struct check_child *ret, struct err *e);

/** Read what is there, without waiting if @c fd does not wait. @return true when the child has said all */
bool check_child_read(struct check_child *c);

/**
 * The child has said all, or its time is up: end it, and take over its findings and its flag. One that did
 * not come to its end is an error at @p place.
 *
 * @param what  who is to blame then, such as "plugin 'echo'"
 */
void check_child_finish(struct check_child *c, bool in_time, int timeout_ms, const struct cfg_place *place,
	const char *what, struct cfg_report *report, bool *ret_flag);

/** End it, whatever it has to say. */
void check_child_kill(struct check_child *c);

/**
 * Fork, let the child run @p fn, and take over its findings and its flag. A child that dies, or has not ended
 * after @p timeout_ms, is an error at @p place.
 *
 * @param what  who is to blame then, such as "plugin 'echo'"
 * @return 0, also when something was found; a negative errno with @p e filled if there could be no child
 *
 * Blocks: until the child has ended, or its time is up.
 */
must_check int check_child_run(check_child_fn *fn, void *arg, int timeout_ms, const struct cfg_place *place,
	const char *what, struct cfg_report *report, bool *ret_flag, struct err *e);

#endif
