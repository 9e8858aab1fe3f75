/* Which fiber runs, which one is next. A struct fiber lies at the upper end of its own stack, where the page
 * is touched anyway: an idle fiber costs that one page. When it ends, both go back to the pool together, from
 * the loop's frame, since nobody can give away the stack that he stands on.
 *
 * A wake-up is a mark with a code, and the fiber's place in the queue unless it runs or stands there already;
 * so being woken twice, before it parks or before it ever ran, loses nothing and doubles nothing. */
#include "engine/fiber.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "engine/fiber_stack.h"
#include "engine/fiber_switch.h"

enum { KEEP_DEFAULT = 256 };

enum fiber_state { FIBER_NEW, FIBER_RUNNING, FIBER_PARKED, FIBER_YIELDED, FIBER_ENDED };

struct fiber {
	struct fiber_set *set;     /* borrowed: outlives us */
	struct fiber *next_ready;  /* in the queue; NULL for its last */
	struct fiber *next, *prev; /* of all that are alive */
	fiber_fn fn;
	void (*ended)(void *arg);
	void *arg;
	enum fiber_state state;
	bool woken;
	int code;                 /* of the wake-up, while woken */
	struct fiber_stack stack; /* owned: this object lies in it */
	const char *deepest;      /* where it has waited */
	struct fiber_context context;
};

struct fiber_queue {
	struct fiber *first;
	struct fiber **end; /* where the next one is written */
};

struct fiber_set {
	struct fiber_queue ready;
	struct fiber *current; /* the one that runs, or NULL */
	struct fiber *alive;
	size_t count;
	struct fiber_context loop; /* of the thread that calls fiber_run_ready() */
	struct fiber_stack_pool pool;
};

static void
queue_init(struct fiber_queue *q)
{
	*q = (struct fiber_queue){ .end = &q->first };
}

static void
queue_append(struct fiber_queue *q, struct fiber *f)
{
	f->next_ready = NULL;
	*q->end = f;
	q->end = &f->next_ready;
}

int
fiber_set_new(struct fiber_set **ret, struct err *e)
{
	struct fiber_set *s = mem_new(*s);

	if (s == NULL)
		return err_set(e, -ENOMEM, "no memory for fibers");
	queue_init(&s->ready);
	fiber_stack_pool_init(&s->pool, KEEP_DEFAULT);
	*ret = s;
	return 0;
}

void
fiber_set_free(struct fiber_set *s)
{
	if (s == NULL)
		return;
	assert(s->count == 0);
	fiber_stack_pool_fini(&s->pool);
	free(s);
}

/* The struct fiber at the upper end of a stack, and beneath it what is left for frames, both on cache lines.
 */
static struct fiber *
place_on(struct fiber_stack stack, size_t *ret_frames_size)
{
	size_t size = (sizeof(struct fiber) + 63) / 64 * 64;

	*ret_frames_size = stack.size - size;
	return (struct fiber *)(void *)(stack.low + stack.size - size);
}

int
fiber_new(struct fiber_set *s, size_t stack_size, fiber_fn fn, void (*ended)(void *arg), void *arg,
	struct fiber **ret, struct err *e)
{
	struct fiber_stack stack;
	struct fiber *f;
	size_t frames_size;
	int rc = fiber_stack_take(&s->pool, stack_size, &stack, e);

	if (rc < 0)
		return rc;
	f = place_on(stack, &frames_size);
	*f = (struct fiber){ .set = s,
		.fn = fn,
		.ended = ended,
		.arg = arg,
		.stack = stack,
		.next = s->alive,
		.deepest = (const char *)f };
	fiber_context_init(&f->context, stack.low, frames_size);
	if (s->alive != NULL)
		s->alive->prev = f;
	s->alive = f;
	s->count++;
	queue_append(&s->ready, f);
	*ret = f;
	return 0;
}

/* The lowest frame of a fiber. */
static void
run(void *arg)
{
	struct fiber *f = arg;

	f->fn(f, f->arg);
	f->state = FIBER_ENDED;
	fiber_context_leave(&f->context, &f->set->loop);
}

/* On the loop's frame: take an ended fiber apart and say so. */
static void
bury(struct fiber_set *s, struct fiber *f)
{
	void (*ended)(void *arg) = f->ended;
	void *arg = f->arg;

	if (f->next != NULL)
		f->next->prev = f->prev;
	*(f->prev != NULL ? &f->prev->next : &s->alive) = f->next;
	s->count--;
	fiber_context_fini(&f->context);
	fiber_stack_give(&s->pool, f->stack, f->deepest); /* and with it *f */
	if (ended != NULL)
		ended(arg);
}

static void
resume(struct fiber_set *s, struct fiber *f)
{
	bool is_new = f->state == FIBER_NEW;

	s->current = f;
	f->state = FIBER_RUNNING;
	if (is_new)
		fiber_context_enter(&s->loop, &f->context, run, f);
	else
		fiber_context_switch(&s->loop, &f->context);
	s->current = NULL;
	if (f->state == FIBER_ENDED)
		bury(s, f);
}

/* Leave the running fiber for the loop. */
static void
leave(struct fiber *self)
{
	const char *here = __builtin_frame_address(0);

	if (here < self->deepest)
		self->deepest = here;
	fiber_context_switch(&self->context, &self->set->loop);
}

int
fiber_park(struct fiber *self)
{
	int saved = errno;

	assert(self->set->current == self);
	if (!self->woken) {
		self->state = FIBER_PARKED;
		leave(self);
	}
	self->woken = false;
	errno = saved;
	return self->code;
}

void
fiber_yield(struct fiber *self)
{
	int saved = errno;

	assert(self->set->current == self);
	self->state = FIBER_YIELDED;
	queue_append(&self->set->ready, self);
	leave(self);
	errno = saved;
}

void
fiber_wake(struct fiber *f, int code)
{
	assert(f->state != FIBER_ENDED);
	if (f->woken)
		return;
	f->woken = true;
	f->code = code;
	if (f->state == FIBER_PARKED)
		queue_append(&f->set->ready, f);
}

bool
fiber_is_woken(const struct fiber *f)
{
	return f->woken;
}

void *
fiber_arg(const struct fiber *f)
{
	return f->arg;
}

struct fiber *
fiber_current(const struct fiber_set *s)
{
	return s->current;
}

bool
fiber_run_ready(struct fiber_set *s)
{
	struct fiber *f = s->ready.first, *next;

	assert(s->current == NULL);
	queue_init(&s->ready);
	for (; f != NULL; f = next) {
		next = f->next_ready; /* before it runs: it may queue again, or end */
		resume(s, f);
	}
	return fiber_has_ready(s);
}

bool
fiber_has_ready(const struct fiber_set *s)
{
	return s->ready.first != NULL;
}

size_t
fiber_count(const struct fiber_set *s)
{
	return s->count;
}

const char *
fiber_low_of_running(const struct fiber_set *s)
{
	return s->current != NULL ? s->current->stack.low : NULL;
}

const struct fiber *
fiber_of_guard(const struct fiber_set *s, const void *address)
{
	for (const struct fiber *f = s->alive; f != NULL; f = f->next)
		if (fiber_stack_guards(&f->stack, address))
			return f;
	return NULL;
}
