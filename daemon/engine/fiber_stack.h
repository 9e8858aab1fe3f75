/* Stacks for fibers: mappings with a guard beneath, kept for reuse. */
#ifndef ENGINE_FIBER_STACK_H
#define ENGINE_FIBER_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/** Bytes beneath each stack that fault when touched. More than the one page that is needed when every
 * function probes its frame page by page (-fstack-clash-protection): a plugin may be compiled without. It
 * costs only addresses. */
enum { FIBER_GUARD_SIZE = 64 * 1024 };

struct fiber_stack {
	char *low;   /* lowest byte above the guard; NULL: none */
	size_t size; /* bytes above the guard, whole pages */
	unsigned valgrind_id;
	unsigned returns; /* to the pool, of users that were not known to be deep */
};

/** The stacks of one loop that nobody uses. Starts with fiber_stack_pool_init(). */
struct fiber_stack_pool {
	struct fiber_stack *kept; /* owned; the one given back last is the last */
	size_t kept_count, kept_room, keep_max;
	size_t page_size;
};

/** @param keep_max  how many it keeps; the coldest goes for one too many */
void fiber_stack_pool_init(struct fiber_stack_pool *p, size_t keep_max);
/** Unmap what is kept. Stacks that are out stay their users'. */
void fiber_stack_pool_fini(struct fiber_stack_pool *p);

/** The stack of that size that was given back last, or a new one.
 * @param size  rounded up to pages; at least two
 * @return 0, or a negative errno, of which -ENOMEM may also mean too many mappings (with text) */
must_check int fiber_stack_take(
	struct fiber_stack_pool *p, size_t size, struct fiber_stack *ret, struct err *e);
/** Keep it, with no more memory than its upper pages, or give it back to the system.
 * @param deepest  the lowest address that its user is known to have come to. Pages further down go at once
 * when this tells, and within some returns when it does not. */
void fiber_stack_give(struct fiber_stack_pool *p, struct fiber_stack stack, const char *deepest);

/** Whether @p address lies in its guard. Async-signal-safe. */
bool fiber_stack_guards(const struct fiber_stack *stack, const void *address);

#endif
