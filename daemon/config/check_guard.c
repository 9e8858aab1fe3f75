/* A rule that silently does nothing is worse than none, because somebody relies on it: each such combination
 * is told here. What comes from `defaults:` is a wish for those that it fits, and passes. */
#include "config/check_guard.h"

#include <stddef.h>

#include "config/key.h"

/* The listener's own words for a key, or NULL. */
static const struct cfg_place *
place_of(const struct cfg_listener *l, const char *key)
{
	const struct cfg_origin *origin = key_origin(&key_table_listener, l->origins, key);

	return origin != NULL && origin->kind == CFG_FROM_FILE ? &origin->place : NULL;
}

static unsigned
transports_of(const struct cfg_listener *l)
{
	unsigned transports = 0;

	for (size_t i = 0; i < l->address_count; i++)
		transports |= 1u << l->addresses[i].transport;
	return transports;
}

static void
check_access(const struct cfg_listener *l, struct cfg_report *report)
{
	static const char *const keys[] = { "access.allow", "access.deny" };

	if (l->proxy.trust.written != NULL || (transports_of(l) & ~(unsigned)KEY_ON_PATHS) != 0)
		return;
	for (size_t i = 0; i < array_len(keys); i++) {
		const struct cfg_place *place = place_of(l, keys[i]);

		if (place != NULL)
			cfg_report_error(report, place,
				"'%s': clients on a unix socket have no network; write 'access.allow_users' "
				"or 'access.allow_groups'",
				keys[i]);
	}
}

static void
check_handshakes(const struct cfg_listener *l, struct cfg_report *report)
{
	if (l->handshakes.count > 0 && l->tls.node == NULL)
		cfg_report_warning(report, place_of(l, "limits.handshakes"),
			"'limits.handshakes' says nothing to a listener without 'tls'");
}

static void
check_per_source(const struct cfg_listener *l, struct cfg_report *report)
{
	const struct cfg_per_source *p = &l->per_source;
	const struct cfg_place *place = place_of(l, "limits.per_source.entries");
	const char *key = p->burst > 0 ? "limits.per_source.burst" : "limits.per_source.action";

	if (p->rate.count == 0 && (p->burst > 0 || p->delay) && place_of(l, key) != NULL)
		cfg_report_error(report, place_of(l, key),
			"'%s' says nothing without 'limits.per_source.rate'; add it, or remove this", key);
	if (place != NULL && p->connections != CFG_OFF && p->entries < l->connections_limit)
		cfg_report_warning(report, place,
			"'limits.per_source.entries' is less than 'limits.connections': when so many sources "
			"are connected at once, further ones are not limited");
}

static void
check_proxy(const struct cfg_listener *l, struct cfg_report *report)
{
	const struct cfg_place *place = place_of(l, "proxy_protocol"),
			       *trust = place_of(l, "proxy_protocol.trust");
	unsigned transports = transports_of(l);
	const struct cfg_networks *t = &l->proxy.trust;

	if (place != NULL && trust == NULL && t->count == 0 && !t->unix_peers)
		cfg_report_error(report, place,
			"'proxy_protocol' trusts nobody; add 'trust: [10.0.0.0/8]' with the networks of the "
			"balancers, or 'trust: unix'");
	else if (trust != NULL && t->unix_peers && (transports & (1u << CFG_UNIX | KEY_ON_PASSED)) == 0)
		cfg_report_error(report, trust,
			"'proxy_protocol.trust': '%s' has no unix socket to trust; "
			"remove the word 'unix'",
			l->name);
	else if (trust != NULL && !t->unix_peers && (transports & 1u << CFG_UNIX) != 0 && l->proxy.require)
		cfg_report_warning(report, trust,
			"'proxy_protocol.trust' has no 'unix', so every client on the unix socket of '%s' is "
			"refused",
			l->name);
}

void
check_guard(const struct cfg_listener *l, struct cfg_report *report)
{
	check_access(l, report);
	check_handshakes(l, report);
	check_per_source(l, report);
	check_proxy(l, report);
}
