/* A change of the whole engine in two steps. All that can fail is done while nothing has changed: handlers
 * are made and started here, listeners are built, and every loop starts its threads of them and makes what
 * will read the sockets. Then the loops are told to go over, which none of them can refuse, or to throw away
 * what they prepared. A loop answers in its own time: one that a plugin holds up answers to a change that was
 * given up long ago, finds that out, and cleans up; until then there is no other change.
 *
 * The order of a loop's mail is all the synchronisation that there is. What the main thread decides, it
 * writes before it sends the mail that tells of it. */
#include "engine/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/dial_tls.h"
#include "engine/engine_private.h"
#include "net/overlap.h"
#include "net/tls_clients.h"

/* ---- the end of a change, on the main thread ---- */

static bool
is_listed(struct listener *const *list, size_t count, const struct listener *l)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == l)
			return true;
	return false;
}

static void
unref_sockets(struct bound *list)
{
	while (list != NULL) {
		struct bound *b = list;

		list = b->next;
		bound_unref(b);
	}
}

static void
apply_free(struct apply *a)
{
	for (size_t i = a->handler_count; i-- > 0;)
		handler_unref(a->engine, a->handlers[i]);
	observers_unref(a->engine, a->observers);
	unref_sockets(a->sockets);
	free(a->handlers);
	free(a->fresh);
	free(a->listeners);
	free(a->moves);
	free(a->loops);
	free(a);
}

/* Every loop has gone over, or has thrown away what it prepared. What is not wanted any more, the old or the
 * new, is retired now: no loop sends anybody its way. */
static void
on_ended(struct loop *loop, struct mail *mail)
{
	struct apply *a = container_of(mail, struct apply, ended);
	struct engine *engine = a->engine;

	(void)loop; /* the main thread is none */
	for (size_t i = a->listener_count; i-- > 0;)
		if (!is_listed(engine->listeners, engine->listener_count, a->listeners[i]))
			listener_retire(a->listeners[i]);
	engine->apply = NULL;
	apply_free(a);
}

static void
on_prepared(struct loop *loop, struct mail *mail)
{
	(void)loop; /* the main thread is none */
	container_of(mail, struct apply, prepared)->all_prepared = true;
}

/* ---- the decision, on the main thread ---- */

/* Whether a socket of @p l serves another listener from now on: then it was renamed rather than removed, and
 * its connections stay. */
static bool
lives_on(const struct apply *a, const struct listener *l)
{
	for (size_t i = 0; i < a->move_count; i++)
		if (a->moves[i].from == l && a->moves[i].to != NULL)
			return true;
	return false;
}

static void
drain_removed(struct apply *a, const struct cfg_daemon *d)
{
	struct engine *engine = a->engine;

	a->cut_at_ms = clock_now_ms() + d->shutdown_timeout_ms;
	for (size_t i = 0; i < engine->listener_count; i++) {
		const struct listener *l = engine->listeners[i];
		bool stays = false;

		for (size_t k = 0; k < a->listener_count; k++)
			stays = stays || strcmp(a->listeners[k]->cfg->name, l->cfg->name) == 0;
		if (stays || lives_on(a, l))
			continue;
		listener_drain_versions(engine, l->cfg->name, a->cut_at_ms, d->shutdown_spread_ms);
		a->drains = true;
	}
}

/* The main thread's own accounts of the sockets. */
static void
commit_sockets(struct apply *a)
{
	struct engine *engine = a->engine;
	struct bound *gone = NULL;

	for (size_t i = 0; i < a->move_count; i++) {
		struct move *m = &a->moves[i];
		struct bound *b = m->bound;

		m->was_acceptor = b->acceptor;
		m->was_endpoint = b->endpoint;
		b->listener = m->to;
		b->loop = m->to_loop;
		if (!m->stays) {
			b->acceptor = m->acceptor;
			b->endpoint = m->endpoint;
		}
	}
	for (struct bound **link = &engine->sockets; *link != NULL;) {
		struct bound *b = *link;

		if (b->wanted) {
			link = &b->next;
			continue;
		}
		*link = b->next;
		b->next = gone;
		gone = b;
	}
	for (struct bound **link = &a->sockets;; link = &(*link)->next)
		if (*link == NULL) {
			*link = engine->sockets;
			break;
		}
	engine->sockets = a->sockets;
	a->sockets = gone; /* until the loops have let go of them */
}

/* ---- sockets that overlap ---- */

/* Whether a new socket gets what is for the port of @p gone when that has stepped aside. */
static bool
has_heir(const struct apply *a, const struct bound *gone)
{
	unsigned port = overlap_port(&gone->local);

	for (size_t i = 0; port != 0 && i < a->move_count; i++) {
		const struct move *m = &a->moves[i];

		if (m->from == NULL && m->bound->transport == gone->transport &&
			overlap_port(&m->bound->local) == port)
			return true;
	}
	return false;
}

/* Those that come listen before those that go step aside, so that somebody is there at every moment. */
static void
change_guard(struct apply *a)
{
	for (size_t i = 0; i < a->move_count; i++) {
		const struct move *m = &a->moves[i];
		int r = m->from == NULL ? overlap_listen(m->to->cfg, m->bound->transport, m->bound->fd) : 0;

		if (r < 0) /* it is bound, so only memory can be missing */
			log_error("listen_failed", LOG_S("listener", m->to->cfg->name),
				LOG_S("error", strerror(-r)));
	}
	for (size_t i = 0; i < a->move_count; i++) {
		struct move *m = &a->moves[i];

		/* One that can't is closed as if nobody came after it. */
		m->fades = m->to == NULL && !m->bound->passed && has_heir(a, m->bound) &&
			   overlap_step_aside(m->bound->transport, m->bound->fd) == 0;
	}
}

static void
commit(struct apply *a, const struct cfg_daemon *d)
{
	struct engine *engine = a->engine;
	struct listener **listeners = engine->listeners;
	size_t count = engine->listener_count;
	struct observers *observers = engine->observers;

	drain_removed(a, d);
	change_guard(a);
	commit_sockets(a);
	engine->listeners = a->listeners;
	engine->listener_count = a->listener_count;
	engine->observers = a->observers;
	a->listeners = listeners;
	a->listener_count = count;
	a->observers = observers;
}

static void
end_with(struct apply *a, void (*deliver)(struct loop *loop, struct mail *mail))
{
	atomic_store(&a->ending, a->engine->loop_count);
	for (unsigned i = 0; i < a->engine->loop_count; i++) {
		a->loops[i].end.deliver = deliver;
		engine_tell_loop(a->engine, i, &a->loops[i].end);
	}
}

/* ---- all of it ---- */

static struct apply *
apply_new(struct engine *engine, const struct snapshot *s)
{
	struct apply *a = mem_new(*a);
	size_t listeners = s->config->listener_count, observers = s->config->daemon.observer_count;
	size_t moves = s->socket_count;

	if (a == NULL)
		return NULL;
	for (const struct bound *b = engine->sockets; b != NULL; b = b->next)
		moves++;
	a->engine = engine;
	a->prepared.deliver = on_prepared;
	a->ended.deliver = on_ended;
	a->handlers = calloc(listeners + 1, sizeof *a->handlers);
	a->fresh = calloc(listeners + observers + 1, sizeof *a->fresh);
	a->listeners = calloc(listeners + 1, sizeof *a->listeners);
	a->moves = calloc(moves + 1, sizeof *a->moves);
	a->loops = calloc(engine->loop_count, sizeof *a->loops);
	if (a->handlers == NULL || a->fresh == NULL || a->listeners == NULL || a->moves == NULL ||
		a->loops == NULL) {
		apply_free(a);
		return NULL;
	}
	return a;
}

static int
start_handlers(struct apply *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->fresh_count; i++)
		r = handler_start(a->fresh[i], e);
	return r;
}

static int
prepare_loops(struct apply *a, int64_t timeout_ms, struct err *e)
{
	struct engine *engine = a->engine;
	int64_t until_ms = timeout_ms == CLOCK_NEVER ? CLOCK_NEVER : clock_now_ms() + timeout_ms;

	atomic_store(&a->preparing, engine->loop_count);
	for (unsigned i = 0; i < engine->loop_count; i++) {
		a->loops[i] = (struct apply_loop){ .apply = a, .prepare.deliver = apply_on_prepare };
		engine_tell_loop(engine, i, &a->loops[i].prepare);
	}
	while (!a->all_prepared && clock_now_ms() < until_ms)
		engine_wait(engine, until_ms);
	a->held_up = !a->all_prepared;
	if (a->held_up)
		return err_set(e, -ETIMEDOUT,
			"an event loop did not answer within %d s: a plugin holds it up",
			(int)(timeout_ms / 1000));
	for (unsigned i = 0; i < engine->loop_count; i++) {
		if (a->loops[i].result == 0)
			continue;
		*e = a->loops[i].error;
		return a->loops[i].result;
	}
	return 0;
}

int
engine_apply(struct engine *engine, const struct engine_setup *setup, int64_t timeout_ms, struct err *e)
{
	struct apply *a = engine->apply == NULL ? apply_new(engine, setup->snapshot) : NULL;
	struct tls_clients *clients;
	int64_t until_ms;
	int r;

	if (a == NULL || engine->orders[0][ORDER_DRAIN].sent) {
		engine_give_back(engine, setup);
		if (engine->apply != NULL)
			return err_set(e, -EBUSY,
				"an event loop has not come to the end of the last change yet: a plugin "
				"holds "
				"it up");
		if (a == NULL)
			return err_set(e, -ENOMEM, "no memory to change over");
		apply_free(a);
		return err_set(e, -ESHUTDOWN, "it is ending");
	}
	engine->apply = a;
	clients = dial_tls_replace(engine,
		setup->clients != NULL ? tls_clients_ref(setup->clients) : NULL); /* start() may dial */
	r = apply_plan(a, setup, e);
	if (r == 0)
		r = start_handlers(a, e);
	for (unsigned i = 0; i < engine->loop_count; i++)
		a->loops[i].apply = a;
	if (r == 0)
		r = prepare_loops(a, timeout_ms, e);
	if (r == 0)
		commit(a, &setup->snapshot->config->daemon);
	else
		clients = dial_tls_replace(engine, clients);
	tls_clients_unref(clients);
	atomic_store(&a->state, r == 0 ? APPLY_COMMITTED : APPLY_ROLLED_BACK);
	end_with(a, r == 0 ? apply_on_commit : apply_on_roll_back);
	/* What comes now can't fail. A loop that was waited for in vain is not waited for again: the answer
	 * comes before the supervisor's patience with the plugin ends, which may cost the worker. */
	if (a->held_up)
		return r;
	until_ms = timeout_ms == CLOCK_NEVER ? CLOCK_NEVER : clock_now_ms() + timeout_ms;
	while (engine->apply != NULL && clock_now_ms() < until_ms)
		engine_wait(engine, until_ms);
	return r;
}
