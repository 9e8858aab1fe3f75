/* Listeners that an operator has paused or drained. It is kept by name, beside the workers: whoever starts is
 * started with it. */
#ifndef SUPERVISOR_HOLDS_H
#define SUPERVISOR_HOLDS_H

#include "control/snapshot.h"
#include "supervisor/state.h"
#include "supervisor/worker_ops.h"

/** Starts as `struct holds h = { 0 };`. One thread. */
struct holds {
	struct held_listener *items; /* owned */
	size_t count, capacity;
};

/** A worker has obeyed. @return 0 or -ENOMEM */
must_check int holds_set(struct holds *h, const char *listener, enum snapshot_hold hold);
/** Forget listeners that there are no more: one that comes later under the name serves. */
void holds_prune(struct holds *h, const struct config *config);
void holds_fini(struct holds *h);

/** A worker that starts from @p s is to begin with it. @return 0 or -ENOMEM */
must_check int holds_write(const struct holds *h, struct snapshot *s);

/** As text, to see whether anything has changed. */
void holds_print(const struct holds *h, struct strbuf *out);

/** Tell a worker that is ready what changed while it started. */
void holds_give(const struct holds *h, const struct supervisor_worker_ops *ops, void *worker);

/** From one supervisor to the next. @return 0; -EBADMSG, -ENOMEM */
void holds_pack(struct state_writer *w, const struct holds *h);
must_check int holds_unpack(struct state_reader *r, struct holds *ret);

#endif
