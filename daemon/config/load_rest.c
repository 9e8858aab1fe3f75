/* One error must not bring others that go with it: a plugin that is only missing because the path to it was
 * not understood, a setting that is only missing because its value was wrong. So whatever a fault may have to
 * do with is left out, and looked at in the next run. */
#include "config/load_rest.h"

#include <string.h>

#include "config/key.h"

static bool
is_understood(const struct key_table *table, const struct cfg_origin *origins, const char *key)
{
	const struct cfg_origin *origin = key_origin(table, origins, key);

	return origin == NULL || origin->kind != CFG_NOT_UNDERSTOOD;
}

static bool
has_fault(const struct cfg_node *node)
{
	if (node == NULL)
		return false;
	for (size_t i = 0; i < node->count && node->kind == CFG_MAP; i++)
		if (has_fault(node->pairs[i].value))
			return true;
	for (size_t i = 0; i < node->count && node->kind == CFG_LIST; i++)
		if (has_fault(node->items[i]))
			return true;
	return node->kind == CFG_SCALAR && node->faulty;
}

/* @param path_is_known  where a bare name is looked for */
static bool
is_usable(const char *plugin, const struct cfg_node *settings, bool path_is_known)
{
	return plugin != NULL && (path_is_known || strchr(plugin, '/') != NULL) && !has_fault(settings);
}

static bool
listener_is_usable(const struct cfg_listener *l, bool path_is_known)
{
	static const char *const keys[] = { "handler", "handler.plugin", "handler.config" };

	for (size_t i = 0; i < array_len(keys); i++)
		if (!is_understood(&key_table_listener, l->origins, keys[i]))
			return false;
	return is_usable(l->plugin, l->settings, path_is_known);
}

static bool
observer_is_usable(const struct cfg_observer *o, bool path_is_known)
{
	return is_understood(&key_table_observer, o->origins, "plugin") &&
	       is_understood(&key_table_observer, o->origins, "config") &&
	       is_usable(o->plugin, o->settings, path_is_known);
}

enum cfg_extent
load_rest(struct config *c, bool daemon_is_known)
{
	struct cfg_daemon *d = &c->daemon;
	bool path_is_known = daemon_is_known ||
			     key_origin(&key_table_daemon, d->origins, "plugin_path")->kind == CFG_FROM_FILE;
	size_t listeners = 0, observers = 0;

	for (size_t i = 0; i < c->listener_count; i++)
		if (listener_is_usable(&c->listeners[i], path_is_known))
			c->listeners[listeners++] = c->listeners[i];
	for (size_t i = 0; i < d->observer_count; i++)
		if (observer_is_usable(&d->observers[i], path_is_known))
			d->observers[observers++] = d->observers[i];
	c->listener_count = listeners;
	d->observer_count = observers;
	if (listeners + observers == 0)
		return CFG_NOTHING;
	return daemon_is_known ? CFG_WORKERS : CFG_HANDLERS;
}
