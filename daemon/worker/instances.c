/* A plugin is opened once for all that use it. What can be told at a place in the configuration is, and the
 * building goes on, since a person wants all of it in one run. */
#include "worker/instances.h"

#include <errno.h>
#include <string.h>

#include "config/report.h"
#include "control/snapshot.h"
#include "plugin/instance.h"
#include "plugin/plugin_load.h"

/* One use of a plugin by the configuration. */
struct use {
	const char *plugin, *owner;
	const struct cfg_place *place;
	const struct cfg_node *settings;
};

static struct use
use_of(const struct config *c, size_t which)
{
	const struct cfg_observer *o;

	if (which < c->listener_count) {
		const struct cfg_listener *l = &c->listeners[which];

		return (struct use){ l->plugin, l->name, &l->plugin_place, l->settings };
	}
	o = &c->daemon.observers[which - c->listener_count];
	return (struct use){ o->plugin, "daemon.observers", &o->plugin_place, o->settings };
}

/* Whether any use that is asked for needs it; loading runs a plugin's constructors, so none is loaded for
 * nothing. */
static bool
is_wanted(const struct snapshot *s, size_t only, const char *name, struct use *ret_first)
{
	const struct config *c = s->config;

	for (size_t i = 0; i < c->listener_count + c->daemon.observer_count; i++) {
		struct use use = use_of(c, i);

		if ((only == INSTANCES_ALL || only == i) && strcmp(use.plugin, name) == 0) {
			*ret_first = use;
			return true;
		}
	}
	return false;
}

/* The plugin that was loaded from the same path, if the file has not changed since. */
static struct plugin *
loaded_plugin(const struct instances *now, const struct snapshot_plugin *p)
{
	for (size_t k = 0; now != NULL && k < now->plugin_count; k++)
		if (now->plugins[k] != NULL && strcmp(plugin_path(now->plugins[k]), p->path) == 0 &&
			plugin_has_content(now->plugins[k], p->fd))
			return plugin_ref(now->plugins[k]);
	return NULL;
}

static int
open_plugins(const struct snapshot *s, const struct instances *now, size_t only, struct cfg_report *report,
	struct instances *i)
{
	int result = 0;

	i->plugins = calloc(s->plugin_count + 1, sizeof *i->plugins);
	if (i->plugins == NULL)
		return -ENOMEM;
	i->plugin_count = s->plugin_count;
	for (size_t k = 0; k < s->plugin_count; k++) {
		struct err e = { 0 };
		struct use use;

		if (!is_wanted(s, only, s->plugins[k].name, &use))
			continue;
		i->plugins[k] = loaded_plugin(now, &s->plugins[k]);
		if (i->plugins[k] == NULL &&
			plugin_open(s->plugins[k].fd, s->plugins[k].path, &i->plugins[k], &e) < 0)
			result = cfg_report_err(report, use.place, &e);
	}
	return result;
}

static struct plugin *
plugin_named(const struct snapshot *s, const struct instances *i, const char *name)
{
	const struct snapshot_plugin *p = snapshot_plugin_find(s, name);

	return p != NULL ? i->plugins[p - s->plugins] : NULL;
}

/* Each address of a listener needs an entry of the plugin; what was passed by descriptor is known by its
 * socket. */
static int
check_transports(const struct snapshot *s, size_t listener, const struct plugin *p, struct cfg_report *report)
{
	const struct cfg_listener *l = &s->config->listeners[listener];
	int result = 0;

	for (size_t i = 0; i < l->address_count; i++) {
		enum cfg_transport t = l->addresses[i].transport;

		if (t != CFG_PASSED && plugin_style(p, t) == PLUGIN_CANNOT)
			result = cfg_report_error(report, &l->addresses[i].place,
				"plugin '%s' cannot serve %s", l->plugin, cfg_transport_name(t));
	}
	for (size_t i = 0; i < s->socket_count; i++) {
		const struct snapshot_socket *k = &s->sockets[i];

		if (k->listener == listener && l->tls.tls != NULL && cfg_transport_is_datagram(k->transport))
			result = cfg_report_error(report, &l->addresses[k->address].place,
				"'tls' does not apply to %s, which the passed socket is",
				cfg_transport_name(k->transport));

		if (k->listener == listener && l->addresses[k->address].transport == CFG_PASSED &&
			plugin_style(p, k->transport) == PLUGIN_CANNOT)
			result = cfg_report_error(report, &l->addresses[k->address].place,
				"plugin '%s' cannot serve %s, which the passed socket is", l->plugin,
				cfg_transport_name(k->transport));
	}
	return result;
}

/* Whether an instance that runs can go on in another's place. */
static bool
can_go_on(const struct instance *running, const struct instance *wanted, const struct instances *next)
{
	if (running == NULL || !instance_is_same(running, wanted))
		return false;
	for (size_t k = 0; k < next->listener_count; k++)
		if (next->listeners[k] == running)
			return false;
	for (size_t k = 0; k < next->observer_count; k++)
		if (next->observers[k] == running)
			return false;
	return true;
}

/* The instance that runs for the same listener, or for an observer, and is what @p wanted would be. */
static struct instance *
running_instance(const struct instances *now, const struct instances *next, size_t which,
	const struct instance *wanted)
{
	const struct config *c = next->config;

	if (now == NULL)
		return NULL;
	if (which >= c->listener_count) {
		for (size_t k = 0; k < now->observer_count; k++)
			if (can_go_on(now->observers[k], wanted, next))
				return now->observers[k];
		return NULL;
	}
	for (size_t k = 0; k < now->listener_count; k++) {
		const struct cfg_listener *l = &now->config->listeners[k];

		if (strcmp(l->name, c->listeners[which].name) == 0 &&
			l->one_thread == c->listeners[which].one_thread &&
			can_go_on(now->listeners[k], wanted, next))
			return now->listeners[k];
	}
	return NULL;
}

static int
build_one(const struct snapshot *s, const struct instances *now, size_t which, struct instances *i,
	struct cfg_report *report)
{
	size_t listeners = s->config->listener_count;
	struct instance **place = which < listeners ? &i->listeners[which] : &i->observers[which - listeners];
	struct use use = use_of(s->config, which);
	struct plugin *p = plugin_named(s, i, use.plugin);
	struct instance *made = NULL, *running;
	int transports, code;

	if (p == NULL)
		return -EINVAL; /* told when it was not found, or could not be opened */
	transports = which < listeners ? check_transports(s, which, p, report) : 0;
	code = instance_new(
		&(struct instance_options){
			.plugin = p,
			.config = s->config,
			.owner = use.owner,
			.place = use.place,
			.settings = use.settings,
			.source = snapshot_source(s),
			.loops = s->loops,
		},
		report, &made);
	running = code == 0 ? running_instance(now, i, which, made) : NULL;
	if (running != NULL) {
		instance_free(made);
		*place = running;
		i->runs[which] = true;
		return transports;
	}
	*place = made;
	if (code == 0)
		code = instance_check(made, report);
	return code < 0 ? code : transports;
}

static int
allocate(const struct snapshot *s, struct instances *i)
{
	struct config *c = s->config;

	i->config = config_ref(c);
	i->listeners = calloc(c->listener_count + 1, sizeof(*i->listeners));
	i->observers = calloc(c->daemon.observer_count + 1, sizeof(*i->observers));
	i->runs = calloc(c->listener_count + c->daemon.observer_count + 1, sizeof(*i->runs));
	if (i->listeners == NULL || i->observers == NULL || i->runs == NULL)
		return -ENOMEM;
	i->listener_count = c->listener_count;
	i->observer_count = c->daemon.observer_count;
	return 0;
}

int
instances_build(const struct snapshot *s, const struct instances *now, size_t only, struct cfg_report *report,
	struct instances *ret)
{
	const struct config *c = s->config;
	int result;

	*ret = (struct instances){ 0 };
	if (allocate(s, ret) < 0)
		return -ENOMEM;
	result = open_plugins(s, now, only, report, ret);
	for (size_t i = 0; result != -ENOMEM && i < c->listener_count + c->daemon.observer_count; i++) {
		int code = only == INSTANCES_ALL || only == i ? build_one(s, now, i, ret, report) : 0;

		if (code < 0)
			result = code;
	}
	return result;
}

void
instances_fini(struct instances *i)
{
	for (size_t k = 0; k < i->listener_count; k++)
		if (!i->given && !i->runs[k])
			instance_free(i->listeners[k]);
	for (size_t k = 0; k < i->observer_count; k++)
		if (!i->given && !i->runs[i->listener_count + k])
			instance_free(i->observers[k]);
	for (size_t k = 0; k < i->plugin_count; k++)
		plugin_close(i->plugins[k]);
	free(i->listeners);
	free(i->observers);
	free(i->runs);
	free(i->plugins);
	config_unref(i->config);
	*i = (struct instances){ 0 };
}

bool
instances_serves(const struct instances *i, const struct snapshot *s, size_t listener)
{
	const struct cfg_listener *l = &s->config->listeners[listener];
	const struct plugin *p = plugin_named(s, i, l->plugin);

	if (p == NULL)
		return false;
	for (size_t k = 0; k < l->address_count; k++) {
		enum cfg_transport t = l->addresses[k].transport;

		if (t != CFG_PASSED && !cfg_transport_is_datagram(t) && plugin_style(p, t) == PLUGIN_SERVES)
			return true;
	}
	return false;
}

bool
instances_name_tls(const void *arg, const char *name)
{
	const struct instances *i = arg;

	for (size_t k = 0; k < i->listener_count; k++)
		if (i->listeners[k] != NULL && instance_names_tls(i->listeners[k], name))
			return true;
	for (size_t k = 0; k < i->observer_count; k++)
		if (i->observers[k] != NULL && instance_names_tls(i->observers[k], name))
			return true;
	return false;
}
