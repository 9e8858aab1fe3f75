/* Which of many networks an address lies in: the longest prefix decides. Built once, then only read, by any
 * thread, so a lookup takes no lock and touches little memory. */
#ifndef GUARD_PREFIX_TABLE_H
#define GUARD_PREFIX_TABLE_H

#include "base/network.h"

enum { PREFIX_NONE = -1, PREFIX_ENTRIES_MAX = 1 << 24 };

struct prefix_table;

/**
 * @param networks  @p count of them, at most PREFIX_ENTRIES_MAX; of equal ones the first decides
 * @return 0 or -ENOMEM
 */
must_check int prefix_table_new(const struct network *networks, size_t count, struct prefix_table **ret);
void prefix_table_free(struct prefix_table *t); /* NULL is fine */

/** The index of the longest network that holds the address, or PREFIX_NONE. Thread: any. */
int32_t prefix_table_find(const struct prefix_table *t, const struct network *address);

#endif
