/* Becoming somebody with fewer rights, for good. */
#ifndef WORKER_PRIVILEGES_H
#define WORKER_PRIVILEGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

/**
 * Become this user, with this group and these supplementary groups, and give up every capability. What is so
 * already stays: without rights to change, that is fine.
 *
 * @return 0, or a negative errno with text; the process may then have some rights less, and had better end
 *
 * Opens no file: names were looked up before. Thread: the only one, or the main one of a process whose others
 * never run foreign code.
 */
must_check int privileges_drop(
	uint32_t uid, uint32_t gid, const uint32_t *groups, size_t group_count, struct err *e);

/** Give up every capability that this process has, and what it could get by executing programs of root.
 * @return as above */
must_check int privileges_drop_capabilities(struct err *e);

#endif
