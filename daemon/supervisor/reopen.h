/* USR1: the log goes on in a fresh file. */
#ifndef SUPERVISOR_REOPEN_H
#define SUPERVISOR_REOPEN_H

#include "supervisor/generations.h"

/** Open @p target anew for this process and all workers, and tell plugins to do the same with their files. If
 * it can't be opened, the log goes on where it was, and says so. */
void reopen_log(struct supervisor_surroundings *around, struct generations *all, const char *target);

#endif
