/* The uses of plugins by a configuration, to be checked in children that have the rights of a worker. */
#ifndef RUN_CHECK_USE_H
#define RUN_CHECK_USE_H

#include <stdbool.h>
#include <stddef.h>

#include "run/check_child.h"

struct identity;
struct snapshot;

struct check_use {
	const struct snapshot *snapshot; /* borrowed */
	const struct identity *identity; /* borrowed: who workers are */
	bool plugins_only;               /* the rest of the configuration is not to be relied on */
};

/** All uses of the snapshot; @p use is borrowed. Listeners come first, whose flag is whether connections run
 * on fibers, then observers. */
struct check_job check_use_job(const struct check_use *use);

#endif
