/* How the engine ends: orders go to every loop, each loop closes what it accepts with, tells its endpoints
 * and gives every connection its place in the spread; when nothing is left on any loop the engine's done
 * descriptor becomes readable.
 *
 * A loop may only call itself idle once no loop accepts any more, since until then a connection may be on its
 * way to it; the last to stop accepting asks all to look again. */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/admission.h"
#include "engine/conn.h"
#include "engine/dgram.h"
#include "engine/engine_private.h"

void
drain_order_all(struct engine *engine, enum order_kind kind)
{
	for (unsigned i = 0; i < engine->loop_count; i++) {
		struct order *o = &engine->orders[i][kind];

		if (o->sent)
			continue;
		*o = (struct order){ .mail.deliver = drain_obey, .kind = kind, .sent = true };
		if (mailbox_send(&engine->loops[i]->mailbox, &o->mail) < 0)
			o->sent = false; /* the loop has ended already: there is nothing to order */
	}
}

static bool
loop_has_endpoints(const struct loop *loop)
{
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		const struct endpoint *e = slab_at(&loop->endpoints, i);

		if (e != NULL && !endpoint_is_ended(e))
			return true;
	}
	return false;
}

/* What a loop's own scope has made serves its connections, and is told of the drain when these are gone. */
static bool
thread_is_over(struct handler_thread *t)
{
	const struct loop *loop = t->loop;

	if (t->conns > 0)
		return false;
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		const struct endpoint *e = slab_at(&loop->endpoints, i);

		if (e != NULL && e->scope->thread == t && !endpoint_is_ended(e))
			return false;
	}
	estate_give_end(&t->estate);
	return handler_thread_is_over(t);
}

static bool
loop_threads_are_over(struct loop *loop)
{
	bool over = true;

	for (struct handler_thread *t = loop->last_thread; t != NULL; t = t->before)
		if (!thread_is_over(t))
			over = false; /* the others are told all the same */
	return over;
}

void
engine_check_idle(struct loop *loop)
{
	struct engine *engine = loop->engine;

	if (!loop->draining || loop->idle_told || atomic_load(&engine->loops_accepting) > 0)
		return;
	if (!loop_threads_are_over(loop))
		return;
	if (atomic_load(&loop->load) > 0 || loop_has_endpoints(loop))
		return;
	loop->idle_told = true;
	loop_timer_clear(loop, &loop->deadline);
	if (atomic_fetch_sub(&engine->loops_busy, 1) == 1)
		eventfd_write(engine->done_fd, 1);
}

void
engine_endpoint_ended(struct loop *loop)
{
	engine_check_idle(loop);
}

static void
loop_stop_accepting(struct loop *loop)
{
	struct engine *engine = loop->engine;

	for (struct acceptor *a = loop->acceptors; a != NULL; a = a->after)
		acceptor_close(a);
	if (atomic_fetch_sub(&engine->loops_accepting, 1) == 1)
		drain_order_all(engine, ORDER_CHECK_IDLE);
}

static void
loop_check_idle(struct loop *loop, struct loop_task *task)
{
	(void)task; /* the loop's only one */
	engine_check_idle(loop);
}

static void
loop_cut_all(struct loop *loop, int reason)
{
	for (struct handler_thread *t = loop->last_thread; t != NULL; t = t->before)
		estate_close(&t->estate);
	admission_cut(loop, reason);
	for (uint32_t i = 0; i < loop->conns.used; i++) {
		struct conn *c = slab_at(&loop->conns, i);

		if (c != NULL)
			conn_cut(c, reason);
	}
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		struct endpoint *e = slab_at(&loop->endpoints, i);

		if (e != NULL && !endpoint_is_ended(e))
			endpoint_cut(e);
	}
}

static void
loop_on_deadline(struct loop *loop, struct loop_timer *timer)
{
	(void)timer; /* the loop's only one */
	loop_cut_all(loop, SOCKD_BY_DRAIN_FORCED);
	engine_check_idle(loop);
}

/* Connections that drain with their listener, and have no place in a drain yet. */
static bool
is_to_drain(const struct conn *c)
{
	return c->drain_by_ms == CLOCK_NEVER &&
	       atomic_load_explicit(&c->scope->listener->draining, memory_order_acquire);
}

void
drain_listeners(struct loop *loop)
{
	int64_t now_ms = loop_now_ms(loop), count = 0, place = 0;

	for (uint32_t i = 0; i < loop->conns.used; i++) {
		const struct conn *c = slab_at(&loop->conns, i);

		count += c != NULL && is_to_drain(c);
	}
	for (uint32_t i = 0; place < count && i < loop->conns.used; i++) {
		struct conn *c = slab_at(&loop->conns, i);

		if (c != NULL && is_to_drain(c))
			conn_drain(c, now_ms + c->scope->listener->drain_spread_ms * place++ / count,
				c->scope->listener->drain_deadline_ms);
	}
}

static void
loop_drain_conns(struct loop *loop, int64_t spread_ms)
{
	int64_t now_ms = loop_now_ms(loop), count = loop->conns.live_count, place = 0;

	for (uint32_t i = 0; i < loop->conns.used; i++) {
		struct conn *c = slab_at(&loop->conns, i);

		if (c != NULL)
			conn_drain(c, now_ms + spread_ms * place++ / count, loop->drain_deadline_ms);
	}
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		struct endpoint *e = slab_at(&loop->endpoints, i);

		if (e != NULL && !endpoint_is_ended(e))
			endpoint_drain(e);
	}
}

static void
loop_begin_drain(struct loop *loop)
{
	struct engine *engine = loop->engine;

	if (loop->draining)
		return;
	loop->draining = true;
	loop->idle_check.run = loop_check_idle;
	loop->drain_deadline_ms = engine->drain_deadline_ms;
	loop->deadline.fire = loop_on_deadline;
	loop_timer_set(loop, &loop->deadline, loop->drain_deadline_ms);
	loop_stop_accepting(loop);
	admission_drain(loop);
	loop_drain_conns(loop, engine->drain_spread_ms);
	engine_check_idle(loop);
}

/* Nothing new begins on a loop that ends. */
static void
loop_close_estates(struct loop *loop)
{
	for (struct handler_thread *t = loop->last_thread; t != NULL; t = t->before)
		estate_end(&t->estate, true);
}

void
drain_obey(struct loop *loop, struct mail *mail)
{
	switch (container_of(mail, struct order, mail)->kind) {
	case ORDER_DRAIN:
		loop_begin_drain(loop);
		break;
	case ORDER_SHUTDOWN:
		loop_begin_drain(loop);
		loop_cut_all(loop, SOCKD_BY_SHUTDOWN);
		engine_check_idle(loop);
		break;
	case ORDER_CHECK_IDLE:
		engine_check_idle(loop);
		break;
	case ORDER_STOP:
		loop_close_estates(loop);
		loop->stopping = true;
		break;
	case ORDER_COUNT:
		break;
	}
}

void
engine_drain(struct engine *engine, int64_t timeout_ms, int64_t spread_ms)
{
	if (engine->orders[0][ORDER_DRAIN].sent)
		return;
	engine->drain_deadline_ms = clock_now_ms() + timeout_ms;
	engine->drain_spread_ms = spread_ms < timeout_ms ? spread_ms : timeout_ms;
	drain_order_all(engine, ORDER_DRAIN);
}

void
engine_shutdown(struct engine *engine)
{
	if (!engine->orders[0][ORDER_DRAIN].sent && !engine->orders[0][ORDER_SHUTDOWN].sent)
		engine->drain_deadline_ms = clock_now_ms(); /* before the loops read it, and never after */
	drain_order_all(engine, ORDER_SHUTDOWN);
}
