#include "base/parse.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

struct number_row {
	const char *text;
	int result;
	int64_t value;
	const char *says; /* in the error */
};

static void
check_numbers(
	int (*parse)(const char *, int64_t *, struct err *), const struct number_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err e = { 0 };
		int64_t value = -77;
		int r = parse(rows[i].text, &value, &e);

		ck_assert_msg(r == rows[i].result, "'%s': %d (%s)", rows[i].text, r, e.text);
		ck_assert_msg(value == (r == 0 ? rows[i].value : -77), "'%s': %lld", rows[i].text,
			(long long)value);
		if (rows[i].says != NULL)
			ck_assert_msg(strstr(e.text, rows[i].says) != NULL, "'%s': %s", rows[i].text, e.text);
	}
}

START_TEST(durations_have_units)
{
	static const struct number_row rows[] = {
		{ "250ms", 0, 250, NULL },
		{ "30s", 0, 30000, NULL },
		{ "5m", 0, 300000, NULL },
		{ "1h", 0, 3600000, NULL },
		{ "2d", 0, 172800000, NULL },
		{ "1h30m", 0, 5400000, NULL },
		{ "1m500ms", 0, 60500, NULL },
		{ "0", 0, 0, NULL },
		{ "0s", 0, 0, NULL },
		{ "off", 0, PARSE_OFF, NULL },
		{ "30", -EINVAL, 0, "30 has no unit; write 30s" },
		{ "", -EINVAL, 0, "not a duration" },
		{ "s", -EINVAL, 0, "250ms" },
		{ "30 s", -EINVAL, 0, "not a duration" },
		{ "-5s", -EINVAL, 0, "not a duration" },
		{ "1.5s", -EINVAL, 0, "not a duration" },
		{ "30m1h", -EINVAL, 0, "not a duration" },
		{ "5s5s", -EINVAL, 0, "not a duration" },
		{ "30sec", -EINVAL, 0, "not a duration" },
		{ "5M", -EINVAL, 0, "not a duration" },
		{ "99999999999999999999s", -ERANGE, 0, "too long" },
		{ "9223372036854775807h", -ERANGE, 0, "too long" },
		{ "99999999999999999999", -EINVAL, 0, "not a duration" },
	};

	check_numbers(parse_duration, rows, array_len(rows));
}
END_TEST

START_TEST(sizes_are_binary)
{
	static const struct number_row rows[] = {
		{ "0", 0, 0, NULL },
		{ "65536", 0, 65536, NULL },
		{ "10B", 0, 10, NULL },
		{ "64KiB", 0, 65536, NULL },
		{ "64K", 0, 65536, NULL },
		{ "1MiB", 0, 1048576, NULL },
		{ "3M", 0, 3145728, NULL },
		{ "2G", 0, INT64_C(2) << 30, NULL },
		{ "1GiB", 0, INT64_C(1) << 30, NULL },
		{ "64KB", -EINVAL, 0, "write 64KiB" },
		{ "64k", -EINVAL, 0, "write 64KiB" },
		{ "1mb", -EINVAL, 0, "write 1MiB" },
		{ "1T", -EINVAL, 0, "KiB, MiB or GiB" },
		{ "big", -EINVAL, 0, "not a size" },
		{ "", -EINVAL, 0, "not a size" },
		{ "-1", -EINVAL, 0, "not a size" },
		{ "9223372036854775807K", -ERANGE, 0, "too large" },
		{ "9223372036854775808", -ERANGE, 0, "too large" },
		{ "9223372036854775808K", -ERANGE, 0, "too large" },
	};

	check_numbers(parse_size, rows, array_len(rows));
}
END_TEST

START_TEST(integers_are_decimal)
{
	static const struct number_row rows[] = {
		{ "0", 0, 0, NULL },
		{ "-12", 0, -12, NULL },
		{ "9223372036854775807", 0, INT64_MAX, NULL },
		{ "9223372036854775808", -ERANGE, 0, "too large" },
		{ "010", -EINVAL, 0, "write 10" },
		{ "1e3", -EINVAL, 0, "not a whole number" },
		{ "0x10", -EINVAL, 0, "not a whole number" },
		{ " 1", -EINVAL, 0, "not a whole number" },
		{ "-", -EINVAL, 0, "not a whole number" },
		{ "", -EINVAL, 0, "not a whole number" },
	};

	check_numbers(parse_integer, rows, array_len(rows));
}
END_TEST

START_TEST(truth_is_true_or_false)
{
	static const char *const refused[][2] = { { "yes", "write true" }, { "On", "write true" },
		{ "1", "write true" }, { "TRUE", "write true" }, { "no", "write false" },
		{ "off", "write false" }, { "0", "write false" }, { "maybe", "neither true nor false" },
		{ "", "neither true nor false" } };
	bool value = false;

	ck_assert_int_eq(parse_bool("true", &value, NULL), 0);
	ck_assert(value);
	ck_assert_int_eq(parse_bool("false", &value, NULL), 0);
	ck_assert(!value);
	for (size_t i = 0; i < array_len(refused); i++) {
		struct err e = { 0 };

		ck_assert_int_eq(parse_bool(refused[i][0], &value, &e), -EINVAL);
		ck_assert_msg(strstr(e.text, refused[i][1]) != NULL, "%s", e.text);
	}
}
END_TEST

START_TEST(modes_are_octal_and_start_with_zero)
{
	static const char *const refused[][2] = { { "660", "write \"0660\"" }, { "0o660", "write \"0660\"" },
		{ "0888", "in octal" }, { "rw-rw----", "in octal" }, { "", "in octal" },
		{ "01777", "out of range" } };
	mode_t mode = 0;

	ck_assert_int_eq(parse_mode("0660", &mode, NULL), 0);
	ck_assert_int_eq(mode, 0660);
	ck_assert_int_eq(parse_mode("0", &mode, NULL), 0);
	ck_assert_int_eq(mode, 0);
	for (size_t i = 0; i < array_len(refused); i++) {
		struct err e = { 0 };

		ck_assert_int_lt(parse_mode(refused[i][0], &mode, &e), 0);
		ck_assert_msg(strstr(e.text, refused[i][1]) != NULL, "%s", e.text);
	}
}
END_TEST

START_TEST(formatted_values_read_back)
{
	static const int64_t values[] = { 0, 1, 999, 1000, 1024, 1500, 4096, 5400000, 86400000, 1048576,
		1048577, INT64_C(5) << 30, INT64_MAX };

	for (size_t i = 0; i < array_len(values); i++) {
		char text[PARSE_TEXT_SIZE];
		int64_t back = -1;

		ck_assert_int_eq(parse_duration(parse_format_duration(values[i], text), &back, NULL), 0);
		ck_assert_int_eq(back, values[i]);
		ck_assert_int_eq(parse_size(parse_format_size(values[i], text), &back, NULL), 0);
		ck_assert_int_eq(back, values[i]);
	}
}
END_TEST

START_TEST(formatted_values_are_short)
{
	char text[PARSE_TEXT_SIZE];

	ck_assert_str_eq(parse_format_duration(PARSE_OFF, text), "off");
	ck_assert_str_eq(parse_format_duration(0, text), "0s");
	ck_assert_str_eq(parse_format_duration(300000, text), "5m");
	ck_assert_str_eq(parse_format_duration(1500, text), "1500ms");
	ck_assert_str_eq(parse_format_size(65536, text), "64KiB");
	ck_assert_str_eq(parse_format_size(1000, text), "1000");
}
END_TEST

START_TEST(hosts_and_ports_are_taken_apart)
{
	static const struct {
		const char *text, *host;
		enum parse_family family;
		uint16_t port;
	} rows[] = {
		{ "127.0.0.1:7000", "127.0.0.1", PARSE_IPV4, 7000 },
		{ "[::1]:0", "::1", PARSE_IPV6, 0 },
		{ "[fe80::1%eth0]:1", "fe80::1%eth0", PARSE_IPV6, 1 },
		{ "*:65535", "*", PARSE_NAME, 65535 },
		{ ":80", "", PARSE_NAME, 80 },
		{ "localhost:80", "localhost", PARSE_NAME, 80 },
		{ "a-b_c.example.org:80", "a-b_c.example.org", PARSE_NAME, 80 },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct parse_span host;
		enum parse_family family;
		uint16_t port;
		struct err e = { 0 };

		ck_assert_msg(parse_host_port(rows[i].text, &host, &family, &port, &e) == 0, "%s", e.text);
		ck_assert_msg(parse_span_is(host, rows[i].host), "%s", rows[i].text);
		ck_assert_int_eq(family, rows[i].family);
		ck_assert_int_eq(port, rows[i].port);
	}
}
END_TEST

START_TEST(wrong_hosts_and_ports_are_refused)
{
	static const char *const rows[][2] = { { "127.0.0.1", "no port" },
		{ "127.0.0.1:", "port is missing" }, { "127.0.0.1:http", "not a port" },
		{ "127.0.0.1:70000", "0 to 65535" }, { "127.0.0.1:-1", "not a port" },
		{ "127.0.0.1:99999999999999999999", "0 to 65535" }, { "127.0.0.300:1", "not an IPv4" },
		{ "1.2.3:1", "not an IPv4" }, { "::1:80", "[::1]:PORT" }, { "[::1]", "have to follow" },
		{ "[::1:80", "']'" }, { "[1.2.3.4]:1", "not an IPv6" }, { "[::1%]:1", "not an IPv6" },
		{ "a b:1", "neither" }, { "http://x:1", "brackets" }, { "", "no port" } };

	for (size_t i = 0; i < array_len(rows); i++) {
		struct parse_span host;
		enum parse_family family;
		uint16_t port;
		struct err e = { 0 };

		ck_assert_int_lt(parse_host_port(rows[i][0], &host, &family, &port, &e), 0);
		ck_assert_msg(strstr(e.text, rows[i][1]) != NULL, "%s: %s", rows[i][0], e.text);
	}
}
END_TEST

START_TEST(a_long_host_name_is_refused)
{
	char text[300];
	struct parse_span host;
	enum parse_family family;
	uint16_t port;
	struct err e = { 0 };

	memset(text, 'a', 254);
	strcpy(text + 254, ":1");

	ck_assert_int_eq(parse_host_port(text, &host, &family, &port, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "253"));
}
END_TEST

START_TEST(schemes_are_split_off)
{
	struct parse_span scheme;
	const char *rest;

	ck_assert_int_eq(parse_scheme("unix:@x", &scheme, &rest, NULL), 0);
	ck_assert(parse_span_is(scheme, "unix"));
	ck_assert_str_eq(rest, "@x");
	ck_assert_int_eq(parse_scheme("/a:b", &scheme, &rest, NULL), -EINVAL);
	ck_assert_int_eq(parse_scheme("1tcp:x", &scheme, &rest, NULL), -EINVAL);
	ck_assert_int_eq(parse_scheme("", &scheme, &rest, NULL), -EINVAL);
}
END_TEST

START_TEST(distance_counts_slips)
{
	char long_word[80];

	memset(long_word, 'x', sizeof long_word - 1);
	long_word[sizeof long_word - 1] = '\0';

	ck_assert_uint_eq(parse_distance("", ""), 0);
	ck_assert_uint_eq(parse_distance("abc", ""), 3);
	ck_assert_uint_eq(parse_distance("listen", "listen"), 0);
	ck_assert_uint_eq(parse_distance("lisetn", "listen"), 1);
	ck_assert_uint_eq(parse_distance("lsten", "listen"), 1);
	ck_assert_uint_eq(parse_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(parse_distance(long_word, "listen"), 79);
}
END_TEST

START_TEST(the_nearest_name_is_offered_only_when_near)
{
	static const char *const names[] = { "listen", "handler", "limits", "tls" };

	ck_assert_str_eq(parse_nearest("limit", names, array_len(names)), "limits");
	ck_assert_str_eq(parse_nearest("hanlder", names, array_len(names)), "handler");
	ck_assert_ptr_null(parse_nearest("zebra", names, array_len(names)));
	ck_assert_ptr_null(parse_nearest("", names, array_len(names)));
	ck_assert_ptr_null(parse_nearest("x", names, 0));
}
END_TEST

UNIT_TESTS("parse", durations_have_units, sizes_are_binary, integers_are_decimal, truth_is_true_or_false,
	modes_are_octal_and_start_with_zero, formatted_values_read_back, formatted_values_are_short,
	hosts_and_ports_are_taken_apart, wrong_hosts_and_ports_are_refused, a_long_host_name_is_refused,
	schemes_are_split_off, distance_counts_slips, the_nearest_name_is_offered_only_when_near)
