/* Work that plugins hand to the pool, and what a loop owes to it: a thread's handler is not stopped, and a
 * loop does not end, while a function of theirs runs. */
#ifndef ENGINE_OFFLOAD_H
#define ENGINE_OFFLOAD_H

#include "engine/estate.h"
#include "engine/pool.h"
#include "engine/strand.h"

/** Submit work for a handler on its loop; offload_end() is due in its delivery. @return as pool_submit() */
must_check int offload_begin(struct handler_thread *t, struct work *w);
void offload_end(struct handler_thread *t);

/** On a fiber: run @p fn and wait for its end, whatever happens meanwhile. @return its result, with its errno
 * in @p ret_errno: 0; or -EAGAIN, -ECANCELED: it did not run */
must_check int offload_run(struct strand *self, const void *serial, sockd_work_fn fn, void *arg,
	int *ret_result, int *ret_errno);

/** Run @p fn, then @p done on the loop: with a null host if the scope has ended. @return 0 or -errno */
must_check int offload_then(
	struct estate *e, const void *serial, sockd_work_fn fn, sockd_done_fn done, void *arg);

/** The scope ends: those under way are told so. */
void offload_forget_scope(struct estate *e);

#endif
