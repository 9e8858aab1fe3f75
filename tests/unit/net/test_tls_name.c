#include "net/tls_name.h"
#include "unit.h"

START_TEST(a_certificate_covers_its_hosts)
{
	ck_assert(tls_name_covers("example.org", "EXAMPLE.org"));
	ck_assert(tls_name_covers("*.example.org", "a.example.org"));
	ck_assert(!tls_name_covers("*.example.org", "example.org"));
	ck_assert(!tls_name_covers("*.example.org", "a.b.example.org"));
	ck_assert(!tls_name_covers("*.example.org", ".example.org"));
	ck_assert(!tls_name_covers("*.org", "example.org"));
	ck_assert(!tls_name_covers("a*.example.org", "ab.example.org"));
	ck_assert(!tls_name_covers("*", "a"));
	ck_assert(!tls_name_covers("example.org", "example.org.evil"));
}
END_TEST

START_TEST(a_star_stays_within_a_label_of_a_dns_name)
{
	ck_assert(tls_name_fits_dns("*.svc.local", "A.svc.LOCAL"));
	ck_assert(tls_name_fits_dns("web-*.example.org", "web-17.example.org"));
	ck_assert(tls_name_fits_dns("*-*.x", "a-b.x"));
	ck_assert(!tls_name_fits_dns("*.svc.local", "a.b.svc.local"));
	ck_assert(!tls_name_fits_dns("*.svc.local", "svc.local"));
	ck_assert(!tls_name_fits_dns("web-*.example.org", "web-1.evil.example.org"));
}
END_TEST

START_TEST(a_star_takes_anything_in_a_uri)
{
	ck_assert(tls_name_fits("spiffe://example.org/*", "spiffe://example.org/ns/a/sa/b"));
	ck_assert(tls_name_fits("*@example.org", "ops@example.org"));
	ck_assert(tls_name_fits("a*b*c", "abbbxxbc"));
	ck_assert(tls_name_fits("*", ""));
	ck_assert(!tls_name_fits("spiffe://example.org/*", "spiffe://example.org.evil/x"));
	ck_assert(!tls_name_fits("spiffe://example.org/*", "SPIFFE://example.org/x"));
	ck_assert(!tls_name_fits("*@example.org", "ops@example.org.evil"));
	ck_assert(!tls_name_fits("", "x"));
}
END_TEST

UNIT_TESTS("tls_name", a_certificate_covers_its_hosts, a_star_stays_within_a_label_of_a_dns_name,
	a_star_takes_anything_in_a_uri)
