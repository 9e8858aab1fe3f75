/* engine/share.c: a listener's bandwidth, divided by a clock that the test turns. */
#include "unit.h"

#include "engine/share.h"

enum { MIB = 1024 * 1024, STEP_MS = 10 };

static struct loop *loop;
static struct share share;
static struct share_group group;

static void
begin(int64_t rate)
{
	struct err e = { 0 };

	ck_assert_int_eq(loop_new(NULL, 0, &loop, &e), 0);
	loop->now_ms = clock_now_ms();
	share_group_init(&group, &share, loop, rate);
}

static void
finish(void)
{
	loop_free(loop);
}

static void
on_granted(struct share_member *m)
{
	(void)m; /* each test asks again by itself */
}

static void
fire(struct wheel_node *node, void *arg)
{
	struct loop_timer *timer = container_of(node, struct loop_timer, node);

	timer->fire(arg, timer);
}

static void
turn_clock(void)
{
	loop->now_ms += STEP_MS;
	wheel_advance(&loop->wheel, loop->now_ms, fire, loop);
}

/* @return what it moved of @p want at this moment */
static size_t
move(struct share_member *m, size_t want)
{
	size_t moved = 0, allowed;

	while (moved < want && (allowed = share_ask(&group, m, want - moved)) > 0) {
		share_used(&group, m, allowed, allowed);
		moved += allowed;
	}
	return moved;
}

START_TEST(what_nobody_uses_is_not_saved_up)
{
	struct share_member frugal = { .granted = on_granted }, greedy = { .granted = on_granted };
	size_t moved = 0;

	begin(10 * MIB);
	move(&frugal, MIB); /* more than the bucket holds: a member from here on */
	ck_assert(frugal.joined);
	for (int ms = 0; ms < 60000; ms += STEP_MS) {
		turn_clock();
		move(&frugal, 100);
	}
	ck_assert(frugal.joined);

	for (int ms = 0; ms < 1000; ms += STEP_MS) {
		turn_clock();
		moved += move(&frugal, 100) + move(&greedy, 100 * MIB);
	}

	ck_assert_uint_le(moved, 11 * MIB);
	ck_assert_uint_ge(moved, 9 * MIB);
	share_leave(&group, &frugal);
	share_leave(&group, &greedy);
	finish();
}
END_TEST

START_TEST(the_lowest_limit_is_given_out_whole_over_many_loops)
{
	struct share_member m = { .granted = on_granted };
	size_t moved = 0;

	begin(1024);
	atomic_store(&share.members, 19); /* on other loops; with this one they have a twentieth each */
	for (int ms = 0; ms < 400000; ms += STEP_MS) {
		turn_clock();
		moved += move(&m, MIB);
	}

	ck_assert_uint_ge(moved, 400 * 1024 / 20 * 9 / 10);
	ck_assert_uint_le(moved, 400 * 1024 / 20);
	share_leave(&group, &m);
	finish();
}
END_TEST

UNIT_TESTS("share", what_nobody_uses_is_not_saved_up, the_lowest_limit_is_given_out_whole_over_many_loops)
