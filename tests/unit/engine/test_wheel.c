/* The timing wheel against a model that looks at every node, and the promises at its edges. */
#include "unit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/wheel.h"

enum { NODES = 300, DAY_MS = 24 * 60 * 60 * 1000 };

struct timer {
	struct wheel_node node;
	int64_t wants_ms; /* the model: CLOCK_NEVER when it does not wait */
	unsigned fired;
};

struct bed {
	struct wheel wheel;
	struct timer timers[NODES];
	int64_t now_ms;
	uint64_t random;
	bool meddle; /* fire() sets and clears others */
	bool is_firing;
	bool set_while_firing[NODES];
	unsigned fired;
};

static uint64_t
next_random(struct bed *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random;
}

/* From milliseconds to weeks, each order of magnitude as often. */
static int64_t
random_span_ms(struct bed *b, unsigned max_bits)
{
	unsigned bits = (unsigned)(next_random(b) % (max_bits + 1));

	return (int64_t)(next_random(b) & ((UINT64_C(1) << bits) - 1));
}

static void
set_timer(struct bed *b, unsigned i, int64_t expires_ms)
{
	wheel_set(&b->wheel, &b->timers[i].node, expires_ms);
	b->timers[i].wants_ms = expires_ms;
	b->set_while_firing[i] = b->is_firing;
	ck_assert(wheel_is_set(&b->timers[i].node) == (expires_ms != CLOCK_NEVER));
}

static void
clear_timer(struct bed *b, unsigned i)
{
	wheel_clear(&b->wheel, &b->timers[i].node);
	b->timers[i].wants_ms = CLOCK_NEVER;
	ck_assert(!wheel_is_set(&b->timers[i].node));
}

static void
meddle(struct bed *b, unsigned self)
{
	unsigned other = (unsigned)(next_random(b) % NODES);

	switch (next_random(b) % 6) {
	case 0:
		set_timer(b, self, b->now_ms + random_span_ms(b, 24));
		break;
	case 1:
		set_timer(b, self, b->now_ms - 5);
		break;
	case 2:
		clear_timer(b, other);
		break;
	case 3:
		set_timer(b, other, b->now_ms + random_span_ms(b, 12));
		break;
	default:
		break;
	}
}

static void
on_fire(struct wheel_node *n, void *arg)
{
	struct timer *t = container_of(n, struct timer, node);
	struct bed *b = arg;
	unsigned i = (unsigned)(t - b->timers);

	if (wheel_is_set(n))
		ck_abort_msg("fired while still in");
	if (t->wants_ms > b->now_ms)
		ck_abort_msg("%" PRId64 " fired early, at %" PRId64, t->wants_ms, b->now_ms);
	if (b->set_while_firing[i])
		ck_abort_msg("what was set while firing fired in the same call");
	t->wants_ms = CLOCK_NEVER;
	t->fired++;
	b->fired++;
	if (b->meddle)
		meddle(b, i);
}

static int64_t
earliest(const struct bed *b)
{
	int64_t first = CLOCK_NEVER;

	for (unsigned i = 0; i < NODES; i++)
		if (b->timers[i].wants_ms < first)
			first = b->timers[i].wants_ms;
	return first;
}

static void
advance(struct bed *b, int64_t now_ms)
{
	uint64_t waiting = 0;
	int64_t first, next;

	b->now_ms = now_ms;
	b->is_firing = true;
	wheel_advance(&b->wheel, now_ms, on_fire, b);
	b->is_firing = false;
	ck_assert_int_eq(b->wheel.now_ms, now_ms);
	for (unsigned i = 0; i < NODES; i++) {
		const struct timer *t = &b->timers[i];

		if (t->wants_ms <= now_ms && !b->set_while_firing[i])
			ck_abort_msg("%" PRId64 " did not fire at %" PRId64, t->wants_ms, now_ms);
		b->set_while_firing[i] = false;
		waiting += t->wants_ms != CLOCK_NEVER;
		if (wheel_is_set(&t->node) != (t->wants_ms != CLOCK_NEVER))
			ck_abort_msg("timer %u is lost", i);
	}
	ck_assert_uint_eq(b->wheel.count, waiting);
	first = earliest(b);
	next = wheel_next_ms(&b->wheel);
	if (first == CLOCK_NEVER)
		ck_assert_int_eq(next, CLOCK_NEVER);
	else if (first <= now_ms)
		ck_assert_int_eq(next, now_ms);
	else
		ck_assert(next > now_ms && next <= first);
}

static struct bed *
new_bed(int64_t now_ms)
{
	struct bed *b = mem_new(*b);

	ck_assert_ptr_nonnull(b);
	b->now_ms = now_ms;
	b->random = 0x9e3779b97f4a7c15;
	wheel_init(&b->wheel, now_ms);
	for (unsigned i = 0; i < NODES; i++)
		b->timers[i].wants_ms = CLOCK_NEVER;
	return b;
}

static void
random_operations(int64_t begin_ms, unsigned operations, unsigned span_bits, unsigned step_bits)
{
	struct bed *b = new_bed(begin_ms);

	b->meddle = true;
	for (unsigned op = 0; op < operations; op++) {
		unsigned i = (unsigned)(next_random(b) % NODES);

		switch (next_random(b) % 8) {
		case 0:
			clear_timer(b, i);
			break;
		case 1:
			advance(b, b->now_ms + random_span_ms(b, step_bits));
			break;
		case 2: { /* as a loop does: sleep until the wheel wants to be asked */
			int64_t next = wheel_next_ms(&b->wheel);

			if (next != CLOCK_NEVER)
				advance(b, next);
			break;
		}
		case 3:
			set_timer(b, i,
				b->timers[i].wants_ms == CLOCK_NEVER ? b->now_ms : b->timers[i].wants_ms + 3);
			break;
		default:
			set_timer(b, i, b->now_ms + random_span_ms(b, span_bits));
			break;
		}
	}
	ck_assert_uint_gt(b->fired, operations / 20);
	free(b);
}

START_TEST(any_mix_of_operations_agrees_with_the_naive_model)
{
	random_operations(0, 100000, 31, 20);
	random_operations(123456789012, 100000, 12, 6);
}
END_TEST

START_TEST(every_edge_of_the_digits_is_crossed_rightly)
{
	/* Begin shortly before each level's digit, and the whole wheel, carry over. */
	for (unsigned bits = WHEEL_BITS; bits <= WHEEL_BITS * (WHEEL_LEVELS + 2); bits += WHEEL_BITS) {
		random_operations((INT64_C(1) << bits) - 40, 4000, 8, 3);
		random_operations((INT64_C(1) << bits) - 3, 2000, bits < 40 ? bits : 40, 4);
	}
	ck_assert_int_eq(WHEEL_BITS * WHEEL_LEVELS, 30);
}
END_TEST

START_TEST(advanced_each_millisecond_everything_fires_on_its_tick)
{
	struct bed *b = new_bed(4000);

	for (unsigned i = 0; i < NODES; i++)
		set_timer(b, i, 4001 + (int64_t)i * 37);
	for (int64_t now = 4001; now < 4001 + NODES * 37; now++) {
		unsigned before = b->fired;

		advance(b, now);
		ck_assert_uint_eq(b->fired - before, (now - 4001) % 37 == 0);
	}
	ck_assert_uint_eq(b->fired, NODES);
	free(b);
}
END_TEST

START_TEST(a_node_fires_once_and_neither_early_nor_late_over_any_distance)
{
	static const int64_t spans[] = { 1, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 16777215, 16777216,
		16777217, DAY_MS, 7 * (int64_t)DAY_MS, (INT64_C(1) << 30) - 1, INT64_C(1) << 30,
		(INT64_C(1) << 30) + 1, 400 * (int64_t)DAY_MS, 40000 * (int64_t)DAY_MS };

	for (size_t i = 0; i < array_len(spans); i++)
		for (int64_t begin = 1000; begin < 1000 + (INT64_C(1) << 31); begin += 316000111) {
			struct bed *b = new_bed(begin);

			set_timer(b, 0, begin + spans[i]);
			advance(b, begin + spans[i] - 1);
			ck_assert_uint_eq(b->fired, 0);
			advance(b, begin + spans[i]);
			ck_assert_uint_eq(b->fired, 1);
			ck_assert_int_eq(wheel_next_ms(&b->wheel), CLOCK_NEVER);
			free(b);
		}
}
END_TEST

START_TEST(following_the_wheel_reaches_a_far_expiry_in_few_steps)
{
	struct bed *b = new_bed(77);
	int64_t far = 77 + 100 * (int64_t)DAY_MS;
	unsigned steps = 0;

	set_timer(b, 0, far);
	while (b->fired == 0) {
		advance(b, wheel_next_ms(&b->wheel));
		steps++;
	}

	ck_assert_int_eq(b->now_ms, far);
	ck_assert_uint_le(steps, 9 + WHEEL_LEVELS); /* a turn of the wheel is twelve days */
	free(b);
}
END_TEST

START_TEST(the_far_future_waits_for_ever)
{
	struct bed *b = new_bed(1);

	set_timer(b, 0, INT64_MAX - 1);
	set_timer(b, 1, CLOCK_NEVER);

	ck_assert_int_lt(wheel_next_ms(&b->wheel), INT64_MAX - 1);
	advance(b, 1 + 36500 * (int64_t)DAY_MS);
	ck_assert_uint_eq(b->fired, 0);
	ck_assert(wheel_is_set(&b->timers[0].node));
	ck_assert_uint_eq(b->wheel.count, 1);
	set_timer(b, 0, CLOCK_NEVER);
	ck_assert_int_eq(wheel_next_ms(&b->wheel), CLOCK_NEVER);
	ck_assert_uint_eq(b->wheel.count, 0);
	free(b);
}
END_TEST

START_TEST(an_expiry_that_has_passed_fires_at_the_next_advance)
{
	struct bed *b = new_bed(5000);

	set_timer(b, 0, 4000);
	set_timer(b, 1, 5000);
	set_timer(b, 2, INT64_MIN);
	set_timer(b, 3, 4999);
	clear_timer(b, 3);

	ck_assert_int_eq(wheel_next_ms(&b->wheel), 5000);
	advance(b, 5000);
	ck_assert_uint_eq(b->fired, 3);
	ck_assert_uint_eq(b->timers[3].fired, 0);
	free(b);
}
END_TEST

START_TEST(moving_a_deadline_forgets_the_old_one)
{
	struct bed *b = new_bed(100);

	set_timer(b, 0, 100 + 60000);
	for (int64_t now = 101; now < 100 + 120000; now += 13) {
		advance(b, now);
		set_timer(b, 0, now + 60000);
	}

	ck_assert_uint_eq(b->fired, 0);
	set_timer(b, 0, b->now_ms + 2);
	set_timer(b, 0, b->now_ms + 1);
	advance(b, b->now_ms + 1);
	ck_assert_uint_eq(b->fired, 1);
	advance(b, b->now_ms + 200000);
	ck_assert_uint_eq(b->fired, 1);
	free(b);
}
END_TEST

START_TEST(time_that_goes_back_fires_nothing_new)
{
	struct bed *b = new_bed(1000);

	set_timer(b, 0, 1500);
	wheel_advance(&b->wheel, 900, on_fire, b);

	ck_assert_uint_eq(b->fired, 0);
	ck_assert_int_eq(b->wheel.now_ms, 1000);
	free(b);
}
END_TEST

static void
free_node(struct wheel_node *n, void *arg)
{
	unsigned *freed = arg;

	free(n);
	++*freed;
}

START_TEST(a_node_may_be_freed_when_it_fires)
{
	struct wheel w;
	unsigned freed = 0;

	wheel_init(&w, 10);
	for (int i = 0; i < 1000; i++) {
		struct wheel_node *n = mem_new(*n);

		ck_assert_ptr_nonnull(n);
		wheel_set(&w, n, 10 + i % 100);
	}
	wheel_advance(&w, 200, free_node, &freed);

	ck_assert_uint_eq(freed, 1000);
	ck_assert_uint_eq(w.count, 0);
}
END_TEST

static void
clear_all(struct wheel_node *n, void *arg)
{
	struct bed *b = arg;

	(void)n;
	b->fired++;
	for (unsigned i = 0; i < NODES; i++)
		wheel_clear(&b->wheel, &b->timers[i].node);
}

START_TEST(a_node_cleared_by_another_that_fires_does_not_fire)
{
	struct bed *b = new_bed(0);

	for (unsigned i = 0; i < NODES; i++)
		wheel_set(&b->wheel, &b->timers[i].node, 50);
	wheel_advance(&b->wheel, 50, clear_all, b);

	ck_assert_uint_eq(b->fired, 1);
	ck_assert_uint_eq(b->wheel.count, 0);
	ck_assert_int_eq(wheel_next_ms(&b->wheel), CLOCK_NEVER);
	free(b);
}
END_TEST

UNIT_TESTS("wheel", any_mix_of_operations_agrees_with_the_naive_model,
	every_edge_of_the_digits_is_crossed_rightly, advanced_each_millisecond_everything_fires_on_its_tick,
	a_node_fires_once_and_neither_early_nor_late_over_any_distance,
	following_the_wheel_reaches_a_far_expiry_in_few_steps, the_far_future_waits_for_ever,
	an_expiry_that_has_passed_fires_at_the_next_advance, moving_a_deadline_forgets_the_old_one,
	time_that_goes_back_fires_nothing_new, a_node_may_be_freed_when_it_fires,
	a_node_cleared_by_another_that_fires_does_not_fire)
