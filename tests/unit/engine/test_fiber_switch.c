/* Switching: what goes with a fiber, what stays with the thread, and what it costs. */
#include "fibers.h"

#include <fenv.h>
#include <signal.h>
#include <time.h>

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
	a_switch_costs_so_much)
