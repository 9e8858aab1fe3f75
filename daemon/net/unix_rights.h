/* Who may reach a unix socket: mode, owner and group, from names to numbers. */
#ifndef NET_UNIX_RIGHTS_H
#define NET_UNIX_RIGHTS_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/report.h"

struct unix_rights {
	mode_t mode;
	uid_t uid; /* (uid_t)-1: unchanged */
	gid_t gid; /* (gid_t)-1: unchanged */
};

/**
 * Look up owner and group of a listener, and see that the keys apply.
 *
 * @return 0; -EINVAL when a name is unknown, or when mode, owner or group stand at a listener that has only
 * abstract names; -ENOMEM or another negative errno when the user database fails. All of it is in @p report,
 * at the key's place.
 *
 * Blocks: for the user database. Thread: main.
 */
must_check int unix_rights_resolve(
	const struct cfg_listener *listener, struct cfg_report *report, struct unix_rights *ret);

#endif
