/* What a process that is to run plugins is like, whatever started it. */
#ifndef WORKER_PROCESS_SETUP_H
#define WORKER_PROCESS_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/** Ignore the signals that people and systemd send to a whole group and mean the supervisor, and forget what
 * in the environment is the supervisor's alone. Thread: the only one. */
void process_setup(void);

/** Whose rights plugins have. */
struct process_user {
	bool drop; /* false: whoever this process is, but without capabilities */
	uint32_t uid, gid;
	const uint32_t *groups; /* borrowed */
	size_t group_count;
};

/** Have these rights from here on, and no others. @return as privileges_drop() */
must_check int process_become(const struct process_user *user, struct err *e);

#endif
