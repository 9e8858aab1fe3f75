/* The order of the questions: what refuses for the longest comes first, so that whoever is banned or denied
 * costs no entry in the table of sources. */
#include "guard/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/parse.h"
#include "guard/prefix_table.h"

struct guard {
	const struct cfg_listener *cfg; /* borrowed */
	struct access *access;          /* owned */
	struct sources *sources;        /* ref; NULL: no limits by source */
	struct prefix_table *balancers; /* owned; NULL: no PROXY protocol */
};

static bool
limits_sources(const struct cfg_listener *cfg)
{
	return cfg->per_source.connections != CFG_OFF || cfg->per_source.rate.count > 0;
}

static bool
has_balancers(const struct cfg_listener *cfg)
{
	return cfg->proxy.trust.count > 0 || cfg->proxy.trust.unix_peers;
}

bool
guard_is_needed(const struct cfg_listener *cfg)
{
	const struct cfg_access *a = &cfg->access;

	return a->allow.written != NULL || a->deny.written != NULL || a->users.count > 0 ||
	       a->groups.count > 0 || limits_sources(cfg) || has_balancers(cfg);
}

static int
take_sources(struct guard *g, struct sources *sources)
{
	uint64_t seed = (uint64_t)clock_wall_ms() ^ (uintptr_t)g;

	if (sources != NULL) {
		g->sources = sources_ref(sources);
		return 0;
	}
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
		seed *= 0x9e3779b97f4a7c15ULL; /* the kernel is still starting: better than nothing */
	return sources_new((size_t)g->cfg->per_source.entries, seed, &g->sources);
}

static int
take_balancers(struct guard *g)
{
	const struct cfg_networks *trust = &g->cfg->proxy.trust;
	auto_of(mem) struct network *networks = reallocarray(NULL, trust->count + 1, sizeof *networks);

	if (networks == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < trust->count; i++)
		networks[i] = trust->at[i].net;
	return prefix_table_new(networks, trust->count, &g->balancers);
}

int
guard_new(const struct cfg_listener *cfg, struct sources *sources, struct guard **ret)
{
	struct guard *g = mem_new(*g);

	if (g == NULL)
		return -ENOMEM;
	g->cfg = cfg;
	if (access_new(&cfg->access, &g->access) < 0 ||
		(limits_sources(cfg) && take_sources(g, sources) < 0) ||
		(has_balancers(cfg) && take_balancers(g) < 0)) {
		guard_free(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	access_free(g->access);
	prefix_table_free(g->balancers);
	sources_unref(g->sources);
	free(g);
}

struct sources *
guard_sources(const struct guard *g)
{
	return g->sources;
}

/* @return whether it is banned */
static bool
ask_bans(const struct bans *bans, const struct guard_client *client, struct guard_finding *ret)
{
	const struct ban *ban =
		bans != NULL && client->net != NULL ? bans_find(bans, client->net, clock_now_ms()) : NULL;

	if (ban != NULL)
		ret->ban = *ban;
	return ban != NULL;
}

/* Bans and access rules. */
static enum guard_cause
ask_rules(const struct guard *g, const struct bans *bans, const struct guard_client *client,
	struct guard_finding *ret)
{
	if (ask_bans(bans, client, ret))
		return GUARD_BAN;
	if (g == NULL)
		return GUARD_PASS;
	if (client->net != NULL || !client->is_unix) {
		ret->network = access_ask_network(g->access, client->net);
		if (!ret->network.allowed)
			return GUARD_NETWORK;
	}
	if (client->is_unix) {
		ret->account = access_ask_peer(g->access, client->peer);
		if (!ret->account.allowed)
			return GUARD_ACCOUNT;
	}
	return GUARD_PASS;
}

bool
guard_has_balancers(const struct guard *g)
{
	return g != NULL && g->balancers != NULL;
}

void
guard_ask_balancer(const struct guard *g, const struct bans *bans, const struct guard_client *peer,
	struct guard_finding *ret)
{
	*ret = (struct guard_finding){ 0 };
	ret->trusted = peer->is_unix ? g->cfg->proxy.trust.unix_peers
				     : peer->net != NULL &&
					       prefix_table_find(g->balancers, peer->net) != PREFIX_NONE;
	if (ask_bans(bans, peer, ret)) {
		ret->cause = GUARD_BAN;
	} else if (peer->is_unix) {
		ret->account = access_ask_peer(g->access, peer->peer);
		if (!ret->account.allowed)
			ret->cause = GUARD_ACCOUNT;
	}
}

static struct source_key
key_of(const struct guard *g, const struct guard_client *client)
{
	if (client->net != NULL)
		return source_key_of_network(client->net, &g->cfg->per_source);
	if (client->peer != NULL)
		return source_key_of_user(client->peer->uid);
	return (struct source_key){ 0 };
}

static enum guard_cause
cause_of(enum source_verdict verdict)
{
	return verdict == SOURCE_CONNECTIONS ? GUARD_CONNECTIONS
	       : verdict == SOURCE_RATE      ? GUARD_RATE
					     : GUARD_PASS;
}

void
guard_ask(const struct guard *g, const struct bans *bans, const struct guard_client *client, int64_t now_ms,
	struct guard_finding *ret)
{
	struct source_key key;

	*ret = (struct guard_finding){ 0 };
	ret->cause = ask_rules(g, bans, client, ret);
	if (ret->cause != GUARD_PASS || g == NULL || g->sources == NULL)
		return;
	key = key_of(g, client);
	if (key.kind != 0)
		ret->cause = cause_of(sources_take(
			g->sources, &g->cfg->per_source, &key, now_ms, &ret->held, &ret->wait_ms));
}

void
guard_ask_datagram(const struct guard *g, const struct bans *bans, const struct guard_client *client,
	int64_t now_ms, struct guard_finding *ret)
{
	struct source_key key;

	*ret = (struct guard_finding){ 0 };
	ret->cause = ask_rules(g, bans, client, ret);
	if (ret->cause != GUARD_PASS || g == NULL || g->sources == NULL)
		return;
	key = key_of(g, client);
	if (key.kind != 0)
		ret->cause = cause_of(
			sources_take(g->sources, &g->cfg->per_source, &key, now_ms, NULL, &ret->wait_ms));
}

/* ---- in words ---- */

static void
explain_ban(const struct ban *ban, struct strbuf *out)
{
	char net[NETWORK_TEXT_SIZE], left[PARSE_TEXT_SIZE];

	strbuf_printf(out, "banned: %s, ", network_format(&ban->net, net));
	if (ban->until_ms == BAN_FOR_GOOD)
		strbuf_add(out, "until it is lifted\n");
	else
		strbuf_printf(out, "for another %s\n",
			parse_format_duration((ban->until_ms - clock_now_ms()) / 1000 * 1000, left));
}

static void
explain_network(const struct guard *g, const struct access_decision *d, struct strbuf *out)
{
	char net[NETWORK_TEXT_SIZE];

	if (d->by == ACCESS_BY_RULE) {
		strbuf_printf(out, "%s by access.%s %s", d->allowed ? "allowed" : "denied",
			d->allowed ? "allow" : "deny", network_format(&d->rule->net, net));
		if (d->rule->file != NULL)
			strbuf_printf(out, " (%s:%d)", d->rule->file, d->rule->line);
		strbuf_add(out, ", the longest network that holds it\n");
	} else if (d->by == ACCESS_BY_NO_RULE)
		strbuf_printf(out, "%s: no network of access holds it, and access.allow is %s\n",
			d->allowed ? "allowed" : "denied", d->allowed ? "not given" : "given");
	else if (g != NULL)
		strbuf_add(out, "allowed: there are no networks under access\n");
}

static void
explain_account(const struct access_decision *d, struct strbuf *out)
{
	if (d->by == ACCESS_BY_USER || d->by == ACCESS_BY_GROUP)
		strbuf_printf(out, "allowed by access.%s %s\n",
			d->by == ACCESS_BY_USER ? "allow_users" : "allow_groups", d->account->name);
	else if (d->by == ACCESS_BY_NO_ACCOUNT)
		strbuf_add(out, "denied: neither access.allow_users nor access.allow_groups has it\n");
}

static void
explain_limits(const struct guard *g, const struct guard_client *client, int64_t now_ms,
	struct guard_finding *ret, struct strbuf *out)
{
	const struct cfg_per_source *p = &g->cfg->per_source;
	struct source_key key = key_of(g, client);
	char rate[PARSE_TEXT_SIZE];
	enum source_verdict verdict;
	int64_t open = 0;

	verdict = sources_look(g->sources, p, &key, now_ms, &open);
	ret->cause = cause_of(verdict);
	if (p->connections != CFG_OFF)
		strbuf_printf(out, "%s: %" PRId64 " of %" PRId64 " connections of its source are open\n",
			verdict == SOURCE_CONNECTIONS ? "refused" : "allowed", open, p->connections);
	if (p->rate.count > 0)
		strbuf_printf(out, "%s: its source may come %s\n",
			verdict == SOURCE_RATE   ? "refused"
			: verdict == SOURCE_WAIT ? "delayed"
						 : "allowed",
			parse_format_rate(p->rate.count, p->rate.per_ms, rate));
}

void
guard_explain(const struct guard *g, const struct bans *bans, const struct guard_client *client,
	int64_t now_ms, struct guard_finding *ret, struct strbuf *out)
{
	*ret = (struct guard_finding){ 0 };
	ret->cause = ask_rules(g, bans, client, ret);
	if (ret->cause == GUARD_BAN) {
		explain_ban(&ret->ban, out);
		return;
	}
	if (g == NULL) {
		strbuf_add(out, "allowed: the listener has no rules\n");
		return;
	}
	explain_network(g, &ret->network, out);
	explain_account(&ret->account, out);
	if (ret->cause == GUARD_PASS && g->sources != NULL)
		explain_limits(g, client, now_ms, ret, out);
}
