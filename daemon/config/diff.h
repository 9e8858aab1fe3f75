/* What is the same in two configurations, and what is not, key by key as the tables say. */
#ifndef CONFIG_DIFF_H
#define CONFIG_DIFF_H

#include <stdbool.h>

#include "config/config.h"
#include "config/key.h"

/** Whether both targets of a table have the same value under @p key. Where it was written does not matter. */
bool cfg_value_is_same(const struct key *key, const void *a, const void *b);

/** Whether two listeners are the same in every key; their names do not matter. */
bool cfg_listener_is_same(const struct cfg_listener *a, const struct cfg_listener *b);

#endif
