#include "names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

/* An IPv4 client of a dual-stack socket is looked up as IPv4. @return false: no internet address */
static bool
plain_address(const struct sockd_addr *a, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&a->sa;
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (a->sa.ss_family != AF_INET && a->sa.ss_family != AF_INET6)
		return false;
	*ret = a->sa;
	*ret_size = a->sa.ss_family == AF_INET ? sizeof in : sizeof *in6;
	if (a->sa.ss_family == AF_INET || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return true;
	memcpy(&in.sin_addr, &in6->sin6_addr.s6_addr[12], sizeof in.sin_addr);
	memcpy(ret, &in, sizeof in);
	*ret_size = sizeof in;
	return true;
}

static bool
is_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
		       sizeof(struct in6_addr)) == 0;
}

bool
name_of(const struct sockd_addr *a, char ret_name[NAME_SIZE])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	struct sockaddr_storage address;
	socklen_t size;
	bool found = false;

	if (!plain_address(a, &address, &size) || getnameinfo((struct sockaddr *)&address, size, ret_name,
							  NAME_SIZE, NULL, 0, NI_NAMEREQD) != 0)
		return false;
	hints.ai_family = address.ss_family;
	if (getaddrinfo(ret_name, NULL, &hints, &all) != 0)
		return false;
	for (const struct addrinfo *at = all; at != NULL && !found; at = at->ai_next)
		found = is_same_host(at->ai_addr, (struct sockaddr *)&address);
	freeaddrinfo(all);
	return found;
}
