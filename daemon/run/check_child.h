/* Running plugin code where its crash hurts nobody: a child process checks one use of a plugin after the
 * other; when one ends it, the next child goes on behind that one. */
#ifndef RUN_CHECK_CHILD_H
#define RUN_CHECK_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "config/report.h"

enum { CHECK_BLAME_SIZE = 128 };

/** What is to be checked: uses @c first to @c count - 1. */
struct check_job {
	/** In the child, before anything is checked; what fails is told once, and nothing is checked. NULL:
	 * nothing is to be done. @param fd  is to stay open */
	int (*begin)(void *arg, int fd, struct err *e);
	/** Check one, in the child. What it finds goes to @p report; @p ret_flag is an answer of its own. */
	void (*check)(void *arg, size_t which, struct cfg_report *report, bool *ret_flag);
	/** Whom to blame when the child does not come to its end, such as "plugin 'echo'", and where. */
	void (*blame)(
		void *arg, size_t which, char what[CHECK_BLAME_SIZE], const struct cfg_place **ret_place);
	void *arg; /* borrowed */
	size_t first, count;
};

/** A child that runs. */
struct check_child {
	pid_t pid;
	int fd; /* owned: becomes readable when it has something to say, or has ended */
	struct strbuf answer;
	struct check_job job;
};

/**
 * Fork, and let the child do @p job.
 *
 * @return 0; a negative errno with @p e filled if there could be no child
 *
 * Other threads may run: what the child may call is what a child of theirs may, and the logger is not among
 * it. A child that hangs for that is ended as one that a plugin holds up.
 */
must_check int check_child_start(const struct check_job *job, struct check_child *ret, struct err *e);

/** Read what is there, without waiting if @c fd does not wait. @return true when the child has said all */
bool check_child_read(struct check_child *c);

/**
 * The child has said all, or its time is up: end it, and take over its findings and flags. If it did not come
 * to its end, that is an error of the use that it was at.
 *
 * @param flags  one for each use of the job; those that were checked are set
 * @return the use to go on with: the job's count if all are checked
 */
must_check size_t check_child_finish(
	struct check_child *c, bool in_time, int timeout_ms, struct cfg_report *report, bool *flags);

/** End it, whatever it has to say. */
void check_child_kill(struct check_child *c);

/**
 * Do all of @p job, by as many children as it takes. One that has said nothing for @p timeout_ms is held up.
 *
 * @return 0, also when something was found; a negative errno with @p e filled if there could be no child
 *
 * Blocks: until all is checked.
 */
must_check int check_child_run(
	const struct check_job *job, int timeout_ms, struct cfg_report *report, bool *flags, struct err *e);

#endif
