/* Switching stacks with what the C library has, _setjmp() and _longjmp(), since swapcontext() asks the kernel
 * twice for the signal mask. Jumping between stacks is not what longjmp() was made for, and _FORTIFY_SOURCE's
 * checked version aborts when the target lies deeper than the caller, as it does by chance here; this file is
 * built without it.
 *
 * The first step onto a new stack has nothing to jump to. On x86-64 it is four instructions; elsewhere
 * makecontext(), which asks for the signal mask as well. Either way the frame there is the outermost one, and
 * debuggers, backtrace() and the sanitizers stop unwinding at it. Tests build the portable way everywhere, by
 * FIBER_SWITCH_PORTABLE.
 *
 * Rounding mode and exception masks of the FPU are a fiber's own: the calling convention has callees keep
 * them, so code may rely on them over any call, a waiting one too. setjmp() does not save them, we do (on
 * x86-64).
 *
 * Shadow stacks (-fcf-protection's second half) stay off in user space with this C library: its kernel
 * interface came later. With them on, each fiber would need another shadow stack, to begin and for longjmp().
 *
 * The sanitizers keep books of each stack and must hear of every switch, before (where to) and after (where
 * from). */
#include "engine/fiber_switch.h"

#include <stdlib.h>

#if defined(__x86_64__) && !defined(FIBER_SWITCH_PORTABLE)
#define WITH_MAKECONTEXT 0
#else
#define WITH_MAKECONTEXT 1
#include <ucontext.h>
#endif

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define WITH_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define WITH_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
#define WITH_TSAN 1
#include <sanitizer/tsan_interface.h>
#else
#define WITH_TSAN 0
#endif

/* Not even without optimisation may these be functions of their own: ThreadSanitizer notes each entry and
 * exit, and an exit after the announcement would be noted in the books of the other stack. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE > 0
#error "this file must be compiled without _FORTIFY_SOURCE"
#endif

/* What a new flow starts with; it lies on the stack of the one that enters it. */
struct departure {
	struct fiber_context *from, *to;
	void (*entry)(void *arg);
	void *arg;
};

void
fiber_context_init(struct fiber_context *c, void *stack, size_t stack_size)
{
	*c = (struct fiber_context){ .stack = stack, .stack_size = stack_size };
#if WITH_ASAN
	ASAN_UNPOISON_MEMORY_REGION(
		stack, stack_size); /* of frames that an earlier user of this stack never left */
#endif
#if WITH_TSAN
	c->tsan = __tsan_create_fiber(0);
#endif
}

void
fiber_context_fini(struct fiber_context *c)
{
#if WITH_TSAN
	__tsan_destroy_fiber(c->tsan);
#endif
	c->tsan = NULL;
}

ALWAYS_INLINE struct fpu_control
read_fpu(void)
{
	struct fpu_control control = { 0 };

#if defined(__x86_64__)
	__asm__ volatile("stmxcsr %0" : "=m"(control.sse));
	__asm__ volatile("fnstcw %0" : "=m"(control.x87));
#endif
	return control;
}

/* Leave @p from and get ready for @p to: what one flow leaves is what the next would find, so one look is
 * enough for both. Looking takes 5 ns, loading longer, and it is almost never needed. The low six bits are
 * flags of what happened, no control. */
ALWAYS_INLINE void
change_fpu(struct fpu_control *from, const struct fpu_control *to)
{
	*from = read_fpu();
#if defined(__x86_64__)
	if (((from->sse ^ to->sse) & ~(uint32_t)0x3f) != 0)
		__asm__ volatile("ldmxcsr %0" : : "m"(to->sse));
	if (from->x87 != to->x87)
		__asm__ volatile("fldcw %0" : : "m"(to->x87));
#else
	(void)to;
#endif
}

/* To be called last on a stack. A flow that ends gives NULL for what it would need to come back. */
ALWAYS_INLINE void
announce(struct fiber_context *from, struct fiber_context *to, void **fake_stack)
{
#if WITH_ASAN
	__sanitizer_start_switch_fiber(fake_stack, to->stack, to->stack_size);
#endif
#if WITH_TSAN
	if (from->tsan == NULL)
		from->tsan = __tsan_get_current_fiber(); /* a thread's own flow */
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	(void)from;
	(void)to;
	(void)fake_stack;
}

/* To be called first on a stack; @p origin gets to know where it lies. */
ALWAYS_INLINE void
arrive(struct fiber_context *self, struct fiber_context *origin)
{
#if WITH_ASAN
	const void *stack;
	size_t stack_size;

	__sanitizer_finish_switch_fiber(self->fake_stack, &stack, &stack_size);
	if (origin != NULL) {
		origin->stack = (void *)(uintptr_t)stack;
		origin->stack_size = stack_size;
	}
#endif
	(void)self;
	(void)origin;
}

/* The outermost frame of a flow. */
static void
start(struct departure *d)
{
	void (*entry)(void *arg) = d->entry;
	void *arg = d->arg;

	arrive(d->to, d->from);
	entry(arg);
	abort(); /* it was to leave */
}

#if WITH_MAKECONTEXT

/* makecontext() passes ints, and a pointer takes two. */
static void
start_by_halves(unsigned high, unsigned low)
{
	start((struct departure *)(uintptr_t)((uint64_t)high << 32 | low));
}

static void
prepare(ucontext_t *first, const struct fiber_context *to, const struct departure *d)
{
	_Static_assert(sizeof(uintptr_t) <= 2 * sizeof(unsigned), "a pointer fits two arguments");
	if (getcontext(first) < 0)
		abort(); /* it has no reason to */
	first->uc_stack.ss_sp = to->stack;
	first->uc_stack.ss_size = to->stack_size;
	first->uc_link = NULL;
	makecontext(first, (void (*)(void))start_by_halves, 2, (unsigned)((uint64_t)(uintptr_t)d >> 32),
		(unsigned)(uintptr_t)d);
}

ALWAYS_INLINE _Noreturn void
step_onto(struct fiber_context *to, struct departure *d)
{
	ucontext_t first;

	prepare(&first, to, d);
	announce(d->from, to, &d->from->fake_stack);
	setcontext(&first);
	abort();
}

#else

/* As if called from address 0, which is where unwinding ends. */
ALWAYS_INLINE _Noreturn void
step_onto(struct fiber_context *to, struct departure *d)
{
	uint64_t upper_end = ((uintptr_t)to->stack + to->stack_size) & ~(uint64_t)15;

	announce(d->from, to, &d->from->fake_stack);
	__asm__ volatile("movq %0, %%rsp\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "pushq $0\n\t"
			 "jmp *%2"
			 :
			 : "a"(upper_end), "D"(d), "c"((uint64_t)(uintptr_t)start)
			 : "memory");
	__builtin_unreachable();
}

#endif

__attribute__((noinline)) void
fiber_context_enter(struct fiber_context *from, struct fiber_context *to, void (*entry)(void *arg), void *arg)
{
	struct departure d = { .from = from, .to = to, .entry = entry, .arg = arg };

	from->fpu = read_fpu(); /* which the new flow begins with */
	if (_setjmp(from->here) == 0)
		step_onto(to, &d);
	arrive(from, NULL);
}

__attribute__((noinline)) void
fiber_context_switch(struct fiber_context *from, struct fiber_context *to)
{
	change_fpu(&from->fpu, &to->fpu);
	if (_setjmp(from->here) == 0) {
		announce(from, to, &from->fake_stack);
		_longjmp(to->here, 1);
	}
	arrive(from, NULL);
}

__attribute__((noinline)) _Noreturn void
fiber_context_leave(struct fiber_context *from, struct fiber_context *to)
{
	change_fpu(&from->fpu, &to->fpu);
	announce(from, to, NULL);
	_longjmp(to->here, 1);
}
