/* plugins/proxy/header.c: the bytes of the specification for each kind of address. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "../../plugins/proxy/header.h"
#include "unit.h"

static struct sockd_addr
address(const char *ip, uint16_t port)
{
	struct sockd_addr a = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&a.sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.sa;

	if (strchr(ip, ':') != NULL) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET6, ip, &in6->sin6_addr), 1);
		a.len = sizeof *in6;
	} else {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET, ip, &in->sin_addr), 1);
		a.len = sizeof *in;
	}
	return a;
}

static void
expect(const char *client, const char *server, bool datagrams, const void *wanted, size_t size)
{
	struct sockd_addr c = address(client, 0x1234), s = address(server, 443);
	unsigned char got[PROXY_HEADER_MAX];

	ck_assert_uint_eq(proxy_header(got, &c, &s, datagrams), size);
	ck_assert_mem_eq(got, wanted, size);
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

START_TEST(ipv4_over_tcp_and_udp)
{
	expect("192.0.2.1", "198.51.100.2", false,
		SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb", 28);
	expect("192.0.2.1", "198.51.100.2", true,
		SIGNATURE "\x21\x12\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb", 28);
}
END_TEST

START_TEST(ipv6_is_told_whole)
{
	expect("2001:db8::1", "2001:db8::2", false,
		SIGNATURE "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0"
			  "\0\0\0\0\0\0\x02"
			  "\x12\x34\x01\xbb",
		52);
}
END_TEST

START_TEST(ipv4_on_a_dual_stack_socket_is_told_as_ipv4)
{
	expect("::ffff:192.0.2.1", "::ffff:198.51.100.2", false,
		SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb", 28);
}
END_TEST

START_TEST(what_is_not_of_one_family_is_unknown)
{
	struct sockd_addr unnamed = { 0 };
	struct sockd_addr four = address("192.0.2.1", 1);
	unsigned char got[PROXY_HEADER_MAX];

	expect("192.0.2.1", "2001:db8::2", false, SIGNATURE "\x21\0\0\0", 16);
	ck_assert_uint_eq(proxy_header(got, &unnamed, &four, false), 16);
	ck_assert_uint_eq(proxy_header(got, NULL, &four, false), 16);
	ck_assert_mem_eq(got, SIGNATURE "\x21\0\0\0", 16);
}
END_TEST

UNIT_TESTS("proxy_header", ipv4_over_tcp_and_udp, ipv6_is_told_whole,
	ipv4_on_a_dual_stack_socket_is_told_as_ipv4, what_is_not_of_one_family_is_unknown)
