/* Who is at the other end of a unix stream. */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <sys/types.h>

#include "base/cleanup.h"

/** As they were when the peer connected; it may have changed since, and its pid may be another's by now. */
struct net_peer {
	pid_t pid; /* 0: in a pid namespace that we do not see */
	uid_t uid;
	gid_t gid;
};

/** @return 0; -EOPNOTSUPP for anything but a connected unix stream. Thread: any. Blocks: never. */
must_check int net_peer_get(int fd, struct net_peer *ret);

#endif
