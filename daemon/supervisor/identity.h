/* Who workers are to be: daemon.user and daemon.group, looked up. */
#ifndef SUPERVISOR_IDENTITY_H
#define SUPERVISOR_IDENTITY_H

#include <stdint.h>

#include "config/config.h"
#include "config/report.h"

struct identity {
	bool drop; /* false: nothing is asked for, and workers stay who we are */
	uint32_t uid, gid;
	uint32_t *groups; /* owned */
	size_t group_count;
	char name[64]; /* of the user, for messages */
};

/**
 * Look up what the configuration asks for.
 *
 * @param report  takes what is wrong, with its place
 * @return 0; -EINVAL with errors in @p report; -ENOMEM, told there too
 *
 * Blocks: user database.
 */
must_check int identity_look_up(const struct config *config, struct cfg_report *report, struct identity *ret);

/** Whether this process may become that. @return 0; -EPERM, told in @p report */
must_check int identity_check_rights(
	const struct identity *i, const struct config *config, struct cfg_report *report);

/** Whether workers could be what another configuration asks for, if that is not what is asked for now.
 * @return as the two above */
must_check int identity_check_change(
	const struct config *before, const struct config *after, struct cfg_report *report);

void identity_fini(struct identity *i);

#endif
