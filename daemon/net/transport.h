/* The transports: one row each, one file each. Adding one is a file and a line in the table. */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "config/config.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "net/files.h"
#include "net/unix_rights.h"

/** Sockets as they are made. Starts as `{ 0 }`. */
struct net_sockets {
	struct snapshot_socket *items; /* owned, and their descriptors */
	size_t count, capacity;
};

struct net_reuse;
struct net_stored;

/** What a transport is asked for: one address of one listener. All of it is borrowed. */
struct net_request {
	const struct cfg_listener *listener;
	const struct cfg_address *address;
	unsigned listener_index, address_index;
	unsigned loops;
	const struct unix_rights *rights; /* unix, unixgram */
	struct cfg_report *report;        /* for warnings */
	struct net_sockets *sockets;      /* where they go */
	struct net_files *files;          /* where a file that was made is remembered */
	struct net_reuse *reuse;          /* sockets that are bound already; NULL: none */
	struct net_stored *stored;        /* those that the service manager kept; NULL: none */
};

struct net_transport {
	enum cfg_transport id;
	/** Everything short of binding. @return 0 or a negative errno, with text */
	int (*check)(const struct net_request *q, struct err *e);
	/** Make the sockets and add them. After a failure some may have been added: the caller unwinds all.
	 * @return 0 or a negative errno, with text */
	int (*open)(const struct net_request *q, struct err *e);
};

extern const struct net_transport net_tcp, net_udp, net_unix_stream, net_unix_dgram;

/** The row of a transport; NULL for CFG_PASSED, whose sockets are not made here. */
const struct net_transport *net_transport_get(enum cfg_transport id);

/** How many sockets a udp address has: a group of them shares the port. */
unsigned net_udp_members(const struct net_request *q);

/** Whether sockets of the address have SO_REUSEPORT once they are bound. */
bool net_is_shared(const struct net_request *q);

/**
 * Add a bound socket; its local address is asked from the kernel.
 *
 * @param fd  moves; closed on failure
 * @return 0 or a negative errno, with text
 */
must_check int net_sockets_add(
	const struct net_request *q, enum cfg_transport transport, unsigned member, int fd, struct err *e);

/** Close all of them and free the list. */
void net_sockets_fini(struct net_sockets *s);

#endif
