/* Who is at the other end of a unix stream, or has sent a datagram. */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <sys/socket.h>
#include <sys/types.h>

#include "base/cleanup.h"

/** As they were when the peer connected, or sent; it may have changed since, and its pid may be another's by
 * now. */
struct net_peer {
	pid_t pid; /* 0: in a pid namespace that we do not see */
	uid_t uid;
	gid_t gid;
};

/** @return 0; -EOPNOTSUPP for anything but a connected unix stream. Thread: any. Blocks: never. */
must_check int net_peer_get(int fd, struct net_peer *ret);

/** The further groups of the peer of a unix stream, at @p few if so many have room there, or else in memory
 * of their own: *ret_many, which is the caller's to free. @return how many; 0 if they cannot be had */
size_t net_peer_groups(int fd, gid_t *few, size_t room, gid_t **ret_many);

/** Ask the kernel to tell, with each datagram of a unix socket, who sent it. @return 0 or a negative errno */
must_check int net_peer_want(int fd);

/** Who sent a datagram. @return 0; -ENOENT: it was not told, since it came before net_peer_want() */
must_check int net_peer_of_datagram(const struct msghdr *datagram, struct net_peer *ret);

#endif
