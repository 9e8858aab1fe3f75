/* Orders to a single listener, from the main thread to what each loop has of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/dgram.h"
#include "engine/engine_private.h"

/* One order, mailed to every loop; the last of them frees it. */
struct listener_order {
	const struct listener *listener; /* borrowed: orders are delivered before it can be retired */
	bool paused, refusing;
	_Atomic unsigned left;
	struct order_mail {
		struct mail mail;
		struct listener_order *order;
	} mails[];
};

static void
on_order(struct loop *loop, struct mail *mail)
{
	struct listener_order *o = container_of(mail, struct order_mail, mail)->order;

	for (struct acceptor *a = loop->acceptors; a != NULL; a = a->after) {
		if (a->scope->listener != o->listener)
			continue;
		a->refusing = o->refusing;
		acceptor_pause(a, o->paused);
	}
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		struct endpoint *ep = slab_at(&loop->endpoints, i);

		if (ep != NULL && ep->scope->listener == o->listener && ep->state == ENDPOINT_OPEN)
			endpoint_hold(ep, o->paused || o->refusing);
	}
	drain_listeners(loop);
	if (atomic_fetch_sub(&o->left, 1) == 1)
		free(o);
}

static struct listener *
find_listener(const struct engine *engine, const char *name)
{
	for (size_t i = 0; i < engine->listener_count; i++)
		if (strcmp(engine->listeners[i]->cfg->name, name) == 0)
			return engine->listeners[i];
	return NULL;
}

static int
send_order(struct engine *engine, const struct listener *l)
{
	struct listener_order *o = calloc(1, sizeof *o + engine->loop_count * sizeof o->mails[0]);

	if (o == NULL)
		return -ENOMEM;
	o->listener = l;
	o->paused = l->paused;
	o->refusing = l->refusing;
	atomic_store(&o->left, engine->loop_count);
	for (unsigned i = 0; i < engine->loop_count; i++) {
		o->mails[i] = (struct order_mail){ .mail.deliver = on_order, .order = o };
	}
	for (unsigned i = 0; i < engine->loop_count; i++)
		engine_tell_loop(engine, i, &o->mails[i].mail);
	return 0;
}

int
engine_listener_pause(struct engine *engine, const char *name)
{
	struct listener *l = find_listener(engine, name);

	if (l == NULL)
		return -ENOENT;
	l->paused = true;
	return send_order(engine, l);
}

int
engine_listener_resume(struct engine *engine, const char *name)
{
	struct listener *l = find_listener(engine, name);

	if (l == NULL)
		return -ENOENT;
	l->paused = l->refusing = false;
	for (struct listener *v = engine->all; v != NULL; v = v->after)
		if (strcmp(v->cfg->name, name) == 0)
			atomic_store_explicit(&v->draining, false, memory_order_release);
	return send_order(engine, l);
}

int
engine_listener_drain(struct engine *engine, const char *name, int64_t timeout_ms, int64_t spread_ms)
{
	struct listener *l = find_listener(engine, name);

	if (l == NULL)
		return -ENOENT;
	l->refusing = true;
	l->paused = false;
	listener_drain_versions(
		engine, name, clock_now_ms() + timeout_ms, spread_ms < timeout_ms ? spread_ms : timeout_ms);
	return send_order(engine, l);
}
