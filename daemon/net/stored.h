/* Sockets that the service manager kept while no sockd ran (FDSTORE of sd_notify(3)), and what they are
 * called there. They come back among those that are passed, under names that no `listen: systemd:NAME` may
 * have. */
#ifndef NET_STORED_H
#define NET_STORED_H

#include "base/cleanup.h"
#include "base/err.h"
#include "config/config.h"
#include "control/snapshot.h"
#include "net/files.h"
#include "net/resolve.h"

struct net_passed;
struct net_request;
struct net_stored;

/** Room for every name, as systemd limits them. */
enum { NET_STORED_NAME_SIZE = 256 };

/**
 * The name to keep a socket under: another one for each socket, the same as long as its listener is called
 * the same.
 *
 * @param listener  the listener's name
 * @param files     where its file is remembered, if it has one
 * @return 0; -ENOENT: its file is none of ours, so it can't be known again; or another negative errno
 */
must_check int net_stored_name(const struct snapshot_socket *s, const char *listener,
	const struct net_files *files, char name[NET_STORED_NAME_SIZE]);

/** Whether a socket of this name belongs to a file. */
bool net_stored_has_file(const char *name);

/** Take them out of what was passed. @return 0 or -ENOMEM: then they stay there */
must_check int net_stored_new(struct net_passed *passed, struct net_stored **ret);

/** One that was not taken back. @p url: "" if it is no socket of ours at all; @p why: for a person */
typedef void net_stored_refused_fn(void *arg, const char *name, const char *url, const char *why);

/**
 * Settle which address gets which: by what the kernel says of the socket, never by its name. Those that no
 * address wants, or whose options can't be made what the configuration says, are closed and told; as long as
 * somebody else has them open too, their addresses stay taken.
 *
 * Blocks: for the name service, if there are any sockets. Thread: main.
 */
void net_stored_match(struct net_stored *stored, const struct config *config, unsigned loops,
	net_stored_refused_fn *refused, void *arg);

/** The name of the socket at place @p i of those that are wanted, borrowed; NULL: there are no more. */
const char *net_stored_get(const struct net_stored *stored, size_t i);

/**
 * Add the sockets that the request's address was given for @p at to its list, with its options, owner and
 * mode.
 *
 * @param stored  NULL: there are none
 * @return 1; 0 when there are none; a negative errno, with text
 */
must_check int net_stored_take(
	struct net_stored *stored, const struct net_request *q, const struct endpoint *at, struct err *e);

/** Every address is bound: from here on @p files has the files of those that were taken too.
 * @return 0 or -ENOMEM */
must_check int net_stored_commit(struct net_stored *stored, struct net_files *files);

/** Close what was not taken; no file is removed. NULL is fine. */
void net_stored_free(struct net_stored *stored);

#endif
