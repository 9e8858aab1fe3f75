/* The rehearsal of an upgrade, as the supervisor that runs sees it: a child of the new program is shown the
 * state, and says whether it could take all of it over. What it does for that is in rehearse.c. */
#ifndef SUPERVISOR_REHEARSAL_H
#define SUPERVISOR_REHEARSAL_H

#include <event2/event.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/** What a program whose rehearsal went well says on standard output: up to which version it reads states. */
#define REHEARSAL_READS "state %u"

/**
 * How it went; called once, from the base. It may free the rehearsal.
 *
 * @param code  0, or a negative errno, and @p text says why it does not take over
 * @param reads the version of the newest state that it reads; 0: it does not say
 */
typedef void rehearsal_fn(void *arg, int code, const char *text, uint32_t reads);

struct rehearsal_options {
	struct event_base *base; /* borrowed */
	int program_fd;          /* borrowed until rehearsal_start() returns, like all that follow */
	const char *program;     /* its path, for messages */
	int state_fd;
	rehearsal_fn *done;
	void *arg;
};

struct rehearsal;

must_check int rehearsal_start(
	const struct rehearsal_options *options, struct rehearsal **ret, struct err *e);
/** It is ended if it is not over. NULL is fine. */
void rehearsal_free(struct rehearsal *r);

#endif
