/* engine/poller.c: what is watched by level, and the turn of a loop that waits by it or by libevent. */
#include "unit.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/loop.h"

enum { COUNT = 2, SOON_MS = 20 };

struct told {
	struct poller_watch watch;
	unsigned times;
};

static struct loop *loop;
static struct told told[COUNT];
static bool fired;
static struct loop_timer timer;

static void
take(struct poller_watch *w)
{
	container_of(w, struct told, watch)->times++;
}

/* The first to be told sees to it that nobody else is. */
static void
end_others(struct poller_watch *w)
{
	take(w);
	for (int i = 0; i < COUNT; i++)
		if (&told[i].watch != w)
			poller_unwatch(&loop->poller, &told[i].watch);
}

static void
fire(struct loop *l, struct loop_timer *t)
{
	(void)l, (void)t;
	fired = true;
}

static void
begin(void (*ready)(struct poller_watch *w))
{
	struct err e = { 0 };

	ck_assert_int_eq(loop_new(NULL, 0, &loop, &e), 0);
	loop_enter(loop);
	fired = false;
	for (int i = 0; i < COUNT; i++) {
		told[i] = (struct told){ .watch = { .fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC),
						 .ready = ready } };
		ck_assert_int_ge(told[i].watch.fd, 0);
		ck_assert_int_eq(poller_watch(&loop->poller, &told[i].watch), 0);
	}
}

static void
end(void)
{
	for (int i = 0; i < COUNT; i++) {
		poller_unwatch(&loop->poller, &told[i].watch);
		close(told[i].watch.fd);
	}
	loop_leave(loop);
	loop_free(loop);
}

START_TEST(input_is_told_of_each_turn_until_it_is_taken)
{
	eventfd_t value;

	begin(take);
	loop_turn(loop);
	loop_turn(loop);
	ck_assert_uint_eq(told[0].times, 2);
	ck_assert_uint_eq(told[1].times, 2);
	eventfd_read(told[0].watch.fd, &value);
	loop_turn(loop);
	ck_assert_uint_eq(told[0].times, 2);
	ck_assert_uint_eq(told[1].times, 3);
	end();
}
END_TEST

START_TEST(who_is_watched_no_more_is_told_of_nothing_that_is_known_already)
{
	begin(end_others);
	loop_turn(loop);
	ck_assert_uint_eq(told[0].times + told[1].times, 1);
	end();
}
END_TEST

START_TEST(watching_twice_is_watching_once)
{
	begin(take);
	ck_assert_int_eq(poller_watch(&loop->poller, &told[0].watch), 0);
	poller_unwatch(&loop->poller, &told[0].watch);
	poller_unwatch(&loop->poller, &told[0].watch);
	loop_turn(loop);
	ck_assert_uint_eq(told[0].times, 0);
	ck_assert_uint_eq(told[1].times, 1);
	end();
}
END_TEST

START_TEST(to_try_changes_nothing)
{
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

	begin(take);
	ck_assert_int_eq(poller_try(&loop->poller, fd), 0);
	ck_assert_int_eq(poller_try(&loop->poller, told[0].watch.fd), 0); /* which is watched */
	loop_turn(loop);
	ck_assert_uint_eq(told[0].times, 1);
	close(fd);
	end();
}
END_TEST

START_TEST(what_cannot_be_watched_is_an_error)
{
	begin(take);
	struct poller_watch closed = { .fd = -1, .ready = take };
	ck_assert_int_eq(poller_watch(&loop->poller, &closed), -EBADF);
	ck_assert(!closed.watched);
	ck_assert_int_eq(poller_try(&loop->poller, -1), -EBADF);
	end();
}
END_TEST

static void
never(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	ck_abort_msg("there is nothing to read");
}

/* A timer ends a wait, and input is told of, whoever waits. */
static void
turns(void)
{
	for (int i = 0; i < COUNT; i++)
		poller_unwatch(&loop->poller, &told[i].watch);
	timer.fire = fire;
	loop_timer_set(loop, &timer, clock_now_ms() + SOON_MS);
	while (!fired)
		loop_turn(loop);
	ck_assert_int_eq(poller_watch(&loop->poller, &told[0].watch), 0);
	loop_turn(loop);
	ck_assert_uint_eq(told[0].times, 1);
	ck_assert_uint_eq(told[1].times, 0);
}

START_TEST(the_poller_waits_alone_where_libevent_has_nothing)
{
	begin(take);
	turns();
	end();
}
END_TEST

START_TEST(libevent_waits_where_it_has_something)
{
	int silent = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct event other;

	begin(take);
	event_assign(&other, loop->base, silent, EV_READ | EV_PERSIST, never, NULL);
	ck_assert_int_eq(event_add(&other, NULL), 0);
	turns();
	event_del(&other);
	close(silent);
	end();
}
END_TEST

static bool told_by_libevent;

static void
tell(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	told_by_libevent = true;
}

START_TEST(what_libevent_watches_is_told_of_beside_the_pollers_own)
{
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	struct event other;

	begin(take);
	event_assign(&other, loop->base, fd, EV_READ, tell, NULL);
	ck_assert_int_eq(event_add(&other, NULL), 0);
	loop_turn(loop);
	ck_assert(told_by_libevent);
	ck_assert_uint_eq(told[0].times, 1);
	close(fd);
	end();
}
END_TEST

UNIT_TESTS("poller", input_is_told_of_each_turn_until_it_is_taken,
	who_is_watched_no_more_is_told_of_nothing_that_is_known_already, watching_twice_is_watching_once,
	to_try_changes_nothing, what_cannot_be_watched_is_an_error,
	the_poller_waits_alone_where_libevent_has_nothing, libevent_waits_where_it_has_something,
	what_libevent_watches_is_told_of_beside_the_pollers_own)
