/* https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2, read strictly: whoever may send
 * this header says who the client is, so what is not exactly of the form is refused and never guessed at. */
#include "guard/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const char v1_signature[] = "PROXY ";
static const uint8_t v2_signature[PROXY_SIGNATURE_SIZE] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51,
	0x55, 0x49, 0x54, 0x0a };

enum {
	V1_SIGNATURE = sizeof v1_signature - 1,
	V1_MAX = 107,
	V2_FIXED = 16,
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	UNIX_PATH = 108,
	TLV_HEAD = 3,
	TLV_CRC32C = 0x03,
	TLV_SSL = 0x20,
	TLV_SSL_HEAD = 5, /* its flags and the result of the verification */
	TLV_SSL_SUB_LAST = 0x2f,
};

/* ---- version 1 ---- */

struct words {
	char *at[5];
	int count;
};

/* Cut a line at its blanks; each stands alone. */
static bool
split(char *line, struct words *w)
{
	char *next = line;

	for (w->count = 0; next != NULL; w->count++) {
		char *word = next;

		if (w->count == 5)
			return false;
		next = strchr(word, ' ');
		if (next != NULL)
			*next++ = '\0';
		w->at[w->count] = word;
		if (*word == '\0')
			return false;
	}
	return true;
}

static bool
read_port(const char *text, in_port_t *ret)
{
	unsigned long value = 0;
	size_t size = strlen(text);

	if (size == 0 || size > 5 || strspn(text, "0123456789") != size || (text[0] == '0' && size > 1))
		return false;
	for (size_t i = 0; i < size; i++)
		value = value * 10 + (unsigned long)(text[i] - '0');
	*ret = htons((uint16_t)value);
	return value <= UINT16_MAX;
}

static bool
read_v1_address(int family, const char *host, const char *port, struct sockaddr_storage *ret, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof *ret);
	ret->ss_family = (sa_family_t)family;
	*len = family == AF_INET ? sizeof *in : sizeof *in6;
	if (family == AF_INET)
		return inet_pton(AF_INET, host, &in->sin_addr) == 1 && read_port(port, &in->sin_port);
	return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 && read_port(port, &in6->sin6_port);
}

static enum proxy_verdict
bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return PROXY_BAD;
}

static enum proxy_verdict
read_v1_line(char *line, struct proxy_header *h, const char **ret_why)
{
	struct words w;
	int family;

	if (strcmp(line, "UNKNOWN") == 0 || strncmp(line, "UNKNOWN ", 8) == 0)
		return PROXY_DONE; /* what follows is to be ignored */
	if (!split(line, &w) || w.count != 5)
		return bad(ret_why, "the line does not have the five words of version 1");
	family = strcmp(w.at[0], "TCP4") == 0 ? AF_INET : strcmp(w.at[0], "TCP6") == 0 ? AF_INET6 : AF_UNSPEC;
	if (family == AF_UNSPEC)
		return bad(ret_why, "the protocol is none of TCP4, TCP6 and UNKNOWN");
	if (!read_v1_address(family, w.at[1], w.at[3], &h->client, &h->client_len) ||
		!read_v1_address(family, w.at[2], w.at[4], &h->server, &h->server_len))
		return bad(ret_why, "an address or a port is wrong");
	return PROXY_DONE;
}

static enum proxy_verdict
parse_v1(const uint8_t *bytes, size_t size, struct proxy_header *h, const char **ret_why)
{
	size_t within = size < V1_MAX ? size : V1_MAX;
	const uint8_t *end = memchr(bytes, '\n', within);
	char line[V1_MAX + 1];
	size_t length;

	if (end == NULL)
		return within == V1_MAX ? bad(ret_why, "the line has no end within 107 bytes") : PROXY_MORE;
	length = (size_t)(end - bytes);
	if (length == 0 || bytes[length - 1] != '\r' || memchr(bytes, '\0', length) != NULL)
		return bad(ret_why, "the line does not end in CR and LF, or holds a NUL");
	h->size = length + 1;
	h->version = 1;
	memcpy(line, bytes + V1_SIGNATURE, length - 1 - V1_SIGNATURE);
	line[length - 1 - V1_SIGNATURE] = '\0';
	return read_v1_line(line, h, ret_why);
}

/* ---- version 2 ---- */

static size_t
read_u16(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

static void
set_in(struct sockaddr_storage *sa, socklen_t *len, const uint8_t *address, const uint8_t *port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof *sa);
	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, address, sizeof in->sin_addr);
	memcpy(&in->sin_port, port, sizeof in->sin_port);
	*len = sizeof *in;
}

static void
set_in6(struct sockaddr_storage *sa, socklen_t *len, const uint8_t *address, const uint8_t *port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof *sa);
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, address, sizeof in6->sin6_addr);
	memcpy(&in6->sin6_port, port, sizeof in6->sin6_port);
	*len = sizeof *in6;
}

static void
set_un(struct sockaddr_storage *sa, socklen_t *len, const uint8_t *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)sa;
	size_t size = path[0] == 0 ? 0 : strnlen((const char *)path, UNIX_PATH);

	for (size_t i = 0; path[0] == 0 && i < UNIX_PATH; i++) /* abstract: up to the last byte that counts */
		if (path[i] != 0)
			size = i + 1;
	memset(sa, 0, sizeof *sa);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, size);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

/* The addresses of version 2; what is behind them are TLVs. @return their size, or -1 */
static int
read_v2_addresses(const uint8_t *at, size_t size, uint8_t family, struct proxy_header *h)
{
	switch (family >> 4) {
	case 0:
		return 0;
	case 1:
		if (size < 12)
			return -1;
		set_in(&h->client, &h->client_len, at, at + 8);
		set_in(&h->server, &h->server_len, at + 4, at + 10);
		return 12;
	case 2:
		if (size < 36)
			return -1;
		set_in6(&h->client, &h->client_len, at, at + 32);
		set_in6(&h->server, &h->server_len, at + 16, at + 34);
		return 36;
	default:
		if (size < 2 * UNIX_PATH)
			return -1;
		set_un(&h->client, &h->client_len, at);
		set_un(&h->server, &h->server_len, at + UNIX_PATH);
		return 2 * UNIX_PATH;
	}
}

/* Whether TLVs fill exactly these bytes. */
static bool
tlvs_are_whole(const uint8_t *at, size_t size)
{
	while (size > 0) {
		size_t whole;

		if (size < TLV_HEAD)
			return false;
		whole = TLV_HEAD + read_u16(at + 1);
		if (whole > size || (at[0] == TLV_SSL && whole < TLV_HEAD + TLV_SSL_HEAD))
			return false;
		at += whole;
		size -= whole;
	}
	return true;
}

/* CRC-32C (Castagnoli), a bit at a time: a header is short. The field itself counts as zeros. */
static uint32_t
crc32c(const uint8_t *bytes, size_t size, size_t zeros_at)
{
	uint32_t crc = ~UINT32_C(0);

	for (size_t i = 0; i < size; i++) {
		crc ^= i >= zeros_at && i < zeros_at + 4 ? 0 : bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~crc;
}

static bool
checksum_is_right(const uint8_t *bytes, const struct proxy_header *h)
{
	size_t size;
	const uint8_t *sum = proxy_tlv_find(bytes + h->tlvs_at, h->tlvs_size, TLV_CRC32C, &size);
	uint32_t told;

	if (sum == NULL)
		return true;
	if (size != sizeof told)
		return false;
	memcpy(&told, sum, sizeof told);
	return ntohl(told) == crc32c(bytes, h->size, (size_t)(sum - bytes));
}

static enum proxy_verdict
read_v2_proxy(const uint8_t *bytes, struct proxy_header *h, const char **ret_why)
{
	uint8_t family = bytes[13];
	size_t behind = h->size - V2_FIXED;
	int addresses;

	if (family >> 4 > 3 || (family & 15) > 2)
		return bad(ret_why, "the family or the protocol is unknown");
	if ((family >> 4 == 0) != ((family & 15) == 0))
		return bad(ret_why, "the family and the protocol contradict each other");
	addresses = read_v2_addresses(bytes + V2_FIXED, behind, family, h);
	if (addresses < 0)
		return bad(ret_why, "the addresses are cut short");
	h->tlvs_at = V2_FIXED + (size_t)addresses;
	h->tlvs_size = behind - (size_t)addresses;
	if (!tlvs_are_whole(bytes + h->tlvs_at, h->tlvs_size))
		return bad(ret_why, "a TLV is cut short");
	return checksum_is_right(bytes, h) ? PROXY_DONE : bad(ret_why, "the checksum is wrong");
}

static enum proxy_verdict
parse_v2(const uint8_t *bytes, size_t size, struct proxy_header *h, const char **ret_why)
{
	if (size > 12 && bytes[12] != V2_PROXY && bytes[12] != V2_LOCAL)
		return bad(ret_why, "the version is not 2, or the command is unknown");
	if (size < V2_FIXED)
		return PROXY_MORE;
	h->size = V2_FIXED + read_u16(bytes + 14);
	h->version = 2;
	if (h->size > PROXY_HEADER_MAX)
		return bad(ret_why, "it is longer than 4096 bytes");
	if (size < h->size)
		return PROXY_MORE;
	if (bytes[12] == V2_LOCAL)
		return PROXY_DONE; /* the balancer speaks for itself: what stands there is to be skipped */
	return read_v2_proxy(bytes, h, ret_why);
}

enum proxy_verdict
proxy_header_parse(const uint8_t *bytes, size_t size, struct proxy_header *ret, const char **ret_why)
{
	struct proxy_header h = { 0 };
	bool may_be_v1 = memcmp(bytes, v1_signature, size < V1_SIGNATURE ? size : V1_SIGNATURE) == 0;
	bool may_be_v2 =
		memcmp(bytes, v2_signature, size < PROXY_SIGNATURE_SIZE ? size : PROXY_SIGNATURE_SIZE) == 0;
	enum proxy_verdict verdict;

	if (!may_be_v1 && !may_be_v2)
		return PROXY_NONE;
	if (size < (may_be_v2 ? PROXY_SIGNATURE_SIZE : V1_SIGNATURE))
		return PROXY_UNDECIDED;
	verdict = may_be_v1 ? parse_v1(bytes, size, &h, ret_why) : parse_v2(bytes, size, &h, ret_why);
	if (verdict == PROXY_DONE)
		*ret = h;
	return verdict;
}

const uint8_t *
proxy_tlv_find(const uint8_t *tlvs, size_t size, int type, size_t *ret_size)
{
	bool is_sub = type > TLV_SSL && type <= TLV_SSL_SUB_LAST;

	while (size >= TLV_HEAD) {
		size_t length = read_u16(tlvs + 1);

		if (length > size - TLV_HEAD)
			return NULL;
		if (tlvs[0] == type) {
			*ret_size = length;
			return tlvs + TLV_HEAD;
		}
		if (is_sub && tlvs[0] == TLV_SSL && length >= TLV_SSL_HEAD) {
			const uint8_t *found = proxy_tlv_find(
				tlvs + TLV_HEAD + TLV_SSL_HEAD, length - TLV_SSL_HEAD, type, ret_size);

			if (found != NULL)
				return found;
		}
		tlvs += TLV_HEAD + length;
		size -= TLV_HEAD + length;
	}
	return NULL;
}
