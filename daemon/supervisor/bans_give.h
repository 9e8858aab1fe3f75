/* Bans on their way to a worker. */
#ifndef SUPERVISOR_BANS_GIVE_H
#define SUPERVISOR_BANS_GIVE_H

#include "control/snapshot.h"
#include "guard/bans.h"
#include "supervisor/state.h"
#include "supervisor/worker_ops.h"

/** A worker that starts from @p s is to begin with them. @return 0 or -ENOMEM */
must_check int bans_write(const struct ban_list *list, struct snapshot *s);

/** Tell a worker that is ready what changed while it started. */
void bans_give(const struct ban_list *list, const struct supervisor_worker_ops *ops, void *worker);

/** Leave them to the supervisor that comes with an upgrade. */
void bans_pack(struct state_writer *w, const struct ban_list *list);
/** Take them there. @return 0; -EBADMSG, -ENOMEM */
must_check int bans_unpack(struct state_reader *r, struct ban_list *ret);

#endif
