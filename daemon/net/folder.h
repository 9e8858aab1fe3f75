/* The folder of a socket file. */
#ifndef NET_FOLDER_H
#define NET_FOLDER_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

/**
 * Whether a socket can be put at @p path at all: its length, and that its folder exists.
 *
 * @param ret_open_to_all  others may replace files in it: writable by everybody, and not sticky
 * @return 0, -ENAMETOOLONG, -ENOENT, -ENOTDIR or another negative errno, with text
 */
must_check int folder_check(const char *path, bool *ret_open_to_all, struct err *e);

/**
 * Keep other sockds from looking for stale files in the folder of @p path while we do (flock(2) on the folder
 * itself, so no file stays behind). Closing the descriptor ends it.
 *
 * @param ret_lock_fd  -1 where a folder can't be locked (no right to read it, or a file system without locks)
 * @return 0; -EAGAIN with text when somebody else holds it for seconds
 *
 * Blocks: at most FOLDER_PATIENCE_MS.
 */
must_check int folder_lock(const char *path, int *ret_lock_fd, struct err *e);

enum { FOLDER_PATIENCE_MS = 5000 };

#endif
