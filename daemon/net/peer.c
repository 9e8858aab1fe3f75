/* SO_PEERCRED answers for every kind of socket, with nobody for those that have no credentials: such an
 * answer must not pass for a user. */
#include "net/peer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int
net_peer_get(int fd, struct net_peer *ret)
{
	struct ucred peer;
	socklen_t size = sizeof peer;
	int domain, type;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &(socklen_t){ sizeof domain }) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){ sizeof type }) < 0)
		return -errno;
	if (domain != AF_UNIX || type != SOCK_STREAM)
		return -EOPNOTSUPP;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	if (peer.uid == (uid_t)-1)
		return -EOPNOTSUPP; /* never connected */
	*ret = (struct net_peer){ .pid = peer.pid, .uid = peer.uid, .gid = peer.gid };
	return 0;
}

size_t
net_peer_groups(int fd, gid_t *few, size_t room, gid_t **ret_many)
{
	socklen_t size = (socklen_t)(room * sizeof *few);
	gid_t *many;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &size) == 0)
		return size / sizeof *few;
	many = errno == ERANGE ? malloc(size) : NULL; /* the kernel gives all or none, and says how many */
	if (many == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &size) < 0) {
		free(many);
		return 0;
	}
	*ret_many = many;
	return size / sizeof *many;
}

int
net_peer_want(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ? -errno : 0;
}

int
net_peer_of_datagram(const struct msghdr *datagram, struct net_peer *ret)
{
	struct msghdr *m = (struct msghdr *)(uintptr_t)datagram; /* CMSG_NXTHDR() takes no const */

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		struct ucred peer;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&peer, CMSG_DATA(c), sizeof peer);
		if (peer.pid == 0)
			return -ENOENT; /* what the kernel says of a datagram that it has noted no sender for
					 */
		*ret = (struct net_peer){ .pid = peer.pid, .uid = peer.uid, .gid = peer.gid };
		return 0;
	}
	return -ENOENT;
}
