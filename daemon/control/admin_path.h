/* Where the admin socket lies when the configuration leaves it to the surroundings. Supervisor and sockctl
 * have to come to the same place, so it is said once. */
#ifndef CONTROL_ADMIN_PATH_H
#define CONTROL_ADMIN_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

enum { ADMIN_PATH_SIZE = 108 };

/**
 * The daemon's choice: admin.sock in $RUNTIME_DIRECTORY (what systemd made for the unit), else in /run/sockd
 * for root, in $XDG_RUNTIME_DIR/sockd for others.
 *
 * @return 0; -ENOENT when there is no such folder to name; -ENAMETOOLONG
 */
must_check int admin_path_auto(char ret[ADMIN_PATH_SIZE], struct err *e);

/** Where a client looks: the @p index-th place, 0 being the most likely. @return false: there are no more */
bool admin_path_candidate(size_t index, char ret[ADMIN_PATH_SIZE]);

#endif
