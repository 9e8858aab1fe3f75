/* Addresses as text. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "unit.h"

static struct sockaddr_storage
inet_of(int family, const char *host, unsigned port, unsigned scope, socklen_t *size)
{
	struct sockaddr_storage a = { .ss_family = (sa_family_t)family };
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;
	struct sockaddr_in *four = (struct sockaddr_in *)&a;

	ck_assert_int_eq(inet_pton(family, host,
				 family == AF_INET6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr),
		1);
	four->sin_port = htons((in_port_t)port);
	if (family == AF_INET6)
		six->sin6_scope_id = scope;
	*size = family == AF_INET6 ? sizeof *six : sizeof *four;
	return a;
}

static struct sockaddr_storage
unix_of(const char *bytes, size_t count, socklen_t *size)
{
	struct sockaddr_storage a = { .ss_family = AF_UNIX };

	memcpy(((struct sockaddr_un *)&a)->sun_path, bytes, count);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count);
	return a;
}

static void
expect(const struct sockaddr_storage *a, socklen_t size, enum cfg_transport transport, const char *text,
	const char *url)
{
	char got[NET_ADDR_TEXT_SIZE];

	ck_assert_str_eq(net_addr_text(a, size, got, sizeof got), text);
	ck_assert_str_eq(net_url_text(transport, a, size, got, sizeof got), url);
}

START_TEST(internet_addresses_show_host_and_port)
{
	socklen_t size;
	struct sockaddr_storage a = inet_of(AF_INET, "127.0.0.1", 7000, 0, &size);

	expect(&a, size, CFG_TCP, "127.0.0.1:7000", "tcp://127.0.0.1:7000");
	a = inet_of(AF_INET6, "::1", 53, 0, &size);
	expect(&a, size, CFG_UDP, "[::1]:53", "udp://[::1]:53");
	a = inet_of(AF_INET6, "::", 65535, 0, &size);
	expect(&a, size, CFG_TCP, "[::]:65535", "tcp://[::]:65535");
}
END_TEST

START_TEST(mapped_ipv4_shows_as_ipv4)
{
	socklen_t size;
	struct sockaddr_storage a = inet_of(AF_INET6, "::ffff:192.0.2.7", 9, 0, &size);

	expect(&a, size, CFG_UDP, "192.0.2.7:9", "udp://192.0.2.7:9");
}
END_TEST

START_TEST(a_scope_shows_as_the_interface_or_its_number)
{
	socklen_t size;
	struct sockaddr_storage a = inet_of(AF_INET6, "fe80::1", 80, if_nametoindex("lo"), &size);

	expect(&a, size, CFG_TCP, "[fe80::1%lo]:80", "tcp://[fe80::1%lo]:80");
	a = inet_of(AF_INET6, "fe80::1", 80, 999999, &size);
	expect(&a, size, CFG_TCP, "[fe80::1%999999]:80", "tcp://[fe80::1%999999]:80");
}
END_TEST

START_TEST(unix_names_show_paths_abstract_names_and_none)
{
	socklen_t size;
	struct sockaddr_storage a = unix_of("/run/x.sock", 12, &size);

	expect(&a, size, CFG_UNIX, "/run/x.sock", "unix:///run/x.sock");
	a = unix_of("\0name", 5, &size);
	expect(&a, size, CFG_UNIXGRAM, "@name", "unixgram:@name");
	a = unix_of("", 0, &size);
	expect(&a, size, CFG_UNIX, "unnamed", "unix:unnamed");
}
END_TEST

START_TEST(a_path_without_a_final_nul_ends_with_the_address)
{
	socklen_t size;
	char longest[108];
	char text[NET_ADDR_TEXT_SIZE];
	struct sockaddr_storage a;

	memset(longest, 'p', sizeof longest);
	longest[0] = '/';
	a = unix_of(longest, sizeof longest, &size);

	net_addr_text(&a, size, text, sizeof text);

	ck_assert_uint_eq(strlen(text), sizeof longest);
}
END_TEST

START_TEST(strange_bytes_in_names_are_escaped)
{
	socklen_t size;
	struct sockaddr_storage a = unix_of("\0a\nb\\\xff"
					    "c\0\xc3\xa4",
		10, &size);

	expect(&a, size, CFG_UNIX, "@a\\x0ab\\x5c\\xffc\\x00\xc3\xa4",
		"unix:@a\\x0ab\\x5c\\xffc\\x00\xc3\xa4");
	a = unix_of("\0\xc2\x9b", 3, &size); /* CSI, which terminals obey */
	expect(&a, size, CFG_UNIX, "@\\xc2\\x9b", "unix:@\\xc2\\x9b");
}
END_TEST

START_TEST(the_longest_name_fits_fully_escaped)
{
	socklen_t size;
	char name[108] = { 0 };
	char text[NET_ADDR_TEXT_SIZE];
	struct sockaddr_storage a;

	memset(name + 1, '\x01', sizeof name - 1);
	a = unix_of(name, sizeof name, &size);

	net_url_text(CFG_UNIXGRAM, &a, size, text, sizeof text);

	ck_assert_uint_eq(strlen(text), strlen("unixgram:@") + 4 * (sizeof name - 1));
}
END_TEST

START_TEST(what_does_not_fit_is_cut_and_ended)
{
	socklen_t size;
	struct sockaddr_storage a = inet_of(AF_INET, "127.0.0.1", 7000, 0, &size);
	char text[12] = "xxxxxxxxxxx";

	ck_assert_str_eq(net_addr_text(&a, size, text, 10), "127.0.0.1");
	ck_assert_str_eq(net_addr_text(&a, size, text, 1), "");
	text[0] = 'x';
	ck_assert_ptr_eq(net_addr_text(&a, size, text, 0), text);
	ck_assert_int_eq(text[0], 'x');
}
END_TEST

START_TEST(other_families_are_unknown_and_no_address_is_unnamed)
{
	struct sockaddr_storage a = { .ss_family = AF_NETLINK };
	char text[NET_ADDR_TEXT_SIZE];

	ck_assert_str_eq(net_addr_text(&a, sizeof a, text, sizeof text), "unknown");
	ck_assert_str_eq(net_addr_text(&a, 0, text, sizeof text), "unnamed");
	ck_assert_str_eq(net_addr_text(NULL, 0, text, sizeof text), "unnamed");
}
END_TEST

UNIT_TESTS("addr", internet_addresses_show_host_and_port, mapped_ipv4_shows_as_ipv4,
	a_scope_shows_as_the_interface_or_its_number, unix_names_show_paths_abstract_names_and_none,
	a_path_without_a_final_nul_ends_with_the_address, strange_bytes_in_names_are_escaped,
	the_longest_name_fits_fully_escaped, what_does_not_fit_is_cut_and_ended,
	other_families_are_unknown_and_no_address_is_unnamed)
