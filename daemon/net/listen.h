/* All sockets of a configuration, or none. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/cleanup.h"
#include "config/config.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "net/files.h"

struct net_passed;
struct net_stored;

/**
 * Bind every address of every listener, streams listening, into @p snapshot. Every failure is told in the
 * report, at its address or key, before this returns; after one nothing is left behind, neither descriptors
 * nor files.
 *
 * @param loops      event loops of a worker: the size of a UDP listener's group
 * @param passed     borrowed; NULL: nothing was passed
 * @param stored     borrowed, matched with this configuration; after a failure nothing happens to their
 * files; NULL: nothing was stored
 * @param snapshot   gets the sockets; must have none before
 * @param ret_files  what net_files_remove() is to be given at the end, before the sockets are closed
 * @return 0; else the code of the first failure: -EACCES or -EPERM (rights), -EINVAL (a key is wrong),
 * -EAGAIN (try again), -ENOMEM, -EMFILE, all others: cannot bind
 *
 * Blocks: name service, user database, the folder's lock. Thread: main.
 */
must_check int net_listen_all(const struct config *config, unsigned loops, struct net_passed *passed,
	struct net_stored *stored, struct cfg_report *report, struct snapshot *snapshot,
	struct net_files **ret_files);

struct net_reuse;

/**
 * The same for a configuration that follows another: every address that had sockets keeps them.
 *
 * @param reuse      borrowed; after a failure net_reuse_undo() puts back what was changed on them
 * @param ret_files  the socket files that are new
 */
must_check int net_listen_next(const struct config *config, unsigned loops, struct net_passed *passed,
	struct net_reuse *reuse, struct cfg_report *report, struct snapshot *snapshot,
	struct net_files **ret_files);

/**
 * Everything of net_listen_all() short of binding: names resolve, users, groups and folders exist, paths are
 * short enough and hold no other kind of file. Passed sockets are not asked for: they come with the start.
 *
 * @return 0, or the code of the first failure, with all of them in the report
 */
must_check int net_check_all(const struct config *config, struct cfg_report *report);

#endif
