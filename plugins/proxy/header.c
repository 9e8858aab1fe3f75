#include "header.h"

#include <netinet/in.h>
#include <string.h>

enum {
	VERSION_PROXY = 0x21,
	FAMILY_INET = 0x10,
	FAMILY_INET6 = 0x20,
	KIND_STREAM = 1,
	KIND_DGRAM = 2,
	FIXED_SIZE = 16
};

static const struct sockaddr_in6 *
as_inet6(const struct sockd_addr *a)
{
	return (const struct sockaddr_in6 *)(const void *)&a->sa;
}

static const struct sockaddr_in *
as_inet(const struct sockd_addr *a)
{
	return (const struct sockaddr_in *)(const void *)&a->sa;
}

static unsigned char *
put(unsigned char *to, const void *bytes, size_t size)
{
	memcpy(to, bytes, size);
	return to + size;
}

/* An IPv4 client of a dual-stack socket is told as IPv4. */
static bool
is_mapped(const struct sockd_addr *a)
{
	return a->sa.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&as_inet6(a)->sin6_addr);
}

static const void *
address_of(const struct sockd_addr *a, bool four)
{
	if (!four)
		return &as_inet6(a)->sin6_addr;
	return is_mapped(a) ? (const void *)&as_inet6(a)->sin6_addr.s6_addr[12]
			    : (const void *)&as_inet(a)->sin_addr;
}

static const void *
port_of(const struct sockd_addr *a)
{
	return a->sa.ss_family == AF_INET6 ? &as_inet6(a)->sin6_port : &as_inet(a)->sin_port;
}

static bool
is_four(const struct sockd_addr *a)
{
	return a->sa.ss_family == AF_INET || is_mapped(a);
}

static bool
is_six(const struct sockd_addr *a)
{
	return a->sa.ss_family == AF_INET6 && !is_mapped(a);
}

size_t
proxy_header(unsigned char to[PROXY_HEADER_MAX], const struct sockd_addr *client,
	const struct sockd_addr *server, bool datagrams)
{
	static const unsigned char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
	bool known = client != NULL && server != NULL && client->len > 0 && server->len > 0;
	bool four = known && is_four(client) && is_four(server);
	bool six = known && is_six(client) && is_six(server);
	size_t address = four ? 4 : six ? 16 : 0, length = address > 0 ? 2 * address + 4 : 0;
	unsigned char *at = put(to, signature, sizeof signature);

	*at++ = VERSION_PROXY;
	*at++ = address == 0 ? 0
			     : (unsigned char)((four ? FAMILY_INET : FAMILY_INET6) |
					       (datagrams ? KIND_DGRAM : KIND_STREAM));
	*at++ = 0;
	*at++ = (unsigned char)length;
	if (address == 0)
		return FIXED_SIZE;
	at = put(at, address_of(client, four), address);
	at = put(at, address_of(server, four), address);
	at = put(at, port_of(client), 2);
	put(at, port_of(server), 2);
	return FIXED_SIZE + length;
}
