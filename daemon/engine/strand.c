/* A strand is a slot that outlives its fiber as long as somebody may ask for its result. What a wait is for
 * stands in the strand, so that a drain can tell a quiet one from a busy one without asking anybody; who
 * wakes it is the business of what it waits for. Every wait looks again after its wake-up, so a wake-up too
 * many does no harm.
 *
 * Results that nobody has joined are kept up to a number, the youngest, because a fiber a question in a
 * datagram service is never joined and must not fill the memory. */
#include "engine/strand.h"

#include <errno.h>

#include "base/log.h"
#include "control/watch.h"
#include "engine/api.h"
#include "engine/conn.h"
#include "engine/engine_private.h"
#include "engine/estate.h"
#include "engine/handler.h"

enum { ALIVE_MAX = 10000, ENDED_KEPT = 1024, TELL_EVERY_MS = 60000 };

/* ---- life ---- */

static void
strand_list_put(struct strand **at, struct strand *s)
{
	s->next = *at;
	s->link = at;
	if (s->next != NULL)
		s->next->link = &s->next;
	*at = s;
}

static void
strand_list_take(struct strand *s)
{
	*s->link = s->next;
	if (s->next != NULL)
		s->next->link = s->link;
}

void
strand_forget(struct strand *s)
{
	struct estate *e = s->estate;

	if (e != NULL) {
		if (e->ended_tail == &s->next)
			e->ended_tail = s->link;
		strand_list_take(s);
		e->ended_count--;
	}
	slab_put(&s->loop->strands, s);
}

/* A spawned one leaves a result behind. */
static void
strand_leave_result(struct strand *s)
{
	struct estate *e = s->estate;

	strand_list_take(s);
	e->alive_count--;
	strand_list_put(e->ended_tail, s);
	e->ended_tail = &s->next;
	e->ended_count++;
	if (s->joiner != NULL)
		strand_wake(s->joiner);
	else if (e->ended_count > ENDED_KEPT && e->ended->joiner == NULL)
		strand_forget(e->ended);
	estate_changed(e);
}

static void
strand_run(struct fiber *self, void *arg)
{
	struct strand *s = arg;

	(void)self; /* s->fiber */
	s->loop->spent_bytes = 0;
	s->run(s);
}

static void
strand_ended(void *arg)
{
	struct strand *s = arg;
	void (*ended)(struct strand * s) = s->ended;

	s->fiber = NULL;
	if (s->estate != NULL) {
		strand_leave_result(s);
		return;
	}
	if (ended != NULL)
		ended(s);
	strand_forget(s);
}

/* Each client that comes would bring another line. */
static void
tell_no_fiber(struct handler_thread *thread, const struct err *e)
{
	struct loop *loop = thread->loop;
	uint64_t missed;

	if (log_repeat_allows(&loop->no_fiber, loop_now_ms(loop), TELL_EVERY_MS, &missed))
		log_warning("no_fiber", LOG_S("listener", thread->handler->name), LOG_S("msg", e->text),
			LOG_U("missed", missed));
}

int
strand_new(struct handler_thread *thread, struct conn *conn, size_t stack, void (*run)(struct strand *s),
	void (*ended)(struct strand *s), void *arg, struct strand **ret)
{
	struct loop *loop = thread->loop;
	struct strand *s = slab_take(&loop->strands);
	struct err e = { 0 };

	if (s == NULL)
		return -ENOMEM;
	s->loop = loop;
	s->thread = thread;
	s->conn = conn;
	s->run = run;
	s->ended = ended;
	s->arg = arg;
	s->waits = STRAND_RUNS;
	if (fiber_new(loop->fibers, stack, strand_run, strand_ended, s, &s->fiber, &e) < 0) {
		tell_no_fiber(thread, &e);
		slab_put(&loop->strands, s);
		return -EAGAIN;
	}
	*ret = s;
	return 0;
}

/* ---- waiting ---- */

struct strand_timer {
	struct loop_timer timer;
	struct strand *strand;
};

static void
strand_time_out(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* the strand's own */
	fiber_wake(container_of(timer, struct strand_timer, timer)->strand->fiber, WAKE_TIMEOUT);
}

static int
strand_park_until(struct strand *self, int64_t deadline_ms)
{
	struct strand_timer t = { .timer.fire = strand_time_out, .strand = self };
	int code;

	loop_timer_set(self->loop, &t.timer, deadline_ms);
	code = fiber_park(self->fiber);
	loop_timer_clear(self->loop, &t.timer);
	return code;
}

/* In a drain the owner waits for the moment when all of its strands are quiet. */
static void
strand_turned_quiet(struct strand *self)
{
	if (self->conn == NULL)
		handler_thread_changed(self->thread);
	else
		conn_may_be_quiet(self->conn);
}

static bool
is_bound(enum strand_wait what)
{
	return what == STRAND_JOINS || what == STRAND_WORKS;
}

int
strand_wait(struct strand *self, enum strand_wait what, int64_t deadline_ms)
{
	struct watch_mark mark;
	int code;

	if (self->cancelled && !is_bound(what))
		return -ECANCELED;
	self->waits = (uint8_t)what;
	if (what < STRAND_QUIET_COUNT)
		strand_turned_quiet(self);
	mark = watch_pause();
	code = deadline_ms == CLOCK_NEVER ? fiber_park(self->fiber) : strand_park_until(self, deadline_ms);
	watch_resume(mark);
	self->loop->spent_bytes = 0;
	self->waits = STRAND_RUNS;
	if (is_bound(what))
		return 0;
	if (self->cancelled)
		return -ECANCELED;
	return code == WAKE_TIMEOUT ? -ETIMEDOUT : code == WAKE_END ? -ESHUTDOWN : 0;
}

int
strand_yield(struct strand *self)
{
	struct watch_mark mark = watch_pause();

	fiber_yield(self->fiber);
	watch_resume(mark);
	self->loop->spent_bytes = 0;
	return self->cancelled ? -ECANCELED : 0;
}

void
strand_cancel(struct strand *s)
{
	if (s->cancelled || s->fiber == NULL)
		return;
	s->cancelled = true;
	if (s->waits != STRAND_RUNS && !is_bound((enum strand_wait)s->waits))
		fiber_wake(s->fiber, WAKE_CANCEL);
}

void
strand_give_end(struct strand *s)
{
	if (s->told || (s->waits != STRAND_SLEEPS && s->waits != STRAND_WAITS) || fiber_is_woken(s->fiber))
		return; /* one that is awake already turns quiet again, and then its owner comes back */
	s->told = true;
	fiber_wake(s->fiber, WAKE_END);
}

/* ---- spawn, join, cancel ---- */

static void
strand_run_spawned(struct strand *s)
{
	struct estate *e = s->estate;

	WATCHED(estate_watch(e), WATCH_FIBER, estate_conn_id(e), s->result = s->fn(estate_host(e), s->arg));
}

static uint64_t
strand_id(const struct strand *s)
{
	return ref_make(s->loop->index, REF_ID, s->slot.index, s->slot.generation);
}

uint64_t
strand_spawn(struct estate *e, sockd_fiber_fn fn, void *arg)
{
	struct strand *s;
	int r;

	r = e->alive_count >= ALIVE_MAX
		    ? -EAGAIN
		    : strand_new(e->thread, e->conn, handler_stack_size(e->thread->handler),
			      strand_run_spawned, NULL, arg, &s);
	if (r < 0) {
		errno = -r;
		return 0;
	}
	s->fn = fn;
	s->estate = e;
	strand_list_put(&e->alive, s);
	e->alive_count++;
	return strand_id(s);
}

static struct strand *
strand_find(const struct estate *e, uint64_t id)
{
	struct loop *loop = e->thread->loop;
	struct strand *s = ref_loop(id) == loop->index ? slab_find(&loop->strands, id) : NULL;

	return s != NULL && s->estate == e ? s : NULL;
}

int
strand_join(struct estate *e, uint64_t id, int *ret_result)
{
	struct strand *self = strand_here(e->thread->loop), *s = strand_find(e, id);
	int r = 0;

	if (self == NULL || self == s)
		return -EDEADLK;
	if (s == NULL || s->joiner != NULL)
		return -ESRCH;
	s->joiner = self;
	e->join_count++;
	while (r == 0 && s->fiber != NULL)
		r = strand_wait(self, STRAND_JOINS, CLOCK_NEVER); /* nothing but that end ends it */
	e->join_count--;
	*ret_result = s->result;
	strand_forget(s);
	estate_changed(e); /* one of another scope may be the last that it waited for */
	return 0;
}

int
strand_cancel_by_id(struct estate *e, uint64_t id)
{
	struct strand *s = strand_find(e, id);

	if (s == NULL || s->fiber == NULL)
		return -ESRCH;
	strand_cancel(s);
	return 0;
}

/* ---- wait and wake ---- */

static struct strand **
wait_bucket(struct loop *loop, const void *what)
{
	uint64_t hash = (uint64_t)(uintptr_t)what * UINT64_C(0x9e3779b97f4a7c15);

	return &loop->waiting[hash >> (64 - LOOP_WAIT_BITS)];
}

int
strand_wait_for(struct strand *self, const void *what, int64_t deadline_ms)
{
	struct strand **bucket = wait_bucket(self->loop, what);
	int r;

	self->what = what;
	self->also = *bucket;
	self->place = bucket;
	if (self->also != NULL)
		self->also->place = &self->also;
	*bucket = self;
	r = strand_wait(self, STRAND_WAITS, deadline_ms);
	*self->place = self->also;
	if (self->also != NULL)
		self->also->place = self->place;
	self->what = NULL;
	return r;
}

void
strand_wake_all(struct loop *loop, const void *what)
{
	for (struct strand *s = *wait_bucket(loop, what); s != NULL; s = s->also)
		if (s->what == what)
			strand_wake(s);
}
