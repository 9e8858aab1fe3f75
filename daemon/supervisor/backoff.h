/* How long to wait before a worker that died is replaced. Clients wait as long in the backlog, so it costs
 * nothing at first, and never much while workers come to serve; one that cannot even start is tried ever more
 * rarely. */
#ifndef SUPERVISOR_BACKOFF_H
#define SUPERVISOR_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BACKOFF_FREE = 3, /* deaths in a row that nobody waits after */
	BACKOFF_FIRST_MS = 100,
	BACKOFF_SERVED_MAX_MS = 1000,
	BACKOFF_MAX_MS = 30000,
	BACKOFF_FORGIVEN_MS = 10000
};

/** Starts zeroed. */
struct backoff {
	unsigned deaths; /* in a row */
};

/** One more death. @param lived_ms  since that worker was started: one that served long enough is forgiven
 * the deaths of those before it. @param served  it came to serve @return milliseconds to wait */
int64_t backoff_next(struct backoff *b, int64_t lived_ms, bool served);

#endif
