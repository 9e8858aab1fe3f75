/* The clock of the fakes, and what is due by it: timers, and the ends of fibers' waits, in the order of their
 * times. */
#include "fake.h"

#include <errno.h>

/* What a connection's handle makes ends with the connection. */
uint64_t
fake_timer_start(struct sockd_host h, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg)
{
	struct sockd_fake *f = fake_scope_of_loop(h);

	if (f == NULL)
		return 0;
	f = f->root;
	if (fn == NULL || first_ms < 0 || every_ms < 0) {
		errno = EINVAL;
		return 0;
	}
	if (fake_fails(f, SOCKD_FAKE_TIMER) < 0)
		return 0;
	for (size_t i = 0; i < FAKE_TIMERS; i++) {
		if (f->timers[i].id != 0)
			continue;
		f->timers[i] = (struct fake_timer){ .id = ++f->last_timer,
			.at_ms = f->now_ms + first_ms,
			.every_ms = every_ms,
			.host = h,
			.fn = fn,
			.arg = arg };
		return f->last_timer;
	}
	errno = EAGAIN;
	return 0;
}

int
fake_timer_stop(struct sockd_host h, uint64_t timer)
{
	struct sockd_fake *f = fake_scope_of_loop(h);

	if (f == NULL)
		return -1;
	f = f->root;
	for (size_t i = 0; i < FAKE_TIMERS && timer != 0; i++) {
		if (f->timers[i].id != timer)
			continue;
		f->timers[i].id = 0;
		return 0;
	}
	errno = ENOENT;
	return -1;
}

void
fake_timers_end(struct sockd_fake *f)
{
	for (size_t i = 0; i < FAKE_TIMERS; i++) {
		struct fake_timer *t = &f->root->timers[i];

		if (t->id != 0 && fake_is_conn_scope(t->host.ref) && fake_of(t->host.ref) == f)
			t->id = 0;
	}
}

static struct fake_timer *
next_timer(struct sockd_fake *f, int64_t until_ms)
{
	struct fake_timer *next = NULL;

	for (size_t i = 0; i < FAKE_TIMERS; i++) {
		struct fake_timer *t = &f->timers[i];

		if (t->id != 0 && t->at_ms <= until_ms && (next == NULL || t->at_ms < next->at_ms))
			next = t;
	}
	return next;
}

static void
fire(struct sockd_fake *f, struct fake_timer *t)
{
	struct fake_timer due = *t;

	f->now_ms = due.at_ms;
	t->at_ms += due.every_ms;
	if (due.every_ms == 0)
		t->id = 0;
	due.fn(due.host, due.arg);
}

void
fake_clock_move(struct sockd_fake *f, int64_t until_ms)
{
	for (;;) {
		struct fake_timer *t = next_timer(f, until_ms);
		int64_t wait_ms = fake_fibers_deadline(f);

		if (wait_ms >= 0 && wait_ms <= until_ms && (t == NULL || wait_ms <= t->at_ms)) {
			f->now_ms = wait_ms > f->now_ms ? wait_ms : f->now_ms;
			(void)fake_fibers_expire(f);
		} else if (t != NULL) {
			fire(f, t);
		} else {
			break;
		}
		fake_settle(f);
	}
	f->now_ms = until_ms > f->now_ms ? until_ms : f->now_ms;
}

void
sockd_fake_advance(struct sockd_fake *f, int64_t ms)
{
	fake_clock_move(f->root, f->root->now_ms + ms);
}
