/* One reading of networks for the configuration, its list files, bans and PROXY headers. What others let pass
 * with a shrug (192.0.2.1/24, a netmask, a range) is an error here that says what was probably meant: a rule
 * that silently means another network than its author thought is how doors stay open. */
#include "base/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { V4_WIDTH = 32, MAPPED_BITS = 96, QUOTE_MAX = 80 };

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* IPv6 of ::ffff:0:0/96 is IPv4 in disguise. */
static void
unmap(struct network *n)
{
	uint8_t v4[4];

	if (!n->is_v6 || n->bits < MAPPED_BITS || memcmp(n->bytes, mapped_prefix, sizeof mapped_prefix) != 0)
		return;
	memcpy(v4, n->bytes + sizeof mapped_prefix, sizeof v4);
	*n = (struct network){ .bits = (uint8_t)(n->bits - MAPPED_BITS) };
	memcpy(n->bytes, v4, sizeof v4);
}

struct network
network_cut(const struct network *n, unsigned bits)
{
	struct network cut = *n;

	if (bits >= n->bits)
		return cut;
	cut.bits = (uint8_t)bits;
	memset(cut.bytes + (bits + 7) / 8, 0, sizeof cut.bytes - (bits + 7) / 8);
	if (bits % 8 != 0)
		cut.bytes[bits / 8] &= (uint8_t)(0xff << (8 - bits % 8));
	return cut;
}

bool
network_contains(const struct network *outer, const struct network *inner)
{
	struct network cut;

	if (outer->is_v6 != inner->is_v6 || outer->bits > inner->bits)
		return false;
	cut = network_cut(inner, outer->bits);
	return memcmp(cut.bytes, outer->bytes, sizeof cut.bytes) == 0;
}

char *
network_format(const struct network *n, char text[NETWORK_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(n->is_v6 ? AF_INET6 : AF_INET, n->bytes, host, sizeof host);
	if (n->bits == network_width(n))
		snprintf(text, NETWORK_TEXT_SIZE, "%s", host);
	else
		snprintf(text, NETWORK_TEXT_SIZE, "%s/%u", host, n->bits);
	return text;
}

/* The bits of a netmask such as 255.255.255.0, or -1. */
static int
netmask_bits(const char *text)
{
	struct in_addr mask;
	uint32_t m;

	if (inet_pton(AF_INET, text, &mask) != 1)
		return -1;
	m = ntohl(mask.s_addr);
	return (~m & (~m + 1)) == 0 ? __builtin_popcount(m) : -1;
}

static int
parse_bits(const char *text, const char *bits, struct network *n, struct err *e)
{
	unsigned value = 0;
	size_t digits = strspn(bits, "0123456789");
	int mask = netmask_bits(bits);

	if (mask >= 0 && !n->is_v6)
		return err_set(e, -EINVAL, "'%s': write the netmask as a length: %.*s/%d", text,
			(int)(bits - 1 - text), text, mask);
	for (size_t i = 0; i < digits && i < 4; i++)
		value = value * 10 + (unsigned)(bits[i] - '0');
	if (digits == 0 || digits > 3 || bits[digits] != '\0' || (bits[0] == '0' && digits > 1) ||
		value > network_width(n))
		return err_set(e, -EINVAL, "'%s': the length of an IPv%d prefix is a number from 0 to %u",
			text, n->is_v6 ? 6 : 4, network_width(n));
	n->bits = (uint8_t)value;
	return 0;
}

/* What is no address, with the mistakes that people make. */
static int
refuse_address(const char *text, const char *host, struct err *e)
{
	if (host[0] == '[')
		return err_set(
			e, -EINVAL, "'%s': write an IPv6 address without brackets and without a port", text);
	if (strchr(host, '%') != NULL)
		return err_set(
			e, -EINVAL, "'%s': a network has no interface; drop it from the '%%' on", text);
	return err_set(e, -EINVAL,
		"'%s' is not a network; write an address or a prefix such as 192.0.2.0/24 or 2001:db8::/32",
		text);
}

static int
parse_whole(const char *text, struct network *ret, struct err *e)
{
	const char *slash = strchr(text, '/');
	char host[QUOTE_MAX + 1];
	struct network n = { 0 }, cut;
	char meant[NETWORK_TEXT_SIZE], alone[NETWORK_TEXT_SIZE];

	snprintf(host, sizeof host, "%.*s", slash != NULL ? (int)(slash - text) : QUOTE_MAX, text);
	n.is_v6 = strchr(host, ':') != NULL;
	n.bits = (uint8_t)network_width(&n);
	if (inet_pton(n.is_v6 ? AF_INET6 : AF_INET, host, n.bytes) != 1)
		return refuse_address(text, host, e);
	if (slash != NULL && parse_bits(text, slash + 1, &n, e) < 0)
		return -EINVAL;
	cut = n;
	cut.bits = (uint8_t)network_width(&n);
	network_format(&cut, alone);
	cut = network_cut(&cut, n.bits);
	if (memcmp(cut.bytes, n.bytes, sizeof n.bytes) != 0)
		return err_set(e, -EINVAL, "'%s' has bits beyond its prefix; write %s, or %s alone", text,
			network_format(&cut, meant), alone);
	unmap(&n);
	*ret = n;
	return 0;
}

int
network_parse(const char *text, size_t size, struct network *ret, struct err *e)
{
	char copy[QUOTE_MAX + 1];

	if (size > QUOTE_MAX || memchr(text, '\0', size) != NULL)
		return err_set(e, -EINVAL, "'%.*s...' is not a network", size < 20 ? (int)size : 20, text);
	memcpy(copy, text, size);
	copy[size] = '\0';
	return parse_whole(copy, ret, e);
}

bool
network_of_socket(const struct sockaddr *address, socklen_t size, struct network *ret)
{
	struct network n = { 0 };

	if (size >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
		n.bits = V4_WIDTH;
		memcpy(n.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	} else if (size >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
		n.is_v6 = true;
		n.bits = 128;
		memcpy(n.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
		unmap(&n);
	} else {
		return false;
	}
	*ret = n;
	return true;
}
