/* Straight-line handlers on stream connections: the fiber that runs serve(), and what it waits for. */
#ifndef ENGINE_SERVE_H
#define ENGINE_SERVE_H

#include "engine/conn.h"

/** Start the plugin's serve() on a fiber. @return 0, or a negative errno (logged) when there is no stack for
 * it. */
must_check int serve_begin(struct conn *c);
void serve_free(struct serve *s);

/** serve() has returned. */
bool serve_is_over(const struct serve *s);
/** It waits in a read or a sleep. */
bool serve_is_quiet(const struct serve *s);
/** It waits in a read: the socket is worth watching. */
bool serve_wants_input(const struct serve *s);

void serve_on_readable(struct serve *s);
void serve_on_written(struct serve *s);
/** Drain: a read that finds nothing gives the end from now on, a sleep ESHUTDOWN once. */
void serve_give_end(struct serve *s);
/** The connection is ending: waiting and later calls fail for good. */
void serve_cancel(struct serve *s);

/** What a fiber may wait for. */
enum serve_wait { SERVE_RUNS, SERVE_READS, SERVE_WRITES, SERVE_SLEEPS };

/** Park the running fiber on @p c. @return 0 when it is worth trying again; -ETIMEDOUT, -ECANCELED,
 * -ECONNRESET, -ESHUTDOWN (a drain's end), -EBUSY (another fiber reads already), -EDEADLK (not on this
 * connection's fiber). */
must_check int serve_wait(struct conn *c, enum serve_wait what, int64_t deadline_ms);

#endif
