/* The observers' door. A listener keeps the union of all masks, so that an unobserved one pays one load a
 * state. */
#include "engine/observe.h"

#include "control/watch.h"
#include "engine/api.h"

static void
observe_tell(const struct handler *h, struct conn *c, int state)
{
	const struct sockd_plugin *plugin = h->plugin;

	if (plugin->on_connection != NULL && (plugin->observe & 1u << state) != 0)
		WATCHED(instance_watch(h->instance), WATCH_ON_CONNECTION, c->id,
			plugin->on_connection(h->data, api_conn(c), state));
}

void
observe_state(struct conn *c, int state)
{
	const struct listener *l = c->scope->listener;

	if (c->dialled != NULL || (l->observe_mask & 1u << state) == 0)
		return;
	observe_tell(l->handler, c, state);
	for (size_t i = 0; i < l->observers->count; i++)
		observe_tell(l->observers->items[i], c, state);
}

static void
tell_error(const struct handler *h, struct conn *c, int error, const char *text)
{
	if (h->plugin->on_error != NULL)
		WATCHED(instance_watch(h->instance), WATCH_ON_ERROR, c->id,
			h->plugin->on_error(h->data, api_conn(c), error, text));
}

void
observe_error(struct conn *c, int error, const char *text)
{
	const struct listener *l = c->scope->listener;

	if (!l->observes_errors)
		return;
	tell_error(l->handler, c, error, text);
	for (size_t i = 0; i < l->observers->count; i++)
		tell_error(l->observers->items[i], c, error, text);
}
