/* From the host of a configured address to the socket addresses that it stands for. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "config/config.h"

enum { RESOLVE_MAX = 32 };

struct endpoint {
	struct sockaddr_storage address;
	socklen_t size;
};

struct resolved {
	size_t count; /* at least 1 after success */
	struct endpoint items[RESOLVE_MAX];
};

/**
 * Every address that a tcp or udp `listen:` stands for. A name with several addresses gives all of them
 * (`localhost` usually two). An empty host and `*` give [::], which with ipv6_only off serves IPv4 too, or
 * 0.0.0.0 where the kernel has no IPv6 or the scheme says 4.
 *
 * @return 0; -EADDRNOTAVAIL (no such host), -EAGAIN (the name service does not answer), -EOVERFLOW, -ENOMEM,
 * with text
 *
 * Blocks: for the name service, if the host is a name.
 */
must_check int net_resolve(const struct cfg_address *address, struct resolved *ret, struct err *e);

#endif
