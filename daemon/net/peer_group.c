/* One among a peer's groups. */
#include "net/peer_group.h"

#include "base/cleanup.h"
#include "net/peer.h"

enum { FEW = 64 };

static bool
has_supplementary(int fd, gid_t group)
{
	auto_of(mem) gid_t *many = NULL;
	gid_t few[FEW];
	size_t count = net_peer_groups(fd, few, FEW, &many);
	const gid_t *groups = many != NULL ? many : few;

	for (size_t i = 0; i < count; i++)
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
