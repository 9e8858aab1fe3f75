/* Switching: what goes with a fiber, what stays with the thread, and what it costs. */
#include "fibers.h"

#include <execinfo.h>
#include <fenv.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/fiber_switch.h"

#if defined(__x86_64__) && !defined(FIBER_SWITCH_PORTABLE)
#define BEGINS_BY_ITSELF 1 /* without the kernel */
#else
#define BEGINS_BY_ITSELF 0
#endif

struct rounding {
	int mode, seen;
	volatile double third;
};

static void
round_your_way(struct fiber *self, void *arg)
{
	struct rounding *r = arg;
	volatile double one = 1, three = 3;

	fesetround(r->mode);
	fiber_park(self);
	r->seen = fegetround();
	r->third = one / three;
}

START_TEST(the_rounding_mode_is_the_fibers_own)
{
	struct fiber_set *s = new_set();
	struct rounding up = { .mode = FE_UPWARD }, down = { .mode = FE_DOWNWARD };
	struct fiber *f = new_fiber(s, round_your_way, NULL, &up),
		     *g = new_fiber(s, round_your_way, NULL, &down);

	fiber_run_ready(s);
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	fiber_wake(f, 0);
	fiber_wake(g, 0);
	fiber_run_ready(s);

	ck_assert_int_eq(up.seen, FE_UPWARD);
	ck_assert_int_eq(down.seen, FE_DOWNWARD);
	ck_assert(up.third > down.third);
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	fiber_set_free(s);
}
END_TEST

static void
read_mask(struct fiber *self, void *arg)
{
	sigset_t *masks = arg;

	pthread_sigmask(SIG_SETMASK, NULL, &masks[0]);
	fiber_park(self);
	pthread_sigmask(SIG_SETMASK, NULL, &masks[1]);
}

START_TEST(the_signal_mask_is_the_threads)
{
	struct fiber_set *s = new_set();
	sigset_t masks[2], mask, after;
	struct fiber *f = new_fiber(s, read_mask, NULL, masks);

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	fiber_run_ready(s);
	sigaddset(&mask, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	fiber_wake(f, 0);
	fiber_run_ready(s);
	pthread_sigmask(SIG_SETMASK, NULL, &after);

	ck_assert_int_eq(sigismember(&masks[0], SIGUSR1), 1);
	ck_assert_int_eq(sigismember(&masks[0], SIGUSR2), 0);
	ck_assert_int_eq(sigismember(&masks[1], SIGUSR2), 1);
	ck_assert_int_eq(sigismember(&after, SIGUSR1), 1);
	ck_assert_int_eq(sigismember(&after, SIGUSR2), 1);
	fiber_set_free(s);
}
END_TEST

struct flow {
	struct fiber_context self, caller;
	unsigned steps;
	double sum;
	int frames;
};

static void
pause_and_leave(void *arg)
{
	struct flow *f = arg;

	f->steps++;
	fiber_context_switch(&f->self, &f->caller);
	f->steps++;
	fiber_context_leave(&f->self, &f->caller);
}

/* What the kernel would kill it for: anything but read(), write() and exit(). */
static void
live_without_the_kernel(void)
{
	static _Alignas(64) char stack[STACK_SIZE];
	struct flow f = { 0 };

	fiber_context_init(&f.self, stack, sizeof(stack));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		_exit(2);
	fiber_context_enter(&f.caller, &f.self, pause_and_leave, &f);
	fiber_context_switch(&f.caller, &f.self);
	syscall(SYS_exit, f.steps == 2 ? 0 : 1);
}

START_TEST(a_flow_begins_waits_and_ends_without_a_system_call)
{
	int status;
	pid_t child;

	if (UNIT_SANITIZED)
		return; /* it makes calls of its own */
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		live_without_the_kernel();
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (BEGINS_BY_ITSELF)
		ck_assert_int_eq(status, 0);
	else
		ck_assert_int_eq(WTERMSIG(status), SIGKILL); /* makecontext()'s company asks for the mask */
}
END_TEST

static void
look_up_and_leave(void *arg)
{
	struct flow *f = arg;
	_Alignas(16) char number[64];
	void *addresses[64];

	f->frames = backtrace(addresses, array_len(addresses));
	f->steps = (uintptr_t)number % 16 == 0;
	snprintf(number, sizeof(number), "%.3f", 0.5); /* the C library keeps its floats by aligned moves */
	f->sum = strtod(number, NULL);
	fiber_context_leave(&f->self, &f->caller);
}

START_TEST(the_first_frame_is_aligned_and_the_outermost_one)
{
	static _Alignas(64) char stack[STACK_SIZE];
	void *addresses[1];
	struct flow f = { 0 };

	backtrace(addresses, 1); /* which loads what it needs */
	fiber_context_init(&f.self, stack, sizeof(stack));
	fiber_context_enter(&f.caller, &f.self, look_up_and_leave, &f);
	fiber_context_fini(&f.self);

	ck_assert_uint_eq(f.steps, 1);
	ck_assert(f.sum == 0.5);
	ck_assert_int_ge(f.frames, 2);
	ck_assert_int_le(f.frames, 5); /* none of the flow that it was begun from */
}
END_TEST

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
print_cost(size_t count, unsigned rounds)
{
	struct fiber *fibers[1000];
	struct fiber_set *s = new_set();
	struct counter c = { 0 };
	int64_t began;

	for (size_t i = 0; i < count; i++)
		fibers[i] = new_fiber(s, count_forever, count_ended, &c);
	fiber_run_ready(s);
	began = now_ns();
	for (unsigned round = 0; round < rounds; round++) {
		wake_all(fibers, count, 0);
		fiber_run_ready(s);
	}
	dprintf(STDOUT_FILENO, "# %zu fibers: %.1f ns a wake with its two switches\n", count,
		(double)(now_ns() - began) / rounds / (double)count);
	ck_assert_uint_eq(c.runs, (rounds + 1) * count);
	wake_all(fibers, count, 1);
	fiber_run_ready(s);
	ck_assert_uint_eq(c.ended, count);
	fiber_set_free(s);
}

START_TEST(a_switch_costs_so_much)
{
	struct fiber_set *s = new_set();
	struct counter c = { 0 };
	const unsigned lives = UNIT_SANITIZED ? 1000 : 10000;
	int64_t began;

	print_cost(1, UNIT_SANITIZED ? 20000 : 2000000);
	print_cost(1000, UNIT_SANITIZED ? 20 : 2000);
	began = now_ns();
	for (unsigned i = 0; i < lives; i++) {
		struct fiber *f = new_fiber(s, count_forever, count_ended, &c);

		fiber_wake(f, 1);
		fiber_run_ready(s);
	}
	dprintf(STDOUT_FILENO, "# %.0f ns a fiber from its beginning to its end\n",
		(double)(now_ns() - began) / lives);
	ck_assert_uint_eq(c.ended, lives);
	fiber_set_free(s);
}
END_TEST

UNIT_TESTS("fiber_switch", the_rounding_mode_is_the_fibers_own, the_signal_mask_is_the_threads,
	a_flow_begins_waits_and_ends_without_a_system_call, the_first_frame_is_aligned_and_the_outermost_one,
	a_switch_costs_so_much)
