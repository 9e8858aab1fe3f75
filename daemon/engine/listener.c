/* How a version of a listener ends: each loop counts its own users without a lock, and says so when the last
 * has gone after the order to retire; the loop that is last of all tells the main thread. */
#include "engine/listener.h"

#include <stdlib.h>
#include <string.h>

#include "control/watch.h"
#include "engine/engine_private.h"
#include "engine/pace.h"
#include "guard/guard.h"
#include "net/tls.h"

/* ---- observers ---- */

struct observers *
observers_ref(struct observers *o)
{
	o->references++;
	return o;
}

void
observers_unref(struct engine *engine, struct observers *o)
{
	if (o == NULL || --o->references > 0)
		return;
	for (size_t i = o->count; i-- > 0;)
		handler_unref(engine, o->items[i]);
	free(o);
}

/* ---- listeners ---- */

static void
listener_link(struct engine *engine, struct listener *l)
{
	l->before = NULL;
	l->after = engine->all;
	if (l->after != NULL)
		l->after->before = l;
	engine->all = l;
}

static void
listener_unlink(struct engine *engine, struct listener *l)
{
	*(l->before != NULL ? &l->before->after : &engine->all) = l->after;
	if (l->after != NULL)
		l->after->before = l->before;
}

static void
listener_on_gone(struct loop *loop, struct mail *mail)
{
	struct listener *l = container_of(mail, struct listener, gone);

	(void)loop; /* the main thread is none */
	handler_unref(l->engine, l->handler);
	observers_unref(l->engine, l->observers);
	listener_free(l);
}

/* The order to retire has come and nobody uses it here any more. */
static void
scope_end(struct scope *scope)
{
	struct listener *l = scope->listener;

	if (atomic_fetch_sub(&l->scopes_left, 1) == 1)
		engine_tell_main(l->engine, &l->gone);
}

void
scope_release(struct scope *scope)
{
	if (--scope->users == 0 && scope->retired)
		scope_end(scope);
}

static void
scope_on_retire(struct loop *loop, struct mail *mail)
{
	struct scope *scope = container_of(mail, struct scope, retire);

	(void)loop; /* the scope's */
	scope->retired = true;
	if (scope->users == 0)
		scope_end(scope);
}

/* Who came lately is known to every version of a listener, unless the size of the table has changed. */
static int
listener_set_guard(struct listener *l)
{
	struct sources *known = l->tally->sources;

	if (!guard_is_needed(l->cfg))
		return 0;
	if (known != NULL && sources_entries(known) != (size_t)l->cfg->per_source.entries)
		known = NULL;
	if (guard_new(l->cfg, known, &l->guard) < 0)
		return -ENOMEM;
	if (guard_sources(l->guard) != NULL && guard_sources(l->guard) != l->tally->sources) {
		sources_unref(l->tally->sources);
		l->tally->sources = sources_ref(guard_sources(l->guard));
	}
	return 0;
}

struct listener *
listener_new(struct engine *engine, struct config *config, const struct cfg_listener *cfg, unsigned row,
	struct handler *handler, struct observers *observers, struct tls_context *tls)
{
	struct listener *l = mem_new(*l);

	if (l == NULL)
		return NULL;
	l->scopes = calloc(engine->loop_count, sizeof *l->scopes);
	if (l->scopes == NULL) {
		free(l);
		return NULL;
	}
	for (unsigned i = 0; i < engine->loop_count; i++)
		l->scopes[i] = (struct scope){ .listener = l,
			.loop = engine->loops[i],
			.cells = metric_cells(engine->metrics, i, row),
			.thread = &handler->threads[i],
			.retire.deliver = scope_on_retire };
	l->cfg = cfg;
	l->config = config_ref(config);
	l->handler = handler_ref(handler);
	l->observers = observers_ref(observers);
	l->plugin = handler->plugin;
	l->watch = watch_name(cfg->name, handler->plugin->name);
	l->entries = conn_entries_of(handler->plugin);
	l->tls = tls != NULL ? tls_context_ref(tls) : NULL;
	l->instance = handler->instance;
	l->engine = engine;
	l->tally = &engine->tallies[row];
	l->observe_mask = observers->mask | (l->plugin->on_connection != NULL ? l->plugin->observe : 0);
	l->observes_errors = observers->errors || l->plugin->on_error != NULL;
	l->gone.deliver = listener_on_gone;
	atomic_store(&l->scopes_left, engine->loop_count);
	listener_link(engine, l);
	if (listener_set_guard(l) < 0) {
		handler_unref(engine, l->handler);
		observers_unref(engine, l->observers);
		listener_free(l);
		return NULL;
	}
	return l;
}

void
listener_retire(struct listener *l)
{
	for (unsigned i = 0; i < l->engine->loop_count; i++)
		engine_tell_loop(l->engine, i, &l->scopes[i].retire);
}

void
listener_drain_versions(struct engine *engine, const char *name, int64_t deadline_ms, int64_t spread_ms)
{
	for (struct listener *l = engine->all; l != NULL; l = l->after) {
		if (strcmp(l->cfg->name, name) != 0)
			continue;
		l->drain_deadline_ms = deadline_ms;
		l->drain_spread_ms = spread_ms;
		atomic_store_explicit(&l->draining, true, memory_order_release);
	}
}

void
listener_free(struct listener *l)
{
	listener_unlink(l->engine, l);
	for (unsigned i = 0; i < l->engine->loop_count; i++)
		pace_scope_free(l->scopes[i].pace);
	guard_free(l->guard);
	tls_context_unref(l->tls);
	config_unref(l->config);
	free(l->scopes);
	free(l);
}

/* ---- where handlers dial ---- */

static const struct cfg_listener *
own_cfg(const struct handler *h)
{
	static const struct cfg_listener plain = { .name = "observer",
		.socket.no_delay = true,
		.timeouts = { .first_byte_ms = CFG_OFF,
			.idle_ms = CFG_OFF,
			.write_ms = 30000,
			.lifetime_ms = CFG_OFF },
		.read_buffer = 65536,
		.write_buffer = 262144 };

	for (size_t i = 0; h->tally != NULL && i < h->config->listener_count; i++)
		if (strcmp(h->config->listeners[i].name, h->name) == 0)
			return &h->config->listeners[i];
	return &plain;
}

struct listener *
listener_new_own(struct handler *h, struct engine *engine)
{
	static struct observers nobody;
	struct listener *l = mem_new(*l);
	struct metric_cells *uncounted = NULL;

	if (l == NULL)
		return NULL;
	l->scopes = calloc(engine->loop_count, sizeof *l->scopes);
	if (h->tally == NULL)
		l->own_cells = uncounted = aligned_alloc(_Alignof(struct metric_cells), sizeof *uncounted);
	if (l->scopes == NULL || (h->tally == NULL && uncounted == NULL)) {
		listener_free_own(l);
		return NULL;
	}
	if (uncounted != NULL)
		memset(uncounted, 0, sizeof *uncounted);
	for (unsigned i = 0; i < engine->loop_count; i++)
		l->scopes[i] = (struct scope){ .listener = l,
			.loop = engine->loops[i],
			.cells = uncounted != NULL ? uncounted
						   : metric_cells(engine->metrics, i, h->tally->row),
			.thread = &h->threads[i] };
	l->cfg = own_cfg(h);
	l->config = h->config;
	l->handler = h;
	l->watch = watch_name(l->cfg->name, h->plugin->name);
	l->observers = &nobody;
	l->plugin = h->plugin;
	l->instance = h->instance;
	l->engine = engine;
	l->tally = h->tally;
	return l;
}

void
listener_free_own(struct listener *l)
{
	if (l == NULL)
		return;
	free(l->own_cells);
	free(l->scopes);
	free(l);
}
