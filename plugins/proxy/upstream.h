/* The servers behind a proxy: which one is next, and which are to be left alone for a while. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sockd/plugin.h>

enum { UPSTREAMS_MAX = 64 };

enum balance { BALANCE_ROUND_ROBIN, BALANCE_LEAST, BALANCE_SOURCE };

struct upstream {
	const char *url;               /* lent by the settings */
	_Atomic int64_t connections;   /* open now */
	_Atomic int64_t down_until_ms; /* after a failure; 0: it works, as far as we know */
};

/** All loops share it; every function may be called on any thread and never waits. */
struct upstreams {
	struct upstream items[UPSTREAMS_MAX];
	size_t count;
	enum balance balance;
	int64_t fail_ms;  /* how long one that failed is left alone */
	int64_t trial_ms; /* how long a first client after that may take; 0: it is not waited for */
	_Atomic size_t turn;
	_Atomic bool told; /* that there is none, though clients come */
};

/** The one to try next, and one more connection of it. One that is down comes only when all that were not
 * tried are; when its time is over, it is one client's for the time of a trial, and the others' after it.
 * @param source  the client's address, for BALANCE_SOURCE
 * @param tried   a mask of 1 << index: those that have failed for this client; the chosen one is added
 * @return NULL: all were tried, or there is none. upstream_done() ends the use */
struct upstream *upstream_choose(
	struct upstreams *u, const struct sockd_addr *source, int64_t now_ms, uint64_t *tried);

/** It failed: leave it alone. @return whether that is news */
bool upstream_failed(struct upstreams *u, struct upstream *one, int64_t now_ms);

/** It worked. @return whether that is news */
bool upstream_works(struct upstream *one);

void upstream_done(struct upstream *one);

#endif
