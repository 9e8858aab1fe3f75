/* getaddrinfo() does literals, scopes and names alike; what is ours is what "any address" means, that an
 * address which the hosts file gives twice is bound once, and words for a person. AI_ADDRCONFIG stays off: it
 * takes a machine with nothing but a loopback for one without IPv6. */
#include "net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"

static bool
kernel_has_ipv6(void)
{
	auto_of(fd) int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 || errno != EAFNOSUPPORT;
}

static void
any_address(const struct cfg_address *a, struct resolved *ret)
{
	struct endpoint *to = &ret->items[0];
	bool six = a->family == AF_INET6 || (a->family == AF_UNSPEC && kernel_has_ipv6());

	ret->count = 1;
	*to = (struct endpoint){ .size = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in) };
	if (six)
		*(struct sockaddr_in6 *)&to->address =
			(struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
	else
		*(struct sockaddr_in *)&to->address =
			(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(a->port) };
}

static bool
has(const struct resolved *r, const struct addrinfo *item)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].size == item->ai_addrlen &&
			memcmp(&r->items[i].address, item->ai_addr, item->ai_addrlen) == 0)
			return true;
	return false;
}

static int
collect(const struct addrinfo *list, const char *host, struct resolved *ret, struct err *e)
{
	ret->count = 0;
	for (const struct addrinfo *i = list; i != NULL; i = i->ai_next) {
		if ((i->ai_family != AF_INET && i->ai_family != AF_INET6) || has(ret, i))
			continue;
		if (ret->count == RESOLVE_MAX)
			return err_set(e, -EOVERFLOW,
				"the name '%s' has more than %d addresses; list those that are meant", host,
				RESOLVE_MAX);
		memcpy(&ret->items[ret->count].address, i->ai_addr, i->ai_addrlen);
		ret->items[ret->count++].size = i->ai_addrlen;
	}
	if (ret->count == 0)
		return err_set(e, -EADDRNOTAVAIL, "the name '%s' has no address of this family", host);
	return 0;
}

static int
explain(const struct cfg_address *a, int code, int saved_errno, struct err *e)
{
	const char *family = a->family == AF_INET ? "IPv4 " : a->family == AF_INET6 ? "IPv6 " : "";

	switch (code) {
	case EAI_MEMORY:
		return err_set(e, -ENOMEM, "out of memory");
	case EAI_AGAIN:
		return err_set(e, -EAGAIN,
			"the name service does not answer for '%s'; try again, or write an address", a->host);
	case EAI_SYSTEM:
		errno = saved_errno;
		return err_errno(e, "cannot look up '%s'", a->host);
	default:
		return err_set(e, -EADDRNOTAVAIL,
			"no %saddress is known for '%s' (%s); write an address of this machine, or * for all "
			"of them",
			family, a->host, gai_strerror(code));
	}
}

int
net_resolve(const struct cfg_address *address, struct resolved *ret, struct err *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = address->family,
		.ai_socktype = address->transport == CFG_TCP ? SOCK_STREAM : SOCK_DGRAM };
	struct addrinfo *list;
	char port[8];
	int code;

	if (address->host[0] == '\0' || strcmp(address->host, "*") == 0) {
		any_address(address, ret);
		return 0;
	}
	snprintf(port, sizeof port, "%u", address->port);
	code = getaddrinfo(address->host, port, &hints, &list);
	if (code != 0)
		return explain(address, code, errno, e);
	code = collect(list, address->host, ret, e);
	freeaddrinfo(list);
	return code;
}
