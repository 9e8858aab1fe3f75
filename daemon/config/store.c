/* Types of values. A row says of which type a key is and what its range is; how such a value is read, kept
 * and shown is said here, once. */
#include "config/store.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "config/address.h"
#include "config/accounts.h"
#include "config/networks.h"
#include "config/store_maps.h"
#include "config/value.h"

/* Whole numbers are kept in fields of several sizes; the row knows. */
static void
put_number(const struct store *s, int64_t value)
{
	int narrow = (int)value;
	bool truth = value != 0;

	if (s->key->size == sizeof value)
		memcpy(s->field, &value, sizeof value);
	else if (s->key->size == sizeof narrow)
		memcpy(s->field, &narrow, sizeof narrow);
	else
		memcpy(s->field, &truth, sizeof truth);
}

static int64_t
get_number(const struct key *key, const void *field)
{
	int64_t value;
	int narrow;
	bool truth;

	if (key->size == sizeof value) {
		memcpy(&value, field, sizeof value);
		return value;
	}
	if (key->size == sizeof narrow) {
		memcpy(&narrow, field, sizeof narrow);
		return narrow;
	}
	memcpy(&truth, field, sizeof truth);
	return truth;
}

static int
store_bool(const struct store *s)
{
	return cfg_node_bool(s->node, s->key->name, s->field, s->report);
}

/* `one of: a b c`, with the one that was probably meant. */
static int
refuse_word(const struct store *s, const char *further)
{
	auto_of(strbuf) struct strbuf list = { 0 };
	const char *names[16], *nearest;
	size_t count = 0;

	for (const struct key_word *w = s->key->words; w->name != NULL && count < array_len(names); w++) {
		strbuf_printf(&list, "%s%s", count > 0 ? ", " : "", w->name);
		names[count++] = w->name;
	}
	nearest = parse_nearest(s->node->text, names, count);
	return cfg_report_error(s->report, &s->node->place, "'%s': '%.60s' is unknown%s%s%s; write %s%s",
		s->key->name, s->node->text, nearest != NULL ? ", did you mean '" : "",
		nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "",
		list.data != NULL ? list.data : "", further);
}

static bool
is_word(const struct store *s, int64_t *ret)
{
	return s->node->kind == CFG_SCALAR && key_word_value(s->key->words, s->node->text, ret);
}

static int
store_integer(const struct store *s)
{
	int64_t value;
	int r = 0;

	if (!is_word(s, &value)) {
		if (s->key->words != NULL && s->node->kind == CFG_SCALAR && !cfg_node_is_null(s->node) &&
			parse_integer(s->node->text, &value, NULL) == -EINVAL)
			return refuse_word(s, ", or a number");
		r = cfg_node_integer(s->node, s->key->name, s->key->min, s->key->max, &value, s->report);
	}
	if (r == 0)
		put_number(s, value);
	return r;
}

static int
store_size(const struct store *s)
{
	return cfg_node_size(s->node, s->key->name, s->key->min, s->key->max, s->field, s->report);
}

static int
store_duration(const struct store *s)
{
	int64_t ms;
	int r = cfg_node_duration(
		s->node, s->key->name, s->key->min, s->key->max, s->key->off, &ms, s->report);

	if (r == 0 && s->key->step > 1 && ms > 0 && ms % s->key->step != 0)
		return cfg_report_error(s->report, &s->node->place,
			"'%s': %s is not whole seconds; write %" PRId64 "s", s->key->name, s->node->text,
			(ms + s->key->step - 1) / s->key->step);
	if (r == 0)
		put_number(s, ms);
	return r;
}

static int
store_mode(const struct store *s)
{
	return cfg_node_mode(s->node, s->key->name, s->field, s->report);
}

static int
store_word(const struct store *s)
{
	int64_t value;

	if (s->node->kind != CFG_SCALAR || cfg_node_is_null(s->node))
		return cfg_node_wrong_kind(s->node, s->key->name, "a word", s->report);
	if (!is_word(s, &value))
		return refuse_word(s, "");
	put_number(s, value);
	return 0;
}

static int
store_text(const struct store *s)
{
	const char *text;
	int r = cfg_node_text(s->node, s->key->name, &text, s->report);

	if (r < 0)
		return r;
	if (s->key->max > 0 && strlen(text) > (size_t)s->key->max)
		return cfg_report_error(s->report, &s->node->place,
			"'%s': '%.60s' has more than %" PRId64 " bytes", s->key->name, text, s->key->max);
	memcpy(s->field, &text, sizeof text);
	return 0;
}

static int
store_target(const struct store *s)
{
	int64_t value;

	if (s->node->kind == CFG_SCALAR && !cfg_node_is_null(s->node) && !is_word(s, &value) &&
		s->node->text[0] != '/')
		return refuse_word(s, ", or an absolute path");
	return store_text(s);
}

/* One address, kept as it is written: whoever opens the socket takes it apart again. */
static int
store_socket(const struct store *s)
{
	struct cfg_address address;
	struct err e = { 0 };
	int64_t word;
	int r;

	if (s->node->kind != CFG_SCALAR || cfg_node_is_null(s->node))
		return cfg_node_wrong_kind(s->node, s->key->name, key_type_name(s->key->type), s->report);
	if (is_word(s, &word))
		return store_text(s);
	if (strchr(s->node->text, ':') == NULL && s->node->text[0] != '/')
		return refuse_word(s, ", or an address such as unix:///run/sockd/admin.sock");
	r = address_parse(s->node->text, s->arena, &address, &e);
	if (r == -ENOMEM)
		return cfg_report_no_memory(s->report);
	if (r < 0)
		return cfg_report_err(s->report, &s->node->place, &e);
	if (address.transport != CFG_UNIX)
		return cfg_report_error(s->report, &s->node->place,
			"'%s': only a unix socket will do here; write such as unix:///run/sockd/admin.sock",
			s->key->name);
	return store_text(s);
}

/* A path in the arena. */
static int
take_path(const struct store *s, const struct cfg_node *node, const char **ret)
{
	auto_of(mem) char *path = NULL;
	int r = cfg_node_path(node, s->key->name, &path, s->report);

	if (r < 0)
		return r;
	*ret = arena_copy(s->arena, path, strlen(path));
	return *ret != NULL ? 0 : cfg_report_no_memory(s->report);
}

static int
store_plugin(const struct store *s)
{
	const char *text;
	int r = cfg_node_text(s->node, s->key->name, &text, s->report);

	if (r == 0 && *text == '\0')
		return cfg_report_error(s->report, &s->node->place, "'%s': the name is empty", s->key->name);
	if (r == 0 && strchr(text, '/') != NULL)
		r = take_path(s, s->node, &text);
	if (r == 0)
		memcpy(s->field, &text, sizeof text);
	return r;
}

static int
store_paths(const struct store *s)
{
	size_t count = item_count(s->node);
	const char **paths = arena_array(s->arena, count, sizeof *paths);

	if (paths == NULL)
		return cfg_report_no_memory(s->report);
	for (size_t i = 0; i < count; i++) {
		int r = take_path(s, item_at(s->node, i), &paths[i]);

		if (r < 0)
			return r;
	}
	put_array(s, paths, count);
	return 0;
}

static int
store_address(const struct store *s, const struct cfg_node *node, struct cfg_address *ret)
{
	struct err e = { 0 };
	const char *url;
	int r = cfg_node_text(node, s->key->name, &url, s->report);

	if (r < 0)
		return r;
	r = address_parse(url, s->arena, ret, &e);
	ret->place = node->place;
	if (r == -ENOMEM)
		return cfg_report_no_memory(s->report);
	return r < 0 ? cfg_report_err(s->report, &node->place, &e) : 0;
}

static int
store_addresses(const struct store *s)
{
	size_t count = item_count(s->node);
	struct cfg_address *addresses = arena_array(s->arena, count, sizeof *addresses);
	int failed = 0;

	if (addresses == NULL)
		return cfg_report_no_memory(s->report);
	if (count == 0)
		return cfg_report_error(s->report, &s->node->place,
			"'%s' holds no address; write such as "
			"tcp://127.0.0.1:7000",
			s->key->name);
	for (size_t i = 0; i < count; i++) {
		int r = store_address(s, item_at(s->node, i), &addresses[i]);

		if (r == -ENOMEM)
			return r;
		failed = r < 0 ? r : failed;
	}
	if (failed == 0)
		put_array(s, addresses, count);
	return failed;
}

static int
store_settings(const struct store *s)
{
	const struct cfg_node *node = s->node;

	if (node->kind != CFG_MAP && !cfg_node_is_null(node))
		return cfg_node_wrong_kind(node, s->key->name, "a map", s->report);
	if (node->kind == CFG_MAP)
		memcpy(s->field, &node, sizeof node);
	return 0;
}

static int
store_texts(const struct store *s)
{
	size_t count = item_count(s->node);
	const char **texts = arena_array(s->arena, count, sizeof *texts);

	if (texts == NULL)
		return cfg_report_no_memory(s->report);
	for (size_t i = 0; i < count; i++) {
		int r = cfg_node_text(item_at(s->node, i), s->key->name, &texts[i], s->report);

		if (r < 0)
			return r;
	}
	put_array(s, texts, count);
	return 0;
}

static int
store_path(const struct store *s)
{
	const char *path;
	int r = take_path(s, s->node, &path);

	if (r == 0)
		memcpy(s->field, &path, sizeof path);
	return r;
}

/* What it holds is read by whoever uses it, from where the snapshot is read from. */
static int
store_secret(const struct store *s)
{
	const struct cfg_node *node = s->node;

	if (!cfg_node_is_secret_reference(node) && (node->kind != CFG_SCALAR || cfg_node_is_null(node)))
		return cfg_node_wrong_kind(
			node, s->key->name, "text, {file: PATH} or {credential: NAME}", s->report);
	memcpy(s->field, &node, sizeof node);
	return 0;
}

/* A name is resolved, and a map bound, when all names are known. */
static int
store_tls(const struct store *s)
{
	const struct cfg_tls_use use = { .node = s->node };

	if (s->node->kind == CFG_LIST || cfg_node_is_null(s->node))
		return cfg_node_wrong_kind(s->node, s->key->name, "a name or a map", s->report);
	memcpy(s->field, &use, sizeof use);
	return 0;
}

static int
store_rate(const struct store *s)
{
	return cfg_node_rate(s->node, s->key->name, s->field, s->report);
}

static int
store_bandwidth(const struct store *s)
{
	return cfg_node_bandwidth(s->node, s->key->name, s->key->min, s->key->max, s->field, s->report);
}

static int
store_networks(const struct store *s)
{
	return networks_read(s->key, s->node, s->source, s->arena, s->field, s->report);
}

static int
store_accounts(const struct store *s)
{
	return accounts_read(s->key, s->node, s->source, s->arena, s->field, s->report);
}

static int (*const store_by_type[KEY_TYPE_COUNT])(const struct store *s) = {
	[KEY_BOOL] = store_bool,
	[KEY_INTEGER] = store_integer,
	[KEY_SIZE] = store_size,
	[KEY_DURATION] = store_duration,
	[KEY_MODE] = store_mode,
	[KEY_WORD] = store_word,
	[KEY_TEXT] = store_text,
	[KEY_TARGET] = store_target,
	[KEY_SOCKET] = store_socket,
	[KEY_RATE] = store_rate,
	[KEY_BANDWIDTH] = store_bandwidth,
	[KEY_NETWORKS] = store_networks,
	[KEY_USERS] = store_accounts,
	[KEY_GROUPS] = store_accounts,
	[KEY_PLUGIN] = store_plugin,
	[KEY_TEXTS] = store_texts,
	[KEY_PATH] = store_path,
	[KEY_SECRET] = store_secret,
	[KEY_CERTIFICATES] = store_certificates,
	[KEY_TLS] = store_tls,
	[KEY_PATHS] = store_paths,
	[KEY_ADDRESSES] = store_addresses,
	[KEY_SETTINGS] = store_settings,
	[KEY_OBSERVERS] = store_observers,
};

int
store_value(const struct key *key, const struct cfg_node *node, const struct cfg_source *source,
	struct arena *arena, void *field, struct cfg_report *report)
{
	const struct store s = { key, node, source, arena, field, report };

	assert(store_by_type[key->type] != NULL);
	return store_by_type[key->type](&s);
}

int
store_fallback(const struct key *key, struct arena *arena, void *field, struct cfg_report *report)
{
	bool quoted = key->fallback[0] == '"';
	struct cfg_node node = { .kind = CFG_SCALAR, .plain = !quoted };

	node.text = arena_copy(arena, key->fallback + quoted, strlen(key->fallback) - (quoted ? 2 : 0));
	if (node.text == NULL)
		return cfg_report_no_memory(report);
	return store_value(key, &node, NULL, arena, field, report); /* a default names no file */
}

bool
store_format(const struct key *key, const void *field, struct strbuf *out, bool *ret_bare)
{
	char buffer[PARSE_TEXT_SIZE];
	const char *text;

	*ret_bare = key->type == KEY_BOOL || key->type == KEY_INTEGER;
	switch (key->type) {
	case KEY_BOOL:
		text = get_number(key, field) != 0 ? "true" : "false";
		break;
	case KEY_INTEGER:
	case KEY_WORD:
		text = key_word_name(key->words, get_number(key, field));
		if (text != NULL)
			*ret_bare = strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || text[0] == '1';
		else {
			snprintf(buffer, sizeof buffer, "%" PRId64, get_number(key, field));
			text = buffer;
		}
		break;
	case KEY_SIZE:
		text = parse_format_size(get_number(key, field), buffer);
		break;
	case KEY_DURATION:
		text = parse_format_duration(get_number(key, field), buffer);
		break;
	case KEY_RATE:
		text = parse_format_rate(((const struct cfg_rate *)field)->count,
			((const struct cfg_rate *)field)->per_ms, buffer);
		break;
	case KEY_BANDWIDTH:
		text = parse_format_bandwidth(get_number(key, field), buffer);
		break;
	case KEY_MODE:
		snprintf(buffer, sizeof buffer, "%04o", (unsigned)get_number(key, field));
		text = buffer;
		break;
	default:
		memcpy(&text, field, sizeof text);
	}
	if (text != NULL)
		strbuf_add(out, text);
	return text != NULL;
}
