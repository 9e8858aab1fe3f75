/* A few threads for what may block: name lookups, and the work that plugins hand over. Loops submit without a
 * lock and hear of the end by mail. */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H

#include "base/err.h"
#include "engine/mailbox.h"

struct pool;

/** One piece of work. Embed it; it is the pool's from pool_submit() on, until its mail is delivered. */
struct work {
	struct mail mail; /* deliver() runs on the loop, after run() */
	struct work *next;
	const void *serial;          /* works with the same one run one after the other; NULL: no order */
	void (*run)(struct work *w); /* on a thread of the pool */
	struct loop *loop;           /* whose mail it becomes */
};

must_check int pool_new(struct pool **ret, struct err *e);
/** Nothing may be submitted any more, and all that was has been delivered. NULL is fine. */
void pool_free(struct pool *p);

/** Thread: any loop. Blocks: never. @return 0; -EAGAIN: too much waits already, or there is no thread */
must_check int pool_submit(struct pool *p, struct work *w);

#endif
