/* From files to a configuration: read and join, bind the sections to their structs, check what they come to.
 * Each stage tells its own faults; only memory that runs out ends the run early. */
#include "config/load.h"

#include <errno.h>
#include <string.h>

#include "config/address.h"
#include "config/bind.h"
#include "config/check.h"
#include "config/config_whole.h"
#include "config/files.h"
#include "config/key.h"
#include "config/load_rest.h"
#include "config/load_tls.h"
#include "config/tree.h"
#include "config/value.h"

enum { LISTENER_NAME_MAX = 64 };

const char *
cfg_yaml_version(void)
{
	return tree_library_version();
}

static int
load_daemon(struct config_whole *w, const struct cfg_node *map, const struct cfg_source *source,
	struct cfg_report *report)
{
	struct bind b = {
		.arena = &w->arena,
		.report = report,
		.source = source,
		.table = &key_table_daemon,
		.title = key_table_daemon.title,
		.target = &w->config.daemon,
	};
	int r = bind_start(&b);

	if (r < 0)
		return r;
	w->config.daemon.origins = b.origins;
	return bind_map(&b, map);
}

/* `defaults:` is bound like a listener of every transport, of which only what was written is looked at. */
static int
load_defaults(struct config_whole *w, const struct cfg_node *map, const struct cfg_source *source,
	struct cfg_report *report, struct bind *ret)
{
	*ret = (struct bind){
		.arena = &w->arena,
		.report = report,
		.source = source,
		.table = &key_table_listener,
		.title = "'defaults'",
		.is_defaults = true,
		.target = arena_alloc(&w->arena, key_table_listener.target_size),
	};
	int r = ret->target != NULL ? bind_start(ret) : cfg_report_no_memory(report);

	return r < 0 ? r : bind_map(ret, map);
}

void
load_check_name(const struct cfg_pair *pair, const char *of, struct cfg_report *report)
{
	size_t size = strlen(pair->key);
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	if (size == 0 || size > LISTENER_NAME_MAX || pair->key[strspn(pair->key, allowed)] != '\0')
		cfg_report_error(report, &pair->key_place,
			"'%.70s' cannot be the name of %s; write 1 to %d of A-Z a-z 0-9 _ . -", pair->key, of,
			LISTENER_NAME_MAX);
}

/* Which transports the listener has, before anything is bound: they decide which other keys fit. 0 if that
 * cannot be told, since then its addresses are wrong and told as such. */
static unsigned
transports_of(const struct cfg_node *map)
{
	const struct cfg_node *listen = cfg_node_get(map, "listen");
	unsigned transports = 0;

	if (listen != NULL && listen->kind == CFG_SCALAR)
		return address_transport(listen->text);
	if (listen == NULL || listen->kind != CFG_LIST)
		return 0;
	for (size_t i = 0; i < listen->count; i++) {
		unsigned one =
			listen->items[i]->kind == CFG_SCALAR ? address_transport(listen->items[i]->text) : 0;

		if (one == 0)
			return 0;
		transports |= one;
	}
	return transports;
}

static int
load_listener(struct config_whole *w, const struct cfg_pair *pair, const struct bind *defaults,
	struct cfg_listener *l)
{
	struct bind b = {
		.arena = &w->arena,
		.report = defaults->report,
		.source = defaults->source,
		.table = &key_table_listener,
		.title = arena_printf(&w->arena, "listener '%.70s'", pair->key),
		.transports = transports_of(pair->value),
		.target = l,
	};
	int r = b.title != NULL ? bind_start(&b) : cfg_report_no_memory(b.report);

	if (r < 0)
		return r;
	load_check_name(pair, "a listener", b.report);
	l->name = pair->key;
	l->place = pair->key_place;
	l->origins = b.origins;
	bind_inherit(&b, defaults);
	r = bind_map(&b, pair->value);
	if (r == 0)
		r = load_tls_use(w, l, b.transports, b.report);
	if (r == 0 && (pair->value->kind == CFG_MAP || cfg_node_is_null(pair->value)))
		bind_require(&b, &pair->key_place);
	return r;
}

static int
load_listeners(struct config_whole *w, const struct cfg_node *map, const struct bind *defaults)
{
	size_t count = map != NULL ? map->count : 0;

	w->config.listeners = arena_array(&w->arena, count, sizeof w->config.listeners[0]);
	if (w->config.listeners == NULL)
		return cfg_report_no_memory(defaults->report);
	for (size_t i = 0; i < count; i++) {
		int r = load_listener(w, &map->pairs[i], defaults, &w->config.listeners[i]);

		if (r < 0)
			return r;
	}
	w->config.listener_count = count;
	if (count == 0 && cfg_report_is_ok(defaults->report))
		cfg_report_warning(defaults->report, NULL,
			"there are no listeners; sockd serves nobody until some are added");
	return 0;
}

/* @param ret_daemon_is_known  whether daemon: has everything that was written, if it has come so far */
static int
load_whole(struct config_whole *w, const char *path, const char *text, size_t size,
	const struct cfg_source *source, struct cfg_report *report, bool *ret_daemon_is_known)
{
	struct files_sections sections = { 0 };
	struct bind defaults;
	int r = files_read(path, text, size, source, &w->arena, report, &sections);
	size_t errors_before = report->errors;

	if (r == 0)
		r = load_daemon(w, sections.daemon, source, report);
	*ret_daemon_is_known = !sections.has_gaps && report->errors == errors_before;
	if (r == 0)
		r = load_defaults(w, sections.defaults, source, report, &defaults);
	if (r == 0)
		r = load_tls(w, sections.tls, sections.listeners, report);
	if (r == 0)
		r = load_listeners(w, sections.listeners, &defaults);
	if (r == 0)
		r = check_config(&w->config, report);
	if (r == 0 && report->out_of_memory)
		r = -ENOMEM;
	return r;
}

static int
load(const char *path, const char *text, size_t size, const struct cfg_source *source, struct config **ret,
	enum cfg_extent *ret_extent, struct cfg_report *report)
{
	size_t errors_before = report->errors;
	struct config_whole *w = config_whole_new();
	enum cfg_extent extent = CFG_NOTHING;
	bool daemon_is_known;
	int r;

	if (w == NULL)
		return cfg_report_no_memory(report);
	r = load_whole(
		w, path, text, size, source != NULL ? source : &cfg_source_disk, report, &daemon_is_known);
	if (r == 0 && report->errors > errors_before) {
		r = -EINVAL;
		extent = load_rest(&w->config, daemon_is_known);
	} else if (r == 0) {
		extent = CFG_WHOLE;
	}
	if (extent == CFG_WHOLE || (extent != CFG_NOTHING && ret_extent != NULL))
		*ret = &w->config;
	else
		config_unref(&w->config);
	if (ret_extent != NULL)
		*ret_extent = extent;
	return r;
}

int
config_load(const char *path, const struct cfg_source *source, struct config **ret, struct cfg_report *report)
{
	return load(path, NULL, 0, source, ret, NULL, report);
}

int
config_load_rest(const char *path, const struct cfg_source *source, struct config **ret,
	enum cfg_extent *ret_extent, struct cfg_report *report)
{
	return load(path, NULL, 0, source, ret, ret_extent, report);
}

int
config_parse_text(const char *name, const char *text, size_t size, const struct cfg_source *source,
	struct config **ret, struct cfg_report *report)
{
	return load(name, text, size, source, ret, NULL, report);
}

/* A file that has nothing but faults may name a place in what could not be read, and so may an `admin:` that
 * came to nothing: to take the usual place for it could reach another daemon. */
static bool
admin_is_known(const struct config *config, const struct files_sections *s, const struct cfg_report *report)
{
	bool any = s->daemon != NULL || s->defaults != NULL || s->tls != NULL || s->listeners != NULL;

	return cfg_report_is_ok(report) || strcmp(config->daemon.admin.listen, CFG_ADMIN_AUTO) != 0 ||
	       (any && (s->daemon == NULL || cfg_node_get(s->daemon, "admin") == NULL));
}

int
config_admin_listen(const char *path, char **ret, struct cfg_report *report)
{
	struct config_whole *w = config_whole_new();
	struct files_sections sections = { 0 };
	char *copy;
	int r;

	if (w == NULL)
		return cfg_report_no_memory(report);
	r = files_read(path, NULL, 0, &cfg_source_disk, &w->arena, report, &sections);
	if (r == 0)
		r = load_daemon(w, sections.daemon, &cfg_source_disk, report);
	if (r == 0 && !admin_is_known(&w->config, &sections, report))
		r = -EINVAL;
	if (r == 0) {
		copy = strdup(w->config.daemon.admin.listen);
		if (copy != NULL)
			*ret = copy;
		else
			r = cfg_report_no_memory(report);
	}
	config_unref(&w->config);
	return r;
}
