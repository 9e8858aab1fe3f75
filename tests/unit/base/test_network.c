#include "base/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "unit.h"

static struct network
read_network(const char *text)
{
	struct network n;
	struct err e = { 0 };

	ck_assert_msg(network_parse(text, strlen(text), &n, &e) == 0, "%s: %s", text, e.text);
	return n;
}

START_TEST(networks_read_back_as_they_are_written)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.7", "192.0.2.7" },
		{ "192.0.2.7/32", "192.0.2.7" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "128.0.0.0/1", "128.0.0.0/1" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "2001:DB8:0::1", "2001:db8::1" },
		{ "::/0", "::/0" },
		{ "fe80::/10", "fe80::/10" },
		{ "::1/128", "::1" },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24" },
		{ "::ffff:192.0.2.9", "192.0.2.9" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct network n = read_network(rows[i].text);
		char text[NETWORK_TEXT_SIZE];

		ck_assert_str_eq(network_format(&n, text), rows[i].shown);
	}
}
END_TEST

START_TEST(a_wrong_network_says_what_to_write)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "192.0.2.1/24", "write 192.0.2.0/24, or 192.0.2.1 alone" },
		{ "2001:db8::1/32", "write 2001:db8::/32, or 2001:db8::1 alone" },
		{ "192.0.2.0/33", "a number from 0 to 32" },
		{ "2001:db8::/129", "a number from 0 to 128" },
		{ "192.0.2.0/", "a number from 0 to 32" },
		{ "192.0.2.0/-1", "a number from 0 to 32" },
		{ "192.0.2.0/024", "a number from 0 to 32" },
		{ "192.0.2.0/24x", "a number from 0 to 32" },
		{ "192.0.2.0/99999999999", "a number from 0 to 32" },
		{ "192.0.2.0/255.255.255.0", "192.0.2.0/24" },
		{ "192.0.2.0/255.0.255.0", "a number from 0 to 32" },
		{ "[2001:db8::1]", "without brackets" },
		{ "fe80::1%eth0", "no interface" },
		{ "192.0.2.0-192.0.2.9", "is not a network" },
		{ "192.0.2", "192.0.2.0/24 or 2001:db8::/32" },
		{ "example.org", "is not a network" },
		{ "", "is not a network" },
		{ " 192.0.2.1", "is not a network" },
		{ "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5",
			"is not a network" },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct network n;
		struct err e = { 0 };

		ck_assert_msg(network_parse(rows[i].text, strlen(rows[i].text), &n, &e) == -EINVAL, "'%s'",
			rows[i].text);
		ck_assert_msg(strstr(e.text, rows[i].says) != NULL, "'%s' says: %s", rows[i].text, e.text);
	}
}
END_TEST

START_TEST(a_nul_within_the_text_is_no_network)
{
	struct network n;
	struct err e = { 0 };

	ck_assert_int_eq(network_parse("192.0.2.1\0", 10, &n, &e), -EINVAL);
}
END_TEST

START_TEST(a_network_contains_what_lies_in_it)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/25", "192.0.2.127", true },
		{ "192.0.2.0/25", "192.0.2.128", false },
		{ "192.0.2.0/24", "192.0.2.0/24", true },
		{ "192.0.2.0/24", "192.0.0.0/16", false },
		{ "0.0.0.0/0", "203.0.113.1", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "192.0.2.1", false },
		{ "::/0", "::ffff:192.0.2.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct network outer = read_network(rows[i].outer), inner = read_network(rows[i].inner);

		ck_assert_msg(network_contains(&outer, &inner) == rows[i].contains, "%s %s", rows[i].outer,
			rows[i].inner);
	}
}
END_TEST

START_TEST(cutting_keeps_the_first_bits)
{
	struct network n = read_network("2001:db8:1:2:3:4:5:6"), v4 = read_network("203.0.113.77"), cut;
	char text[NETWORK_TEXT_SIZE];

	cut = network_cut(&n, 64);
	ck_assert_str_eq(network_format(&cut, text), "2001:db8:1:2::/64");
	cut = network_cut(&n, 47);
	ck_assert_str_eq(network_format(&cut, text), "2001:db8::/47");
	cut = network_cut(&v4, 20);
	ck_assert_str_eq(network_format(&cut, text), "203.0.112.0/20");
	cut = network_cut(&v4, 32);
	ck_assert_str_eq(network_format(&cut, text), "203.0.113.77");
	cut = network_cut(&v4, 0);
	ck_assert_str_eq(network_format(&cut, text), "0.0.0.0/0");
}
END_TEST

START_TEST(socket_addresses_lose_their_port_and_disguise)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = 7 };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 7 };
	struct sockaddr_storage un = { .ss_family = AF_UNIX };
	struct network n;
	char text[NETWORK_TEXT_SIZE];

	inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
	ck_assert(network_of_socket((struct sockaddr *)&in, sizeof in, &n));
	ck_assert_str_eq(network_format(&n, text), "192.0.2.1");
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr);
	ck_assert(network_of_socket((struct sockaddr *)&in6, sizeof in6, &n));
	ck_assert(!n.is_v6);
	ck_assert_str_eq(network_format(&n, text), "192.0.2.1");
	ck_assert(!network_of_socket((struct sockaddr *)&un, sizeof un, &n));
	ck_assert(!network_of_socket((struct sockaddr *)&in6, 4, &n));
}
END_TEST

UNIT_TESTS("network", networks_read_back_as_they_are_written, a_wrong_network_says_what_to_write,
	a_nul_within_the_text_is_no_network, a_network_contains_what_lies_in_it, cutting_keeps_the_first_bits,
	socket_addresses_lose_their_port_and_disguise)
