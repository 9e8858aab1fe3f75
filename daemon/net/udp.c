/* UDP: a socket for each loop, in a SO_REUSEPORT group whose size never changes: with each member that comes
 * or goes the kernel spreads the senders anew.
 *
 * A group is open to every later socket of the same user with the option, so two sockds on one port would
 * share the datagrams and nobody would be told. Therefore the first member binds without the option, which
 * fails if anybody has the port, and joins afterwards; the kernel makes the group when the second member
 * comes. */
#include "net/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdutil.h"
#include "net/inet.h"
#include "net/options.h"
#include "net/overlap.h"

unsigned
net_udp_members(const struct net_request *q)
{
	if (q->listener->one_thread || q->listener->socket.reuse_port == CFG_REUSE_PORT_NO)
		return 1;
	return q->loops;
}

static int
share_port(int fd, bool share, struct err *e)
{
	int code = overlap_allow(fd, share);

	return code < 0 ? err_set(e, code, "cannot set SO_REUSEPORT: %s", strerror(-code)) : 0;
}

/* @param shared_before  others have the port already, and mean to share it */
static int
open_member(const struct net_request *q, const struct endpoint *at, bool shared_before, bool shared_after,
	int *ret_fd, struct err *e)
{
	auto_of(fd) int fd = -1;
	int code = inet_socket(q, at, SOCK_DGRAM, &fd, e);
	bool shares = shared_before;

	if (code == 0)
		code = options_udp(fd, at->address.ss_family, e);
	if (code == 0 && shared_before)
		code = share_port(fd, true, e);
	if (code == 0)
		code = inet_bind(q, at, SOCK_DGRAM, fd, e);
	shares = shares || code == 1;
	if (code >= 0 && shares != (shared_before || shared_after))
		code = share_port(fd, !shares, e);
	if (code < 0)
		return code;
	*ret_fd = fd_take(&fd);
	return 0;
}

static int
open_group(const struct net_request *q, const struct endpoint *at, struct err *e)
{
	bool asked = q->listener->socket.reuse_port == CFG_REUSE_PORT_YES;
	unsigned count = net_udp_members(q);
	struct endpoint real = *at;

	for (unsigned i = 0; i < count; i++) {
		int fd, code = open_member(q, &real, asked || i > 0, count > 1, &fd, e);

		if (code < 0)
			return code;
		code = net_sockets_add(q, CFG_UDP, i, fd, e);
		if (code < 0)
			return code;
		/* Port 0: what the first one got is everybody's. */
		real.address = q->sockets->items[q->sockets->count - 1].local;
	}
	return 0;
}

static int
udp_open(const struct net_request *q, struct err *e)
{
	return inet_each(q, open_group, e);
}

const struct net_transport net_udp = { .id = CFG_UDP, .check = inet_check, .open = udp_open };
