/* Networks are compared as IPv6, IPv4 as its mapped form, so a client of a dual-stack listener is found by
 * the address that it shows. */
#include "engine/query_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/parse.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

/* @return 0, 4 or 6: what kind of address it is; its bytes as IPv6 */
static int
parse_address(const char *text, unsigned char ret[16])
{
	if (inet_pton(AF_INET, text, ret + sizeof mapped) == 1) {
		memcpy(ret, mapped, sizeof mapped);
		return 4;
	}
	return inet_pton(AF_INET6, text, ret) == 1 ? 6 : 0;
}

static int
parse_network(char *text, char *slash, struct query_peer *peer, struct err *e)
{
	int version, most;
	int64_t bits;

	*slash = '\0';
	version = parse_address(text, peer->address);
	most = version == 4 ? 32 : 128;
	if (version == 0 || parse_integer(slash + 1, &bits, NULL) < 0 || bits < 0 || bits > most)
		return err_set(e, -EINVAL,
			"'%s/%s' is not a network; write such as 192.0.2.0/24 or 2001:db8::/32", text,
			slash + 1);
	peer->bits = (unsigned)bits + (version == 4 ? 96 : 0);
	return 0;
}

static int
parse_host(char *text, struct query_peer *peer, struct err *e)
{
	enum parse_family family;
	struct parse_span host;
	char copy[64];

	peer->bits = 128;
	if (parse_address(text, peer->address) != 0)
		return 0;
	if (parse_host_port(text, &host, &family, &peer->port, NULL) == 0 && family != PARSE_NAME &&
		peer->port != 0 && host.size < sizeof copy) {
		memcpy(copy, host.at, host.size);
		copy[host.size] = '\0';
		if (parse_address(copy, peer->address) != 0)
			return 0;
	}
	return err_set(e, -EINVAL,
		"'%s' is not a peer; write an address, ADDRESS:PORT, a network such as 192.0.2.0/24, the "
		"path or "
		"@name of a unix client, or unix for all of those",
		text);
}

int
query_peer_parse(const char *text, struct query_peer *ret, struct err *e)
{
	struct query_peer peer = { .family = AF_INET6 };
	char copy[128], *slash;
	int r;

	if (strlen(text) >= sizeof copy)
		return err_set(e, -EINVAL, "the peer is too long");
	strcpy(copy, text);
	if (strcmp(text, "unix") == 0 || text[0] == '/' || text[0] == '@') {
		if (strlen(text) >= sizeof ret->path)
			return err_set(e, -EINVAL, "the name of a unix socket is shorter than that");
		*ret = (struct query_peer){ .family = AF_UNIX };
		strcpy(ret->path, text[0] == 'u' ? "" : text);
		return 0;
	}
	slash = strchr(copy, '/');
	r = slash != NULL ? parse_network(copy, slash, &peer, e) : parse_host(copy, &peer, e);
	if (r == 0)
		*ret = peer;
	return r;
}

static bool
path_matches(const char *path, const struct sockaddr_storage *address, socklen_t size)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)address;
	size_t length = size > offsetof(struct sockaddr_un, sun_path)
				? size - offsetof(struct sockaddr_un, sun_path)
				: 0;

	if (path[0] == '\0')
		return true;
	if (path[0] == '@')
		return length == strlen(path) && un->sun_path[0] == '\0' &&
		       memcmp(un->sun_path + 1, path + 1, length - 1) == 0;
	return length > 0 && strnlen(un->sun_path, length) == strlen(path) &&
	       memcmp(un->sun_path, path, strlen(path)) == 0;
}

static bool
bits_match(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

bool
query_peer_matches(const struct query_peer *peer, const struct sockaddr_storage *address, socklen_t size)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	unsigned char bytes[16];
	uint16_t port;

	if (peer->family == AF_UNSPEC)
		return true;
	if (size == 0 || address->ss_family == AF_UNIX)
		return peer->family == AF_UNIX && path_matches(peer->path, address, size);
	if (peer->family != AF_INET6)
		return false;
	if (address->ss_family == AF_INET) {
		memcpy(bytes, mapped, sizeof mapped);
		memcpy(bytes + sizeof mapped, &in->sin_addr, 4);
		port = ntohs(in->sin_port);
	} else {
		memcpy(bytes, &in6->sin6_addr, 16);
		port = ntohs(in6->sin6_port);
	}
	return (peer->port == 0 || peer->port == port) && bits_match(bytes, peer->address, peer->bits);
}
