/* The messages are for the operator whose start failed at three in the morning: what is wrong, who has the
 * port, what to write. */
#include "net/inet.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdutil.h"
#include "net/addr.h"
#include "net/holder.h"
#include "net/options.h"
#include "net/overlap.h"
#include "net/reuse.h"
#include "net/stored.h"

int
inet_check(const struct net_request *q, struct err *e)
{
	struct resolved r;

	return net_resolve(q->address, &r, e);
}

/* This machine lacks the whole family, not just this address. */
static bool
is_family_missing(const struct endpoint *at, int code)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at->address;

	return at->address.ss_family == AF_INET6 &&
	       (code == -EAFNOSUPPORT || (code == -EADDRNOTAVAIL && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr)));
}

int
inet_each(const struct net_request *q, inet_open_fn open, struct err *e)
{
	struct resolved r;
	size_t opened = 0;
	int code = net_resolve(q->address, &r, e);

	if (code < 0)
		return code;
	for (size_t i = 0; i < r.count; i++) {
		char text[NET_ADDR_TEXT_SIZE];

		code = net_reuse_take_at(q->reuse, q, &r.items[i].address, r.items[i].size, e);
		if (code == 0)
			code = net_stored_take(q->stored, q, &r.items[i], e);
		if (code == 0)
			code = open(q, &r.items[i], e);
		if (code >= 0) {
			opened++;
			continue;
		}
		if (!is_family_missing(&r.items[i], code) || opened + (r.count - i - 1) == 0)
			return code;
		cfg_report_warning(q->report, &q->address->place,
			"'%s' is not served at %s: this machine has no IPv6", q->address->url,
			net_addr_text(&r.items[i].address, r.items[i].size, text, sizeof text));
	}
	return opened > 0 ? 0 : code;
}

int
inet_socket(const struct net_request *q, const struct endpoint *at, int type, int *ret_fd, struct err *e)
{
	int family = at->address.ss_family, code;
	auto_of(fd) int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 && errno == EAFNOSUPPORT)
		return err_set(
			e, -EAFNOSUPPORT, "this kernel has no %s", family == AF_INET6 ? "IPv6" : "IPv4");
	if (fd < 0)
		return err_errno(e, "cannot create a socket");
	code = options_inet(q, fd, family, e);
	if (code < 0)
		return code;
	*ret_fd = fd_take(&fd);
	return 0;
}

int
inet_in_use(const struct endpoint *at, int type, struct err *e)
{
	char where[NET_ADDR_TEXT_SIZE], who[HOLDER_TEXT_SIZE];

	net_addr_text(&at->address, at->size, where, sizeof where);
	if (overlap_port(&at->address) == 0)
		return err_set(e, -EADDRINUSE,
			"no free port is left at %s (sysctl net.ipv4.ip_local_port_range)", where);
	if (holder_of_inet(type, &at->address, who) && strcmp(who, HOLDER_IS_SELF) == 0)
		return err_set(e, -EADDRINUSE,
			"%s is in use by this sockd itself; remove what overlaps, or, if it is to be given "
			"up, do so in a reload of its own",
			where);
	if (who[0] != '\0')
		return err_set(
			e, -EADDRINUSE, "%s is in use by %s; stop that, or choose another port", where, who);
	return err_set(e, -EADDRINUSE, "%s is in use; 'ss -%slnp' as root says by whom", where,
		type == SOCK_STREAM ? "t" : "u");
}

static int
not_available(const struct endpoint *at, const char *where, struct err *e)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at->address;

	if (at->address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr))
		return err_set(e, -EADDRNOTAVAIL,
			"%s: IPv6 is switched off on this machine (net.ipv6.conf.lo.disable_ipv6)", where);
	return err_set(e, -EADDRNOTAVAIL,
		"this machine does not have the address %s; 'ip address' lists those it has, and 'socket: "
		"{freebind: true}' "
		"binds one before it comes",
		where);
}

/* Whether it could be bound beside what the reload gives up. */
static bool
bind_beside(const struct net_request *q, const struct endpoint *at, int fd)
{
	return net_reuse_share(q->reuse, q->address->transport, overlap_port(&at->address)) &&
	       overlap_allow(fd, true) == 0 && bind(fd, (const struct sockaddr *)&at->address, at->size) == 0;
}

int
inet_bind(const struct net_request *q, const struct endpoint *at, int type, int fd, struct err *e)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at->address;
	char where[NET_ADDR_TEXT_SIZE];
	int saved;

	if (bind(fd, (const struct sockaddr *)&at->address, at->size) == 0)
		return 0;
	saved = errno;
	net_addr_text(&at->address, at->size, where, sizeof where);
	if (saved == EADDRINUSE)
		return bind_beside(q, at, fd) ? 1 : inet_in_use(at, type, e);
	if (saved == EADDRNOTAVAIL)
		return not_available(at, where, e);
	if (saved == EACCES)
		return err_set(e, -EACCES,
			"port %u needs CAP_NET_BIND_SERVICE (systemd: "
			"AmbientCapabilities=CAP_NET_BIND_SERVICE); or choose a "
			"port from 1024 on",
			overlap_port(&at->address));
	if (saved == EINVAL && at->address.ss_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) &&
		six->sin6_scope_id == 0)
		return err_set(
			e, -EINVAL, "%s is link-local and needs its interface: [fe80::1%%eth0]:PORT", where);
	errno = saved;
	return err_errno(e, "cannot bind '%s' to %s", q->address->url, where);
}
