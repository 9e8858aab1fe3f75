/* Making a snapshot: the only place where paths that a configuration names are opened, and sockets bound. */
#ifndef SUPERVISOR_SNAPSHOT_BUILD_H
#define SUPERVISOR_SNAPSHOT_BUILD_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "config/config.h"
#include "config/report.h"

struct snapshot;
struct snapshot_sockets;

/** How many event loops a worker of this configuration has: daemon.threads, or as many as there are
 * processors for this process. */
unsigned snapshot_loops(const struct config *config);

/**
 * Find every plugin file that the configuration names, and copy it.
 *
 * @return 0; -EINVAL with everything that is wrong in @p report, and a snapshot of what was found all the
 * same; another negative errno with @p e filled
 */
must_check int snapshot_build_files(
	struct config *config, struct cfg_report *report, struct snapshot **ret, struct err *e);

/**
 * Bind all sockets of the configuration into the snapshot, or none. Sockets that were passed to this process
 * (LISTEN_FDS) are taken over where the configuration names them; each that nobody names is a warning. Those
 * that the service manager kept of a sockd before us are taken back where they still fit, and closed there
 * too where not.
 *
 * @param ret  what is left to do at the end; set on success only
 * @return 0; -EINVAL or the errno of the first socket that failed, with everything that is wrong in
 * @p report; another negative errno with @p e filled
 *
 * Changes the environment: no other thread may run yet but the log's, which does not read it.
 */
must_check int snapshot_build_sockets(
	struct snapshot *s, struct cfg_report *report, struct snapshot_sockets **ret, struct err *e);

/**
 * Give @p next, which follows @p now, its sockets: those that are bound already, and new ones for what is
 * new. All or none: after a failure every socket is as before. snapshot_sockets_commit() or
 * snapshot_sockets_roll_back() has to follow success.
 *
 * @return as snapshot_build_sockets()
 */
must_check int snapshot_renew_sockets(struct snapshot_sockets *sockets, const struct snapshot *now,
	struct snapshot *next, struct cfg_report *report, struct err *e);

/** @p s is served: have the service manager keep its sockets, and no others, for whoever is started after us.
 */
void snapshot_sockets_keep(struct snapshot_sockets *sockets, const struct snapshot *s);

/** We are ending: see fd_store_end(). */
void snapshot_sockets_end(struct snapshot_sockets *sockets, bool may_return);

/** @p next is served: socket files that it has no socket for are removed. The sockets are still open. */
void snapshot_sockets_commit(struct snapshot_sockets *sockets, const struct snapshot *next);

/** It is not: undo all that snapshot_renew_sockets() did, but for the descriptors in @p next. @p open: the
 * sockets that were there before are still open */
void snapshot_sockets_roll_back(struct snapshot_sockets *sockets, bool open);

/** Look what snapshot_build_sockets() would trip over, and bind nothing. What is found goes to @p report.
 * @return 0, also when something was found; -ENOMEM with @p e filled */
must_check int snapshot_check_sockets(const struct config *config, struct cfg_report *report, struct err *e);

struct state_reader;
struct state_writer;

/** Leave to another supervisor what is left to do at the end, and take it over. The sockets themselves are
 * the snapshot's. @return 0; -EBADMSG, -ENOMEM */
void snapshot_sockets_pack(struct state_writer *w, const struct snapshot_sockets *sockets);
must_check int snapshot_sockets_unpack(struct state_reader *r, struct snapshot_sockets **ret);

/** Remove the socket files that are ours, and close what was passed. The sockets themselves are the
 * snapshot's; call this while they are still open. NULL is fine. */
void snapshot_sockets_free(struct snapshot_sockets *sockets);

#endif
