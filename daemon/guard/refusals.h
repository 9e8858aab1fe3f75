/* Which refusals the log is told of: of each source one a second at most, with how many there were, and of
 * all sources together so many that a flood from everywhere does not flood the log. One thread. */
#ifndef GUARD_REFUSALS_H
#define GUARD_REFUSALS_H

#include "guard/sources.h"

enum {
	REFUSALS_SLOTS = 256,
	REFUSALS_EVERY_MS = 1000,
	REFUSALS_LINES = 50, /* in so long */
};

struct refusal_slot {
	struct source_key key;
	int64_t told_ms;
	uint64_t missed;
};

/** Starts zeroed. */
struct refusals {
	struct refusal_slot slots[REFUSALS_SLOTS];
	int64_t window_ms;
	unsigned lines;  /* in this window */
	uint64_t silent; /* refusals that nobody was told of, of sources whose slot is gone too */
};

/** One more refusal.
 * @param ret_count   of this source since it was told of last, this one included
 * @param ret_silent  of other sources that no line told of
 * @return whether to log it */
bool refusals_tell(struct refusals *r, const struct source_key *key, int64_t now_ms, uint64_t *ret_count,
	uint64_t *ret_silent);

#endif
