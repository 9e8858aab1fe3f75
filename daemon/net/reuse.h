/* Sockets that are bound already, for a configuration that follows another: each address that both name keeps
 * its sockets, whatever the listener is called now. */
#ifndef NET_REUSE_H
#define NET_REUSE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "net/transport.h"

struct net_reuse;

/**
 * Look which addresses of @p next are those of sockets that @p now has. Passed sockets are not looked at:
 * they are asked for by name each time.
 *
 * @param now    borrowed, with its configuration and sockets
 * @param files  borrowed: where the socket files of @p now are remembered
 * @return 0 or -ENOMEM
 */
must_check int net_reuse_new(const struct snapshot *now, const struct config *next, struct net_files *files,
	struct net_reuse **ret);
void net_reuse_free(struct net_reuse *r); /* NULL is fine */

/**
 * Give the address of @p q the sockets that it had, as duplicates, with the options that can change on a
 * bound socket. What was there before is put back by net_reuse_undo().
 *
 * @return 1; 0 when it has none; a negative errno, with text
 */
must_check int net_reuse_take(struct net_reuse *r, const struct net_request *q, struct err *e);

/** The same for one socket address that the request's address stands for, under whatever spelling it was
 * bound.
 */
must_check int net_reuse_take_at(struct net_reuse *r, const struct net_request *q,
	const struct sockaddr_storage *at, socklen_t size, struct err *e);

/**
 * Let a socket with SO_REUSEPORT be bound beside those of a port that nobody has asked for yet: they are
 * given up. One that is asked for after that is refused, with text.
 *
 * @param r  NULL: nothing is given up
 * @return whether there are any
 */
bool net_reuse_share(struct net_reuse *r, enum cfg_transport transport, unsigned port);

/** Whether the file of a unix socket that nobody has asked for yet lies at @p path. */
bool net_reuse_gives_up(const struct net_reuse *r, const char *path);

/** Put every option back to what the configuration before said. What fails is passed over: nobody can do
 * better. */
void net_reuse_undo(struct net_reuse *r);

#endif
