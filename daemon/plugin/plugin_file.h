/* Plugin files, on the supervisor's side: find one, see that nobody else may write it, and copy it. What a
 * worker gets is the copy, so a file that is overwritten while it runs hurts nobody. */
#ifndef PLUGIN_PLUGIN_FILE_H
#define PLUGIN_PLUGIN_FILE_H

#include "base/err.h"

/**
 * Find and copy a plugin.
 *
 * @param name      a bare name, searched as NAME.so in @p folders, or a path (it holds a '/')
 * @param ret_path  where it was found; the caller frees it
 * @param ret_fd    a sealed memfd with its content; the caller's
 * @return 0; -ENOENT; -EPERM for an unsafe owner or mode; another negative errno; always with text
 *
 * Blocks: reads the file.
 */
must_check int plugin_file_open(const char *name, const char *const *folders, size_t folder_count,
	char **ret_path, int *ret_fd, struct err *e);

#endif
