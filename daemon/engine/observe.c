/* The observers' door. The engine keeps the union of all masks, so that an unobserved server pays one load a
 * state. */
#include "engine/observe.h"

#include "engine/api.h"
#include "engine/engine_private.h"

static void
observe_tell(const struct listener *l, struct conn *c, int state)
{
	const struct sockd_plugin *plugin = l->plugin;

	if (plugin->on_connection != NULL && (plugin->observe & 1u << state) != 0)
		plugin->on_connection(instance_data(l->instance), api_conn(c), state);
}

void
observe_state(struct conn *c, int state)
{
	const struct engine *engine = conn_loop(c)->engine;

	if ((engine->observe_mask & 1u << state) == 0)
		return;
	observe_tell(c->scope->listener, c, state);
	for (size_t i = 0; i < engine->observer_count; i++)
		observe_tell(&engine->listeners[engine->listener_count + i], c, state);
}

void
observe_error(struct conn *c, int error, const char *text)
{
	const struct engine *engine = conn_loop(c)->engine;
	const struct listener *l = c->scope->listener;

	if (!engine->observes_errors)
		return;
	if (l->plugin->on_error != NULL)
		l->plugin->on_error(instance_data(l->instance), api_conn(c), error, text);
	for (size_t i = 0; i < engine->observer_count; i++) {
		l = &engine->listeners[engine->listener_count + i];
		if (l->plugin->on_error != NULL)
			l->plugin->on_error(instance_data(l->instance), api_conn(c), error, text);
	}
}
