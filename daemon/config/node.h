/* The tree that a configuration file becomes before any key is known: scalars, maps and lists that remember
 * where they stand. It is also how a plugin's own settings travel to the plugin floor, untouched. Immutable
 * once built. */
#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>

/** Where something stands in a file; lines and columns count from 1. file NULL: nowhere (a default, a flag).
 */
struct cfg_place {
	const char *file; /* borrowed from the tree */
	int line, column;
	int width;             /* characters to underline, at least 1 */
	const char *line_text; /* borrowed from the tree: where that line begins; NULL: not at hand */
};

enum cfg_node_kind { CFG_SCALAR = 1, CFG_MAP, CFG_LIST };

struct cfg_node {
	enum cfg_node_kind kind;
	struct cfg_place place;
	const char *text; /* scalar: after ${VAR}; may not hold NUL */
	bool faulty;      /* scalar: wrong and told so (an unset variable); whoever meets it stays silent */
	bool plain;   /* scalar: written without quotes, so `yes`, `5` or `null` may mean more than text */
	size_t count; /* map, list */
	struct cfg_pair *pairs;  /* map: in the order of the file */
	struct cfg_node **items; /* list */
};

struct cfg_pair {
	const char *key;
	struct cfg_place key_place;
	struct cfg_node *value;
};

/** The value under @p key, or NULL (also when @p node is NULL or no map). */
const struct cfg_node *cfg_node_get(const struct cfg_node *node, const char *key);

#endif
