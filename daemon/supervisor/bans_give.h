/* Bans on their way to a worker. */
#ifndef SUPERVISOR_BANS_GIVE_H
#define SUPERVISOR_BANS_GIVE_H

#include "guard/bans.h"
#include "supervisor/worker_ops.h"

/** Give a worker that is ready all bans; one that comes knows of none. */
void bans_give(const struct ban_list *list, const struct supervisor_worker_ops *ops, void *worker);

#endif
