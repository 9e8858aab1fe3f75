/* A stack is one mapping whose lowest part is made untouchable: two entries in the kernel's list of mappings,
 * whose length vm.max_map_count bounds. Only pages that were touched cost memory.
 *
 * The stack that was given back last is the first to be taken again: its upper pages are in memory and
 * perhaps in the cache. When the pool is full, the coldest goes.
 *
 * A call that went deep leaves pages behind that a next, shallow user would drag along for as long as its
 * connection idles, so all but the upper WARM_PAGES are returned when a stack comes back. Whoever gives it
 * back knows how deep its fiber has waited. What went deep between two waits leaves nothing that is cheap to
 * look at: a probe or a buffer of zeros changes no byte, the first look at a page costs a fault, and
 * mincore() as much as returning pages of which there are none, which is most of what a fiber costs. So they
 * are returned unasked at a stack's first return and at each TRIM_EVERY-th: no more users than that can drag
 * them along. */
#include "engine/fiber_stack.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef VALGRIND_STACK_REGISTER
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id)      ((void)(id))
#endif

enum { WARM_PAGES = 3, TRIM_EVERY = 8, HUGE_PAGE_SIZE = 2 * 1024 * 1024 };

void
fiber_stack_pool_init(struct fiber_stack_pool *p, size_t keep_max)
{
	*p = (struct fiber_stack_pool){ .keep_max = keep_max, .page_size = (size_t)sysconf(_SC_PAGESIZE) };
}

static void
unmap(struct fiber_stack stack)
{
	int rc;

	VALGRIND_STACK_DEREGISTER(stack.valgrind_id);
	rc = munmap(stack.low - FIBER_GUARD_SIZE, stack.size + FIBER_GUARD_SIZE);
	assert(rc == 0); /* whole mappings, none is split */
	(void)rc;
}

static int
map(size_t size, struct fiber_stack *ret, struct err *e)
{
	size_t mapped = size + FIBER_GUARD_SIZE;
	char *bottom = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	int rc;

	if (bottom == MAP_FAILED)
		return err_errno(e, "cannot map a fiber's stack of %zu KiB (vm.max_map_count may be too low)",
			size / 1024);
	if (mprotect(bottom, FIBER_GUARD_SIZE, PROT_NONE) < 0) {
		rc = err_errno(e, "cannot guard a fiber's stack (vm.max_map_count may be too low)");
		munmap(bottom, mapped);
		return rc;
	}
	/* A huge page would make the first push cost two megabytes. Failure means that there are none. */
	if (size >= HUGE_PAGE_SIZE)
		(void)madvise(bottom + FIBER_GUARD_SIZE, size, MADV_NOHUGEPAGE);
	*ret = (struct fiber_stack){ .low = bottom + FIBER_GUARD_SIZE, .size = size };
	ret->valgrind_id = VALGRIND_STACK_REGISTER(ret->low, ret->low + size);
	return 0;
}

static void
drop(struct fiber_stack_pool *p, size_t index)
{
	p->kept_count--;
	memmove(&p->kept[index], &p->kept[index + 1], (p->kept_count - index) * sizeof(*p->kept));
}

int
fiber_stack_take(struct fiber_stack_pool *p, size_t size, struct fiber_stack *ret, struct err *e)
{
	if (size > SIZE_MAX / 2)
		return err_set(e, -ENOMEM, "a fiber's stack of %zu bytes is too large", size);
	size = (size + p->page_size - 1) / p->page_size * p->page_size;
	if (size < 2 * p->page_size)
		size = 2 * p->page_size;
	for (size_t i = p->kept_count; i-- > 0;)
		if (p->kept[i].size == size) {
			*ret = p->kept[i];
			drop(p, i);
			return 0;
		}
	return map(size, ret, e);
}

/* Room for one more. @return false without memory, or when none are to be kept */
static bool
make_room(struct fiber_stack_pool *p)
{
	struct fiber_stack *kept;
	size_t room;

	if (p->keep_max == 0)
		return false;
	if (p->kept_count == p->keep_max) {
		unmap(p->kept[0]);
		drop(p, 0);
	}
	if (p->kept_count < p->kept_room)
		return true;
	room = p->kept_room > 0 ? p->kept_room * 2 : 16;
	kept = reallocarray(p->kept, room, sizeof(*kept));
	if (kept == NULL)
		return false;
	p->kept = kept;
	p->kept_room = room;
	return true;
}

void
fiber_stack_give(struct fiber_stack_pool *p, struct fiber_stack stack, const char *deepest)
{
	size_t warm = WARM_PAGES * p->page_size;

	if (!make_room(p)) {
		unmap(stack);
		return;
	}
	/* Failure costs memory, nothing else. */
	if (stack.size > warm &&
		(deepest < stack.low + stack.size - warm || stack.returns++ % TRIM_EVERY == 0))
		(void)madvise(stack.low, stack.size - warm, MADV_DONTNEED);
	p->kept[p->kept_count++] = stack;
}

void
fiber_stack_pool_fini(struct fiber_stack_pool *p)
{
	for (size_t i = 0; i < p->kept_count; i++)
		unmap(p->kept[i]);
	free(p->kept);
	*p = (struct fiber_stack_pool){ .page_size = p->page_size };
}

bool
fiber_stack_guards(const struct fiber_stack *stack, const void *address)
{
	uintptr_t low = (uintptr_t)stack->low, at = (uintptr_t)address;

	return at < low && at >= low - FIBER_GUARD_SIZE;
}
