/* Denied networks go into the table before allowed ones, and the table lets the first of equal prefixes
 * decide: so the longest prefix decides, and deny wins a tie. */
#include "guard/access.h"

#include <errno.h>
#include <stdlib.h>

#include "guard/prefix_table.h"

struct access {
	const struct cfg_access *cfg; /* borrowed */
	struct prefix_table *table;   /* owned; NULL: no networks are given */
};

static int
build_table(struct access *a)
{
	const struct cfg_networks *deny = &a->cfg->deny, *allow = &a->cfg->allow;
	size_t count = deny->count + allow->count;
	auto_of(mem) struct network *networks = reallocarray(NULL, count + 1, sizeof *networks);

	if (networks == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < deny->count; i++)
		networks[i] = deny->at[i].net;
	for (size_t i = 0; i < allow->count; i++)
		networks[deny->count + i] = allow->at[i].net;
	return prefix_table_new(networks, count, &a->table);
}

int
access_new(const struct cfg_access *cfg, struct access **ret)
{
	struct access *a = mem_new(*a);

	if (a == NULL)
		return -ENOMEM;
	a->cfg = cfg;
	if ((cfg->allow.written != NULL || cfg->deny.written != NULL) && build_table(a) < 0) {
		free(a);
		return -ENOMEM;
	}
	*ret = a;
	return 0;
}

void
access_free(struct access *a)
{
	if (a == NULL)
		return;
	prefix_table_free(a->table);
	free(a);
}

bool
access_wants_peer(const struct access *a)
{
	return a->cfg->users.count > 0 || a->cfg->groups.count > 0;
}

struct access_decision
access_ask_network(const struct access *a, const struct network *client)
{
	const struct cfg_networks *deny = &a->cfg->deny, *allow = &a->cfg->allow;
	int32_t found;

	if (a->table == NULL)
		return (struct access_decision){ .allowed = true, .by = ACCESS_BY_NOTHING };
	found = client != NULL ? prefix_table_find(a->table, client) : PREFIX_NONE;
	if (found == PREFIX_NONE)
		return (struct access_decision){ .allowed = allow->written == NULL, .by = ACCESS_BY_NO_RULE };
	if ((size_t)found < deny->count)
		return (struct access_decision){ .by = ACCESS_BY_RULE, .rule = &deny->at[found] };
	return (struct access_decision){
		.allowed = true, .by = ACCESS_BY_RULE, .rule = &allow->at[(size_t)found - deny->count]
	};
}

static const struct cfg_account *
find_group(const struct cfg_accounts *groups, const struct access_peer *peer)
{
	for (size_t i = 0; i < groups->count; i++) {
		if (groups->at[i].id == peer->gid)
			return &groups->at[i];
		for (size_t j = 0; j < peer->group_count; j++)
			if (groups->at[i].id == peer->groups[j])
				return &groups->at[i];
	}
	return NULL;
}

struct access_decision
access_ask_peer(const struct access *a, const struct access_peer *peer)
{
	const struct cfg_accounts *users = &a->cfg->users;
	const struct cfg_account *group;

	if (!access_wants_peer(a))
		return (struct access_decision){ .allowed = true, .by = ACCESS_BY_NOTHING };
	if (peer == NULL)
		return (struct access_decision){ .by = ACCESS_BY_NO_ACCOUNT };
	for (size_t i = 0; i < users->count; i++)
		if (users->at[i].id == peer->uid)
			return (struct access_decision){
				.allowed = true, .by = ACCESS_BY_USER, .account = &users->at[i]
			};
	group = find_group(&a->cfg->groups, peer);
	if (group != NULL)
		return (struct access_decision){ .allowed = true, .by = ACCESS_BY_GROUP, .account = group };
	return (struct access_decision){ .by = ACCESS_BY_NO_ACCOUNT };
}
