/* The peers of `sockctl connections --peer`: what is understood, and whom it finds. */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "engine/query_filter.h"
#include "unit.h"

static socklen_t
address_of(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_un *un = (struct sockaddr_un *)ret;

	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof *in;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		return sizeof *in6;
	}
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path + (text[0] == '@' ? 1 : 0), text + (text[0] == '@' ? 1 : 0));
	if (text[0] == '\0')
		return 0;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text) + (text[0] == '@' ? 0 : 1));
}

static const struct row {
	const char *filter, *address;
	uint16_t port;
	bool matches;
} rows[] = {
	{ "192.0.2.7", "192.0.2.7", 1, true },
	{ "192.0.2.7", "192.0.2.8", 1, false },
	{ "192.0.2.7:4711", "192.0.2.7", 4711, true },
	{ "192.0.2.7:4711", "192.0.2.7", 4712, false },
	{ "192.0.2.0/24", "192.0.2.255", 9, true },
	{ "192.0.2.0/24", "192.0.3.0", 9, false },
	{ "192.0.2.128/25", "192.0.2.127", 9, false },
	{ "192.0.2.128/25", "192.0.2.129", 9, true },
	{ "0.0.0.0/0", "198.51.100.1", 9, true },
	{ "0.0.0.0/0", "2001:db8::1", 9, false },
	{ "192.0.2.7", "::ffff:192.0.2.7", 9, true },
	{ "2001:db8::1", "2001:db8::1", 9, true },
	{ "[2001:db8::1]:9", "2001:db8::1", 9, true },
	{ "[2001:db8::1]:9", "2001:db8::1", 8, false },
	{ "2001:db8::/32", "2001:db8:ffff::", 9, true },
	{ "2001:db8::/33", "2001:db8:8000::", 9, false },
	{ "::/0", "192.0.2.1", 9, true },
	{ "192.0.2.7", "/run/a", 0, false },
	{ "unix", "/run/a", 0, true },
	{ "unix", "@a", 0, true },
	{ "unix", "", 0, true },
	{ "unix", "192.0.2.7", 0, false },
	{ "/run/a", "/run/a", 0, true },
	{ "/run/a", "/run/ab", 0, false },
	{ "/run/ab", "/run/a", 0, false },
	{ "/run/a", "", 0, false },
	{ "@a", "@a", 0, true },
	{ "@a", "@ab", 0, false },
	{ "@a", "/run/a", 0, false },
};

START_TEST(peers_are_found_by_address_network_and_name)
{
	for (size_t i = 0; i < array_len(rows); i++) {
		struct query_peer peer = { 0 };
		struct sockaddr_storage address;
		socklen_t size = address_of(rows[i].address, rows[i].port, &address);
		struct err e = { 0 };

		ck_assert_msg(query_peer_parse(rows[i].filter, &peer, &e) == 0, "%s", e.text);
		ck_assert_msg(query_peer_matches(&peer, &address, size) == rows[i].matches, "%s on %s",
			rows[i].filter, rows[i].address);
	}
}
END_TEST

START_TEST(no_filter_lets_everybody_through)
{
	struct query_peer any = { 0 };
	struct sockaddr_storage address;

	for (size_t i = 0; i < array_len(rows); i++) {
		socklen_t size = address_of(rows[i].address, rows[i].port, &address);

		ck_assert(query_peer_matches(&any, &address, size));
	}
}
END_TEST

START_TEST(what_is_no_peer_is_told_with_what_to_write)
{
	static const char *const wrong[] = { "", "nobody", "192.0.2", "192.0.2.7:", "192.0.2.7:70000",
		"192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/", "2001:db8::/129", "host.example:80",
		"192.0.2.7/24/8", ":80" };

	for (size_t i = 0; i < array_len(wrong); i++) {
		struct query_peer peer = { .bits = 77 };
		struct err e = { 0 };

		ck_assert_msg(query_peer_parse(wrong[i], &peer, &e) == -EINVAL, "taken: %s", wrong[i]);
		ck_assert_msg(strstr(e.text, "write ") != NULL, "%s", e.text);
		ck_assert_uint_eq(peer.bits, 77);
	}
}
END_TEST

START_TEST(names_that_no_socket_has_are_refused)
{
	char text[300] = "/";
	struct query_peer peer;
	struct err e = { 0 };

	memset(text + 1, 'x', 120);
	ck_assert_int_eq(query_peer_parse(text, &peer, &e), -EINVAL);
	memset(text + 1, 'x', 290);
	ck_assert_int_eq(query_peer_parse(text, &peer, &e), -EINVAL);
}
END_TEST

UNIT_TESTS("query_filter", peers_are_found_by_address_network_and_name, no_filter_lets_everybody_through,
	what_is_no_peer_is_told_with_what_to_write, names_that_no_socket_has_are_refused)
