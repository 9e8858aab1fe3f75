/* The sockets that the service manager keeps for us, so that whoever it starts after us, however we ended,
 * takes them over with everybody who waits in their queues. Thread: the supervisor's. */
#ifndef SUPERVISOR_FD_STORE_H
#define SUPERVISOR_FD_STORE_H

#include <stdbool.h>

#include "base/cleanup.h"

struct fd_store;
struct net_files;
struct net_stored;
struct snapshot;

/** Nothing is known to be kept. NULL: out of memory. */
struct fd_store *fd_store_new(void);

/** What was taken back is still kept, under the name that it has. @return 0 or -ENOMEM */
must_check int fd_store_assume(struct fd_store *f, const struct net_stored *stored);

/**
 * Have the manager keep the sockets of @p s and no others. Those that it passed itself are its own already.
 * Once fd_store_end() was called, nothing happens. What can't be kept for want of memory or a file is not
 * kept.
 *
 * @param files  where the files of unix sockets are remembered
 */
void fd_store_update(struct fd_store *f, const struct snapshot *s, const struct net_files *files);

/**
 * We are ending: sockets whose files go with us are not kept any longer, and the others only if @p
 * may_return: somebody may be started after us, and clients wait for that.
 */
void fd_store_end(struct fd_store *f, bool may_return);

/** Tells the manager nothing. NULL is fine. */
void fd_store_free(struct fd_store *f);

#endif
