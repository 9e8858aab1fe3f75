/* A hierarchical timing wheel. Time is a number written in digits of WHEEL_BITS bits; level L has a slot for
 * each value of digit L. A node waits on the level of the highest digit in which its expiry differs from now,
 * in the slot of that digit of the expiry. So whatever is on level 0 is due within this run of 64 ticks,
 * whatever is on level 1 within this run of 64 * 64, and when time reaches the first tick of a slot, its
 * nodes agree with now in one more digit and move down: that is all the cascading there is. Every slot in use
 * lies ahead of now, the first one in use on the lowest level is the next thing to happen, and advancing
 * jumps from one to the next over any stretch of nothing.
 *
 * The top level goes round: it holds what is up to 63 of its slots away (twelve days in all). What is further
 * away waits in its last slot and is filed anew when time gets there. What is due already waits on a list of
 * its own. */
#include "engine/wheel.h"

#include <assert.h>
#include <stddef.h>

enum { TOP = WHEEL_LEVELS - 1, SLOT_MASK = WHEEL_SLOTS - 1 };

_Static_assert(WHEEL_SLOTS == 64, "a level's slots are the bits of a uint64_t");

static void
list_init(struct wheel_node *head)
{
	head->next = head->prev = head;
}

static bool
list_is_empty(const struct wheel_node *head)
{
	return head->next == head;
}

static void
list_append(struct wheel_node *head, struct wheel_node *n)
{
	n->next = head;
	n->prev = head->prev;
	head->prev->next = n;
	head->prev = n;
}

static void
list_unlink(struct wheel_node *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	n->next = n->prev = NULL;
}

/* Move all of @p from to @p to, which holds nothing yet. */
static void
list_move(struct wheel_node *to, struct wheel_node *from)
{
	list_init(to);
	if (list_is_empty(from))
		return;
	to->next = from->next;
	to->prev = from->prev;
	to->next->prev = to->prev->next = to;
	list_init(from);
}

void
wheel_init(struct wheel *w, int64_t now_ms)
{
	assert(now_ms >= 0);
	*w = (struct wheel){ .now_ms = now_ms };
	list_init(&w->due);
	for (int level = 0; level < WHEEL_LEVELS; level++)
		for (int slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
}

/* The number of whole slots of @p level that lie before @p ms. */
static uint64_t
slots_before(int64_t ms, int level)
{
	return (uint64_t)ms >> (WHEEL_BITS * level);
}

/* For an expiry that lies ahead. */
static int
level_of(int64_t now_ms, int64_t expires_ms)
{
	int highest_bit = 63 - __builtin_clzll((uint64_t)now_ms ^ (uint64_t)expires_ms);

	return highest_bit / WHEEL_BITS < TOP ? highest_bit / WHEEL_BITS : TOP;
}

static void
file_node(struct wheel *w, struct wheel_node *n)
{
	uint64_t slot;
	int level;

	if (n->expires_ms <= w->now_ms) {
		list_append(&w->due, n);
		return;
	}
	level = level_of(w->now_ms, n->expires_ms);
	slot = slots_before(n->expires_ms, level);
	if (level == TOP && slot - slots_before(w->now_ms, TOP) >= WHEEL_SLOTS)
		slot = slots_before(w->now_ms, TOP) + WHEEL_SLOTS - 1;
	slot &= SLOT_MASK;
	list_append(&w->slots[level][slot], n);
	w->occupied[level] |= UINT64_C(1) << slot;
}

/* Moving a deadline within its slot takes no more than writing it down: what an idle timeout does with every
 * read. */
static bool
is_same_slot(const struct wheel *w, int64_t a_ms, int64_t b_ms)
{
	int level;

	if (a_ms <= w->now_ms || b_ms <= w->now_ms)
		return false;
	level = level_of(w->now_ms, a_ms);
	return level < TOP && slots_before(a_ms, level) == slots_before(b_ms, level);
}

void
wheel_set(struct wheel *w, struct wheel_node *n, int64_t expires_ms)
{
	if (wheel_is_set(n) && expires_ms != CLOCK_NEVER && is_same_slot(w, n->expires_ms, expires_ms)) {
		n->expires_ms = expires_ms;
		return;
	}
	wheel_clear(w, n);
	n->expires_ms = expires_ms;
	if (expires_ms == CLOCK_NEVER)
		return;
	file_node(w, n);
	w->count++;
}

void
wheel_clear(struct wheel *w, struct wheel_node *n)
{
	const struct wheel_node *first = &w->slots[0][0];
	struct wheel_node *next = n->next;
	size_t slot;

	if (!wheel_is_set(n))
		return;
	list_unlink(n);
	w->count--;
	if (next->next != next)
		return;
	/* That was the last one, so next is the list's head: a slot's, or that of the nodes that are due. */
	if (next < first || next >= first + WHEEL_LEVELS * WHEEL_SLOTS)
		return;
	slot = (size_t)(next - first);
	w->occupied[slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
}

/* The first slot in use ahead of now. @return the time of its first tick, or CLOCK_NEVER */
static int64_t
next_slot(const struct wheel *w, int *ret_level, unsigned *ret_slot)
{
	unsigned here, ahead;
	uint64_t round;
	int level = 0;

	while (level < WHEEL_LEVELS && w->occupied[level] == 0)
		level++;
	if (level == WHEEL_LEVELS)
		return CLOCK_NEVER;
	*ret_level = level;
	here = (unsigned)(slots_before(w->now_ms, level) & SLOT_MASK);
	if (level < TOP) {
		*ret_slot = (unsigned)__builtin_ctzll(w->occupied[level]);
		ahead = *ret_slot - here;
	} else {
		/* Rotated, so that the slot after this one comes first; this one is never in use. */
		round = w->occupied[TOP] >> here | (here > 0 ? w->occupied[TOP] << (WHEEL_SLOTS - here) : 0);
		ahead = (unsigned)__builtin_ctzll(round);
		*ret_slot = (here + ahead) & SLOT_MASK;
	}
	return (int64_t)((slots_before(w->now_ms, level) + ahead) << (WHEEL_BITS * level));
}

int64_t
wheel_next_ms(const struct wheel *w)
{
	unsigned slot;
	int level;

	return list_is_empty(&w->due) ? next_slot(w, &level, &slot) : w->now_ms;
}

/* Time has come to that slot: its nodes are due or go to a lower level. */
static void
cascade(struct wheel *w, int level, unsigned slot)
{
	struct wheel_node moving, *n;

	list_move(&moving, &w->slots[level][slot]);
	w->occupied[level] &= ~(UINT64_C(1) << slot);
	while (!list_is_empty(&moving)) {
		n = moving.next;
		list_unlink(n);
		file_node(w, n);
	}
}

void
wheel_advance(struct wheel *w, int64_t now_ms, void (*fire)(struct wheel_node *n, void *arg), void *arg)
{
	struct wheel_node firing, *n;
	unsigned slot;
	int64_t next;
	int level;

	while ((next = next_slot(w, &level, &slot)) <= now_ms && next != CLOCK_NEVER) {
		w->now_ms = next;
		cascade(w, level, slot);
	}
	if (w->now_ms < now_ms)
		w->now_ms = now_ms;
	/* All that is due moves to a list of this call, so that a node which sets itself again for a time
	 * that has passed waits for the next call and can't keep this one busy for ever. */
	list_move(&firing, &w->due);
	while (!list_is_empty(&firing)) {
		n = firing.next;
		list_unlink(n);
		w->count--;
		fire(n, arg);
	}
}
