/* What a change will do, laid out before anything is done: which handlers and listeners go on and which are
 * new, and what becomes of every socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/diff.h"
#include "engine/apply.h"
#include "engine/engine_private.h"

void
engine_give_back(struct engine *engine, const struct engine_setup *setup)
{
	const struct config *c = setup->snapshot->config;

	for (size_t i = 0; i < c->listener_count; i++)
		if (handler_of_instance(engine, setup->listeners[i]) == NULL)
			engine->release(engine->release_arg, setup->listeners[i]);
	for (size_t i = 0; i < c->daemon.observer_count; i++)
		if (handler_of_instance(engine, setup->observers[i]) == NULL)
			engine->release(engine->release_arg, setup->observers[i]);
}

/* The handler of an instance: the one that runs, or a new one. @return a reference, or NULL */
static struct handler *
take_handler(struct apply *a, const struct handler_options *o)
{
	struct handler *h = handler_of_instance(a->engine, o->instance);

	if (h != NULL)
		return handler_ref(h);
	h = handler_new(a->engine, o);
	if (h != NULL)
		a->fresh[a->fresh_count++] = h;
	return h;
}

/* Observers come first, so that they see all that happens to the others, and end last. */
static int
plan_observers(struct apply *a, const struct engine_setup *setup)
{
	struct config *config = setup->snapshot->config;
	const struct cfg_daemon *d = &config->daemon;
	struct observers *o = calloc(1, sizeof *o + d->observer_count * sizeof o->items[0]);
	int r = o != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < d->observer_count; i++) {
		struct handler *h = take_handler(a, &(struct handler_options){ .name = d->observers[i].plugin,
							    .instance = setup->observers[i],
							    .config = config });

		if (o != NULL && h != NULL) {
			o->items[o->count++] = h;
			o->mask |= h->plugin->on_connection != NULL ? h->plugin->observe : 0;
			o->errors |= h->plugin->on_error != NULL;
		} else {
			handler_unref(a->engine, h);
			r = -ENOMEM;
		}
	}
	if (o == NULL)
		return r;
	o->references = 1;
	a->observers = o;
	return r;
}

static bool
observers_are_same(const struct observers *a, const struct observers *b)
{
	return a != NULL && a->count == b->count &&
	       memcmp(a->items, b->items, a->count * sizeof a->items[0]) == 0;
}

static struct listener *
find_current(const struct engine *engine, const char *name)
{
	for (size_t i = 0; i < engine->listener_count; i++)
		if (strcmp(engine->listeners[i]->cfg->name, name) == 0)
			return engine->listeners[i];
	return NULL;
}

/* The listener as it runs, if nothing about it changes, else a new version of it. */
static int
plan_listener(struct apply *a, const struct engine_setup *setup, size_t i)
{
	struct config *config = setup->snapshot->config;
	const struct cfg_listener *cfg = &config->listeners[i];
	struct listener *now = find_current(a->engine, cfg->name), *l;
	struct tls_context *tls = cfg->tls.tls != NULL ? setup->tls[cfg->tls.tls->index] : NULL;

	if (now != NULL && now->handler == a->handlers[i] && now->observers == a->observers &&
		now->tls == tls && cfg_listener_is_same(now->cfg, cfg)) {
		a->listeners[a->listener_count++] = now;
		return 0;
	}
	l = listener_new(
		a->engine, config, cfg, setup->snapshot->metric_rows[i], a->handlers[i], a->observers, tls);
	if (l == NULL)
		return -ENOMEM;
	if (now != NULL) {
		l->paused = now->paused;
		l->refusing = now->refusing;
	} else if (setup->snapshot->holds != NULL) {
		l->paused = setup->snapshot->holds[i] == SNAPSHOT_PAUSED;
		l->refusing = setup->snapshot->holds[i] == SNAPSHOT_REFUSES;
	}
	a->listeners[a->listener_count++] = l;
	return 0;
}

/* Goes on after a failure: every instance has to be taken, or given back. */
static int
plan_handlers(struct apply *a, const struct engine_setup *setup)
{
	const struct snapshot *s = setup->snapshot;
	int r = 0;

	for (size_t i = 0; i < s->config->listener_count; i++) {
		const struct cfg_listener *cfg = &s->config->listeners[i];
		const struct handler_options o = { .name = cfg->name,
			.instance = setup->listeners[i],
			.config = s->config,
			.tally = &a->engine->tallies[s->metric_rows[i]],
			.one_thread = cfg->one_thread };

		a->handlers[a->handler_count] = take_handler(a, &o);
		if (a->handlers[a->handler_count++] == NULL)
			r = -ENOMEM;
	}
	return r;
}

/* ---- sockets ---- */

/* Which loop watches it. A socket that is watched stays where it is, unless it may not. */
static unsigned
loop_for(const struct apply *a, const struct listener *l, const struct bound *b)
{
	struct engine *engine = a->engine;

	if (l->cfg->one_thread)
		return 0;
	if (b->transport == CFG_UDP)
		return b->member % engine->loop_count;
	if (b->listener != NULL)
		return b->loop;
	return engine->next_home++ % engine->loop_count;
}

static bool
buffers_are_same(const struct listener *a, const struct listener *b)
{
	return a->cfg->read_buffer == b->cfg->read_buffer && a->cfg->write_buffer == b->cfg->write_buffer;
}

static void
plan_move(struct apply *a, struct bound *b, struct listener *to)
{
	struct move *m = &a->moves[a->move_count];

	*m = (struct move){ .bound = b, .from = b->listener, .to = to, .from_loop = b->loop };
	if (to != NULL)
		m->to_loop = loop_for(a, to, b);
	m->stays = m->from != NULL && to != NULL && m->from_loop == m->to_loop &&
		   (!cfg_transport_is_datagram(b->transport) ||
			   (m->from->handler == to->handler && buffers_are_same(m->from, to)));
	if (m->from != to || !m->stays)
		a->move_count++;
}

static bool
is_passed(const struct config *c, const struct snapshot_socket *s)
{
	return c->listeners[s->listener].addresses[s->address].transport == CFG_PASSED;
}

static int
plan_sockets(struct apply *a, struct snapshot *s, struct err *e)
{
	struct engine *engine = a->engine;

	for (struct bound *b = engine->sockets; b != NULL; b = b->next)
		b->wanted = false;
	for (size_t i = 0; i < s->socket_count; i++) {
		struct snapshot_socket *socket = &s->sockets[i];
		struct bound *b = bound_find(engine->sockets, socket);
		int r = b == NULL ? bound_new(socket, is_passed(s->config, socket), &b) : 0;

		if (r < 0)
			return err_set(e, r, "cannot use a socket of listener '%s'",
				s->config->listeners[socket->listener].name);
		if (b->listener == NULL) {
			b->next = a->sockets;
			a->sockets = b;
		}
		b->wanted = true;
		plan_move(a, b, a->listeners[socket->listener]);
	}
	for (struct bound *b = engine->sockets; b != NULL; b = b->next)
		if (!b->wanted)
			plan_move(a, b, NULL);
	return 0;
}

/* ---- all of it ---- */

/* The metrics have as many rows as they were made with. */
static bool
rows_fit(const struct apply *a, const struct snapshot *s)
{
	for (size_t i = 0; i < s->config->listener_count; i++)
		if (s->metric_rows[i] >= a->engine->metrics->listeners)
			return false;
	return true;
}

int
apply_plan(struct apply *a, const struct engine_setup *setup, struct err *e)
{
	int r, observers;

	if (!rows_fit(a, setup->snapshot)) {
		engine_give_back(a->engine, setup);
		return err_set(e, -ENOSPC,
			"there are counters for %u listeners and no more; an upgrade makes room",
			a->engine->metrics->listeners);
	}
	observers = plan_observers(a, setup);
	r = plan_handlers(a, setup);
	if (observers < 0)
		r = observers;
	if (r == 0 && observers_are_same(a->engine->observers, a->observers)) {
		observers_unref(a->engine, a->observers);
		a->observers = observers_ref(a->engine->observers);
	}
	for (size_t i = 0; r == 0 && i < setup->snapshot->config->listener_count; i++)
		r = plan_listener(a, setup, i);
	if (r < 0)
		return err_set(e, r, "no memory for the listeners");
	return plan_sockets(a, setup->snapshot, e);
}
