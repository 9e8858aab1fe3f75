/* Walking a map beside a table. Which row a key has decides everything: whether it may be here, of what type
 * it is and where its value goes. Faults are told and the walk goes on, so that one run tells all of them. */
#include "config/bind.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "config/store.h"
#include "config/value.h"

enum { KEYS_MAX = 64 /* of one table */ };

static int bind_level(const struct bind *b, const struct cfg_node *map, const char *prefix);

static struct cfg_origin *
origin_of(const struct bind *b, const struct key *key)
{
	return &b->origins[key - b->table->keys];
}

static void *
field_of(const struct bind *b, const struct key *key)
{
	return (char *)b->target + key->offset;
}

/* Whether a blank-separated list has a word at most @p slips letters away. */
static bool
has_word_near(const char *list, const char *word, size_t slips)
{
	for (const char *at = list; at != NULL && *at != '\0'; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		char one[32];

		if (length < sizeof one) {
			memcpy(one, at, length);
			one[length] = '\0';
			if (parse_distance(one, word) <= slips && length > slips)
				return true;
		}
		at += length;
	}
	return false;
}

/* The key of this level that a word was meant to be: by the names that others give to it, by its spelling, or
 * by a slip in such a name. */
static const char *
meant_key(const struct key_table *table, const char *prefix, const char *word)
{
	const char *names[KEYS_MAX] = { NULL }, *slip = NULL, *nearest;
	size_t count = 0;

	for (size_t i = 0; i < table->count && count < KEYS_MAX; i++) {
		const struct key *key = &table->keys[i];
		const char *name = key_below(key, prefix);

		if (name == NULL || key->instead != NULL)
			continue;
		if (has_word_near(key->also, word, 0))
			return name;
		if (slip == NULL && strlen(word) > 3 && has_word_near(key->also, word, 1))
			slip = name;
		names[count++] = name;
	}
	nearest = parse_nearest(word, names, count);
	if (slip != NULL && nearest != NULL && parse_distance(word, nearest) > 1)
		return slip; /* the closer one */
	return nearest != NULL ? nearest : slip;
}

void
bind_unknown_key(const struct key_table *table, const char *prefix, const char *title,
	const struct cfg_pair *pair, struct cfg_report *report)
{
	auto_of(strbuf) struct strbuf list = { 0 };
	const char *meant = meant_key(table, prefix, pair->key);
	bool nested = *prefix != '\0';

	for (size_t i = 0; i < table->count; i++) {
		const char *name = key_below(&table->keys[i], prefix);

		if (name != NULL && table->keys[i].instead == NULL)
			strbuf_printf(&list, "%s%s", list.size > 0 ? " " : "", name);
	}
	cfg_report_error(report, &pair->key_place, "unknown key '%.60s' in %s%s%s%s%s%s%s (keys here: %s)",
		pair->key, nested ? "'" : "", nested ? prefix : title, nested ? "' of " : "",
		nested ? title : "", meant != NULL ? "; did you mean '" : "", meant != NULL ? meant : "",
		meant != NULL ? "'?" : "", list.data != NULL ? list.data : "none");
}

void
bind_refused_key(const struct key *key, const struct cfg_pair *pair, struct cfg_report *report)
{
	cfg_report_error(report, &pair->key_place, "'%s' is no key of sockd: %s", key->name, key->instead);
}

static bool
may_be_here(const struct bind *b, const struct key *key, const struct cfg_pair *pair)
{
	char fits[64], has[64];

	if (key->instead != NULL) {
		bind_refused_key(key, pair, b->report);
		return false;
	}
	if (b->is_defaults && key->own) {
		cfg_report_error(b->report, &pair->key_place,
			"'%s' is a listener's own key; move it to a listener", key->name);
		return false;
	}
	if (b->transports != 0 && key->transports != 0 && (key->transports & b->transports) == 0) {
		cfg_report_error(b->report, &pair->key_place,
			"'%s' does not apply to %s, only to %s; remove it from %s", key->name,
			key_transports_name(b->transports, has), key_transports_name(key->transports, fits),
			b->title);
		return false;
	}
	return true;
}

/* `handler: echo` is `handler: {plugin: echo}`. */
static int
bind_brief(const struct bind *b, const struct key *key, const struct cfg_pair *pair)
{
	struct cfg_pair inner = { .key = key->brief, .key_place = pair->value->place, .value = pair->value };
	struct cfg_node map = { .kind = CFG_MAP, .place = pair->value->place, .count = 1, .pairs = &inner };

	return bind_level(b, &map, key->name);
}

/* A map whose value could not be read: what has to be in it may well be there. */
static void
tell_nothing_of(const struct bind *b, const struct key *key)
{
	for (size_t i = 0; i < b->table->count; i++)
		if (key_below(&b->table->keys[i], key->name) != NULL)
			b->origins[i].kind = CFG_NOT_UNDERSTOOD;
}

static int
bind_pair(const struct bind *b, const struct key *key, const struct cfg_pair *pair)
{
	const struct cfg_node *value = pair->value;
	int r;

	if (!may_be_here(b, key, pair))
		return 0;
	*origin_of(b, key) = (struct cfg_origin){ CFG_FROM_FILE, pair->key_place };
	if (value->faulty) {
		origin_of(b, key)->kind = CFG_NOT_UNDERSTOOD;
		tell_nothing_of(b, key);
		return 0;
	}
	if (key->type == KEY_MAP) {
		if (cfg_node_is_null(value))
			return 0;
		if (value->kind == CFG_SCALAR && key->brief != NULL)
			return bind_brief(b, key, pair);
		if (value->kind == CFG_MAP)
			return bind_level(b, value, key->name);
		cfg_node_wrong_kind(value, key->name, "a map", b->report);
		origin_of(b, key)->kind = CFG_NOT_UNDERSTOOD;
		return 0;
	}
	r = store_value(key, value, b->source, b->arena, field_of(b, key), b->report);
	if (r < 0) {
		origin_of(b, key)->kind = CFG_NOT_UNDERSTOOD;
		return r == -ENOMEM ? r : 0;
	}
	origin_of(b, key)->place = value->place;
	if (key->place_offset != 0)
		memcpy((char *)b->target + key->place_offset, &value->place, sizeof value->place);
	return 0;
}

/* What the unknown key was to be may well be another key of that map. */
static void
not_understood(const struct bind *b, const char *name)
{
	for (size_t i = 0; i < b->table->count; i++)
		if (strcmp(b->table->keys[i].name, name) == 0)
			b->origins[i].kind = CFG_NOT_UNDERSTOOD;
}

static int
bind_level(const struct bind *b, const struct cfg_node *map, const char *prefix)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct key *key = key_find(b->table, prefix, map->pairs[i].key);
		int r;

		if (key == NULL) {
			bind_unknown_key(b->table, prefix, b->title, &map->pairs[i], b->report);
			not_understood(b, prefix);
			continue;
		}
		r = bind_pair(b, key, &map->pairs[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int
bind_map(const struct bind *b, const struct cfg_node *map)
{
	if (map == NULL || cfg_node_is_null(map))
		return 0;
	if (map->kind == CFG_MAP)
		return bind_level(b, map, "");
	cfg_report_error(
		b->report, &map->place, "%s has to be a map, not %s", b->title, cfg_node_kind_name(map));
	return 0;
}

int
bind_start(struct bind *b)
{
	b->origins = arena_array(b->arena, b->table->count, sizeof *b->origins);
	if (b->origins == NULL)
		return cfg_report_no_memory(b->report);
	for (size_t i = 0; i < b->table->count; i++) {
		const struct key *key = &b->table->keys[i];
		int r;

		if (key->fallback == NULL || key->instead != NULL || key->size == 0)
			continue;
		r = store_fallback(key, b->arena, field_of(b, key), b->report);
		if (r < 0)
			return r;
	}
	return 0;
}

void
bind_inherit(const struct bind *b, const struct bind *from)
{
	for (size_t i = 0; i < b->table->count; i++) {
		const struct key *key = &b->table->keys[i];

		if (key->size == 0 || from->origins[i].kind != CFG_FROM_FILE)
			continue;
		if (b->transports != 0 && (key->transports & b->transports) == 0)
			continue;
		memcpy(field_of(b, key), field_of(from, key), key->size);
		if (key->place_offset != 0)
			memcpy((char *)b->target + key->place_offset,
				(char *)from->target + key->place_offset, sizeof(struct cfg_place));
		b->origins[i] = (struct cfg_origin){ CFG_FROM_DEFAULTS_MAP, from->origins[i].place };
	}
}

/* The row of the map that a nested key lies in, or NULL. */
static const struct key *
outer_key(const struct key_table *table, const struct key *key)
{
	size_t size = (size_t)(key_last(key) - key->name);

	for (size_t i = 0; size > 0 && i < table->count; i++)
		if (strlen(table->keys[i].name) == size - 1 &&
			strncmp(table->keys[i].name, key->name, size - 1) == 0)
			return &table->keys[i];
	return NULL;
}

void
bind_require(const struct bind *b, const struct cfg_place *place)
{
	for (size_t i = 0; i < b->table->count; i++) {
		const struct key *key = &b->table->keys[i], *outer = outer_key(b->table, key);

		if (!key->required || b->origins[i].kind != CFG_FROM_DEFAULT)
			continue;
		if (outer == NULL)
			cfg_report_error(b->report, place, "%s has no '%s'; add '%s: %s'", b->title,
				key->name, key->name, key->example);
		else if (origin_of(b, outer)->kind == CFG_FROM_DEFAULT)
			cfg_report_error(b->report, place, "%s has no '%s'; add '%s: %s'", b->title,
				outer->name, outer->name, key->example);
		else
			cfg_report_error(b->report, &origin_of(b, outer)->place,
				"'%s' of %s has no '%s'; add '%s: %s'", outer->name, b->title, key_last(key),
				key_last(key), key->example);
	}
}
