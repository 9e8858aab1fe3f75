/* All waiting of a loop that ends by the clock: a hierarchical timer wheel of one-millisecond ticks with
 * intrusive nodes (Varghese and Lauck, 1987). Adding, moving and removing cost O(1) and no memory. A node
 * never fires early. */
#ifndef ENGINE_WHEEL_H
#define ENGINE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct wheel_node {
	struct wheel_node *next, *prev; /* NULL while not waiting */
	int64_t expires_ms;
};

enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 5 };

struct wheel {
	int64_t now_ms;                  /* everything up to here has fired */
	uint64_t occupied[WHEEL_LEVELS]; /* a bit a slot */
	struct wheel_node due;           /* head of those whose time had come when they were set */
	struct wheel_node slots[WHEEL_LEVELS][WHEEL_SLOTS]; /* heads of circular lists */
	uint64_t count;                                     /* nodes that wait */
};

/** @p now_ms is not negative; no wheel of a loop looks back. A wheel does not move once nodes wait in it. */
void wheel_init(struct wheel *w, int64_t now_ms);
/** (Re)arm: fires in the first wheel_advance() that begins after this call and whose time is at or after @p
 * expires_ms. An expiry that has passed is fine. CLOCK_NEVER takes it out. A node starts zeroed. */
void wheel_set(struct wheel *w, struct wheel_node *n, int64_t expires_ms);
/** Take it out; fine when it does not wait. */
void wheel_clear(struct wheel *w, struct wheel_node *n);
static inline bool
wheel_is_set(const struct wheel_node *n)
{
	return n->next != NULL;
}
/** When the wheel wants to be advanced next: at most the earliest expiry, perhaps earlier (to cascade).
 * CLOCK_NEVER when nothing waits, the wheel's now when something is due already. */
int64_t wheel_next_ms(const struct wheel *w);
/** Fire all that is due, tick by tick, each taken out before @p fire is called with it. @p fire may set and
 * clear any node and free the one it got; what it sets fires in a later call, also when it is due already. It
 * does not advance the wheel. A time before the last one counts as the last one. */
void wheel_advance(struct wheel *w, int64_t now_ms, void (*fire)(struct wheel_node *n, void *arg), void *arg);

#endif
