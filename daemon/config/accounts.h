/* Lists of users and groups. */
#ifndef CONFIG_ACCOUNTS_H
#define CONFIG_ACCOUNTS_H

#include "config/arena.h"
#include "config/key.h"
#include "config/report.h"
#include "config/source.h"

/** Read what a KEY_USERS or KEY_GROUPS row says; names are looked up in @p source. @return 0; -EINVAL, told;
 * -ENOMEM, told */
must_check int accounts_read(const struct key *key, const struct cfg_node *node,
	const struct cfg_source *source, struct arena *arena, struct cfg_accounts *ret,
	struct cfg_report *report);

#endif
