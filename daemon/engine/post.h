/* Messages of plugins to a loop, from any thread. */
#ifndef ENGINE_POST_H
#define ENGINE_POST_H

#include "sockd/types.h"

#include "engine/handler.h"

/** Call @p fn with the connection of that id, on its loop. @return 0; -ESRCH, -EAGAIN, -ENOMEM */
must_check int post_to_conn(
	struct engine *engine, struct handler *sender, uint64_t id, sockd_post_fn fn, void *arg);
/** Call @p fn on the loop of a thread. @return as post_to_conn() */
must_check int post_to_thread(struct handler_thread *t, sockd_timer_fn fn, void *arg);

#endif
