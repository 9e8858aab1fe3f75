/* SO_PEERCRED answers for every kind of socket, with nobody for those that have no credentials: such an
 * answer must not pass for a user. */
#include "net/peer.h"

#include <errno.h>
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
