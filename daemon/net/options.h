/* The `socket:` options, each on the sockets that know it. */
#ifndef NET_OPTIONS_H
#define NET_OPTIONS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "net/transport.h"

/** Receive and send buffer. A size that the kernel caps is a warning in the report.
 * @return 0 or a negative errno, with text */
must_check int options_buffers(const struct net_request *q, int fd, struct err *e);

/** What has to be set before bind(): IPV6_V6ONLY, freebind, device, and what was named above. */
must_check int options_inet(const struct net_request *q, int fd, int family, struct err *e);

/** Whether a bound socket has what had to be set before: IPV6_V6ONLY at [::] (at every other address the
 * kernel sets it itself), device, and whether its port is @p shared (SO_REUSEPORT). Freebind does no more
 * once it is bound. */
bool options_are_bound(
	const struct net_request *q, int fd, const struct sockaddr_storage *local, bool shared);

/** What accepted connections inherit on Linux: no_delay and keepalive; and defer_accept. */
must_check int options_tcp(const struct net_request *q, int fd, struct err *e);

/** Ask the kernel to say to which address each datagram went, so that the answer can leave from there. */
must_check int options_udp(int fd, int family, struct err *e);

#endif
