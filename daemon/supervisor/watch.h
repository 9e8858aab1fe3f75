/* Telling that files changed, however they were changed: written, renamed over, or by a symbolic link
 * somewhere on the way that points elsewhere now, as Kubernetes does it. */
#ifndef SUPERVISOR_WATCH_H
#define SUPERVISOR_WATCH_H

#include <event2/event.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct watch;

/** Nothing happens in the folders for WATCH_SETTLE_MS before a change is told: whoever writes several files
 * is not to be caught between. A folder that is never quiet, for a log is written there, is looked at after
 * WATCH_PATIENCE_MS all the same. */
enum { WATCH_SETTLE_MS = 1000, WATCH_PATIENCE_MS = 5000 };

/** @p changed is called from the event base. */
must_check int watch_new(
	struct event_base *base, void (*changed)(void *arg), void *arg, struct watch **ret, struct err *e);
void watch_free(struct watch *w); /* NULL is fine */

/** How these files are now. A folder stands for what is in it. */
uint64_t watch_look(const char *const *paths, size_t count);

/** Watch these files from now on, and no others. @p seen is what watch_look() gave before they were read:
 * what happened since is a change too. @return 0 or -ENOMEM */
must_check int watch_set(struct watch *w, const char *const *paths, size_t count, uint64_t seen);

#endif
