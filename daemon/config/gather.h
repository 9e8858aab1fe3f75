/* A list whose length is not known before its last item. */
#ifndef CONFIG_GATHER_H
#define CONFIG_GATHER_H

#include "config/arena.h"

/** Starts as `struct gather g = { 0 };`; all items are of one size. */
struct gather {
	void *at; /* owned */
	size_t count, capacity;
};

/** Room for one more item, or NULL; valid until the next call. */
void *gather_next(struct gather *g, size_t item_size);

/** A copy in the arena, not NULL even when empty; NULL: no memory. */
void *gather_settle(const struct gather *g, struct arena *arena, size_t item_size);

void gather_fini(struct gather *g);

/** auto_of(gather) */
static inline void
cleanup_gather(struct gather *g)
{
	gather_fini(g);
}

#endif
