/* A plugin declares its settings in a table, and everything else follows from the table: what the operator
 * may write, the errors with their places, the defaults. Values are read once, before any code of the plugin
 * runs, by the functions that read sockd's own keys, so that both accept and refuse the same spellings. */
#include "plugin/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "config/load_tls.h"
#include "config/tree.h"
#include "config/value.h"
#include "plugin/option.h"

/* One declared setting with its value. */
struct value {
	const struct sockd_option *option; /* borrowed */
	const struct cfg_node *node;       /* borrowed; NULL: the default */
	int64_t number;
	char *text;   /* owned */
	char **items; /* owned; lists */
	size_t item_count;
};

struct settings {
	struct sockd_settings api; /* first */
	const struct sockd_plugin *plugin;
	const struct cfg_place *place;
	const struct cfg_node *node;
	const struct cfg_source *source;
	const struct config *config; /* borrowed while the values are read */
	struct value *values;        /* owned */
	size_t count;
	atomic_bool complained; /* about what the plugin asked for */
};

enum { OPTIONS_MAX = 256, OPTION_SIZE_MAX = 1024 };

/* Rows of a newer minor may be longer than ours: the plugin says how long its own are. */
static const struct sockd_option *
option_at(const struct sockd_plugin *plugin, size_t i)
{
	const void *row = (const char *)plugin->options + i * plugin->option_size;

	return row;
}

static size_t
option_count(const struct sockd_plugin *plugin)
{
	size_t n = 0;

	while (plugin->options != NULL && n < OPTIONS_MAX && option_at(plugin, n)->name != NULL)
		n++;
	return n;
}

const struct sockd_option *
settings_row(const struct sockd_plugin *plugin, size_t i)
{
	return i < option_count(plugin) ? option_at(plugin, i) : NULL;
}

int
settings_check_table(const struct sockd_plugin *plugin, struct err *e)
{
	size_t count;

	if (plugin->options == NULL)
		return 0;
	if (plugin->option_size < sizeof(struct sockd_option) || plugin->option_size > OPTION_SIZE_MAX ||
		plugin->option_size % _Alignof(struct sockd_option) != 0)
		return err_set(e, -EINVAL,
			"the plugin '%s' has rows of %u bytes in its options; begin its description with "
			"SOCKD_PLUGIN_INIT",
			plugin->name, (unsigned)plugin->option_size);
	count = option_count(plugin);
	if (count == OPTIONS_MAX)
		return err_set(e, -EINVAL,
			"the plugin '%s' has %d options or more; is the row of zeroes at the end missing?",
			plugin->name, OPTIONS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct sockd_option *o = option_at(plugin, i);
		int r = option_check_row(o, plugin->name, e);

		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (strcmp(option_at(plugin, k)->name, o->name) == 0)
				return err_set(e, -EINVAL, "the plugin '%s' declares the option '%s' twice",
					plugin->name, o->name);
	}
	return 0;
}

/* ---- reading ---- */

static int
read_number(
	const struct sockd_option *o, const struct cfg_node *node, struct cfg_report *report, int64_t *ret)
{
	bool flag = false;
	int64_t low = option_has_bounds(o) ? o->min : INT64_MIN,
		high = option_has_bounds(o) ? o->max : INT64_MAX;
	int r;

	switch (o->type & ~(uint32_t)SOCKD_T_LIST) {
	case SOCKD_T_BOOL:
		r = cfg_node_bool(node, o->name, &flag, report);
		*ret = flag;
		return r;
	case SOCKD_T_INT:
		return cfg_node_integer(node, o->name, low, high, ret, report);
	case SOCKD_T_SIZE:
		return cfg_node_size(node, o->name, option_has_bounds(o) ? o->min : 0, high, ret, report);
	default:
		return cfg_node_duration(
			node, o->name, option_has_bounds(o) ? o->min : 0, high, true, ret, report);
	}
}

static bool
is_number(const struct sockd_option *o)
{
	uint32_t type = o->type & ~(uint32_t)SOCKD_T_LIST;

	return type >= SOCKD_T_BOOL && type <= SOCKD_T_DURATION;
}

/* Text of any kind, in memory of its own. */
static int
read_text(const struct settings *s, const struct sockd_option *o, const struct cfg_node *node,
	struct cfg_report *report, char **ret)
{
	uint32_t type = o->type & ~(uint32_t)SOCKD_T_LIST;
	auto_of(mem) char *own = NULL;
	const char *lent = NULL;
	int r;

	if (type == SOCKD_T_PATH)
		r = cfg_node_path(node, o->name, &own, report);
	else if (type == SOCKD_T_SECRET)
		r = cfg_node_secret(node, o->name, s->source, &own, report);
	else
		r = cfg_node_text(node, o->name, &lent, report);
	if (r < 0)
		return r;
	if (own == NULL && (own = strdup(lent)) == NULL)
		return cfg_report_no_memory(report);
	if (type == SOCKD_T_WORD)
		r = option_check_word(o, node, own, report);
	else if (type == SOCKD_T_URL)
		r = option_check_url(o, node, own, report);
	else if (type == SOCKD_T_TLS)
		r = tls_find_or_tell(s->config, own, o->name, &node->place, report) != NULL ? 0 : -EINVAL;
	else
		r = option_check_length(o, node, own, report);
	if (r < 0)
		return r;
	*ret = mem_take(own);
	return 0;
}

static int
read_scalar(const struct settings *s, const struct sockd_option *o, const struct cfg_node *node,
	struct cfg_report *report, int64_t *ret_number, char **ret_text)
{
	int r;

	if (!is_number(o))
		return read_text(s, o, node, report, ret_text);
	r = read_number(o, node, report, ret_number);
	if (r < 0)
		return r;
	if (option_type(o) == SOCKD_T_BOOL)
		*ret_text = strdup(*ret_number != 0 ? "true" : "false");
	else if (asprintf(ret_text, "%" PRId64, *ret_number) < 0)
		*ret_text = NULL;
	return *ret_text != NULL ? 0 : cfg_report_no_memory(report);
}

static int
read_list(const struct settings *s, struct value *v, const struct cfg_node *node, struct cfg_report *report)
{
	const struct cfg_node *one = node;
	size_t count = node->kind == CFG_LIST ? node->count : 1;
	int result = 0;

	v->items = calloc(count + 1, sizeof(char *));
	if (v->items == NULL)
		return cfg_report_no_memory(report);
	for (size_t i = 0; i < count; i++) {
		int64_t number;
		int r;

		if (node->kind == CFG_LIST)
			one = node->items[i];
		r = read_scalar(s, v->option, one, report, &number, &v->items[v->item_count]);
		if (r < 0)
			result = r;
		else
			v->item_count++;
	}
	return result;
}

static int
read_value(const struct settings *s, struct value *v, const struct cfg_node *node, struct cfg_report *report)
{
	if ((v->option->type & SOCKD_T_LIST) != 0)
		return read_list(s, v, node, report);
	if (node->kind != CFG_SCALAR && v->option->type != SOCKD_T_SECRET) /* {file: PATH} is one, too */
		return cfg_node_wrong_kind(node, v->option->name, "one value", report);
	return read_scalar(s, v->option, node, report, &v->number, &v->text);
}

/* A default is YAML, read as if it stood in the operator's file, since relative paths start there. What is
 * wrong with it is the fault of the plugin's author. */
static int
read_fallback(const struct settings *s, struct value *v, struct cfg_report *report)
{
	auto_of(arena) struct arena arena = { 0 };
	auto_of(cfg_report) struct cfg_report own = { 0 };
	const char *text = v->option->fallback;
	struct tree_context context = { .arena = &arena, .source = &cfg_source_disk, .report = &own };
	struct cfg_node *node = NULL;
	int r = tree_parse(&context, s->place->file != NULL ? s->place->file : "", text, strlen(text), &node);

	if (r == 0 && node != NULL && cfg_report_is_ok(&own))
		r = read_value(s, v, node, &own);
	if (r == -ENOMEM)
		return cfg_report_no_memory(report);
	if (r == 0 && node != NULL && cfg_report_is_ok(&own))
		return 0;
	return cfg_report_error(report, s->place, "the plugin '%s' has an unusable default for '%s' (%s): %s",
		s->plugin->name, v->option->name, text, own.count > 0 ? own.findings[0].text : "it is empty");
}

static int
settings_read_row(struct settings *s, struct value *v, struct cfg_report *report)
{
	v->node = cfg_node_get(s->node, v->option->name);
	if (v->node != NULL)
		return read_value(s, v, v->node, report);
	if (v->option->required != 0)
		return cfg_report_error(report, s->node != NULL ? &s->node->place : s->place,
			"the plugin '%s' needs the setting '%s'%s%s", s->plugin->name, v->option->name,
			v->option->help != NULL ? ": " : "", v->option->help != NULL ? v->option->help : "");
	return v->option->fallback != NULL ? read_fallback(s, v, report) : 0;
}

static int
settings_refuse_unknown(const struct settings *s, struct cfg_report *report)
{
	auto_of(mem) const char **names = calloc(s->count + 1, sizeof(char *));
	auto_of(strbuf) struct strbuf all = { 0 };
	int r = 0;

	if (names == NULL)
		return cfg_report_no_memory(report);
	for (size_t i = 0; i < s->count; i++) {
		names[i] = s->values[i].option->name;
		strbuf_printf(&all, "%s%s", i == 0 ? "" : " ", names[i]);
	}
	for (size_t i = 0; s->node != NULL && i < s->node->count; i++) {
		const struct cfg_pair *pair = &s->node->pairs[i];
		const char *near = parse_nearest(pair->key, names, s->count);
		bool known = false;

		for (size_t k = 0; k < s->count && !known; k++)
			known = strcmp(names[k], pair->key) == 0;
		if (!known)
			r = cfg_report_error(report, &pair->key_place,
				"the plugin '%s' has no setting '%s'%s%s%s (settings here: %s)",
				s->plugin->name, pair->key, near != NULL ? "; did you mean '" : "",
				near != NULL ? near : "", near != NULL ? "'?" : "",
				s->count > 0 ? all.data : "none");
	}
	return r;
}

static int
settings_read(struct settings *s, struct cfg_report *report)
{
	int result;

	if (s->node != NULL && s->node->kind != CFG_MAP)
		return cfg_node_wrong_kind(s->node, "config", "a map of the plugin's settings", report);
	result = settings_refuse_unknown(s, report);
	for (size_t i = 0; i < s->count; i++) {
		int r;

		s->values[i].option = option_at(s->plugin, i);
		r = settings_read_row(s, &s->values[i], report);
		if (r < 0)
			result = r;
	}
	return result;
}

/* ---- what a plugin asks ---- */

/* Either is the plugin's fault. Told once an instance: it may ask for every datagram. */
static const struct value *
complain(struct settings *s, const char *name, const char *what)
{
	if (!atomic_exchange_explicit(&s->complained, true, memory_order_relaxed))
		log_error("plugin_fault", LOG_S("plugin", s->plugin->name), LOG_S("option", name),
			LOG_S("msg", what));
	return NULL;
}

/* @p types is a mask of 1 << enum sockd_type. */
static const struct value *
settings_find(const struct sockd_settings *api, const char *name, unsigned types, bool list)
{
	struct settings *s = container_of(api, struct settings, api);

	for (size_t i = 0; i < s->count; i++) {
		const struct sockd_option *o = s->values[i].option;

		if (strcmp(o->name, name) != 0)
			continue;
		if ((types & 1u << option_type(o)) != 0 && list == ((o->type & SOCKD_T_LIST) != 0))
			return &s->values[i];
		return complain(s, name, "the plugin reads a setting as another type than it declares");
	}
	return complain(s, name, "the plugin asks for a setting that it does not declare");
}

static const char *
get_string(const struct sockd_settings *s, const char *name)
{
	const unsigned texts = 1u << SOCKD_T_STRING | 1u << SOCKD_T_WORD | 1u << SOCKD_T_PATH |
			       1u << SOCKD_T_SECRET | 1u << SOCKD_T_URL | 1u << SOCKD_T_TLS;
	const struct value *v = settings_find(s, name, texts, false);

	return v != NULL ? v->text : NULL;
}

static int64_t
get_number(const struct sockd_settings *s, const char *name, enum sockd_type type)
{
	const struct value *v = settings_find(s, name, 1u << type, false);

	return v != NULL ? v->number : 0;
}

static int64_t
get_int(const struct sockd_settings *s, const char *name)
{
	return get_number(s, name, SOCKD_T_INT);
}

static bool
get_bool(const struct sockd_settings *s, const char *name)
{
	return get_number(s, name, SOCKD_T_BOOL) != 0;
}

static int64_t
get_duration_ms(const struct sockd_settings *s, const char *name)
{
	return get_number(s, name, SOCKD_T_DURATION);
}

static uint64_t
get_size(const struct sockd_settings *s, const char *name)
{
	return (uint64_t)get_number(s, name, SOCKD_T_SIZE);
}

static const char *
get_list(const struct sockd_settings *s, const char *name, size_t i)
{
	const struct value *v = settings_find(s, name, ~0u, true);

	return v != NULL && i < v->item_count ? v->items[i] : NULL;
}

static const struct sockd_settings_ops settings_ops = {
	.size = sizeof(struct sockd_settings_ops),
	.get_string = get_string,
	.get_int = get_int,
	.get_bool = get_bool,
	.get_duration_ms = get_duration_ms,
	.get_size = get_size,
	.get_list = get_list,
};

const struct cfg_place *
settings_error_place(const struct settings *s, const struct settings_error *e)
{
	size_t length = strcspn(e->option, "[");

	for (size_t i = 0; i < s->count; i++) {
		const struct value *v = &s->values[i];
		size_t item;

		if (v->node == NULL || strlen(v->option->name) != length ||
			memcmp(v->option->name, e->option, length) != 0)
			continue;
		if (v->node->kind == CFG_LIST && sscanf(e->option + length, "[%zu]", &item) == 1 &&
			item < v->node->count)
			return &v->node->items[item]->place;
		return &v->node->place;
	}
	return s->node != NULL ? &s->node->place : s->place;
}

bool
settings_are_same(const struct settings *a, const struct settings *b)
{
	if (a->plugin != b->plugin || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct value *x = &a->values[i], *y = &b->values[i];

		if (x->number != y->number || x->item_count != y->item_count ||
			(x->text == NULL) != (y->text == NULL) ||
			(x->text != NULL && strcmp(x->text, y->text) != 0))
			return false;
		for (size_t k = 0; k < x->item_count; k++)
			if (strcmp(x->items[k], y->items[k]) != 0)
				return false;
	}
	return true;
}

const struct sockd_settings *
settings_api(const struct settings *s)
{
	return &s->api;
}

int
settings_new(const struct sockd_plugin *plugin, const struct config *config, const struct cfg_place *place,
	const struct cfg_node *node, const struct cfg_source *source, struct cfg_report *report,
	struct settings **ret)
{
	static const struct cfg_place nowhere;
	struct settings *s = mem_new(*s);
	int r;

	if (s == NULL)
		return cfg_report_no_memory(report);
	*s = (struct settings){ .api.ops = &settings_ops,
		.plugin = plugin,
		.config = config,
		.place = place != NULL ? place : &nowhere,
		.node = node,
		.source = source,
		.count = option_count(plugin) };
	s->values = calloc(s->count + 1, sizeof *s->values);
	for (size_t i = 0; s->values != NULL && i < s->count; i++)
		s->values[i].option = option_at(plugin, i);
	r = s->values != NULL ? settings_read(s, report) : cfg_report_no_memory(report);
	if (r < 0) {
		settings_free(s);
		return r;
	}
	s->config = NULL; /* it may go before us */
	*ret = s;
	return 0;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; s->values != NULL && i < s->count; i++) {
		struct value *v = &s->values[i];

		if (v->text != NULL && (v->option->type & ~(uint32_t)SOCKD_T_LIST) == SOCKD_T_SECRET)
			explicit_bzero(v->text, strlen(v->text));
		free(v->text);
		for (size_t k = 0; k < v->item_count; k++)
			free(v->items[k]);
		free(v->items);
	}
	free(s->values);
	free(s);
}
