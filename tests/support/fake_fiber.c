/* Fibers of the fakes: serve() and what it spawns take turns on the test's thread, always in the same order:
 * each runs until it waits, the one that was ready first is first. Nothing depends on time but on the fake's
 * clock.
 *
 * A fiber that a scope leaves behind is cancelled with the scope and runs to its end, as in sockd. */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>

#include "fake_flow.h"

enum { STACK_SIZE = 256 * 1024 }; /* as daemon.fiber_stack, if the plugin asks for no more */

enum fake_state { READY, WAITING, ENDED };

struct fake_fiber {
	struct fake_fiber *next; /* in the order in which they run */
	uint64_t id;
	struct sockd_fake *root; /* borrowed */
	struct sockd_host host;  /* its scope */
	sockd_fiber_fn fn;
	void *arg;
	struct fake_flow flow; /* until it has ended */
	int errno_saved;       /* while another runs */

	enum fake_state state;
	const void *what; /* that it waits for; NULL: nothing that can be woken */
	int64_t until_ms; /* SOCKD_FOREVER: no end */
	bool for_good;    /* waits in a join, which nothing interrupts */
	int code;         /* of the wait: 0, or an errno value */
	uint64_t joins;   /* while it waits in a join */
	bool cancelled, shutdown_told;
	int result;
};

static void
switch_from(struct fake_fiber *fiber)
{
	fake_flow_pause(&fiber->flow);
}

static void
body(void *arg)
{
	struct fake_fiber *fiber = arg;

	fiber->result = fiber->fn(fiber->host, fiber->arg);
	fiber->state = ENDED;
	fake_flow_leave(&fiber->flow);
}

static void
resume(struct fake_fiber *fiber)
{
	struct sockd_fake *root = fiber->root;

	root->current = fiber;
	errno = fiber->errno_saved;
	fake_flow_resume(&fiber->flow);
	fiber->errno_saved = errno;
	root->current = NULL;
	if (fiber->state == ENDED)
		fake_flow_fini(&fiber->flow);
}

static struct fake_fiber *
find(struct sockd_fake *root, uint64_t id)
{
	struct fake_fiber *fiber = root->fibers;

	while (fiber != NULL && fiber->id != id)
		fiber = fiber->next;
	return fiber;
}

static void
forget(struct sockd_fake *root, struct fake_fiber *fiber)
{
	struct fake_fiber **at = &root->fibers;

	while (*at != fiber)
		at = &(*at)->next;
	*at = fiber->next;
	free(fiber);
}

static void
append(struct sockd_fake *root, struct fake_fiber *fiber)
{
	struct fake_fiber **at = &root->fibers;

	while (*at != NULL)
		at = &(*at)->next;
	*at = fiber;
	fiber->next = NULL;
}

uint64_t
fake_fiber_new(struct sockd_host scope, sockd_fiber_fn fn, void *arg)
{
	struct sockd_fake *root = fake_of(scope.ref)->root;
	struct fake_fiber *fiber = calloc(1, sizeof *fiber);
	size_t size = root->plugin->stack_size > STACK_SIZE ? root->plugin->stack_size : STACK_SIZE;

	if (fiber == NULL || fake_flow_init(&fiber->flow, size, body, fiber) < 0) {
		free(fiber);
		errno = EAGAIN;
		return 0;
	}
	fiber->id = ++root->last_fiber;
	fiber->root = root;
	fiber->host = scope;
	fiber->fn = fn;
	fiber->arg = arg;
	fiber->until_ms = SOCKD_FOREVER;
	append(root, fiber);
	return fiber->id;
}

bool
fake_fiber_lives(struct sockd_fake *root, uint64_t id)
{
	const struct fake_fiber *fiber = find(root, id);

	return fiber != NULL && fiber->state != ENDED;
}

/* ---- waiting ---- */

/* Nobody else runs before the first of them waits again or ends, so the list does not change under the loop
 * but for its end. */
static bool
run_ready(struct sockd_fake *root)
{
	bool any = false;

	for (struct fake_fiber *fiber = root->fibers; fiber != NULL; fiber = fiber->next)
		while (fiber->state == READY) {
			any = true;
			resume(fiber);
			if (fiber->state == READY)
				break;
		}
	return any;
}

static void
make_ready(struct fake_fiber *fiber, int code)
{
	if (fiber->state != WAITING)
		return;
	fiber->state = READY;
	fiber->code = code;
}

bool
fake_on_fiber(const struct sockd_fake *f)
{
	return f->root->current != NULL;
}

int
fake_wait(struct sockd_fake *f, const void *what, int64_t ms)
{
	struct fake_fiber *self = f->root->current;

	if (self == NULL || f->root->in_work) {
		errno = f->root->in_work ? EXDEV : EDEADLK;
		return -1;
	}
	if (self->cancelled) {
		errno = ECANCELED;
		return -1;
	}
	self->what = what;
	self->until_ms = ms < 0 ? SOCKD_FOREVER : f->root->now_ms + ms;
	self->state = WAITING;
	self->code = 0;
	switch_from(self);
	self->what = NULL;
	self->until_ms = SOCKD_FOREVER;
	errno = self->code;
	return self->code == 0 ? 0 : -1;
}

/* A drain ends a quiet wait, once. */
static int
wait_quietly(struct sockd_fake *f, const void *what, int64_t ms)
{
	struct fake_fiber *self = f->root->current;

	if (self != NULL && ms < SOCKD_FOREVER)
		return fake_refuse(EINVAL);
	if (self != NULL && f->root->drain_ms > 0 && !self->shutdown_told && !self->cancelled) {
		self->shutdown_told = true;
		errno = ESHUTDOWN;
		return -1;
	}
	return fake_wait(f, what, ms);
}

int
fake_sleep(struct sockd_host h, int64_t ms)
{
	struct sockd_fake *f = fake_scope_here(h);

	if (f == NULL)
		return -1;
	return wait_quietly(f, NULL, ms) < 0 && errno != ETIMEDOUT ? -1 : 0;
}

int
fake_wait_for(struct sockd_host h, const void *what, int64_t ms)
{
	struct sockd_fake *f = fake_scope_here(h);

	if (f == NULL)
		return -1;
	if (fake_on_fiber(f) && what == NULL)
		return fake_refuse(EINVAL);
	return wait_quietly(f, what, ms);
}

void
fake_wake_with(struct sockd_fake *f, const void *what, int code)
{
	for (struct fake_fiber *fiber = f->root->fibers; fiber != NULL; fiber = fiber->next)
		if (fiber->what == what && !fiber->for_good)
			make_ready(fiber, code);
}

int
fake_wake(struct sockd_host h, const void *what)
{
	struct sockd_fake *f = fake_scope_here(h);

	if (f == NULL)
		return -1;
	if (what != NULL)
		fake_wake_with(f, what, 0);
	return 0;
}

void
fake_fibers_drain(struct sockd_fake *root)
{
	for (struct fake_fiber *fiber = root->fibers; fiber != NULL; fiber = fiber->next)
		if (fiber->state == WAITING && !fiber->for_good && !fiber->shutdown_told) {
			fiber->shutdown_told = true;
			make_ready(fiber, ESHUTDOWN);
		}
}

/* ---- for plugins ---- */

uint64_t
fake_spawn(struct sockd_host h, sockd_fiber_fn fn, void *arg)
{
	struct sockd_fake *f = fake_scope_of_loop(h);

	if (f == NULL)
		return 0;
	if (fn == NULL || (fake_is_conn_scope(h.ref) && f->ending)) {
		errno = fn == NULL ? EINVAL : ECANCELED;
		return 0;
	}
	return fake_fails(f->root, SOCKD_FAKE_SPAWN) < 0 ? 0 : fake_fiber_new(h, fn, arg);
}

/* Who was spawned through this scope; serve() never was, and nobody can name it. */
static struct fake_fiber *
find_of_scope(struct sockd_host h, uint64_t id)
{
	struct fake_fiber *fiber = find(fake_of(h.ref)->root, id);

	return fiber != NULL && fiber->host.ref == h.ref ? fiber : NULL;
}

static void
cancel(struct fake_fiber *fiber)
{
	fiber->cancelled = true;
	if (!fiber->for_good)
		make_ready(fiber, ECANCELED);
}

int
fake_join(struct sockd_host h, uint64_t id)
{
	struct sockd_fake *f = fake_scope_of_loop(h), *root;
	struct fake_fiber *self, *other;
	int result;

	if (f == NULL)
		return -1;
	root = f->root;
	self = root->current;
	other = find_of_scope(h, id);
	if (self == NULL || other == self)
		return fake_refuse(EDEADLK);
	if (other == NULL)
		return fake_refuse(ESRCH);
	self->joins = id;
	self->for_good = true;
	while (other->state != ENDED) { /* looked at again whenever the others have run */
		self->state = WAITING;
		switch_from(self);
	}
	self->for_good = false;
	self->joins = 0;
	result = other->result;
	forget(root, other);
	errno = 0;
	return result;
}

int
fake_cancel(struct sockd_host h, uint64_t id)
{
	struct fake_fiber *fiber;

	if (fake_scope_of_loop(h) == NULL)
		return -1;
	fiber = find_of_scope(h, id);
	if (fiber == NULL || fiber->state == ENDED)
		return fake_refuse(ESRCH);
	cancel(fiber);
	return 0;
}

/* ---- the loop ---- */

bool
fake_is_cancelled(const struct sockd_fake *f)
{
	return f->root->current != NULL && f->root->current->cancelled;
}

/* @return whether a join is over, whose fiber can go on */
static bool
end_joins(struct sockd_fake *root)
{
	bool any = false;

	for (struct fake_fiber *fiber = root->fibers; fiber != NULL; fiber = fiber->next) {
		const struct fake_fiber *other = fiber->joins != 0 ? find(root, fiber->joins) : NULL;

		if (fiber->state != WAITING || other == NULL || other->state != ENDED)
			continue;
		fiber->state = READY;
		any = true;
	}
	return any;
}

bool
fake_fibers_step(struct sockd_fake *root)
{
	bool any = run_ready(root);

	return end_joins(root) || any;
}

bool
fake_fibers_expire(struct sockd_fake *root)
{
	bool any = false;

	for (struct fake_fiber *fiber = root->fibers; fiber != NULL; fiber = fiber->next)
		if (fiber->state == WAITING && fiber->until_ms >= 0 && fiber->until_ms <= root->now_ms) {
			make_ready(fiber, ETIMEDOUT);
			any = true;
		}
	return any;
}

int64_t
fake_fiber_deadline(struct sockd_fake *root, uint64_t id)
{
	const struct fake_fiber *fiber = find(root, id);

	if (fiber != NULL && fiber->joins != 0)
		return fake_fiber_deadline(root, fiber->joins);
	return fiber != NULL && fiber->state == WAITING ? fiber->until_ms : SOCKD_FOREVER;
}

int64_t
fake_fibers_deadline(const struct sockd_fake *root)
{
	int64_t next = SOCKD_FOREVER;

	for (const struct fake_fiber *fiber = root->fibers; fiber != NULL; fiber = fiber->next)
		if (fiber->state == WAITING && fiber->until_ms >= 0 && (next < 0 || fiber->until_ms < next))
			next = fiber->until_ms;
	return next;
}

static bool
is_of(const struct fake_fiber *fiber, const struct sockd_fake *f)
{
	return f->stopping || (fake_of(fiber->host.ref) == f && fake_is_conn_scope(fiber->host.ref));
}

static bool
cancel_all_of(struct sockd_fake *f)
{
	bool any = false;

	for (struct fake_fiber *fiber = f->root->fibers; fiber != NULL; fiber = fiber->next) {
		if (!is_of(fiber, f) || fiber->state == ENDED)
			continue;
		any = true;
		cancel(fiber);
	}
	return any;
}

void
fake_fibers_end(struct sockd_fake *f)
{
	struct fake_fiber *next;

	while (cancel_all_of(f) && fake_fibers_step(f->root))
		;
	for (struct fake_fiber *fiber = f->root->fibers; fiber != NULL; fiber = next) {
		next = fiber->next;
		if (is_of(fiber, f) && fiber->state == ENDED)
			forget(f->root, fiber);
	}
}
