/* A handler ends in steps that each run where they must: its threads on their loops, in an order that is
 * mailed to all of them, then stop() on the main thread when the last loop has answered. Every message that
 * this takes lies in the handler, so an ending can't fail for want of memory.
 *
 * The structs are used again, and never freed before the engine: what a plugin's foreign thread looks up by
 * an old handle is there, with another generation. */
#include "engine/handler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api.h"
#include "engine/engine_private.h"
#include "engine/handler_metrics.h"

int
handler_table_init(struct handler_table *t)
{
	t->items = calloc(HANDLERS_MAX, sizeof *t->items);
	return t->items != NULL ? 0 : -ENOMEM;
}

void
handler_table_fini(struct handler_table *t)
{
	for (uint32_t i = 0; i < t->used; i++) {
		struct handler *h = atomic_load(&t->items[i]);

		handler_metrics_fini(h);
		free(h->threads);
		free(h);
	}
	free(t->items);
	*t = (struct handler_table){ 0 };
}

static void handler_thread_settle(struct loop *loop, struct loop_task *task);

/* A struct for one more handler: one that was used before, or a new one. */
static struct handler *
table_take(struct engine *engine)
{
	struct handler_table *t = &engine->handlers;
	struct handler *h = t->free;

	if (h != NULL) {
		t->free = h->next_free;
		return h;
	}
	if (t->used == HANDLERS_MAX)
		return NULL;
	h = mem_new(*h);
	if (h == NULL)
		return NULL;
	h->threads = calloc(engine->loop_count, sizeof *h->threads);
	if (h->threads == NULL) {
		free(h);
		return NULL;
	}
	h->index = t->used;
	atomic_init(&h->generation, 1);
	atomic_store(&t->items[t->used++], h);
	return h;
}

static void
table_link(struct handler_table *t, struct handler *h)
{
	h->after = NULL;
	h->before = t->last;
	*(t->last != NULL ? &t->last->after : &t->first) = h;
	t->last = h;
}

static void
table_unlink(struct handler_table *t, struct handler *h)
{
	*(h->before != NULL ? &h->before->after : &t->first) = h->after;
	*(h->after != NULL ? &h->after->before : &t->last) = h->before;
}

struct handler *
handler_new(struct engine *engine, const struct handler_options *o)
{
	struct handler *h = table_take(engine);

	if (h == NULL) {
		engine->release(engine->release_arg, o->instance);
		return NULL;
	}
	h->plugin = instance_plugin(o->instance);
	snprintf(h->name, sizeof h->name, "%s", o->name);
	snprintf(h->plugin_name, sizeof h->plugin_name, "%s", h->plugin->name);
	h->instance = o->instance;
	h->settings = instance_settings(o->instance);
	h->data = NULL;
	h->config = config_ref(o->config);
	h->tally = o->tally;
	h->one_thread = o->one_thread;
	handler_metrics_reset(h);
	h->started = false;
	h->references = 1;
	for (unsigned i = 0; i < engine->loop_count; i++) {
		h->threads[i] = (struct handler_thread){
			.handler = h, .loop = engine->loops[i], .settle.run = handler_thread_settle
		};
		estate_init(&h->threads[i].estate, &h->threads[i], NULL);
	}
	table_link(&engine->handlers, h);
	h->own = listener_new_own(h, engine);
	if (h->own == NULL) {
		handler_end(engine, h);
		return NULL;
	}
	return h;
}

struct handler *
handler_ref(struct handler *h)
{
	h->references++;
	return h;
}

int
handler_start(struct handler *h, struct err *e)
{
	int r = instance_start(h->instance, handler_host(h), e);

	if (r < 0)
		return r;
	h->started = true;
	h->data = instance_data(h->instance);
	return 0;
}

/* ---- threads ---- */

int
handler_thread_start(struct handler_thread *t, struct err *e)
{
	struct handler *h = t->handler;
	struct loop *loop = t->loop;
	int r;

	if (h->one_thread && loop->index != 0)
		return 0;
	t->listed = true;
	t->after = NULL;
	t->before = loop->last_thread;
	if (t->before != NULL)
		t->before->after = t;
	loop->last_thread = t;
	r = instance_thread_start(h->instance, loop->index, handler_thread_host(t), e);
	if (r < 0)
		return r;
	t->state = instance_thread_state(h->instance, loop->index);
	t->started = true;
	return 0;
}

void
handler_thread_stop(struct handler_thread *t)
{
	if (!t->listed)
		return;
	t->listed = false;
	if (t->before != NULL)
		t->before->after = t->after;
	*(t->after != NULL ? &t->after->before : &t->loop->last_thread) = t->before;
	loop_timer_clear(t->loop, &t->deadline);
	loop_undefer(t->loop, &t->settle);
	estate_close(&t->estate);
	estate_fini(&t->estate);
	if (t->started)
		instance_thread_stop(t->handler->instance, t->loop->index);
	t->started = false;
	t->state = NULL;
}

/* ---- ending ---- */

void
handler_end(struct engine *engine, struct handler *h)
{
	if (h->started)
		instance_stop(h->instance);
	h->started = false;
	handler_metrics_leave(engine, h);
	table_unlink(&engine->handlers, h);
	atomic_fetch_add(&h->generation, 1);
	listener_free_own(h->own);
	h->own = NULL;
	engine->release(engine->release_arg, h->instance);
	config_unref(h->config);
	h->instance = NULL;
	h->plugin = NULL;
	h->settings = NULL;
	h->data = NULL;
	h->tally = NULL;
	h->next_free = engine->handlers.free;
	engine->handlers.free = h;
}

/* The main thread hears that the last loop is through with it. */
static void
handler_on_stopped(struct loop *loop, struct mail *mail)
{
	struct handler *h = container_of(mail, struct handler, stopped);

	(void)loop; /* the main thread is none */
	handler_end(h->threads[0].loop->engine, h);
}

/* Nobody uses it any more; its own strands may still be at work. */
static void
handler_thread_settle(struct loop *loop, struct loop_task *task)
{
	struct handler_thread *t = container_of(task, struct handler_thread, settle);

	if (!t->ending)
		return;
	atomic_store(&t->refuses_posts, true);
	if (atomic_load(&t->posts) > 0)
		loop_defer(loop, &t->settle); /* mail for it is on its way */
	estate_give_end(&t->estate);
	if (!handler_thread_is_over(t))
		return;
	t->ending = false;
	handler_thread_stop(t);
	if (atomic_fetch_sub(&t->handler->threads_left, 1) == 1)
		engine_tell_main(loop->engine, &t->handler->stopped);
}

void
handler_thread_changed(struct handler_thread *t)
{
	if (t->ending)
		loop_defer(t->loop, &t->settle);
	else
		engine_check_idle_later(t->loop);
}

bool
handler_thread_is_over(const struct handler_thread *t)
{
	return estate_is_over(&t->estate) && t->works == 0 && atomic_load(&t->posts) == 0;
}

struct scope *
handler_own_scope(struct handler_thread *t)
{
	return &t->handler->own->scopes[t->loop->index];
}

static void
handler_on_deadline(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* the thread's */
	estate_close(&container_of(timer, struct handler_thread, deadline)->estate);
}

static void
handler_on_stop(struct loop *loop, struct mail *mail)
{
	struct handler_thread *t = container_of(mail, struct handler_thread, stop);

	t->ending = true;
	if (!handler_thread_is_over(t)) {
		t->deadline.fire = handler_on_deadline;
		loop_timer_set(loop, &t->deadline,
			loop_now_ms(loop) + t->handler->config->daemon.shutdown_timeout_ms);
	}
	handler_thread_settle(loop, &t->settle);
}

void
handler_unref(struct engine *engine, struct handler *h)
{
	if (h == NULL || --h->references > 0)
		return;
	h->stopped.deliver = handler_on_stopped;
	atomic_store(&h->threads_left, engine->loop_count);
	for (unsigned i = 0; i < engine->loop_count; i++) {
		h->threads[i].stop.deliver = handler_on_stop;
		engine_tell_loop(engine, i, &h->threads[i].stop);
	}
}

/* ---- names ---- */

struct handler *
handler_of_instance(const struct engine *engine, const struct instance *instance)
{
	for (struct handler *h = engine->handlers.first; h != NULL; h = h->after)
		if (h->instance == instance)
			return h;
	return NULL;
}

size_t
handler_stack_size(const struct handler *h)
{
	return h->plugin->stack_size != 0 ? h->plugin->stack_size : h->threads[0].loop->engine->fiber_stack;
}

struct sockd_host
handler_host(const struct handler *h)
{
	return (struct sockd_host){ .ops = &host_ops,
		.ref = ref_make(0, REF_INSTANCE, h->index, atomic_load(&h->generation)) };
}

struct sockd_host
handler_thread_host(const struct handler_thread *t)
{
	const struct handler *h = t->handler;

	return (struct sockd_host){ .ops = &host_ops,
		.ref = ref_make(t->loop->index, REF_THREAD, h->index, atomic_load(&h->generation)) };
}

struct handler *
handler_find(const struct engine *engine, uint64_t ref)
{
	struct handler *h;

	if (engine == NULL || ref_index(ref) >= HANDLERS_MAX)
		return NULL;
	h = atomic_load_explicit(&engine->handlers.items[ref_index(ref)], memory_order_acquire);
	if (h == NULL || atomic_load_explicit(&h->generation, memory_order_acquire) != (uint32_t)ref)
		return NULL;
	return h;
}
