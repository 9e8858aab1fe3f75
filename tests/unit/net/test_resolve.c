/* Hosts of the configuration to addresses. */
#include "net/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "net/addr.h"

#include "unit.h"

static int
resolve(const char *host, int family, struct resolved *r, struct err *e)
{
	const struct cfg_address a = { .transport = CFG_TCP, .family = family, .host = host, .port = 70 };

	*e = (struct err){ 0 };
	return net_resolve(&a, r, e);
}

static void
expect_one(const char *host, int family, const char *text)
{
	struct resolved r;
	struct err e;
	char got[NET_ADDR_TEXT_SIZE];

	ck_assert_msg(resolve(host, family, &r, &e) == 0, "%s: %s", host, e.text);
	ck_assert_uint_eq(r.count, 1);
	ck_assert_str_eq(net_addr_text(&r.items[0].address, r.items[0].size, got, sizeof got), text);
}

START_TEST(literals_are_themselves)
{
	expect_one("127.0.0.1", AF_UNSPEC, "127.0.0.1:70");
	expect_one("127.0.0.1", AF_INET, "127.0.0.1:70");
	expect_one("::1", AF_UNSPEC, "[::1]:70");
	expect_one("fe80::1%lo", AF_UNSPEC, "[fe80::1%lo]:70");
}
END_TEST

START_TEST(any_address_is_ipv6_unless_the_scheme_says_4)
{
	expect_one("", AF_UNSPEC, "[::]:70");
	expect_one("*", AF_UNSPEC, "[::]:70");
	expect_one("*", AF_INET, "0.0.0.0:70");
	expect_one("", AF_INET6, "[::]:70");
}
END_TEST

START_TEST(localhost_gives_each_of_its_addresses_once)
{
	struct resolved r;
	struct err e;

	ck_assert_msg(resolve("localhost", AF_UNSPEC, &r, &e) == 0, "%s", e.text);

	ck_assert_uint_ge(r.count, 1);
	ck_assert_uint_le(r.count, 2);
	expect_one("localhost", AF_INET, "127.0.0.1:70");
}
END_TEST

START_TEST(an_unknown_name_is_an_error_with_a_way_out)
{
	/* A label of DNS has at most 63 letters, so nobody has to be asked. */
	char host[] = "a-name-that-is-much-too-long-to-be-looked-up-in-any-directory-of-names";
	struct resolved r;
	struct err e;
	int code = resolve(host, AF_UNSPEC, &r, &e);

	ck_assert_int_eq(code, -EADDRNOTAVAIL);
	ck_assert_int_eq(e.code, code);
	ck_assert_ptr_nonnull(strstr(e.text, host));
	ck_assert_ptr_nonnull(strstr(e.text, "write an address"));
}
END_TEST

START_TEST(a_literal_of_the_other_family_is_an_error)
{
	struct resolved r;
	struct err e;

	ck_assert_int_eq(resolve("::1", AF_INET, &r, &e), -EADDRNOTAVAIL);
	ck_assert_ptr_nonnull(strstr(e.text, "no IPv4 address"));
	ck_assert_int_eq(resolve("127.0.0.1", AF_INET6, &r, &e), -EADDRNOTAVAIL);
	ck_assert_ptr_nonnull(strstr(e.text, "no IPv6 address"));
}
END_TEST

UNIT_TESTS("resolve", literals_are_themselves, any_address_is_ipv6_unless_the_scheme_says_4,
	localhost_gives_each_of_its_addresses_once, an_unknown_name_is_an_error_with_a_way_out,
	a_literal_of_the_other_family_is_an_error)
