/* Connecting out: the addresses that a host stands for, in the order in which to try them, and one attempt.
 */
#ifndef NET_CONNECT_H
#define NET_CONNECT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "config/config.h"

enum { NET_TARGETS_MAX = 16 };

struct net_target {
	struct sockaddr_storage address;
	socklen_t size;
};

struct net_targets {
	size_t count;
	struct net_target items[NET_TARGETS_MAX];
};

/** A path or a number needs nobody's help. @return 0; -EINPROGRESS: it is a name, ask net_targets_look_up();
 * -EADDRNOTAVAIL: no such address; -EINVAL: no port, no host. Blocks: never. */
must_check int net_targets_of(const struct cfg_address *a, struct net_targets *ret);

/** The addresses of a name, families in turn, the one that the system prefers first (RFC 8305 section 4).
 * @return 0; -EADDRNOTAVAIL: no such host; -EAGAIN: the name service does not answer; -ENOMEM. Blocks. */
must_check int net_targets_look_up(
	const char *host, uint16_t port, int family, bool datagrams, struct net_targets *ret);

/** Begin to connect a new socket. @return 0 connected, 1 under way, or a negative errno */
must_check int net_connect(const struct net_target *t, bool datagrams, int *ret_fd);

/** What became of an attempt that is writable. @return 0 or a negative errno */
int net_connect_result(int fd);

/** A connected stream socket that somebody else made: what it travels by. @return 0; -EBADF, -ENOTSOCK,
 * -ENOTCONN, -EINVAL (no stream, or another family) */
must_check int net_adopt(int fd, enum cfg_transport *ret_transport, struct net_target *ret_peer);

#endif
