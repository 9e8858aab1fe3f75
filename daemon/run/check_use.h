/* The uses of plugins by a configuration, to be checked in children. */
#ifndef RUN_CHECK_USE_H
#define RUN_CHECK_USE_H

#include <stdbool.h>
#include <stddef.h>

#include "run/check_child.h"

struct snapshot;

/** All uses of @p snapshot, which is borrowed: listeners first, whose flag is whether connections run on
 * fibers, then observers. */
struct check_job check_use_job(const struct snapshot *snapshot);

#endif
