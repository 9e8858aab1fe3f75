/* A listener's bandwidth in one direction, and how it is shared. Those who want more than there is are
 * members of a group, one for each loop; the groups divide the rate by their members, and each group gives
 * its members even grants, turn by turn. While nobody is a member, whoever comes takes from a small bucket at
 * once, so a listener below its limit has no delay. */
#ifndef ENGINE_SHARE_H
#define ENGINE_SHARE_H

#include <stdatomic.h>
#include <stddef.h>

#include "engine/loop.h"

/** What all loops have in common. Starts zeroed. */
struct share {
	_Atomic int64_t members;             /* over all groups */
	_Atomic int64_t tokens, refilled_ms; /* of the bucket */
};

struct share_member;

/** The members of one loop. */
struct share_group {
	struct share *share; /* borrowed */
	struct loop *loop;   /* borrowed */
	int64_t rate;        /* bytes in a second, of all groups together */
	struct share_member *first, *last;
	int64_t count, pool; /* members; bytes that no grant used up yet */
	int64_t rest;        /* thousandths of a byte beside the pool */
	int64_t shared_ms;   /* up to when time was turned into bytes */
	struct loop_timer tick;
};

/** Embed it, zeroed. */
struct share_member {
	struct share_member *next, *prev; /* in the group */
	bool joined;
	bool waits;         /* its grant is used up, and it wants more */
	uint8_t idle_ticks; /* with a grant that nobody used */
	int64_t credit;
	void (*granted)(struct share_member *m); /* it has credit again */
};

void share_group_init(struct share_group *g, struct share *share, struct loop *loop, int64_t rate);

/** How many bytes may be moved now, at most @p want. 0: it waits, and granted() follows. What is not used is
 * to be told by share_used(). Nothing but granted() may be called back. */
size_t share_ask(struct share_group *g, struct share_member *m, size_t want);

/** Of @p allowed bytes @p used were moved. */
void share_used(struct share_group *g, struct share_member *m, size_t allowed, size_t used);

/** It wants nothing any more. Idempotent. */
void share_leave(struct share_group *g, struct share_member *m);

#endif
