/* Timers of the fakes: sockd_fake_advance() calls them back, in the order of their times. */
#include "fake.h"

#include <errno.h>

/* What a connection's handle makes ends with the connection. */
uint64_t
fake_timer_start(struct sockd_host h, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg)
{
	struct sockd_fake *f = fake_of(h.ref);

	if (fn == NULL || first_ms < 0 || every_ms < 0) {
		errno = EINVAL;
		return 0;
	}
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
	struct sockd_fake *f = fake_of(h.ref);

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
	for (size_t i = 0; i < FAKE_TIMERS; i++)
		if (fake_is_conn_scope(f->timers[i].host.ref))
			f->timers[i].id = 0;
}

static struct fake_timer *
next_due(struct sockd_fake *f, int64_t until_ms)
{
	struct fake_timer *next = NULL;

	for (size_t i = 0; i < FAKE_TIMERS; i++) {
		struct fake_timer *t = &f->timers[i];

		if (t->id != 0 && t->at_ms <= until_ms && (next == NULL || t->at_ms < next->at_ms))
			next = t;
	}
	return next;
}

void
sockd_fake_advance(struct sockd_fake *f, int64_t ms)
{
	int64_t until_ms = f->now_ms + ms;
	struct fake_timer *t;

	while ((t = next_due(f, until_ms)) != NULL) {
		struct fake_timer due = *t;

		f->now_ms = due.at_ms;
		t->at_ms += due.every_ms;
		if (due.every_ms == 0)
			t->id = 0;
		due.fn(due.host, due.arg);
	}
	f->now_ms = until_ms;
}
