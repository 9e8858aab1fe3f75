/* Where the bytes of configuration files come from. The supervisor reads them from the disk; a worker is
 * given a snapshot of them and must not open a path, so all access goes through this table. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct cfg_source {
	void *arg; /* borrowed; the first argument of each function */

	/** All bytes of a file, at most @p limit, in memory from malloc() that moves to the caller.
	 * @return 0, -EFBIG above the limit, -EISDIR, or another negative errno */
	int (*read)(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size);

	/** The files that a pattern with * ? [ matches, sorted, from malloc() each and as an array; none is
	 * no error.
	 * @return 0 or a negative errno */
	int (*expand)(void *arg, const char *pattern, char ***ret_paths, size_t *ret_count);

	/** One name for a file, whatever way leads to it; from malloc(). @return 0 or a negative errno */
	int (*identify)(void *arg, const char *path, char **ret_name);

	/** The value of an environment variable, or NULL; borrowed until the load ends. */
	const char *(*lookup)(void *arg, const char *name);

	/** The number of a user, or of a group. @return 0; -ENOENT: there is none of that name; another
	 * negative errno */
	int (*account)(void *arg, const char *name, bool is_group, uint32_t *ret_id);
};

/** The disk and the environment of this process. Blocks. */
extern const struct cfg_source cfg_source_disk;

/** Free what expand() gave. */
void cfg_source_free_paths(char **paths, size_t count);

#endif
