/* The long-lived side: owns configuration, sockets, log and signals, starts a worker and brings it to its
 * end. It never runs plugin code and never reads a client's byte. */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>

#include "config/config.h"
#include "config/record.h"
#include "supervisor/checker.h"
#include "supervisor/worker_ops.h"

struct adopt;

struct supervisor_options {
	struct adopt *adopt;       /* borrowed: another supervisor's state, to go on with; NULL: a start */
	struct config *config;     /* borrowed; checked */
	struct cfg_record *record; /* borrowed: what it was loaded from; NULL: nothing is remembered */
	const char *config_path;   /* borrowed; NULL: it did not come from a file, and cannot be read again */
	struct cfg_report
		*report; /* borrowed: takes what goes wrong at a place in the file, and is printed by us */
	const struct supervisor_worker_ops *worker_ops; /* borrowed */
	const struct checker *checker;                  /* borrowed: checks what a reload would put to use */
	int log_level;                                  /* a level, or -1: the file's */
	bool announce; /* print each address with a command to try, on standard output */
};

/** Read the state in @p fd, which moves, as a rehearsal for taking it over. @return 0, or a negative errno
 * with text */
must_check int supervisor_rehearse(int fd, const struct supervisor_worker_ops *ops, struct err *e);

/** Start, serve until a signal ends it, stop. @return the exit status. Blocks: as long as sockd runs. */
int supervisor_run(const struct supervisor_options *options);

#endif
