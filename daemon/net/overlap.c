/* The new socket has to be there before the old one goes, or whoever comes in between is refused; and it may
 * take nobody before the commit, since a reload that is rolled back would reset them.
 *
 * Linux binds a socket beside another of the same user if both have SO_REUSEPORT at that moment. Their
 * addresses differ, so they are no group: the one with the more precise address gets everything. A stream
 * socket that is bound and does not listen yet is not looked at, so listening is left for the commit, and
 * until then both keep the option, which listen() asks for once more.
 *
 * Then the old one has to make way, also where it is the more precise of the two. Closing it resets what is
 * queued and every handshake that is under way. Bound to an interface that does not exist it is passed over
 * for new packets, while handshakes that have begun still end in its queue; later it is closed with nothing
 * in it. A datagram socket could send nothing that way: it is connected to itself instead, and so is passed
 * over for all that others send.
 *
 * The option is taken from the new one after that. The kernel remembers for the port that it was there, so
 * another program of the same user that asks for SO_REUSEPORT may share the port afterwards, which would have
 * been refused before; one that does not ask is refused as ever. */
#include "net/overlap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <unistd.h>

unsigned
overlap_port(const struct sockaddr_storage *a)
{
	/* It stands at the same place in both. */
	return a->ss_family == AF_INET || a->ss_family == AF_INET6
		       ? ntohs(((const struct sockaddr_in *)a)->sin_port)
		       : 0;
}

int
overlap_allow(int fd, bool allow)
{
	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ allow }, sizeof(int)) < 0 ? -errno : 0;
}

bool
overlap_is_allowed(int fd)
{
	int allowed = 0;
	socklen_t size = sizeof allowed;

	return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &allowed, &size) == 0 && allowed;
}

int
overlap_listen(const struct cfg_listener *l, enum cfg_transport transport, int fd)
{
	int listens = 0;
	socklen_t size = sizeof listens;

	if (transport != CFG_TCP)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
		return -errno;
	if (listens)
		return 0;
	if (listen(fd, l->backlog) < 0)
		return -errno;
	return l->socket.reuse_port == CFG_REUSE_PORT_YES ? 0 : overlap_allow(fd, false);
}

/* Through a descriptor of our own: loops send through theirs meanwhile, and ThreadSanitizer takes a connect()
 * for the beginning of a descriptor. */
static int
connect_to_itself(int fd)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof own;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), r = 0;

	if (copy < 0)
		return -errno;
	if (getsockname(copy, (struct sockaddr *)&own, &size) < 0 ||
		connect(copy, (const struct sockaddr *)&own, size) < 0)
		r = -errno;
	close(copy);
	return r;
}

int
overlap_step_aside(enum cfg_transport transport, int fd)
{
	if (cfg_transport_is_datagram(transport))
		return connect_to_itself(fd);
	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &(int){ INT_MAX }, sizeof(int)) < 0 ? -errno : 0;
}
