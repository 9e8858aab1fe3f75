/* A list may be long, and written by programs: so files take one network a line, and a list of a hundred
 * thousand costs no tree of nodes. What is wrong in a list file is told like any fault of the configuration,
 * since a rule that is skipped is a door that stays open or shut. */
#include "config/networks.h"

#include <errno.h>
#include <string.h>

#include "config/gather.h"
#include "config/value.h"

struct reader {
	const struct key *key;
	const struct cfg_source *source;
	struct arena *arena;
	struct cfg_report *report;
	struct gather networks;
	bool unix_peers;
};

static int
add(struct reader *r, const struct network *n, const struct cfg_place *place)
{
	struct cfg_network *room;

	if (r->networks.count == NETWORKS_MAX)
		return cfg_report_error(
			r->report, place, "'%s': more than %d networks", r->key->name, NETWORKS_MAX);
	room = gather_next(&r->networks, sizeof *room);
	if (room == NULL)
		return cfg_report_no_memory(r->report);
	*room = (struct cfg_network){ .net = *n, .line = place->line, .file = place->file };
	return 0;
}

static int
add_word(struct reader *r, int64_t word, const struct cfg_place *place)
{
	static const struct network v4 = { 0 }, v6 = { .is_v6 = true };
	int code;

	if (word == NETWORKS_UNIX) {
		r->unix_peers = true;
		return 0;
	}
	code = add(r, &v4, place);
	return code < 0 ? code : add(r, &v6, place);
}

/* One network or word. */
static int
read_text(struct reader *r, const char *text, size_t size, const struct cfg_place *place)
{
	struct network n;
	struct err e = { 0 };

	for (const struct key_word *w = r->key->words; w != NULL && w->name != NULL; w++)
		if (strlen(w->name) == size && memcmp(w->name, text, size) == 0)
			return add_word(r, w->value, place);
	if (network_parse(text, size, &n, &e) < 0)
		return cfg_report_error(r->report, place, "'%s': %s", r->key->name, e.text);
	return add(r, &n, place);
}

/* What is left of a line without its comment and its blanks. */
static const char *
trim(const char *line, size_t *io_size)
{
	const char *comment = memchr(line, '#', *io_size);
	size_t size = comment != NULL ? (size_t)(comment - line) : *io_size;

	while (size > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		size--;
	}
	while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t' || line[size - 1] == '\r'))
		size--;
	*io_size = size;
	return line;
}

static int
read_lines(struct reader *r, const char *path, const char *bytes, size_t size)
{
	struct cfg_place place = { .file = path, .width = 1 };
	int failed = 0;

	while (size > 0) {
		const char *end = memchr(bytes, '\n', size), *text;
		size_t length = end != NULL ? (size_t)(end - bytes) : size, trimmed = length;
		int code;

		place.line++;
		text = trim(bytes, &trimmed);
		place.column = (int)(text - bytes) + 1;
		place.width = (int)trimmed;
		code = trimmed > 0 ? read_text(r, text, trimmed, &place) : 0;
		if (code == -ENOMEM || r->networks.count == NETWORKS_MAX)
			return code;
		failed = code < 0 ? code : failed;
		bytes += length + (end != NULL);
		size -= length + (end != NULL);
	}
	return failed;
}

static int
read_file(struct reader *r, const struct cfg_node *node)
{
	auto_of(mem) char *path = NULL, *bytes = NULL;
	const char *kept;
	size_t size = 0;
	int code = cfg_node_path(node, r->key->name, &path, r->report);

	if (code < 0)
		return code;
	code = r->source->read(r->source->arg, path, NETWORKS_FILE_MAX, &bytes, &size);
	if (code == -ENOMEM)
		return cfg_report_no_memory(r->report);
	if (code == -EFBIG)
		return cfg_report_error(
			r->report, &node->place, "'%s': %s is larger than 16MiB", r->key->name, path);
	if (code < 0)
		return cfg_report_error(r->report, &node->place, "'%s': cannot read %s: %s", r->key->name,
			path, strerror(-code));
	kept = arena_copy(r->arena, path, strlen(path));
	return kept != NULL ? read_lines(r, kept, bytes, size) : cfg_report_no_memory(r->report);
}

static int
read_item(struct reader *r, const struct cfg_node *node)
{
	const char *text;
	int code;

	if (node->kind == CFG_MAP && node->count == 1 && strcmp(node->pairs[0].key, "file") == 0)
		return read_file(r, node->pairs[0].value);
	if (node->kind != CFG_SCALAR)
		return cfg_node_wrong_kind(node, r->key->name, key_type_name(KEY_NETWORKS), r->report);
	code = cfg_node_text(node, r->key->name, &text, r->report);
	return code < 0 ? code : read_text(r, text, strlen(text), &node->place);
}

static int
read_items(struct reader *r, const struct cfg_node *node)
{
	int failed = 0;

	if (node->kind != CFG_LIST)
		return cfg_node_is_null(node) ? 0 : read_item(r, node);
	for (size_t i = 0; i < node->count; i++) {
		int code = read_item(r, node->items[i]);

		if (code == -ENOMEM)
			return code;
		failed = code < 0 ? code : failed;
	}
	return failed;
}

int
networks_read(const struct key *key, const struct cfg_node *node, const struct cfg_source *source,
	struct arena *arena, struct cfg_networks *ret, struct cfg_report *report)
{
	struct reader r = { .key = key, .source = source, .arena = arena, .report = report };
	const struct cfg_network *all = NULL;
	bool is_default =
		node->kind == CFG_SCALAR && node->place.file == NULL && strcmp(node->text, "[]") == 0;
	bool is_given = !is_default && !cfg_node_is_null(node);
	int code = is_given ? read_items(&r, node) : 0;

	if (code == 0) {
		all = gather_settle(&r.networks, arena, sizeof *all);
		if (all == NULL)
			code = cfg_report_no_memory(report);
	}
	if (code == 0)
		*ret = (struct cfg_networks){ .at = all,
			.count = r.networks.count,
			.unix_peers = r.unix_peers,
			.written = is_given ? node : NULL };
	gather_fini(&r.networks);
	return code;
}

static void
format_item(struct strbuf *out, enum quote_format format, const struct cfg_node *item)
{
	if (item->kind != CFG_MAP) {
		quote_scalar(out, format, QUOTE_TEXT, item->text);
		return;
	}
	strbuf_add(out, format == QUOTE_JSON ? "{\"file\": " : "{file: ");
	quote_scalar(out, format, QUOTE_TEXT, item->pairs[0].value->text);
	strbuf_add_char(out, '}');
}

void
networks_format(struct strbuf *out, enum quote_format format, const struct cfg_node *written)
{
	strbuf_add_char(out, '[');
	if (written != NULL && written->kind != CFG_LIST && !cfg_node_is_null(written))
		format_item(out, format, written);
	for (size_t i = 0; written != NULL && written->kind == CFG_LIST && i < written->count; i++) {
		strbuf_add(out, i > 0 ? ", " : "");
		format_item(out, format, written->items[i]);
	}
	strbuf_add_char(out, ']');
}
