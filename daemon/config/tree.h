/* YAML text -> nodes. The only door to libyaml. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stddef.h>

#include "config/arena.h"
#include "config/report.h"
#include "config/source.h"

/** What no sane configuration reaches; libyaml itself has no bounds. */
enum {
	TREE_DEPTH_MAX = 32,
	TREE_BYTES_MAX = 1024 * 1024, /* of one file, of all files together, and of all expanded text */
	TREE_NODES_MAX = 100000,      /* of all files together, aliases counted as what they stand for */
	TREE_ANCHORS_MAX = 1000,      /* of one file */
};

/** What all files of one load share. */
struct tree_context {
	struct arena *arena;             /* borrowed: everything that is built lies in it */
	const struct cfg_source *source; /* borrowed: the environment */
	struct cfg_report *report;       /* borrowed */
	size_t bytes, nodes, expanded;   /* used so far */
};

/**
 * Parse one file.
 *
 * @param name      for messages; copied
 * @param bytes     copied, since places point into it
 * @param ret_root  NULL when the file holds nothing
 * @return 0; -EINVAL when the file could not be read to its end, told in the report; -ENOMEM.  Faults that
 * leave the tree whole (a duplicate key, an unset variable) are only told in the report.
 */
must_check int tree_parse(struct tree_context *context, const char *name, const char *bytes, size_t size,
	struct cfg_node **ret_root);

/** The version of libyaml in use. */
const char *tree_library_version(void);

#endif
