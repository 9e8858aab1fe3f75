/* engine/loop.c: the turn of a loop and its clock. */
#include "unit.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/loop.h"

enum { BUSY_MS = 300, SOON_MS = 10 };

static struct loop *loop;
static int64_t set_ms, fired_ms;
static struct loop_timer timer;

static void
fire(struct loop *l, struct loop_timer *t)
{
	(void)t;
	fired_ms = clock_now_ms();
	l->stopping = true;
}

/* As a plugin does that computes for a while and then asks for a timer. */
static void
be_busy(struct loop *l, struct loop_task *task)
{
	int64_t until_ms = clock_now_ms() + BUSY_MS;

	(void)task;
	loop_now_ms(l); /* of this turn, from here on */
	while (clock_now_ms() < until_ms)
		;
	set_ms = clock_now_ms();
	loop_timer_set(l, &timer, set_ms + SOON_MS);
}

START_TEST(a_turn_that_takes_long_puts_no_timer_off)
{
	struct loop_task task = { .run = be_busy };
	struct err e = { 0 };

	ck_assert_int_eq(loop_new(NULL, 0, &loop, &e), 0);
	timer.fire = fire;
	loop_enter(loop);
	loop_defer(loop, &task);

	loop_run(loop);

	ck_assert_int_ge(fired_ms, set_ms + SOON_MS);
	ck_assert_int_lt(fired_ms, set_ms + BUSY_MS / 2);
	loop_leave(loop);
	loop_free(loop);
}
END_TEST

static struct poller_watch watches[2];
static unsigned told;

static void
count(struct poller_watch *w)
{
	told++;
	poller_unwatch(&loop->poller, w);
}

static void
make_ready(struct poller_watch *w)
{
	*w = (struct poller_watch){ .fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), .ready = count };
	ck_assert_int_ge(w->fd, 0);
	ck_assert_int_eq(poller_watch(&loop->poller, w), 0);
}

/* The second look is GATHER_US behind the first, and finds what came meanwhile. */
START_TEST(what_comes_within_the_time_is_told_of_together)
{
	enum { GATHER_US = 20000 };
	struct err e = { 0 };
	int64_t looked_ns;

	ck_assert_int_eq(loop_new(NULL, 0, &loop, &e), 0);
	loop_enter(loop);
	loop->coalesce_us = GATHER_US;
	make_ready(&watches[0]);
	loop_turn(loop);
	ck_assert_uint_eq(told, 1);
	looked_ns = loop->looked_ns;
	ck_assert_int_gt(looked_ns, 0);

	close(watches[0].fd);
	make_ready(&watches[0]);
	make_ready(&watches[1]);
	loop_turn(loop);

	ck_assert_uint_eq(told, 3);
	ck_assert_int_ge(loop->looked_ns - looked_ns, GATHER_US * 1000);
	close(watches[0].fd);
	close(watches[1].fd);
	loop_leave(loop);
	loop_free(loop);
}
END_TEST

UNIT_TESTS("loop", a_turn_that_takes_long_puts_no_timer_off, what_comes_within_the_time_is_told_of_together)
