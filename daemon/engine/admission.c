/* A refusal is the cheapest thing that can happen to a client: an accept, a lookup, a close. What it costs in
 * the log is bounded by guard/refusals. Every cause is a row here, with its reason, its counter and its word.
 */
#include "engine/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/api.h"
#include "engine/arrival.h"
#include "engine/conn.h"
#include "engine/proxied.h"
#include "guard/refusals.h"
#include "net/addr.h"
#include "net/peer.h"

struct cause_row {
	const char *word; /* in the log */
	int reason;
	enum metric_id refused, dropped; /* counters of connections and of datagrams */
};

static const struct cause_row causes[GUARD_CAUSE_COUNT] = {
	[GUARD_BAN] = { "ban", SOCKD_BY_DENIED, METRIC_REFUSED_BAN, METRIC_DATAGRAMS_DROPPED_DENIED },
	[GUARD_NETWORK] = { "network", SOCKD_BY_DENIED, METRIC_REFUSED_NETWORK,
		METRIC_DATAGRAMS_DROPPED_DENIED },
	[GUARD_ACCOUNT] = { "account", SOCKD_BY_DENIED, METRIC_REFUSED_ACCOUNT,
		METRIC_DATAGRAMS_DROPPED_DENIED },
	[GUARD_CONNECTIONS] = { "source_connections", SOCKD_BY_LIMIT, METRIC_REFUSED_SOURCE_CONNECTIONS,
		METRIC_DATAGRAMS_DROPPED_LIMIT },
	[GUARD_RATE] = { "source_rate", SOCKD_BY_LIMIT, METRIC_REFUSED_SOURCE_RATE,
		METRIC_DATAGRAMS_DROPPED_LIMIT },
	[GUARD_PROXY_UNTRUSTED] = { "proxy_untrusted", SOCKD_BY_DENIED, METRIC_REFUSED_PROXY_UNTRUSTED,
		METRIC_COUNT },
	[GUARD_PROXY_HEADER] = { "proxy_header", SOCKD_BY_HANDSHAKE_FAILED, METRIC_REFUSED_PROXY_HEADER,
		METRIC_COUNT },
	[GUARD_PROXY_TIMEOUT] = { "proxy_timeout", SOCKD_BY_HANDSHAKE_FAILED, METRIC_REFUSED_PROXY_TIMEOUT,
		METRIC_COUNT },
};

/* ---- who it is ---- */

enum { GROUPS_FEW = 64 };

/* A client with room for what its description points to. */
struct identity {
	struct guard_client client;
	struct network net;
	struct access_peer peer;
	gid_t groups[GROUPS_FEW];
	gid_t *many; /* owned: if they are more; set by identify() */
};

static void
identity_of_network(struct identity *who, const void *address, socklen_t size)
{
	who->client = (struct guard_client){ 0 };
	if (network_of_socket(address, size, &who->net))
		who->client.net = &who->net;
}

static void
identity_of_peer(struct identity *who, int fd)
{
	struct net_peer peer;

	who->client = (struct guard_client){ .is_unix = true };
	if (net_peer_get(fd, &peer) < 0)
		return;
	who->peer = (struct access_peer){ .uid = peer.uid, .gid = peer.gid };
	who->peer.group_count = net_peer_groups(fd, who->groups, GROUPS_FEW, &who->many);
	who->peer.groups = who->many != NULL ? who->many : who->groups;
	who->client.peer = &who->peer;
}

static void
identity_of_sender(struct identity *who, const struct msghdr *datagram)
{
	struct net_peer peer;

	who->client = (struct guard_client){ .is_unix = true };
	if (net_peer_of_datagram(datagram, &peer) < 0)
		return;
	who->peer = (struct access_peer){ .uid = peer.uid, .gid = peer.gid };
	who->client.peer = &who->peer;
}

/* ---- telling ---- */

static struct source_key
log_key(const struct guard_client *client)
{
	static const struct cfg_per_source whole = { .ipv4_prefix = 32, .ipv6_prefix = 64 };

	if (client->net != NULL)
		return source_key_of_network(client->net, &whole);
	return client->peer != NULL ? source_key_of_user(client->peer->uid) : (struct source_key){ 0 };
}

static void
tell(struct scope *scope, const struct identity *who, const char *event, const struct cause_row *row,
	const struct cfg_network *rule, const char *why)
{
	struct loop *loop = scope->loop;
	struct source_key key = log_key(&who->client);
	char source[NETWORK_TEXT_SIZE] = "", net[NETWORK_TEXT_SIZE];
	uint64_t count = 1, silent = 0;

	if (!log_is_on(LOG_LEVEL_INFO))
		return;
	if (loop->refusals == NULL)
		loop->refusals = mem_new(*loop->refusals);
	if (loop->refusals == NULL ||
		!refusals_tell(loop->refusals, &key, loop_now_ms(loop), &count, &silent))
		return;
	if (who->client.net != NULL)
		network_format(who->client.net, source);
	else if (who->client.peer != NULL)
		snprintf(source, sizeof source, "uid:%u", (unsigned)who->client.peer->uid);
	log_info(event, LOG_S("listener", scope->listener->cfg->name), LOG_S("source", source),
		LOG_S("reason", api_reason_name(row->reason)), LOG_S("cause", row->word), LOG_S("msg", why),
		LOG_S("rule", rule != NULL ? network_format(&rule->net, net) : NULL), LOG_U("count", count),
		silent > 0 ? LOG_U("others", silent) : LOG_S("others", NULL));
}

/* ---- connections ---- */

/* @return the reason if it is refused, else 0 */
static int
judge(struct scope *scope, const struct identity *who, struct newcomer *n)
{
	struct guard_finding finding;
	const struct cause_row *row;

	guard_ask(
		scope->listener->guard, scope->loop->bans, &who->client, loop_now_ms(scope->loop), &finding);
	if (finding.cause == GUARD_PASS) {
		n->source = finding.held;
		n->wait_ms = finding.wait_ms;
		return 0;
	}
	row = &causes[finding.cause];
	metric_add(scope->cells, row->refused, 1);
	tell(scope, who, "conn_refused", row, finding.network.rule, NULL);
	return row->reason;
}

/* Of a balancer its ban and its user count: rules and limits are for its clients. */
static int
judge_balancer(struct scope *scope, const struct identity *who, struct newcomer *n)
{
	struct guard_finding finding;

	guard_ask_balancer(scope->listener->guard, scope->loop->bans, &who->client, &finding);
	n->awaits_header = finding.cause == GUARD_PASS && finding.trusted;
	if (finding.cause == GUARD_PASS && !finding.trusted && !scope->listener->cfg->proxy.require)
		return judge(scope, who, n);
	if (finding.cause == GUARD_PASS && finding.trusted)
		return 0;
	if (finding.cause == GUARD_PASS)
		finding.cause = GUARD_PROXY_UNTRUSTED;
	metric_add(scope->cells, causes[finding.cause].refused, 1);
	tell(scope, who, "conn_refused", &causes[finding.cause], NULL, NULL);
	return causes[finding.cause].reason;
}

static void
identify(struct identity *who, const struct newcomer *n)
{
	who->many = NULL;
	if (n->transport == CFG_UNIX)
		identity_of_peer(who, n->fd);
	else
		identity_of_network(who, &n->peer, n->peer_size);
}

bool
admission_meet(struct scope *scope, struct newcomer *n)
{
	struct identity who;
	int reason;

	if (!admission_asks(scope) || (n->transport == CFG_UNIX && scope->listener->guard == NULL))
		return true; /* bans are of networks */
	identify(&who, n);
	reason = guard_has_balancers(scope->listener->guard) ? judge_balancer(scope, &who, n)
							     : judge(scope, &who, n);
	free(who.many);
	if (reason != 0)
		metric_add(scope->cells, metric_closed(reason), 1);
	return reason == 0;
}

bool
admission_meet_client(struct scope *scope, struct newcomer *n, int *ret_reason)
{
	const struct proxied *p = n->proxied;
	struct identity who;

	if (p != NULL && p->client.len > 0)
		identity_of_network(&who, &p->client.sa, p->client.len);
	else if (n->transport == CFG_UNIX)
		return true; /* the balancer itself, whose user was judged */
	else
		identity_of_network(&who, &n->peer, n->peer_size);
	*ret_reason = judge(scope, &who, n);
	return *ret_reason == 0;
}

int
admission_refuse(struct scope *scope, const struct newcomer *n, enum guard_cause cause, const char *why)
{
	struct identity who;

	identify(&who, n);
	metric_add(scope->cells, causes[cause].refused, 1);
	tell(scope, &who, "conn_refused", &causes[cause], NULL, why);
	free(who.many);
	return causes[cause].reason;
}

void
admission_forget(const struct newcomer *n)
{
	source_release(n->source);
	free(n->proxied);
}

void
admission_give_up(struct scope *scope, const struct newcomer *n, int reason)
{
	close(n->fd);
	admission_forget(n);
	tally_leave(scope->listener->tally);
	atomic_fetch_sub_explicit(&scope->loop->load, 1, memory_order_relaxed);
	metric_add(scope->cells, metric_closed(reason), 1);
}

void
admission_begin(struct scope *scope, const struct newcomer *n)
{
	if (n->wait_ms <= 0 && !n->awaits_header)
		conn_begin(scope, n);
	else if (!arrival_begin(scope, n))
		conn_refuse(scope, n);
}

void
admission_drain(struct loop *loop)
{
	arrivals_hurry(loop);
}

void
admission_cut(struct loop *loop, int reason)
{
	arrivals_cut(loop, reason);
}

void
admission_fini(struct loop *loop)
{
	free(loop->refusals);
	loop->refusals = NULL;
	bans_unref(loop->bans);
	loop->bans = NULL;
}

/* ---- datagrams ---- */

bool
admission_hear(struct scope *scope, const struct msghdr *datagram, enum cfg_transport transport)
{
	struct identity who;
	struct guard_finding finding;

	if (transport == CFG_UNIXGRAM)
		identity_of_sender(&who, datagram);
	else
		identity_of_network(&who, datagram->msg_name, datagram->msg_namelen);
	guard_ask_datagram(
		scope->listener->guard, scope->loop->bans, &who.client, loop_now_ms(scope->loop), &finding);
	if (finding.cause == GUARD_PASS)
		return true;
	metric_add(scope->cells, causes[finding.cause].dropped, 1);
	tell(scope, &who, "datagram_refused", &causes[finding.cause], finding.network.rule, NULL);
	return false;
}
