/* Addresses, one at a time and beside each other. */
#include "config/address.h"

#include <sys/socket.h>

#include "fixture.h"

START_TEST(every_form_is_taken_apart)
{
	static const struct {
		const char *url;
		enum cfg_transport transport;
		int family;
		const char *host;
		uint16_t port;
		const char *path;
		bool abstract;
	} rows[] = {
		{ "tcp://127.0.0.1:7000", CFG_TCP, AF_INET, "127.0.0.1", 7000, NULL, false },
		{ "tcp://[::1]:0", CFG_TCP, AF_INET6, "::1", 0, NULL, false },
		{ "tcp://:80", CFG_TCP, AF_UNSPEC, "", 80, NULL, false },
		{ "tcp4://*:80", CFG_TCP, AF_INET, "*", 80, NULL, false },
		{ "tcp6://*:80", CFG_TCP, AF_INET6, "*", 80, NULL, false },
		{ "tcp://localhost:80", CFG_TCP, AF_UNSPEC, "localhost", 80, NULL, false },
		{ "udp://*:53", CFG_UDP, AF_UNSPEC, "*", 53, NULL, false },
		{ "udp4://1.2.3.4:53", CFG_UDP, AF_INET, "1.2.3.4", 53, NULL, false },
		{ "udp6://[fe80::1%lo]:53", CFG_UDP, AF_INET6, "fe80::1%lo", 53, NULL, false },
		{ "unix:///run/a b.sock", CFG_UNIX, 0, NULL, 0, "/run/a b.sock", false },
		{ "unix:@name", CFG_UNIX, 0, NULL, 0, "name", true },
		{ "unixgram:///a", CFG_UNIXGRAM, 0, NULL, 0, "/a", false },
		{ "unixgram:@a/", CFG_UNIXGRAM, 0, NULL, 0, "a/", true },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct arena arena = { 0 };
		struct cfg_address a = { 0 };
		struct err e = { 0 };

		ck_assert_msg(address_parse(rows[i].url, &arena, &a, &e) == 0, "%s: %s", rows[i].url, e.text);
		ck_assert_str_eq(a.url, rows[i].url);
		ck_assert_int_eq(a.transport, rows[i].transport);
		ck_assert_int_eq(a.family, rows[i].family);
		ck_assert_int_eq(a.port, rows[i].port);
		if (rows[i].host != NULL)
			ck_assert_str_eq(a.host, rows[i].host);
		if (rows[i].path != NULL)
			ck_assert_str_eq(a.path, rows[i].path);
		ck_assert(a.abstract == rows[i].abstract);
		ck_assert_uint_eq(address_transport(rows[i].url), 1u << rows[i].transport);
		arena_fini(&arena);
	}
}
END_TEST

START_TEST(a_passed_descriptor_has_a_name)
{
	struct arena arena = { 0 };
	struct cfg_address a = { 0 };

	ck_assert_int_eq(address_parse("systemd:legacy", &arena, &a, NULL), 0);
	ck_assert_int_eq(a.transport, CFG_PASSED);
	ck_assert_str_eq(a.fd_name, "legacy");
	arena_fini(&arena);
}
END_TEST

START_TEST(wrong_addresses_say_what_to_write)
{
	static const char *const rows[][2] = {
		{ "tpc://127.0.0.1:1", "unknown scheme 'tpc'; did you mean 'tcp'?" },
		{ "TCP://127.0.0.1:1", "did you mean 'tcp'?" },
		{ "unixgrm:///x", "did you mean 'unixgram'?" },
		{ "http://x:1", "unknown scheme 'http' (there are tcp tcp4" },
		{ "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop:x", "unknown scheme" },
		{ "localhost:80", "write tcp://localhost:80" },
		{ "127.0.0.1:80", "no scheme; write such as tcp://" },
		{ "/run/s", "write unix:///run/s" },
		{ "", "no scheme" },
		{ "tcp:127.0.0.1:1", "write tcp://HOST:PORT" },
		{ "tcp4://[::1]:1", "tcp4 does not take an IPv6 address; write tcp6://" },
		{ "udp6://127.0.0.1:1", "udp6 does not take an IPv4 address; write udp4://" },
		{ "tcp://127.0.0.1:1/", "'1/' is not a port" },
		{ "unix://run/x", "has to be absolute; write unix:///run/x, or unix:@NAME" },
		{ "unix:/run/x", "write unix:///run/x" },
		{ "unix:x", "write unix:///x" },
		{ "unix:@", "name behind the '@' is missing" },
		{ "unix:///run/", "is a folder" },
		{ "unix:///a\nb", "control character" },
		{ "systemd:", "behind 'systemd:' is missing" },
		{ "systemd:a:b", "not a descriptor name" },
		{ "systemd://a", "not a descriptor name" },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct arena arena = { 0 };
		struct cfg_address a = { 0 };
		struct err e = { 0 };

		ck_assert_int_eq(address_parse(rows[i][0], &arena, &a, &e), -EINVAL);
		ck_assert_msg(strstr(e.text, rows[i][1]) != NULL, "%s: %s", rows[i][0], e.text);
		arena_fini(&arena);
	}
	ck_assert_uint_eq(address_transport("x:1"), 0);
	ck_assert_uint_eq(address_transport("x"), 0);
}
END_TEST

START_TEST(unix_paths_have_the_kernels_length)
{
	char url[200] = "unix:///";
	struct arena arena = { 0 };
	struct cfg_address a = { 0 };
	struct err e = { 0 };

	memset(url + 8, 'x', 106);
	ck_assert_int_eq(address_parse(url, &arena, &a, &e), 0);
	ck_assert_uint_eq(strlen(a.path), 107);
	url[8 + 106] = 'x';
	ck_assert_int_eq(address_parse(url, &arena, &a, &e), -EINVAL);
	ck_assert_str_eq(e.text, "the path has 108 bytes; a unix socket takes at most 107");
	arena_fini(&arena);
}
END_TEST

/* Whether two listeners on these addresses, with these socket options, are refused. */
static bool
meet(const char *first, const char *first_options, const char *second, const char *second_options)
{
	char text[512];
	struct load l;
	bool refused;

	snprintf(text, sizeof text,
		"version: 1\nlisteners:\n  a: {listen: '%s', handler: e, socket: {%s}}\n"
		"  b: {listen: '%s', handler: e, socket: {%s}}\n",
		first, first_options, second, second_options);
	l = load_text(text);
	refused = l.result < 0;
	if (refused)
		ck_assert_msg(strstr(load_says(&l), " is taken by ") != NULL, "%s", load_says(&l));
	load_done(&l);
	return refused;
}

START_TEST(equal_addresses_meet)
{
	static const char *const rows[][2] = {
		{ "tcp://127.0.0.1:1", "tcp4://127.0.0.1:1" },
		{ "tcp://[::1]:1", "tcp://[0:0::1]:1" },
		{ "tcp://[::ffff:1.2.3.4]:1", "tcp://1.2.3.4:1" },
		{ "udp://[fe80::1%lo]:1", "udp://[fe80::1%lo]:1" },
		{ "tcp://localhost:1", "tcp://LOCALHOST:1" },
		{ "unix:///run/a", "unix:///run//./a" },
		{ "unix:///run/a", "unixgram:///run/a" },
		{ "unix:@a", "unix:@a" },
		{ "systemd:a", "systemd:a" },
	};

	for (size_t i = 0; i < array_len(rows); i++)
		ck_assert_msg(meet(rows[i][0], "", rows[i][1], ""), "%s %s", rows[i][0], rows[i][1]);
}
END_TEST

START_TEST(different_addresses_do_not_meet)
{
	static const char *const rows[][2] = {
		{ "tcp://127.0.0.1:1", "tcp://127.0.0.2:1" },
		{ "tcp://127.0.0.1:1", "tcp://127.0.0.1:2" },
		{ "tcp://127.0.0.1:1", "udp://127.0.0.1:1" },
		{ "tcp://127.0.0.1:0", "tcp://127.0.0.1:0" },
		{ "tcp://[::1]:1", "tcp://127.0.0.1:1" },
		{ "tcp6://*:1", "tcp4://*:1" },
		{ "tcp6://[::]:1", "tcp4://0.0.0.0:1" },
		{ "udp://[fe80::1%lo]:1", "udp://[fe80::1%eth0]:1" },
		{ "tcp://localhost:1", "tcp://127.0.0.1:1" },
		{ "unix:///run/a", "unix:///run/b" },
		{ "unix:@a", "unixgram:@a" },
		{ "unix:@/a", "unix:///a" },
		{ "unix:///a", "tcp://*:1" },
		{ "systemd:a", "systemd:b" },
		{ "systemd:a", "tcp://*:1" },
	};

	for (size_t i = 0; i < array_len(rows); i++)
		ck_assert_msg(!meet(rows[i][0], "", rows[i][1], ""), "%s %s", rows[i][0], rows[i][1]);
}
END_TEST

START_TEST(wildcards_meet_what_they_cover)
{
	ck_assert(meet("tcp://[::]:7000", "", "tcp://0.0.0.0:7000", ""));
	ck_assert(!meet("tcp://[::]:7000", "ipv6_only: true", "tcp://0.0.0.0:7000", ""));
	ck_assert(meet("tcp://0.0.0.0:1", "", "tcp://127.0.0.1:1", ""));
	ck_assert(meet("tcp://*:1", "", "tcp://127.0.0.1:1", ""));
	ck_assert(meet("tcp://*:1", "", "tcp://[::1]:1", ""));
	ck_assert(!meet("tcp://*:1", "ipv6_only: true", "tcp://127.0.0.1:1", ""));
	ck_assert(meet("udp://[::]:1", "", "udp://127.0.0.1:1", ""));
	ck_assert(!meet("tcp://*:1", "device: lo", "tcp://*:1", "device: eth0"));
	ck_assert(meet("tcp://*:1", "device: lo", "tcp://*:1", ""));
}
END_TEST

START_TEST(one_listener_can_meet_itself)
{
	assert_refused("version: 1\nlisteners: {a: {listen: ['tcp://*:1', 'tcp://*:1'], handler: e}}\n",
		"t.yaml:2:39: error: tcp://*:1 is taken by tcp://*:1 of listener 'a' at t.yaml:2:26");
}
END_TEST

START_TEST(addresses_have_a_bound)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, "version: 1\nlisteners: {a: {handler: e, listen: [");
	for (int i = 0; i < 4097; i++)
		strbuf_add(&text, "'tcp://127.0.0.1:0', ");
	strbuf_add(&text, "]}}\n");

	assert_refused(text.data, "more than 4096 addresses");
	strbuf_fini(&text);
}
END_TEST

START_TEST(values_that_contradict_each_other_are_refused)
{
	assert_refused("version: 1\ndaemon: {shutdown: {timeout: 1s, spread: 2s}}\n",
		"t.yaml:2:42: error: 'shutdown.spread' is longer than 'shutdown.timeout'");
	assert_refused("version: 1\nlisteners: {u: {listen: udp://*:1, handler: e, buffers: {read: 2MiB}}}\n",
		"t.yaml:2:64: error: 'buffers.read': more than 1MiB for one datagram");
}
END_TEST

UNIT_TESTS("address", every_form_is_taken_apart, a_passed_descriptor_has_a_name,
	wrong_addresses_say_what_to_write, unix_paths_have_the_kernels_length, equal_addresses_meet,
	different_addresses_do_not_meet, wildcards_meet_what_they_cover, one_listener_can_meet_itself,
	addresses_have_a_bound, values_that_contradict_each_other_are_refused)
