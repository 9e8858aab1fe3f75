/* All that decides over a client of one listener: bans, access rules, limits by source. Who asks tells who
 * the client is; who is told counts, logs and closes. Any thread may ask. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include "guard/access.h"
#include "guard/bans.h"
#include "guard/sources.h"

struct guard;

/** What was decided, and by what. The causes that refuse are rows of a table where they are told. */
enum guard_cause {
	GUARD_PASS,
	GUARD_BAN,
	GUARD_NETWORK,         /* access.allow, access.deny */
	GUARD_ACCOUNT,         /* access.allow_users, access.allow_groups */
	GUARD_CONNECTIONS,     /* limits.per_source.connections */
	GUARD_RATE,            /* limits.per_source.rate */
	GUARD_PROXY_UNTRUSTED, /* a peer that is not in proxy_protocol.trust */
	GUARD_PROXY_HEADER,    /* its header is wrong or missing */
	GUARD_PROXY_TIMEOUT,   /* its header did not come in time */
	GUARD_CAUSE_COUNT
};

/** A client as far as it is known. */
struct guard_client {
	const struct network *net;      /* NULL: it has no address */
	const struct access_peer *peer; /* NULL: it is no unix peer, or nobody knows who it is */
	bool is_unix;                   /* it is to be judged as a user too */
};

struct guard_finding {
	enum guard_cause cause;
	struct access_decision network, account; /* what the access rules said, as far as they were asked */
	struct ban ban;                          /* GUARD_BAN */
	struct source *held;                     /* GUARD_PASS: to be released; NULL: not counted */
	int64_t wait_ms;                         /* GUARD_PASS: it may begin after so long */
	bool trusted;                            /* of a balancer: its header is to be believed */
};

/** Whether a listener has rules at all. */
bool guard_is_needed(const struct cfg_listener *cfg);

/**
 * @param cfg      borrowed: outlives it
 * @param sources  the table of an earlier version of the listener, or NULL; a reference is taken
 * @return 0 or -ENOMEM
 */
must_check int guard_new(const struct cfg_listener *cfg, struct sources *sources, struct guard **ret);
void guard_free(struct guard *g); /* NULL is fine; nothing of it is held any more, but sources may be */

/** Its table of sources, borrowed, or NULL. */
struct sources *guard_sources(const struct guard *g);

/** May a connection begin? @param g, bans  NULL: none @param now_ms  monotonic */
void guard_ask(const struct guard *g, const struct bans *bans, const struct guard_client *client,
	int64_t now_ms, struct guard_finding *ret);

/** Whether clients may come through balancers. NULL: no. */
bool guard_has_balancers(const struct guard *g);

/** May a peer of such a listener speak at all, and is it trusted to say who its client is? */
void guard_ask_balancer(const struct guard *g, const struct bans *bans, const struct guard_client *peer,
	struct guard_finding *ret);

/** May a datagram be read? Nothing is held by it. */
void guard_ask_datagram(const struct guard *g, const struct bans *bans, const struct guard_client *client,
	int64_t now_ms, struct guard_finding *ret);

/** The same without counting, as a person reads it: append which rule decides, one thought a line. */
void guard_explain(const struct guard *g, const struct bans *bans, const struct guard_client *client,
	int64_t now_ms, struct guard_finding *ret, struct strbuf *out);

#endif
