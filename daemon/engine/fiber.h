/* Fibers: functions of a loop that may wait. A fiber has a guarded stack from the loop's pool, is switched as
 * fiber_switch.h says, and is resumed only from fiber_run_ready(), that is: from the loop's own frame, never
 * from inside a library's callback. A fiber never leaves its loop. */
#ifndef ENGINE_FIBER_H
#define ENGINE_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fiber;
typedef void (*fiber_fn)(struct fiber *self, void *arg);

/** The fibers of one loop. It may be made on any thread; from the first fiber_run_ready() on it belongs to
 * the one that called it. */
struct fiber_set;

must_check int fiber_set_new(struct fiber_set **ret, struct err *e);
/** No fiber may be alive. NULL is fine. */
void fiber_set_free(struct fiber_set *s);

/** Make a fiber; it first runs at the next fiber_run_ready(). It ends when @p fn returns; then, from the
 * loop's frame and after its stack went back to the pool, @p ended is called (may be NULL); the struct fiber
 * is gone by then.
 * @param stack_size  bytes of address space, rounded up to pages, at least two; beneath it lies a guard. Some
 * 500 bytes of its upper end are the fiber's own.
 * @return 0, or -ENOMEM/-EAGAIN when no stack can be mapped (with text) */
must_check int fiber_new(struct fiber_set *s, size_t stack_size, fiber_fn fn, void (*ended)(void *arg),
	void *arg, struct fiber **ret, struct err *e);

/** In a fiber: let others run until fiber_wake(). @return the code that woke it. A wake that came first
 * (while it ran) is not lost: the call returns at once. errno, rounding mode and FPU masks are those of the
 * fiber again afterwards; the signal mask is the thread's. */
int fiber_park(struct fiber *self);

/** Make a fiber that is parked, runs, or did not run yet go on at the next fiber_run_ready(); the first code
 * since its last park wins, further ones are ignored. Thread: its loop. */
void fiber_wake(struct fiber *f, int code);

/** On the running fiber: let all others that are ready run, and the loop after them, and go on. A wake-up
 * that comes meanwhile is kept for the next fiber_park(). */
void fiber_yield(struct fiber *self);

/** True between fiber_wake() and the return from fiber_park(). */
bool fiber_is_woken(const struct fiber *f);

/** What fiber_new() was given for it. */
void *fiber_arg(const struct fiber *f);

/** The fiber that runs now on this set, or NULL (the loop itself, callbacks). */
struct fiber *fiber_current(const struct fiber_set *s);

/** On the loop's own frame. Run what was ready at the time of the call, each until it parks or ends; those
 * woken meanwhile wait for the next call. @return true if more is ready. */
bool fiber_run_ready(struct fiber_set *s);
bool fiber_has_ready(const struct fiber_set *s);

size_t fiber_count(const struct fiber_set *s);

/** The fiber whose guard @p address lies in, or NULL: a crash handler's question, async-signal-safe on the
 * loop's thread. */
const struct fiber *fiber_of_guard(const struct fiber_set *s, const void *address);
/** The lowest byte of the stack of the fiber that runs; NULL: none does. Async-signal-safe, as that. */
const char *fiber_low_of_running(const struct fiber_set *s);

#endif
