/* What going over from one snapshot to the next changes, and how each change takes effect. */
#ifndef SUPERVISOR_RELOAD_PLAN_H
#define SUPERVISOR_RELOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "supervisor/held_keys.h"

struct snapshot;

struct reload_rename {
	const char *from, *to;
};

/** All names are borrowed from the two configurations, which the plan keeps. */
struct reload_plan {
	struct config *before, *after, *started; /* refs */
	const char **added, **removed;           /* owned arrays: listeners */
	size_t added_count, removed_count;
	struct reload_rename *renamed; /* owned: listeners that have the address of one that is gone */
	size_t renamed_count;
	const char **code; /* owned: listeners and observers whose plugin's file has another content */
	size_t code_count;
	struct cfg_changes changes; /* keys of the daemon, and of listeners that stay, that take effect now */
	struct cfg_changes waiting; /* keys that have another value than what the running worker started with,
				     * and that only a new one can take */
};

/**
 * @param started  the configuration that the running worker was started with
 * @param held     what else holds from before an upgrade
 * @return 0 or -ENOMEM
 */
must_check int reload_plan_make(const struct snapshot *before, const struct snapshot *after,
	struct config *started, const struct held_keys *held, struct reload_plan *ret);

/** Only what waits in the configuration @p now. Memory that runs out shows in @p io. */
void reload_plan_waiting(const struct config *started, const struct held_keys *held, const struct config *now,
	struct cfg_changes *io);

/** Nothing at all is another. */
bool reload_plan_is_empty(const struct reload_plan *p);

/** How many listeners stay and have something changed. */
size_t reload_plan_changed(const struct reload_plan *p);

/** A zeroed one is fine. */
void reload_plan_fini(struct reload_plan *p);

#endif
