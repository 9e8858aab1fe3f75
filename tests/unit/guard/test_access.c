#include "guard/access.h"

#include <string.h>

#include "unit.h"

/* Any node will do for "it was given". */
static const struct cfg_node given = { .kind = CFG_LIST };

static struct cfg_network
net(const char *text)
{
	struct cfg_network n = { .line = 1 };
	struct err e = { 0 };

	ck_assert_msg(network_parse(text, strlen(text), &n.net, &e) == 0, "%s", e.text);
	return n;
}

static struct access_decision
ask(const struct access *a, const char *client)
{
	struct cfg_network n = net(client);

	return access_ask_network(a, &n.net);
}

static struct access *
access_of(const struct cfg_access *cfg)
{
	struct access *a;

	ck_assert_int_eq(access_new(cfg, &a), 0);
	return a;
}

START_TEST(without_rules_everybody_may)
{
	const struct cfg_access cfg = { 0 };
	struct access *a = access_of(&cfg);
	const struct access_peer root = { 0 };

	ck_assert(ask(a, "192.0.2.1").allowed);
	ck_assert(access_ask_network(a, NULL).allowed);
	ck_assert(access_ask_peer(a, &root).allowed);
	ck_assert(access_ask_peer(a, NULL).allowed);
	ck_assert(!access_wants_peer(a));
	access_free(a);
}
END_TEST

START_TEST(the_longest_network_decides_and_deny_wins_a_tie)
{
	const struct cfg_network allow[] = { net("10.0.0.0/8"), net("10.1.1.0/24"), net("192.0.2.0/24"),
		net("2001:db8::/32") };
	const struct cfg_network deny[] = { net("10.1.0.0/16"), net("192.0.2.0/24"), net("2001:db8:1::/48") };
	const struct cfg_access cfg = { .allow = { .at = allow, .count = 4, .written = &given },
		.deny = { .at = deny, .count = 3, .written = &given } };
	struct access *a = access_of(&cfg);
	struct access_decision d = ask(a, "10.1.1.9");

	ck_assert(d.allowed);
	ck_assert_ptr_eq(d.rule, &allow[1]);
	d = ask(a, "10.1.2.9");
	ck_assert(!d.allowed);
	ck_assert_int_eq(d.by, ACCESS_BY_RULE);
	ck_assert_ptr_eq(d.rule, &deny[0]);
	ck_assert(ask(a, "10.2.0.1").allowed);
	ck_assert(!ask(a, "192.0.2.1").allowed);
	ck_assert(ask(a, "::ffff:10.2.0.1").allowed);
	ck_assert(ask(a, "2001:db8::1").allowed);
	ck_assert(!ask(a, "2001:db8:1::1").allowed);
	d = ask(a, "203.0.113.1");
	ck_assert(!d.allowed);
	ck_assert_int_eq(d.by, ACCESS_BY_NO_RULE);
	ck_assert(!access_ask_network(a, NULL).allowed);
	access_free(a);
}
END_TEST

START_TEST(without_allow_only_what_is_denied_may_not)
{
	const struct cfg_network deny[] = { net("192.0.2.0/24") };
	const struct cfg_access cfg = { .deny = { .at = deny, .count = 1, .written = &given } };
	struct access *a = access_of(&cfg);

	ck_assert(!ask(a, "192.0.2.1").allowed);
	ck_assert(ask(a, "192.0.3.1").allowed);
	ck_assert(access_ask_network(a, NULL).allowed);
	access_free(a);
}
END_TEST

START_TEST(an_empty_allow_lets_nobody_in)
{
	const struct cfg_access cfg = { .allow = { .written = &given } };
	struct access *a = access_of(&cfg);

	ck_assert(!ask(a, "192.0.2.1").allowed);
	ck_assert(!ask(a, "2001:db8::1").allowed);
	access_free(a);
}
END_TEST

START_TEST(a_peer_passes_by_its_user_or_by_any_group)
{
	const struct cfg_account users[] = { { "alice", 1000 } },
				 groups[] = { { "ops", 2000 }, { "adm", 4 } };
	const struct cfg_access cfg = { .users = { .at = users, .count = 1, .written = &given },
		.groups = { .at = groups, .count = 2, .written = &given } };
	struct access *a = access_of(&cfg);
	const gid_t ops[] = { 5, 2000 }, others[] = { 5, 6 };
	const struct access_peer alice = { .uid = 1000, .gid = 1000 }, adm = { .uid = 1001, .gid = 4 },
				 by_group = { .uid = 1001, .gid = 1001, .groups = ops, .group_count = 2 },
				 nobody = { .uid = 1001, .gid = 1001, .groups = others, .group_count = 2 },
				 root = { 0 };

	ck_assert(access_wants_peer(a));
	ck_assert_int_eq(access_ask_peer(a, &alice).by, ACCESS_BY_USER);
	ck_assert_ptr_eq(access_ask_peer(a, &adm).account, &groups[1]);
	ck_assert_ptr_eq(access_ask_peer(a, &by_group).account, &groups[0]);
	ck_assert(access_ask_peer(a, &by_group).allowed);
	ck_assert(!access_ask_peer(a, &nobody).allowed);
	ck_assert(!access_ask_peer(a, &root).allowed);
	ck_assert(!access_ask_peer(a, NULL).allowed);
	access_free(a);
}
END_TEST

UNIT_TESTS("access", without_rules_everybody_may, the_longest_network_decides_and_deny_wins_a_tie,
	without_allow_only_what_is_denied_may_not, an_empty_allow_lets_nobody_in,
	a_peer_passes_by_its_user_or_by_any_group)
