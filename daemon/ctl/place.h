/* Where the admin socket is. */
#ifndef CTL_PLACE_H
#define CTL_PLACE_H

#include "base/cleanup.h"
#include "base/err.h"

/**
 * The path to connect to (or @NAME).
 *
 * @param socket  as given by the user, or NULL
 * @param config  a configuration file as given by the user, or NULL: the installed one, if it can be read
 * @param ret     from malloc()
 * @return 0; -ENOENT: the configuration says that there is none; -EINVAL: @p socket is no place; -EBADMSG:
 * @p config cannot be understood; another negative errno; with text
 */
must_check int place_find(const char *socket, const char *config, char **ret, struct err *e);

#endif
