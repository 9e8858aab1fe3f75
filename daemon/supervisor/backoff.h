/* How long to wait before a worker that died is replaced: not at all the first time, longer and longer while
 * it keeps dying. */
#ifndef SUPERVISOR_BACKOFF_H
#define SUPERVISOR_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 30000, BACKOFF_FORGIVEN_MS = 60000 };

/** Starts zeroed. */
struct backoff {
	unsigned deaths; /* in a row */
};

/** One more death. @param lived_ms  since that worker was started: one that lived long enough is forgiven the
 * deaths of those before it. @return milliseconds to wait */
int64_t backoff_next(struct backoff *b, int64_t lived_ms);

#endif
