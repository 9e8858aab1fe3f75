/* What is wrong with the log cannot be read in the log. It is told where else somebody may look: in sockctl's
 * status and metrics and in that of the service manager as long as it lasts, once on standard error. */
#ifndef SUPERVISOR_LOG_WATCH_H
#define SUPERVISOR_LOG_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/strbuf.h"

struct generations;

/** Of this process and all workers. */
struct log_health log_watch_look(const struct generations *all);

/** What was told last. Starts zeroed. */
struct log_watch {
	int error;     /* 0: nothing, or that it works again */
	int64_t ok_ms; /* since when it works, though that was not told yet; 0: it does not */
};

/**
 * Tell a change on standard error, unless that is the target. A log that works for some moments between
 * failures is not told to work.
 *
 * @return whether there was a change; then @p w->error is what to tell elsewhere
 */
bool log_watch_tell(struct log_watch *w, const struct log_health *h, const char *target, int64_t now_ms);

/** For /metrics. */
void log_watch_expose(const struct log_health *h, struct strbuf *out);

#endif
