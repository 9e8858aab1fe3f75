/* Fibers: who runs when, and what a wake-up does. */
#include "fibers.h"

#include <errno.h>
#include <pthread.h>

START_TEST(a_fiber_runs_parks_goes_on_and_ends)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *f = new_fiber(s, park_once, count_end, &st);

	ck_assert_str_eq(st.text, "");
	ck_assert(fiber_has_ready(s));
	ck_assert_uint_eq(fiber_count(s), 1);
	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "a");
	ck_assert(st.self_is_current);
	ck_assert_ptr_null(fiber_current(s));
	ck_assert(!fiber_is_woken(f));
	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "a");

	fiber_wake(f, 42);
	ck_assert(fiber_is_woken(f));
	ck_assert(fiber_has_ready(s));
	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "abe");
	ck_assert_int_eq(st.code, 42);
	ck_assert_uint_eq(fiber_count(s), 0);
	fiber_set_free(s);
}
END_TEST

START_TEST(the_first_code_wins_and_wakes_once)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *f = new_fiber(s, park_once, count_end, &st);

	fiber_run_ready(s);
	fiber_wake(f, 1);
	fiber_wake(f, 2);
	fiber_wake(f, 3);
	fiber_run_ready(s);

	ck_assert_int_eq(st.code, 1);
	ck_assert_uint_eq(st.ended, 1);
	ck_assert(!fiber_has_ready(s));
	fiber_set_free(s);
}
END_TEST

static void
wake_self_then_park(struct fiber *self, void *arg)
{
	struct story *st = arg;

	fiber_wake(self, 7);
	ck_assert(fiber_is_woken(self));
	st->code = fiber_park(self);
	ck_assert(!fiber_is_woken(self));
	tell(st, 'a');
	fiber_park(self);
	tell(st, 'b');
}

START_TEST(a_wake_before_the_park_is_not_lost)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *f = new_fiber(s, wake_self_then_park, count_end, &st);

	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "a"); /* it passed the first park and stopped at the second */
	ck_assert_int_eq(st.code, 7);
	fiber_wake(f, 0);
	fiber_run_ready(s);
	ck_assert_str_eq(st.text, "abe");
	fiber_set_free(s);
}
END_TEST

static void
yield_then_park(struct fiber *self, void *arg)
{
	struct story *st = arg;

	errno = ENOTTY;
	fiber_yield(self);
	ck_assert_int_eq(errno, ENOTTY);
	tell(st, 'y');
	st->code = fiber_park(self);
	tell(st, 'p');
}

START_TEST(one_that_yields_is_ready_behind_the_others)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *f = new_fiber(s, yield_then_park, count_end, &st), *other;

	other = new_fiber(s, park_once, count_end, &st);
	ck_assert(fiber_run_ready(s));
	ck_assert_str_eq(st.text, "a");
	fiber_wake(f, 9); /* for its next park */
	fiber_wake(f, 9);
	ck_assert(!fiber_run_ready(s));

	ck_assert_str_eq(st.text, "aype");
	ck_assert_int_eq(st.code, 9);
	ck_assert_uint_eq(fiber_count(s), 1);
	ck_assert(!fiber_has_ready(s));
	fiber_wake(other, 0);
	fiber_run_ready(s);
	fiber_set_free(s);
}
END_TEST

START_TEST(a_wake_before_it_ever_ran_is_not_lost)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *f = new_fiber(s, park_once, count_end, &st);

	fiber_wake(f, -ECANCELED);
	ck_assert(!fiber_run_ready(s));

	ck_assert_str_eq(st.text, "abe");
	ck_assert_int_eq(st.code, -ECANCELED);
	fiber_set_free(s);
}
END_TEST

static void
wake_the_other(struct fiber *self, void *arg)
{
	struct story *st = arg;

	while (st->rounds-- > 0) {
		tell(st, 'x');
		fiber_wake(st->other, 0);
		fiber_wake(self, 0);
		fiber_park(self); /* returns at once */
		fiber_park(self);
	}
}

static void
answer(struct fiber *self, void *arg)
{
	struct story *st = arg;

	do
		tell(st, 'y');
	while (fiber_park(self) == 0);
}

START_TEST(those_woken_meanwhile_wait_for_the_next_call)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s, .rounds = 2 };
	struct fiber *x;

	st.other = new_fiber(s, answer, count_end, &st);
	x = new_fiber(s, wake_the_other, count_end, &st);
	ck_assert(fiber_run_ready(s)); /* y parks, x wakes it */
	ck_assert_str_eq(st.text, "yx");
	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "yxy");
	fiber_wake(x, 0);
	ck_assert(fiber_run_ready(s));
	ck_assert_str_eq(st.text, "yxyx");
	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "yxyxy");

	fiber_wake(x, 0);
	fiber_wake(st.other, 1);
	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "yxyxyee");
	fiber_set_free(s);
}
END_TEST

static void
name_yourself(struct fiber *self, void *arg)
{
	struct story *st = arg;
	char letter = (char)('A' + st->rounds++);

	tell(st, letter);
	fiber_park(self);
	tell(st, letter);
}

START_TEST(fibers_run_in_the_order_in_which_they_became_ready)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *f[4];

	for (unsigned i = 0; i < array_len(f); i++)
		f[i] = new_fiber(s, name_yourself, NULL, &st);
	fiber_run_ready(s);
	fiber_wake(f[2], 0);
	fiber_wake(f[0], 0);
	fiber_wake(f[3], 0);
	fiber_wake(f[1], 0);
	fiber_run_ready(s);

	ck_assert_str_eq(st.text, "ABCDCADB");
	ck_assert_uint_eq(fiber_count(s), 0);
	fiber_set_free(s);
}
END_TEST

static void
make_another(struct fiber *self, void *arg)
{
	struct story *st = arg;

	(void)self;
	new_fiber(st->set, just_tell, count_end, st);
	tell(st, 'm');
}

START_TEST(a_fiber_made_by_a_fiber_runs_at_the_next_call)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };

	new_fiber(s, make_another, count_end, &st);
	ck_assert(fiber_run_ready(s));
	ck_assert_str_eq(st.text, "me");
	ck_assert(!fiber_run_ready(s));
	ck_assert_str_eq(st.text, "mere");
	fiber_set_free(s);
}
END_TEST

static void
take_its_stack(void *arg)
{
	struct story *st = arg;

	ck_assert_ptr_null(fiber_current(st->set));
	if (st->ended++ == 0)
		st->other = new_fiber(st->set, just_tell, take_its_stack, st);
}

START_TEST(ended_is_told_when_the_stack_has_gone_back)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *first = new_fiber(s, just_tell, take_its_stack, &st);

	ck_assert(fiber_run_ready(s));
	ck_assert_ptr_eq(st.other, first); /* it was there to be taken */
	ck_assert(!fiber_run_ready(s));
	ck_assert_uint_eq(st.ended, 2);
	ck_assert_str_eq(st.text, "rr");
	fiber_set_free(s);
}
END_TEST

static void
set_errno_and_park(struct fiber *self, void *arg)
{
	int *number = arg;
	int mine = *number;

	errno = mine;
	fiber_park(self);
	*number = errno == mine ? 0 : errno;
}

START_TEST(errno_is_the_fibers_own)
{
	struct fiber_set *s = new_set();
	int a = ENOENT, b = EBADF;
	struct fiber *f = new_fiber(s, set_errno_and_park, NULL, &a),
		     *g = new_fiber(s, set_errno_and_park, NULL, &b);

	fiber_run_ready(s);
	errno = EPIPE;
	fiber_wake(g, 0);
	fiber_wake(f, 0);
	fiber_run_ready(s);

	ck_assert_int_eq(a, 0);
	ck_assert_int_eq(b, 0);
	fiber_set_free(s);
}
END_TEST

START_TEST(a_storm_of_beginnings_wakes_and_ends_keeps_every_fiber_apart)
{
	enum { SLOTS = 500, STEPS = UNIT_SANITIZED ? 10 * 1000 : 100 * 1000 };
	static const size_t sizes[] = { 16 * 1024, STACK_SIZE, 64 * 1024 + 1 };
	struct fiber *fibers[SLOTS] = { NULL };
	struct counter counters[SLOTS] = { 0 };
	unsigned expected[SLOTS] = { 0 }, begun[SLOTS] = { 0 };
	struct fiber_set *s = new_set();
	uint32_t random = 1;

	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i;

		random = random * 1664525 + 1013904223;
		i = (random >> 8) % SLOTS;
		if (fibers[i] == NULL) {
			ck_assert_int_eq(fiber_new(s, sizes[step % 3], count_forever, count_ended,
						 &counters[i], &fibers[i], NULL),
				0);
			begun[i]++;
			expected[i]++;
		} else if (random >> 30 == 0) {
			fiber_wake(fibers[i], 1);
			fibers[i] = NULL;
		} else {
			fiber_wake(fibers[i], 0);
			expected[i]++;
		}
		fiber_run_ready(s);
		if (counters[i].runs != expected[i] || counters[i].ended != begun[i] - (fibers[i] != NULL))
			ck_abort_msg("step %u: fiber %u ran %u times, not %u", step, i, counters[i].runs,
				expected[i]);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		if (fibers[i] != NULL)
			fiber_wake(fibers[i], 1);
	fiber_run_ready(s);

	ck_assert_uint_eq(fiber_count(s), 0);
	fiber_set_free(s);
}
END_TEST

static void *
live_a_loop(void *arg)
{
	struct fiber *fibers[100];
	struct fiber_set *s = arg;
	struct counter c = { 0 };

	for (size_t i = 0; i < array_len(fibers); i++)
		fibers[i] = new_fiber(s, count_forever, count_ended, &c);
	fiber_run_ready(s);
	for (unsigned round = 0; round < 500; round++) {
		wake_all(fibers, array_len(fibers), 0);
		fiber_run_ready(s);
	}
	wake_all(fibers, array_len(fibers), 1);
	fiber_run_ready(s);
	ck_assert_uint_eq(c.runs, 501 * array_len(fibers));
	ck_assert_uint_eq(c.ended, array_len(fibers));
	return NULL;
}

START_TEST(loops_on_several_threads_do_not_meet)
{
	struct fiber_set *sets[3];
	pthread_t threads[3];

	for (size_t i = 0; i < array_len(sets); i++) {
		sets[i] = new_set(); /* here, as the engine makes them */
		ck_assert_int_eq(pthread_create(&threads[i], NULL, live_a_loop, sets[i]), 0);
	}
	for (size_t i = 0; i < array_len(sets); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_uint_eq(fiber_count(sets[i]), 0);
		fiber_set_free(sets[i]);
	}
}
END_TEST

UNIT_TESTS("fiber", a_fiber_runs_parks_goes_on_and_ends, the_first_code_wins_and_wakes_once,
	a_wake_before_the_park_is_not_lost, one_that_yields_is_ready_behind_the_others,
	a_wake_before_it_ever_ran_is_not_lost, those_woken_meanwhile_wait_for_the_next_call,
	fibers_run_in_the_order_in_which_they_became_ready, a_fiber_made_by_a_fiber_runs_at_the_next_call,
	ended_is_told_when_the_stack_has_gone_back, errno_is_the_fibers_own,
	a_storm_of_beginnings_wakes_and_ends_keeps_every_fiber_apart, loops_on_several_threads_do_not_meet)
