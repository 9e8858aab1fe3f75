/* What tcp and udp have in common: a socket for each address that a host stands for, its options, and words
 * for what bind() refuses. */
#ifndef NET_INET_H
#define NET_INET_H

#include "base/cleanup.h"
#include "base/err.h"
#include "net/resolve.h"
#include "net/transport.h"

/** Resolve, and bind nothing. @return 0 or a negative errno, with text */
must_check int inet_check(const struct net_request *q, struct err *e);

/** One address of those that the host stands for. @return 0 or a negative errno, with text */
typedef int (*inet_open_fn)(const struct net_request *q, const struct endpoint *at, struct err *e);

/**
 * Call @p open for each address of the request's host. If the host has several, those of a family that this
 * machine does not have (`localhost` and ::1 without IPv6) are skipped with a warning, as long as one is
 * left.
 *
 * @return 0, or what resolving or the first call that failed returned
 */
must_check int inet_each(const struct net_request *q, inet_open_fn open, struct err *e);

/** An unbound socket with its options. @return 0 or a negative errno, with text */
must_check int inet_socket(
	const struct net_request *q, const struct endpoint *at, int type, int *ret_fd, struct err *e);

/**
 * bind(), explained.
 *
 * @return 0; 1 when it is bound beside sockets that are given up, and has SO_REUSEPORT for it
 * (net/overlap.h); a negative errno, with text
 */
must_check int inet_bind(
	const struct net_request *q, const struct endpoint *at, int type, int fd, struct err *e);

/** The text for an address that is taken; it says by whom if that can be known. @return -EADDRINUSE */
int inet_in_use(const struct endpoint *at, int type, struct err *e);

#endif
