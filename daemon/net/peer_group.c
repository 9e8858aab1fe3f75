/* SO_PEERGROUPS (Linux 4.13) gives the supplementary groups; on ERANGE it says how many there are. */
#include "net/peer_group.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/peer.h"

static bool
has_supplementary(int fd, gid_t group)
{
	auto_of(mem) gid_t *groups = NULL;
	socklen_t size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE || size == 0)
		return false;
	groups = malloc(size);
	if (groups == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof *groups; i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool
net_peer_in_group(int fd, gid_t group)
{
	struct net_peer peer;

	if (net_peer_get(fd, &peer) < 0)
		return false;
	return peer.gid == group || has_supplementary(fd, group);
}
