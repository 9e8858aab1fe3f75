/* The keys that say who may connect and how much. */
#include "config/networks.h"

#include "config/print.h"
#include "fixture.h"

#define LISTENER(listen, more) \
	"version: 1\nlisteners:\n  l:\n    listen: " listen "\n    handler: echo\n" more "\n"
#define TCP(more)  LISTENER("tcp://127.0.0.1:7000", more)
#define UDP(more)  LISTENER("udp://127.0.0.1:7000", more)
#define UNIX(more) LISTENER("unix:///run/s", more)
#define GRAM(more) LISTENER("unixgram:///run/s", more)

struct row {
	const char *text, *says;
};

static void
refuse_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(rows[i].text, rows[i].says);
}

static const struct cfg_listener *
only(const struct load *l)
{
	return &l->config->listeners[0];
}

static void
check_network(const struct cfg_networks *list, size_t i, const char *text, int line)
{
	char shown[NETWORK_TEXT_SIZE];

	ck_assert_uint_lt(i, list->count);
	ck_assert_str_eq(network_format(&list->at[i].net, shown), text);
	ck_assert_int_eq(list->at[i].line, line);
}

START_TEST(without_rules_everything_is_off)
{
	struct load l = assert_taken(TCP(""));
	const struct cfg_listener *c = only(&l);

	ck_assert_uint_eq(c->access.allow.count, 0);
	ck_assert_ptr_null(c->access.allow.written);
	ck_assert_ptr_null(c->access.users.written);
	ck_assert_int_eq(c->per_source.connections, CFG_OFF);
	ck_assert_int_eq(c->per_source.rate.count, 0);
	ck_assert_int_eq(c->per_source.burst, 0);
	ck_assert_int_eq(c->per_source.ipv4_prefix, 32);
	ck_assert_int_eq(c->per_source.ipv6_prefix, 64);
	ck_assert_int_eq(c->per_source.entries, 65536);
	ck_assert(!c->per_source.delay);
	load_done(&l);
}
END_TEST

START_TEST(networks_come_one_or_many_or_all)
{
	struct load l = assert_taken(TCP("    access: {allow: [192.0.2.0/24, '2001:db8::/32'], deny: all}"));
	const struct cfg_access *a = &only(&l)->access;

	ck_assert_uint_eq(a->allow.count, 2);
	check_network(&a->allow, 0, "192.0.2.0/24", 6);
	check_network(&a->allow, 1, "2001:db8::/32", 6);
	ck_assert_uint_eq(a->deny.count, 2);
	check_network(&a->deny, 0, "0.0.0.0/0", 6);
	check_network(&a->deny, 1, "::/0", 6);
	load_done(&l);
	l = assert_taken(TCP("    access: {allow: []}"));
	ck_assert_uint_eq(only(&l)->access.allow.count, 0);
	ck_assert_ptr_nonnull(only(&l)->access.allow.written);
	load_done(&l);
}
END_TEST

START_TEST(list_files_have_a_network_a_line)
{
	static const struct memory_file files[] = {
		{ "/etc/s.yaml", TCP("    access: {allow: [10.0.0.0/8, {file: office.txt}]}") },
		{ "/etc/office.txt",
			"# the office\n192.0.2.0/24\n\n  2001:db8::/32\t# and its IPv6\r\nall\n203.0.113.1" },
		{ NULL, NULL },
	};
	struct load l = load_files(files);
	const struct cfg_networks *allow;

	ck_assert_msg(l.result == 0, "%s", load_says(&l));
	allow = &only(&l)->access.allow;
	ck_assert_uint_eq(allow->count, 6);
	check_network(allow, 0, "10.0.0.0/8", 6);
	check_network(allow, 1, "192.0.2.0/24", 2);
	ck_assert_str_eq(allow->at[1].file, "/etc/office.txt");
	check_network(allow, 2, "2001:db8::/32", 4);
	check_network(allow, 3, "0.0.0.0/0", 5);
	check_network(allow, 5, "203.0.113.1", 6);
	load_done(&l);
}
END_TEST

START_TEST(every_fault_of_a_list_file_is_told_with_its_line)
{
	static const struct memory_file files[] = {
		{ "/etc/s.yaml", TCP("    access: {deny: {file: bad.txt}}") },
		{ "/etc/bad.txt", "192.0.2.1/24\n10.0.0.0/8\n  example.org\n" },
		{ NULL, NULL },
	};
	struct load l = load_files(files);

	ck_assert_int_eq(l.result, -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(load_says(&l), "/etc/bad.txt:1:1: error: 'access.deny': '192.0.2.1/24' has bits "
				      "beyond its prefix; write 192.0.2.0/24, or 192.0.2.1 alone"));
	ck_assert_ptr_nonnull(
		strstr(load_says(&l), "/etc/bad.txt:3:3: error: 'access.deny': 'example.org' is not a"));
	load_done(&l);
}
END_TEST

START_TEST(accounts_are_looked_up)
{
	struct load l = assert_taken(UNIX("    access: {allow_users: [alice, 7], allow_groups: ops}"));
	const struct cfg_access *a = &only(&l)->access;

	ck_assert_uint_eq(a->users.count, 2);
	ck_assert_str_eq(a->users.at[0].name, "alice");
	ck_assert_uint_eq(a->users.at[0].id, 1000);
	ck_assert_uint_eq(a->users.at[1].id, 7);
	ck_assert_uint_eq(a->groups.count, 1);
	ck_assert_uint_eq(a->groups.at[0].id, 2000);
	load_done(&l);
}
END_TEST

START_TEST(limits_by_source_have_units)
{
	struct load l = assert_taken(
		TCP("    limits: {per_source: {connections: 50, rate: 300/m, burst: 40, action: delay, "
		    "ipv4_prefix: 24, ipv6_prefix: 56, entries: 10000}}"));
	const struct cfg_per_source *p = &only(&l)->per_source;

	ck_assert_int_eq(p->connections, 50);
	ck_assert_int_eq(p->rate.count, 300);
	ck_assert_int_eq(p->rate.per_ms, 60000);
	ck_assert_int_eq(p->burst, 40);
	ck_assert(p->delay);
	ck_assert_int_eq(p->ipv4_prefix, 24);
	ck_assert_int_eq(p->ipv6_prefix, 56);
	ck_assert_int_eq(p->entries, 10000);
	load_done(&l);
	l = assert_taken(UDP("    limits: {per_source: {rate: 1000/s}}"));
	ck_assert_int_eq(only(&l)->per_source.rate.count, 1000);
	load_done(&l);
}
END_TEST

START_TEST(balancers_are_networks_and_a_word)
{
	struct load l = assert_taken(
		TCP("    proxy_protocol: {trust: [10.0.0.0/8, '::1'], require: false, timeout: 1s}"));
	const struct cfg_proxy *p = &only(&l)->proxy;

	ck_assert_uint_eq(p->trust.count, 2);
	ck_assert(!p->trust.unix_peers);
	ck_assert(!p->require);
	ck_assert_int_eq(p->timeout_ms, 1000);
	load_done(&l);
	l = assert_taken(UNIX("    proxy_protocol: {trust: unix}\n    access: {allow: 10.0.0.0/8}"));
	ck_assert_uint_eq(only(&l)->proxy.trust.count, 0);
	ck_assert(only(&l)->proxy.trust.unix_peers);
	ck_assert(only(&l)->proxy.require);
	load_done(&l);
	l = assert_taken(TCP("    proxy_protocol: {trust: []}"));
	ck_assert_uint_eq(only(&l)->proxy.trust.count, 0);
	load_done(&l);
}
END_TEST

START_TEST(a_socket_where_nobody_is_trusted_is_warned_of)
{
	struct load l = assert_taken(UNIX("    proxy_protocol: {trust: 10.0.0.0/8}"));

	ck_assert_ptr_nonnull(
		strstr(load_says(&l), "warning: 'proxy_protocol.trust' has no 'unix', so every"));
	load_done(&l);
}
END_TEST

START_TEST(wrong_rules_are_told)
{
	static const struct row rows[] = {
		{ TCP("    access: {allow: 192.0.2.1/24}"),
			"t.yaml:6:21: error: 'access.allow': '192.0.2.1/24' has bits" },
		{ TCP("    access: {allow: [{file: none}]}"),
			"'access.allow': cannot read none: No such file" },
		{ TCP("    access: {allow: [{path: x}]}"),
			"'access.allow' has to be a network, {file: PATH}, or a list" },
		{ TCP("    access: {allow: [unix]}"), "'unix' is not a network" },
		{ TCP("    access: {allowed: all}"), "did you mean 'allow'?" },
		{ TCP("    access: {allow_users: alice}"), "'access.allow_users' does not apply to tcp" },
		{ GRAM("    access: {allow: all}"), "'access.allow' does not apply to unixgram" },
		{ UNIX("    access: {deny: 10.0.0.0/8}"),
			"'access.deny': clients on a unix socket have no network; "
			"write 'access.allow_users' or 'access.allow_groups'" },
		{ UNIX("    access: {allow_users: [carol]}"),
			"'access.allow_users': there is no user 'carol'" },
		{ UNIX("    access: {allow_groups: [alice]}"),
			"'access.allow_groups': there is no group 'alice'" },
		{ UNIX("    access: {allow_users: 4294967295}"), "4294967295 is not the number of a user" },
		{ TCP("    limits: {per_source: {rate: 20}}"),
			"'limits.per_source.rate': 20 does not say in what time; write 20/s, 20/m or 20/h" },
		{ TCP("    limits: {per_source: {rate: 0/s}}"),
			"0/s is out of range; write 1/s to 1000000000/s, or off" },
		{ TCP("    limits: {per_source: {rate: fast}}"), "'fast' is not a rate; write such as 20/s" },
		{ TCP("    limits: {per_source: {burst: 5}}"),
			"'limits.per_source.burst' says nothing without 'limits.per_source.rate'" },
		{ TCP("    limits: {per_source: {action: delay}}"),
			"'limits.per_source.action' says nothing without" },
		{ TCP("    limits: {per_source: {action: wait, rate: 1/s}}"), "write reject, delay" },
		{ TCP("    limits: {per_source: {ipv4_prefix: 33}}"), "33 is out of range; write 1 to 32" },
		{ UDP("    limits: {per_source: {connections: 5}}"),
			"'limits.per_source.connections' does not apply to udp" },
		{ TCP("    proxy_protocol: {require: false}"),
			"'proxy_protocol' trusts nobody; add 'trust: [10.0.0.0/8]'" },
		{ TCP("    proxy_protocol: {trust: unix}"), "has no unix socket to trust" },
		{ TCP("    proxy_protocol: {trust: all}"), "'all' is not a network" },
		{ UDP("    proxy_protocol: {trust: '::1'}"), "'proxy_protocol' does not apply to udp" },
		{ UDP("    limits: {connections: 5}"), "'limits.connections' does not apply to udp" },
	};

	refuse_rows(rows, array_len(rows));
}
END_TEST

START_TEST(bandwidths_are_bytes_in_a_second)
{
	struct load l = assert_taken(
		TCP("    limits: {bandwidth: {listener: {read: 10MiB/s, write: off}, connection: "
		    "{write: 1024/s}}}"));
	const struct cfg_bandwidth *b = &only(&l)->bandwidth;

	ck_assert_int_eq(b->listener_read, 10 << 20);
	ck_assert_int_eq(b->listener_write, CFG_OFF);
	ck_assert_int_eq(b->connection_read, CFG_OFF);
	ck_assert_int_eq(b->connection_write, 1024);
	load_done(&l);
	assert_refused(TCP("    limits: {bandwidth: {connection: {read: 10MiB}}}"),
		"10MiB does not say in what time; write 10MiB/s");
	assert_refused(TCP("    limits: {bandwidth: {connection: {read: 10/s}}}"),
		"10/s is out of range; write 1KiB/s to");
	assert_refused(TCP("    limits: {bandwidth: {connection: {read: 10Mbit/s}}}"), "has an unknown unit");
	assert_refused(UDP("    limits: {bandwidth: {connection: {read: 1MiB/s}}}"), "does not apply to udp");
}
END_TEST

START_TEST(a_small_table_is_warned_of)
{
	struct load l = assert_taken(
		TCP("    limits: {connections: 1000, per_source: {connections: 1, entries: 100}}"));

	ck_assert_ptr_nonnull(strstr(load_says(&l), "warning: 'limits.per_source.entries' is less than"));
	load_done(&l);
}
END_TEST

START_TEST(rules_print_as_they_were_written)
{
	static const struct memory_file files[] = {
		{ "/etc/s.yaml", LISTENER("[tcp://127.0.0.1:7000, unix:///run/s]",
					 "    access: {allow: [10.0.0.0/8, {file: l.txt}], deny: all, "
					 "allow_users: [alice]}\n"
					 "    limits: {per_source: {rate: 20/s, connections: 3}}") },
		{ "/etc/l.txt", "192.0.2.1\n" },
		{ NULL, NULL },
	};
	static const char *const shown[] = { "allow: [\"10.0.0.0/8\", {file: l.txt}]", "deny: [all]",
		"allow_users: [alice]", "rate: 20/s", "connections: 3", "burst: auto" };
	struct load l = load_files(files);
	struct strbuf out = { 0 };

	ck_assert_msg(l.result == 0, "%s", load_says(&l));
	config_print_yaml(&out, l.config, NULL);
	for (size_t i = 0; i < array_len(shown); i++)
		ck_assert_msg(strstr(out.data, shown[i]) != NULL, "%s", shown[i]);
	ck_assert_msg(strstr(out.data, "allow_groups") == NULL, "what is not given is not shown");
	strbuf_reset(&out);
	config_print_json(&out, l.config, NULL);
	ck_assert_ptr_nonnull(strstr(out.data, "\"value\": [\"10.0.0.0/8\", {\"file\": \"l.txt\"}]"));
	strbuf_fini(&out);
	load_done(&l);
}
END_TEST

UNIT_TESTS("guard_keys", without_rules_everything_is_off, networks_come_one_or_many_or_all,
	list_files_have_a_network_a_line, every_fault_of_a_list_file_is_told_with_its_line,
	accounts_are_looked_up, limits_by_source_have_units, balancers_are_networks_and_a_word,
	a_socket_where_nobody_is_trusted_is_warned_of, wrong_rules_are_told, a_small_table_is_warned_of,
	bandwidths_are_bytes_in_a_second, rules_print_as_they_were_written)
