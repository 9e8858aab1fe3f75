/* One flow of control and its stack: what is needed to stop here and go on there. Knows no queues and no
 * loops; fiber.h is what others use. */
#ifndef ENGINE_FIBER_SWITCH_H
#define ENGINE_FIBER_SWITCH_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

/** Rounding and exception masks of the machine's two units; elsewhere than on x86-64 they are not kept apart.
 */
struct fpu_control {
	uint32_t sse;
	uint16_t x87;
};

/** Zeroed at first. A thread's own flow has one too; its stack gets known when it is left. */
struct fiber_context {
	jmp_buf here;           /* where it goes on; valid while it does not run */
	void *stack;            /* lowest byte */
	size_t stack_size;      /* bytes */
	void *fake_stack;       /* AddressSanitizer's, while it does not run */
	void *tsan;             /* ThreadSanitizer's idea of it */
	struct fpu_control fpu; /* while it does not run */
};

/** Make the context of a flow that will run on that stack. */
void fiber_context_init(struct fiber_context *c, void *stack, size_t stack_size);
/** For one that fiber_context_init() made, when it does not run. */
void fiber_context_fini(struct fiber_context *c);

/** Call @p entry(@p arg) on the stack of @p to; comes back when somebody switches to @p from. @p entry never
 * returns: it ends with fiber_context_leave(). The signal mask is the thread's and stays as it is. No system
 * call, but two where this is not an x86-64. */
void fiber_context_enter(
	struct fiber_context *from, struct fiber_context *to, void (*entry)(void *arg), void *arg);
/** Go on in @p to, which was left by one of these functions on this thread; comes back when somebody switches
 * to
 * @p from. No system call; the signal mask is the thread's and stays as it is. */
void fiber_context_switch(struct fiber_context *from, struct fiber_context *to);
/** The last switch of a flow that fiber_context_init() made. */
_Noreturn void fiber_context_leave(struct fiber_context *from, struct fiber_context *to);

#endif
