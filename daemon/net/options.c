/* Every option is set to what the configuration says, also where that is the kernel's default: a passed
 * socket brings what its unit said, and the machine may have been tuned (net.ipv6.bindv6only). */
#include "net/options.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "net/given.h"

static int
set_int(int fd, int level, int option, int64_t value, const char *key, struct err *e)
{
	int number = (int)value;

	if (setsockopt(fd, level, option, &number, sizeof number) < 0)
		return err_errno(e, "cannot set '%s'", key);
	return 0;
}

struct buffer {
	const char *key, *sysctl;
	int option, force;
};

/* The kernel doubles the number for its own accounts and tells the doubled one. */
static int
set_buffer(const struct net_request *q, int fd, const struct buffer *b, int64_t wanted, struct err *e)
{
	const struct cfg_place *place = given_place(q->listener, b->key);
	int number = (int)wanted, got = 0;
	socklen_t size = sizeof got;

	if (wanted == 0)
		return 0;
	/* With CAP_NET_ADMIN the cap does not hold. */
	if (setsockopt(fd, SOL_SOCKET, b->force, &number, sizeof number) == 0)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, b->option, &number, sizeof number) < 0)
		return err_errno(e, "cannot set '%s'", b->key);
	if (getsockopt(fd, SOL_SOCKET, b->option, &got, &size) == 0 && got / 2 < wanted)
		cfg_report_warning(q->report, place != NULL ? place : &q->address->place,
			"'%s' is %d bytes instead of %" PRId64
			": the kernel allows no more (sysctl %s, or CAP_NET_ADMIN)",
			b->key, got / 2, wanted, b->sysctl);
	return 0;
}

int
options_buffers(const struct net_request *q, int fd, struct err *e)
{
	static const struct buffer receive = { "socket.receive_buffer", "net.core.rmem_max", SO_RCVBUF,
		SO_RCVBUFFORCE };
	static const struct buffer send = { "socket.send_buffer", "net.core.wmem_max", SO_SNDBUF,
		SO_SNDBUFFORCE };
	int code = set_buffer(q, fd, &receive, q->listener->socket.receive_buffer, e);

	if (code < 0)
		return code;
	return set_buffer(q, fd, &send, q->listener->socket.send_buffer, e);
}

static int
set_device(const char *device, int fd, struct err *e)
{
	if (device == NULL || device[0] == '\0')
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) == 0)
		return 0;
	if (errno == ENODEV)
		return err_set(e, -ENODEV,
			"there is no network interface '%s' ('socket.device'); 'ip link' lists those of this "
			"machine",
			device);
	if (errno == EPERM)
		return err_set(e, -EPERM,
			"'socket.device' needs CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW)");
	return err_errno(e, "cannot keep to the interface '%s' ('socket.device')", device);
}

/* The schemes tcp6 and udp6 mean IPv6 and nothing else, so that a port fits under tcp4 and tcp6 at once. A
 * literal has its family whatever the scheme says, hence the look at the scheme itself. */
static bool
is_ipv6_only(const struct net_request *q)
{
	return q->listener->socket.ipv6_only ||
	       strncmp(q->address->url + strcspn(q->address->url, ":6"), "6:", 2) == 0;
}

int
options_inet(const struct net_request *q, int fd, int family, struct err *e)
{
	const struct cfg_socket *s = &q->listener->socket;
	int code = options_buffers(q, fd, e);

	if (code == 0 && family == AF_INET6)
		code = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_ipv6_only(q), "socket.ipv6_only", e);
	if (code == 0 && s->freebind) /* for both families */
		code = set_int(fd, IPPROTO_IP, IP_FREEBIND, 1, "socket.freebind", e);
	if (code == 0)
		code = set_device(s->device, fd, e);
	return code;
}

static bool
has_int(int fd, int level, int option, int wanted)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, level, option, &value, &size) == 0 && value == wanted;
}

bool
options_are_bound(const struct net_request *q, int fd, const struct sockaddr_storage *local, bool shared)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)local;
	bool is_any = local->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr);
	const char *wanted = q->listener->socket.device != NULL ? q->listener->socket.device : "";
	char device[IFNAMSIZ] = "";
	socklen_t size = sizeof device - 1;

	return (!is_any || has_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_ipv6_only(q))) &&
	       has_int(fd, SOL_SOCKET, SO_REUSEPORT, shared) &&
	       getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size) == 0 && strcmp(device, wanted) == 0;
}

int
options_tcp(const struct net_request *q, int fd, struct err *e)
{
	const struct cfg_socket *s = &q->listener->socket;
	const struct {
		int level, option;
		int64_t value;
		const char *key;
		bool wanted;
	} rows[] = {
		{ IPPROTO_TCP, TCP_NODELAY, s->no_delay, "socket.no_delay", true },
		{ SOL_SOCKET, SO_KEEPALIVE, s->keepalive.on, "socket.keepalive", true },
		{ IPPROTO_TCP, TCP_KEEPIDLE, s->keepalive.idle_ms / 1000, "socket.keepalive.idle",
			s->keepalive.on },
		{ IPPROTO_TCP, TCP_KEEPINTVL, s->keepalive.interval_ms / 1000, "socket.keepalive.interval",
			s->keepalive.on },
		{ IPPROTO_TCP, TCP_KEEPCNT, s->keepalive.count, "socket.keepalive.count", s->keepalive.on },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT, s->defer_accept_ms / 1000, "socket.defer_accept",
			q->address->transport != CFG_PASSED }, /* whose unit says it */
	};
	int code = 0;

	for (size_t i = 0; i < array_len(rows) && code == 0; i++)
		if (rows[i].wanted)
			code = set_int(fd, rows[i].level, rows[i].option, rows[i].value, rows[i].key, e);
	return code;
}

int
options_udp(int fd, int family, struct err *e)
{
	/* An IPv6 socket that serves IPv4 too gives the one for IPv4's datagrams and the other for its own.
	 */
	if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){ 1 }, sizeof(int)) < 0)
		return err_errno(e, "cannot ask for the addresses of datagrams (IP_PKTINFO)");
	if (family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &(int){ 1 }, sizeof(int)) < 0)
		return err_errno(e, "cannot ask for the addresses of datagrams (IPV6_RECVPKTINFO)");
	return 0;
}
