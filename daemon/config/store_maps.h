/* Lists of values, and lists of maps that have a table of their own. For config/store.c. */
#ifndef CONFIG_STORE_MAPS_H
#define CONFIG_STORE_MAPS_H

#include <string.h>

#include "config/arena.h"
#include "config/key.h"
#include "config/report.h"
#include "config/value.h"

/** Everything that storing needs to know. */
struct store {
	const struct key *key;
	const struct cfg_node *node;
	const struct cfg_source *source;
	struct arena *arena;
	void *field;
	struct cfg_report *report;
};

/** The items of a list, or the one scalar or map in its place. */
static inline size_t
item_count(const struct cfg_node *node)
{
	if (node->kind == CFG_LIST)
		return node->count;
	return cfg_node_is_null(node) ? 0 : 1;
}

static inline const struct cfg_node *
item_at(const struct cfg_node *node, size_t i)
{
	return node->kind == CFG_LIST ? node->items[i] : node;
}

/** Array fields are a pointer, and right behind it the number of items. */
static inline void
put_array(const struct store *s, const void *items, size_t count)
{
	memcpy(s->field, &items, sizeof items);
	memcpy((char *)s->field + sizeof items, &count, sizeof count);
}

/** A list of observers, or of certificates. @return as store_value() */
must_check int store_observers(const struct store *s);
must_check int store_certificates(const struct store *s);

#endif
