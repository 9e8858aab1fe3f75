/* The access rules of one listener: which networks, users and groups may connect. Built from the
 * configuration, then only read, by any thread. */
#ifndef GUARD_ACCESS_H
#define GUARD_ACCESS_H

#include <sys/types.h>

#include "base/network.h"
#include "config/config.h"

struct access;

/** The user at the other end of a unix socket. */
struct access_peer {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* its further groups */
	size_t group_count;
};

/** What decided: a rule of the networks, or that none fits; and why a peer may or may not. */
enum access_by {
	ACCESS_BY_NOTHING, /* there are no rules that ask */
	ACCESS_BY_RULE,    /* a network */
	ACCESS_BY_NO_RULE, /* no network holds the client */
	ACCESS_BY_USER,
	ACCESS_BY_GROUP,
	ACCESS_BY_NO_ACCOUNT, /* neither its user nor a group of it is listed */
};

struct access_decision {
	bool allowed;
	enum access_by by;
	const struct cfg_network *rule;    /* ACCESS_BY_RULE: borrowed from the configuration */
	const struct cfg_account *account; /* ACCESS_BY_USER, ACCESS_BY_GROUP */
};

/** @param cfg  borrowed: outlives it @return 0 or -ENOMEM */
must_check int access_new(const struct cfg_access *cfg, struct access **ret);
void access_free(struct access *a); /* NULL is fine */

/** Whether the rules ask for the user of a unix peer. */
bool access_wants_peer(const struct access *a);

/** What the networks say. @param client  NULL: it has no address, so no network holds it */
struct access_decision access_ask_network(const struct access *a, const struct network *client);

/** What users and groups say. @param peer  NULL: nobody knows who it is */
struct access_decision access_ask_peer(const struct access *a, const struct access_peer *peer);

#endif
