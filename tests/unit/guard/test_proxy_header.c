#include "guard/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "unit.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

/* A literal as bytes, without its NUL. */
#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

static const char *
text_of(const struct sockaddr_storage *sa, socklen_t len, char text[80])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	char host[INET6_ADDRSTRLEN];

	ck_assert_uint_ge(len, sizeof *in);
	if (sa->ss_family == AF_INET)
		snprintf(text, 80, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, host, sizeof host),
			ntohs(in->sin_port));
	else
		snprintf(text, 80, "[%s]:%u", inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host),
			ntohs(in6->sin6_port));
	return text;
}

static struct proxy_header
parse_done(const uint8_t *bytes, size_t size)
{
	struct proxy_header h;
	const char *why = "";
	enum proxy_verdict v = proxy_header_parse(bytes, size, &h, &why);

	ck_assert_msg(v == PROXY_DONE, "%d: %s", (int)v, why);
	return h;
}

static void
check_addresses(const struct proxy_header *h, const char *client, const char *server)
{
	char text[80];

	ck_assert_str_eq(text_of(&h->client, h->client_len, text), client);
	ck_assert_str_eq(text_of(&h->server, h->server_len, text), server);
}

START_TEST(version_1_gives_client_and_server)
{
	static const char v4[] = "PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\nhello";
	static const char v6[] = "PROXY TCP6 2001:db8::7 2001:db8::1 65535 0\r\n";
	struct proxy_header h = parse_done(BYTES(v4));

	check_addresses(&h, "203.0.113.7:56324", "192.0.2.1:443");
	ck_assert_uint_eq(h.size, sizeof v4 - 1 - 5);
	ck_assert_int_eq(h.version, 1);
	h = parse_done(BYTES(v6));
	check_addresses(&h, "[2001:db8::7]:65535", "[2001:db8::1]:0");
}
END_TEST

START_TEST(version_1_may_not_know_the_client)
{
	struct proxy_header h = parse_done(BYTES("PROXY UNKNOWN\r\n"));

	ck_assert_uint_eq(h.client_len, 0);
	ck_assert_uint_eq(h.size, 15);
	h = parse_done(BYTES("PROXY UNKNOWN anything at all 1 2 3 4\r\n"));
	ck_assert_uint_eq(h.client_len, 0);
}
END_TEST

START_TEST(what_is_not_exactly_version_1_is_refused)
{
	static const char *const lines[] = {
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324\r\n",
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443 1\r\n",
		"PROXY TCP4  203.0.113.7 192.0.2.1 56324 443\r\n",
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443 \r\n",
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\n",
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324 65536\r\n",
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324 0443\r\n",
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324 -1\r\n",
		"PROXY TCP4 203.0.113.777 192.0.2.1 56324 443\r\n",
		"PROXY TCP4 2001:db8::1 2001:db8::2 56324 443\r\n",
		"PROXY TCP6 203.0.113.7 192.0.2.1 56324 443\r\n",
		"PROXY UDP4 203.0.113.7 192.0.2.1 56324 443\r\n",
		"PROXY tcp4 203.0.113.7 192.0.2.1 56324 443\r\n",
		"PROXY \r\n",
		"PROXY \n",
		"PROXY UNKNOWNS\r\n",
		"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\rX\n",
		"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535 and more and more and more and "
		"more of "
		"it without an end",
	};

	for (size_t i = 0; i < array_len(lines); i++) {
		struct proxy_header h;
		const char *why = NULL;

		ck_assert_msg(proxy_header_parse((const uint8_t *)lines[i], strlen(lines[i]), &h, &why) ==
				      PROXY_BAD,
			"%s", lines[i]);
		ck_assert_ptr_nonnull(why);
	}
	{
		struct proxy_header h;
		const char *why = NULL;

		ck_assert_int_eq(proxy_header_parse(BYTES("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n"), &h, &why),
			PROXY_BAD);
	}
}
END_TEST

START_TEST(other_bytes_are_no_header)
{
	struct proxy_header h;
	const char *why = NULL;

	ck_assert_int_eq(proxy_header_parse(BYTES("GET / HTTP/1.0\r\n"), &h, &why), PROXY_NONE);
	ck_assert_int_eq(proxy_header_parse(BYTES("PROXIES"), &h, &why), PROXY_NONE);
	ck_assert_int_eq(proxy_header_parse(BYTES("\r\n\r\nX"), &h, &why), PROXY_NONE);
	ck_assert_int_eq(proxy_header_parse(BYTES(""), &h, &why), PROXY_UNDECIDED);
	ck_assert_int_eq(proxy_header_parse(BYTES("P"), &h, &why), PROXY_UNDECIDED);
	ck_assert_int_eq(proxy_header_parse(BYTES("\r\n\r\n"), &h, &why), PROXY_UNDECIDED);
}
END_TEST

/* Every shorter piece of a header is a beginning, and never done. */
static void
check_pieces(const uint8_t *bytes, size_t size)
{
	struct proxy_header h;
	const char *why = NULL;

	for (size_t i = 0; i < size; i++) {
		enum proxy_verdict v = proxy_header_parse(bytes, i, &h, &why);

		ck_assert_msg(v == PROXY_UNDECIDED || v == PROXY_MORE, "%zu bytes: %d", i, (int)v);
	}
	ck_assert_int_eq(proxy_header_parse(bytes, size, &h, &why), PROXY_DONE);
	ck_assert_uint_eq(h.size, size);
}

START_TEST(headers_may_come_in_pieces)
{
	check_pieces(BYTES("PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\n"));
	check_pieces(BYTES(V2 "\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"));
}
END_TEST

START_TEST(version_2_gives_client_and_server)
{
	static const char v6[] = V2 "\x21\x21\0\x24"
				    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
				    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xdc\x04\x01\xbbrest";
	struct proxy_header h =
		parse_done(BYTES(V2 "\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"));

	check_addresses(&h, "203.0.113.7:56324", "192.0.2.1:443");
	ck_assert_int_eq(h.version, 2);
	ck_assert_uint_eq(h.tlvs_size, 0);
	h = parse_done(BYTES(v6));
	check_addresses(&h, "[2001:db8::7]:56324", "[2001:db8::1]:443");
	ck_assert_uint_eq(h.size, sizeof v6 - 1 - 4);
}
END_TEST

START_TEST(version_2_gives_unix_clients)
{
	uint8_t bytes[16 + 216] = V2 "\x21\x31\0\xd8";
	struct proxy_header h;

	memcpy(bytes + 16, "/run/client", 11);
	memcpy(bytes + 16 + 108, "\0abstract", 9);
	h = parse_done(bytes, sizeof bytes);

	ck_assert_uint_eq(h.client_len, offsetof(struct sockaddr_un, sun_path) + 11);
	ck_assert_str_eq(((struct sockaddr_un *)&h.client)->sun_path, "/run/client");
	ck_assert_uint_eq(h.server_len, offsetof(struct sockaddr_un, sun_path) + 9);
	ck_assert_mem_eq(((struct sockaddr_un *)&h.server)->sun_path, "\0abstract", 9);
}
END_TEST

START_TEST(local_connections_have_no_client)
{
	struct proxy_header h = parse_done(BYTES(V2 "\x20\0\0\0"));

	ck_assert_uint_eq(h.client_len, 0);
	ck_assert_uint_eq(h.size, 16);
	h = parse_done(BYTES(V2 "\x20\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"));
	ck_assert_uint_eq(h.client_len, 0);
	ck_assert_uint_eq(h.size, 28);
	h = parse_done(BYTES(V2 "\x20\xff\0\x03xyz"));
	ck_assert_uint_eq(h.client_len, 0);
	ck_assert_uint_eq(h.size, 19);
	h = parse_done(BYTES(V2 "\x21\0\0\0"));
	ck_assert_uint_eq(h.client_len, 0);
}
END_TEST

START_TEST(what_is_not_exactly_version_2_is_refused)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
#define ROW(s) { s, sizeof(s) - 1 }
		ROW(V2 "\x11\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x22\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x31"),
		ROW(V2 "\x21\x41\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x21\x13\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x21\x10\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x21\x01\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x21\x11\0\x0b\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01"),
		ROW(V2 "\x21\x21\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x21\x31\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"),
		ROW(V2 "\x21\x11\0\x0e\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb\x05\x00"),
		ROW(V2 "\x21\x11\0\x10\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb\x05\x00\x02x"),
		ROW(V2 "\x21\x11\0\x10\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb\x20\x00\x01x"),
		ROW(V2 "\x21\x11\x10\x00"),
#undef ROW
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct proxy_header h;
		const char *why = NULL;

		ck_assert_msg(proxy_header_parse((const uint8_t *)rows[i].bytes, rows[i].size, &h, &why) ==
				      PROXY_BAD,
			"row %zu", i);
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

START_TEST(tlvs_are_found_by_type)
{
	static const char bytes[] = V2 "\x21\x11\0\x32\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb"
				       "\x05\0\x04"
				       "id-1"
				       "\x20\0\x14\x07\0\0\0\0"
				       "\x21\0\x07TLSv1.3"
				       "\x22\0\x02me"
				       "\xe0\0\0"
				       "\x02\0\x02xy";
	struct proxy_header h = parse_done(BYTES(bytes));
	const uint8_t *tlvs = (const uint8_t *)bytes + h.tlvs_at, *value;
	size_t size;

	value = proxy_tlv_find(tlvs, h.tlvs_size, 0x05, &size);
	ck_assert_uint_eq(size, 4);
	ck_assert_mem_eq(value, "id-1", 4);
	value = proxy_tlv_find(tlvs, h.tlvs_size, 0x21, &size);
	ck_assert_uint_eq(size, 7);
	ck_assert_mem_eq(value, "TLSv1.3", 7);
	value = proxy_tlv_find(tlvs, h.tlvs_size, 0x22, &size);
	ck_assert_uint_eq(size, 2);
	ck_assert_ptr_nonnull(proxy_tlv_find(tlvs, h.tlvs_size, 0xe0, &size));
	ck_assert_uint_eq(size, 0);
	ck_assert_ptr_nonnull(proxy_tlv_find(tlvs, h.tlvs_size, 0x02, &size));
	ck_assert_ptr_null(proxy_tlv_find(tlvs, h.tlvs_size, 0x01, &size));
	ck_assert_ptr_null(proxy_tlv_find(tlvs, h.tlvs_size, 0x23, &size));
}
END_TEST

/* Made by the sender's algorithm over the header with four zeros in place of the sum. */
START_TEST(a_checksum_has_to_be_right)
{
	uint8_t bytes[] = V2 "\x21\x11\0\x13\xcb\0\x71\x07\xc0\0\x02\x01\xdc\x04\x01\xbb\x03\0\x04SSSS";
	size_t size = sizeof bytes - 1;
	uint32_t crc = ~UINT32_C(0);
	struct proxy_header h;
	const char *why = NULL;

	memset(bytes + size - 4, 0, 4);
	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ UINT32_C(0x82f63b78) : crc >> 1;
	}
	crc = htonl(~crc);
	memcpy(bytes + size - 4, &crc, sizeof crc);

	ck_assert_int_eq(proxy_header_parse(bytes, size, &h, &why), PROXY_DONE);
	bytes[17] ^= 1;
	ck_assert_int_eq(proxy_header_parse(bytes, size, &h, &why), PROXY_BAD);
	ck_assert_str_eq(why, "the checksum is wrong");
}
END_TEST

UNIT_TESTS("proxy_header", version_1_gives_client_and_server, version_1_may_not_know_the_client,
	what_is_not_exactly_version_1_is_refused, other_bytes_are_no_header, headers_may_come_in_pieces,
	version_2_gives_client_and_server, version_2_gives_unix_clients, local_connections_have_no_client,
	what_is_not_exactly_version_2_is_refused, tlvs_are_found_by_type, a_checksum_has_to_be_right)
