/* TCP: one listening socket an address; its loop accepts and hands over, so a SO_REUSEPORT group would only
 * lose what waits in the queue of a member that closes. The option is there for those who run several sockds
 * on one port. */
#include "net/transport.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/fdutil.h"
#include "net/given.h"
#include "net/inet.h"
#include "net/options.h"

/* listen() cuts what is above it without a word. */
static void
warn_backlog(const struct net_request *q)
{
	const struct cfg_place *place = given_place(q->listener, "backlog");
	FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	int most;

	if (f == NULL)
		return;
	if (fscanf(f, "%d", &most) == 1 && place != NULL && most < q->listener->backlog)
		cfg_report_warning(q->report, place,
			"'backlog' is %d instead of %d: the kernel allows no more (sysctl "
			"net.core.somaxconn)",
			most, q->listener->backlog);
	fclose(f);
}

static int
open_one(const struct net_request *q, const struct endpoint *at, struct err *e)
{
	const int on = 1;
	auto_of(fd) int fd = -1;
	int code = inet_socket(q, at, SOCK_STREAM, &fd, e);

	if (code < 0)
		return code;
	/* Connections of an earlier run that still wait for their last segments do not keep the port. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
		return err_errno(e, "cannot set SO_REUSEADDR");
	if (q->listener->socket.reuse_port == CFG_REUSE_PORT_YES &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0)
		return err_errno(e, "cannot set 'socket.reuse_port'");
	code = options_tcp(q, fd, e);
	if (code < 0)
		return code;
	code = inet_bind(q, at, SOCK_STREAM, fd, e);
	if (code < 0)
		return code;
	/* Two are bound with SO_REUSEADDR, and only one may listen; beside one that is given up it does so
	 * when that goes: overlap_listen(). */
	if (code == 0 && listen(fd, q->listener->backlog) < 0)
		return errno == EADDRINUSE ? inet_in_use(at, SOCK_STREAM, e) : err_errno(e, "cannot listen");
	return net_sockets_add(q, CFG_TCP, 0, fd_take(&fd), e);
}

static int
tcp_open(const struct net_request *q, struct err *e)
{
	warn_backlog(q);
	return inet_each(q, open_one, e);
}

const struct net_transport net_tcp = { .id = CFG_TCP, .check = inet_check, .open = tcp_open };
