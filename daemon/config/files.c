/* Several files, one configuration. Sections are joined key by key and a key may come only once over all
 * files: no file overrides another, so the order of includes never matters. `version` and `include` belong to
 * the file that they stand in. */
#include "config/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/bind.h"
#include "config/gather.h"
#include "config/key.h"
#include "config/tree.h"
#include "config/value.h"

/* A file that was met. */
struct seen {
	char *identity; /* owned */
	const char *name;
	struct cfg_place from; /* the include that named it */
	bool open;             /* still being read: meeting it again is a cycle */
};

struct section {
	const char *name;
	struct gather pairs;
	struct cfg_place place;
};

struct reader {
	struct tree_context tree;
	struct gather seen;
	struct section sections[4];
	bool has_gaps;
};

static int read_file(struct reader *r, const char *path, const struct cfg_place *from, int depth);

static struct seen *
seen_at(struct reader *r, size_t i)
{
	return (struct seen *)r->seen.at + i;
}

static void
reader_fini(struct reader *r)
{
	for (size_t i = 0; i < r->seen.count; i++)
		free(seen_at(r, i)->identity);
	gather_fini(&r->seen);
	for (size_t i = 0; i < array_len(r->sections); i++)
		gather_fini(&r->sections[i].pairs);
}

/* Remember the file. @return 0, -EINVAL when it was met before (told), -ENOMEM (told) */
static int
enter(struct reader *r, const char *path, const struct cfg_place *from, size_t *ret_index)
{
	const struct cfg_source *source = r->tree.source;
	struct seen *seen;
	char *identity = NULL;

	/* What has no identity, such as a pipe, is known by its name; what does not exist fails when it is
	 * read. */
	if (source->identify(source->arg, path, &identity) < 0)
		identity = strdup(path);
	if (identity == NULL)
		return cfg_report_no_memory(r->tree.report);
	for (size_t i = 0; i < r->seen.count; i++) {
		seen = seen_at(r, i);
		if (strcmp(seen->identity, identity) != 0)
			continue;
		free(identity);
		if (seen->open)
			return cfg_report_error(
				r->tree.report, from, "%s includes itself in a circle", seen->name);
		return cfg_report_error(r->tree.report, from,
			"%s is included twice; the first is at %s:%d:%d", path, seen->from.file,
			seen->from.line, seen->from.column);
	}
	seen = gather_next(&r->seen, sizeof *seen);
	if (seen == NULL) {
		free(identity);
		return cfg_report_no_memory(r->tree.report);
	}
	*seen = (struct seen){
		.identity = identity, .name = arena_copy(r->tree.arena, path, strlen(path)), .open = true
	};
	if (from != NULL)
		seen->from = *from;
	*ret_index = r->seen.count - 1;
	if (seen->name == NULL)
		return cfg_report_no_memory(r->tree.report);
	if (r->seen.count > FILES_MAX)
		return cfg_report_error(r->tree.report, from, "more than %d files", FILES_MAX);
	return 0;
}

static int
take_section(struct reader *r, const struct cfg_pair *pair)
{
	struct cfg_node *value = pair->value;
	struct section *section = r->sections;

	while (strcmp(section->name, pair->key) != 0)
		section++;
	if (cfg_node_is_null(value))
		return 0;
	if (value->kind != CFG_MAP) {
		cfg_node_wrong_kind(value, pair->key, "a map", r->tree.report);
		r->has_gaps = true;
		return 0;
	}
	if (section->place.file == NULL)
		section->place = pair->key_place;
	for (size_t i = 0; i < value->count; i++) {
		struct cfg_pair *room = gather_next(&section->pairs, sizeof *room);

		if (room == NULL)
			return cfg_report_no_memory(r->tree.report);
		*room = value->pairs[i];
	}
	return 0;
}

static void
take_version(struct reader *r, const struct cfg_node *value)
{
	int64_t version;

	if (cfg_node_integer(value, "version", 0, INT64_MAX, &version, r->tree.report) == 0 && version != 1)
		cfg_report_error(r->tree.report, &value->place,
			"this sockd reads files of version 1; write 'version: 1'");
}

/* The pattern with everything before its last @p tail bytes taken literally: the folder of a file may have a
 * '[' in its name. NULL: no memory. */
static char *
pattern_of(const char *path, size_t tail)
{
	size_t size = strlen(path);
	char *pattern = malloc(2 * size + 1), *at = pattern;

	for (size_t i = 0; pattern != NULL && i <= size; i++) {
		if (i + tail < size && strchr("*?[\\", path[i]) != NULL)
			*at++ = '\\';
		*at++ = path[i];
	}
	return pattern;
}

static int
include_matches(struct reader *r, const struct cfg_node *node, const char *path, int depth)
{
	const struct cfg_source *source = r->tree.source;
	const char *text = node->text + (strncmp(node->text, "./", 2) == 0 ? strspn(node->text, "./") : 0);
	auto_of(mem) char *pattern = pattern_of(path, strlen(text));
	char **found = NULL;
	size_t count = 0;
	int result = pattern != NULL ? source->expand(source->arg, pattern, &found, &count) : -ENOMEM;

	if (result == -ENOMEM)
		return cfg_report_no_memory(r->tree.report);
	if (result < 0) {
		r->has_gaps = true;
		cfg_report_error(
			r->tree.report, &node->place, "cannot look for %s: %s", path, strerror(-result));
		return 0;
	}
	for (size_t i = 0; result == 0 && i < count; i++)
		result = read_file(r, found[i], &node->place, depth + 1);
	cfg_source_free_paths(found, count);
	return result;
}

static int
include_one(struct reader *r, const struct cfg_node *node, int depth)
{
	auto_of(mem) char *path = NULL;
	int result = cfg_node_path(node, "include", &path, r->tree.report);

	r->has_gaps |= result < 0 || depth == FILES_DEPTH_MAX;
	if (result < 0)
		return result == -ENOMEM ? result : 0;
	if (depth == FILES_DEPTH_MAX) {
		cfg_report_error(r->tree.report, &node->place, "more than %d includes within each other",
			FILES_DEPTH_MAX);
		return 0;
	}
	if (strpbrk(node->text, "*?[") != NULL)
		return include_matches(r, node, path, depth);
	return read_file(r, path, &node->place, depth + 1);
}

static int
take_includes(struct reader *r, const struct cfg_node *value, int depth)
{
	int result = 0;

	if (value == NULL || cfg_node_is_null(value))
		return 0;
	if (value->kind == CFG_SCALAR)
		return include_one(r, value, depth);
	if (value->kind == CFG_MAP) {
		cfg_node_wrong_kind(value, "include", "a file name or a list of them", r->tree.report);
		r->has_gaps = true;
		return 0;
	}
	for (size_t i = 0; result == 0 && i < value->count; i++)
		result = include_one(r, value->items[i], depth);
	return result;
}

static int
take_pair(struct reader *r, const struct cfg_pair *pair)
{
	const struct key *key = key_find(&key_table_file, "", pair->key);

	r->has_gaps |= key == NULL || pair->value->faulty;
	if (key == NULL)
		bind_unknown_key(&key_table_file, "", key_table_file.title, pair, r->tree.report);
	else if (key->instead != NULL)
		bind_refused_key(key, pair, r->tree.report);
	else if (pair->value->faulty)
		return 0;
	else if (key->type == KEY_VERSION)
		take_version(r, pair->value);
	else if (key->type != KEY_FILES)
		return take_section(r, pair);
	return 0;
}

static int
take_root(struct reader *r, const char *name, const struct cfg_node *root, int depth)
{
	struct cfg_place begin = { .file = name, .line = 1, .column = 1, .width = 1 };

	if (root != NULL && root->kind != CFG_MAP && !cfg_node_is_null(root)) {
		cfg_report_error(r->tree.report, &root->place, "a configuration is a map of keys, not %s",
			root->kind == CFG_LIST ? "a list" : "text; is a ':' missing?");
		r->has_gaps = true;
		return 0;
	}
	for (size_t i = 0; root != NULL && i < root->count; i++) {
		int result = take_pair(r, &root->pairs[i]);

		if (result < 0)
			return result;
	}
	if (depth == 0 && cfg_node_get(root, "version") == NULL)
		cfg_report_error(r->tree.report, &begin,
			"the key 'version' is missing; begin the file with 'version: 1'");
	return take_includes(r, cfg_node_get(root, "include"), depth);
}

static int
take_bytes(struct reader *r, const char *name, const char *bytes, size_t size, int depth)
{
	struct cfg_node *root = NULL;
	int result = tree_parse(&r->tree, name, bytes, size, &root);

	return result < 0 ? result : take_root(r, name, root, depth);
}

/* A fault in an included file is told, and the others are read all the same. */
static int
read_file(struct reader *r, const char *path, const struct cfg_place *from, int depth)
{
	const struct cfg_source *source = r->tree.source;
	auto_of(mem) char *bytes = NULL;
	size_t size = 0, index = 0;
	int result = enter(r, path, from, &index);

	r->has_gaps |= result < 0;
	if (result < 0)
		return result == -ENOMEM ? result : 0;
	result = source->read(source->arg, path, TREE_BYTES_MAX, &bytes, &size);
	if (result == -ENOMEM)
		return cfg_report_no_memory(r->tree.report);
	if (result == -EFBIG)
		cfg_report_error(r->tree.report, from, "%s is larger than %d bytes", path, TREE_BYTES_MAX);
	else if (result < 0)
		cfg_report_error(r->tree.report, from, "cannot read %s: %s", path, strerror(-result));
	else
		result = take_bytes(r, path, bytes, size, depth);
	r->has_gaps |= result < 0;
	seen_at(r, index)->open = false;
	return depth == 0 || result == -ENOMEM ? result : 0;
}

static int
read_text(struct reader *r, const char *name, const char *text, size_t size)
{
	size_t index = 0;
	int result = enter(r, name, NULL, &index);

	return result < 0 ? result : take_bytes(r, name, text, size, 0);
}

/* One map of what all files say in this section; a key that two of them hold is told. */
static int
join(struct reader *r, const struct section *section, struct cfg_node **ret)
{
	struct cfg_node *map;

	if (section->place.file == NULL)
		return 0;
	map = arena_alloc(r->tree.arena, sizeof *map);
	if (map == NULL)
		return cfg_report_no_memory(r->tree.report);
	*map = (struct cfg_node){ .kind = CFG_MAP, .place = section->place, .count = section->pairs.count };
	map->pairs = gather_settle(&section->pairs, r->tree.arena, sizeof(struct cfg_pair));
	if (map->pairs == NULL)
		return cfg_report_no_memory(r->tree.report);
	*ret = map;
	return cfg_node_drop_duplicates(map, r->tree.report);
}

int
files_read(const char *path, const char *text, size_t text_size, const struct cfg_source *source,
	struct arena *arena, struct cfg_report *report, struct files_sections *ret)
{
	struct reader r = {
		.tree = { .arena = arena, .source = source, .report = report },
		.sections = { { .name = "daemon" }, { .name = "defaults" }, { .name = "tls" },
			{ .name = "listeners" } },
	};
	int result = text != NULL ? read_text(&r, path, text, text_size) : read_file(&r, path, NULL, 0);

	if (result == 0)
		result = join(&r, &r.sections[0], &ret->daemon);
	if (result == 0)
		result = join(&r, &r.sections[1], &ret->defaults);
	if (result == 0)
		result = join(&r, &r.sections[2], &ret->tls);
	if (result == 0)
		result = join(&r, &r.sections[3], &ret->listeners);
	ret->has_gaps = r.has_gaps;
	reader_fini(&r);
	return result;
}
