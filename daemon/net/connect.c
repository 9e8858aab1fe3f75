/* The order of addresses is the resolver's (RFC 6724), with the families in turn, so that a family that leads
 * nowhere costs one attempt and not all of them. */
#include "net/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void
add(struct net_targets *t, const void *address, socklen_t size)
{
	if (t->count == NET_TARGETS_MAX)
		return;
	memcpy(&t->items[t->count].address, address, size);
	t->items[t->count++].size = size;
}

static int
unix_target(const struct cfg_address *a, struct net_targets *ret)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t length = strlen(a->path);

	if (length + 1 > sizeof un.sun_path)
		return -EINVAL;
	memcpy(un.sun_path + a->abstract, a->path, length);
	add(ret, &un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1));
	return 0;
}

static int
look_up(const char *host, uint16_t port, int family, bool datagrams, int flags, struct addrinfo **ret)
{
	struct addrinfo hints = { .ai_family = family,
		.ai_socktype = datagrams ? SOCK_DGRAM : SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV };
	char service[8];

	snprintf(service, sizeof service, "%u", port);
	switch (getaddrinfo(host, service, &hints, ret)) {
	case 0:
		return 0;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_AGAIN:
		return -EAGAIN;
	default:
		return -EADDRNOTAVAIL;
	}
}

int
net_targets_of(const struct cfg_address *a, struct net_targets *ret)
{
	struct addrinfo *found;
	int r;

	ret->count = 0;
	if (a->transport == CFG_UNIX)
		return unix_target(a, ret);
	if (a->host[0] == '\0' || strcmp(a->host, "*") == 0 || a->port == 0)
		return -EINVAL;
	r = look_up(a->host, a->port, a->family, a->transport == CFG_UDP, AI_NUMERICHOST, &found);
	if (r < 0)
		return r == -EADDRNOTAVAIL ? -EINPROGRESS : r;
	add(ret, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

int
net_targets_look_up(const char *host, uint16_t port, int family, bool datagrams, struct net_targets *ret)
{
	struct addrinfo *all, *at[2];
	int r = look_up(host, port, family, datagrams, 0, &all), first;

	ret->count = 0;
	if (r < 0)
		return r;
	first = all->ai_family;
	at[0] = at[1] = all;
	for (int turn = 0; (at[0] != NULL || at[1] != NULL) && ret->count < NET_TARGETS_MAX; turn ^= 1) {
		struct addrinfo **next = &at[turn];

		while (*next != NULL && ((*next)->ai_family == first) != (turn == 0))
			*next = (*next)->ai_next;
		if (*next == NULL)
			continue;
		add(ret, (*next)->ai_addr, (*next)->ai_addrlen);
		*next = (*next)->ai_next;
	}
	freeaddrinfo(all);
	return 0;
}

/* On the same machine, a connect() that is said to be in progress is often done when it returns: one look
 * spares four calls for waiting. */
static bool
is_connected(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

int
net_connect(const struct net_target *t, bool datagrams, int *ret_fd)
{
	int type = (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(t->address.ss_family, type, 0), error;

	if (fd < 0)
		return -errno;
	if (t->address.ss_family != AF_UNIX && !datagrams)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* slower without */
	if (connect(fd, (const struct sockaddr *)&t->address, t->size) == 0) {
		*ret_fd = fd;
		return 0;
	}
	error = errno;
	if (error == EINPROGRESS) {
		*ret_fd = fd;
		return is_connected(fd) ? 0 : 1;
	}
	close(fd);
	return -error;
}

int
net_connect_result(int fd)
{
	int error = 0;
	socklen_t size = sizeof error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

int
net_adopt(int fd, enum cfg_transport *ret_transport, struct net_target *ret_peer)
{
	int type = 0, flags;
	socklen_t size = sizeof type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return -errno;
	if (type != SOCK_STREAM)
		return -EINVAL;
	ret_peer->size = sizeof ret_peer->address;
	if (getpeername(fd, (struct sockaddr *)&ret_peer->address, &ret_peer->size) < 0)
		return -errno;
	switch (ret_peer->address.ss_family) {
	case AF_UNIX:
		*ret_transport = CFG_UNIX;
		break;
	case AF_INET:
	case AF_INET6:
		*ret_transport = CFG_TCP;
		break;
	default:
		return -EINVAL;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}
