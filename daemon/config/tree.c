/* libyaml's events become our nodes. What libyaml lets pass is stopped here: nesting without end, aliases
 * that expand to billions of nodes, duplicate keys, several documents. Bytes are checked before libyaml sees
 * them, because it names no line for a byte that is not UTF-8. */
#include "config/tree.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/expand.h"
#include "config/gather.h"
#include "config/value.h"
#include "config/text.h"

/* A finished node that aliases may stand for. */
struct anchor {
	const char *name;
	struct cfg_node *node; /* NULL while it is being built */
	size_t nodes;          /* in all, itself included */
	int height;            /* levels below it */
};

struct builder {
	struct tree_context *context;
	struct text text;
	yaml_parser_t *parser;
	struct anchor anchors[TREE_ANCHORS_MAX];
	size_t anchor_count;
};

/* What building one node came to, for the bounds of those above it. */
struct built {
	struct cfg_node *node;
	size_t nodes;
	int height;
};

static int build(struct builder *b, yaml_event_t *event, int depth, struct built *ret);

static void
cleanup_yaml_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}

const char *
tree_library_version(void)
{
	return yaml_get_version_string();
}

static struct cfg_place
place_of(const struct builder *b, const yaml_mark_t *start, const yaml_mark_t *end)
{
	int width = start->line == end->line && end->column > start->column
			    ? (int)(end->column - start->column)
			    : 1;

	return text_place(&b->text, start->line, start->column, width);
}

/* libyaml's words are those of a parser; these say what usually causes them. */
static const char *
hint_for(const char *problem, const struct cfg_place *place)
{
	static const struct {
		const char *problem, *hint;
	} hints[] = {
		{ "did not find expected key", "; check the indentation of this line and those above" },
		{ "did not find expected '-' indicator",
			"; check the indentation of this line and those above" },
		{ "mapping values are not allowed in this context",
			"; check the indentation, or put a value that holds ': ' in quotes" },
		{ "could not find expected ':'", "; a key is followed by ': '" },
		{ "did not find expected ',' or ']'",
			"; a ',' or the closing ']' is missing, or quotes around a value with [ ] or ," },
		{ "did not find expected ',' or '}'",
			"; a ',' or the closing '}' is missing, or quotes around a value with [ ] { } or ," },
		{ "found unexpected end of stream", "; a closing quote is missing" },
		{ "block sequence entries are not allowed in this context",
			"; a list begins on the line after its key, or stands in [brackets]" },
	};

	if (place->line_text != NULL && text_character_at(place) == '\t')
		return "; a tab cannot indent, use blanks";
	for (size_t i = 0; i < array_len(hints); i++)
		if (strcmp(problem, hints[i].problem) == 0)
			return hints[i].hint;
	return "";
}

static int
report_yaml_error(const struct builder *b)
{
	const yaml_parser_t *p = b->parser;
	const char *problem = p->problem != NULL ? p->problem : "not readable as YAML";
	struct cfg_place place;

	if (p->error == YAML_MEMORY_ERROR)
		return cfg_report_no_memory(b->context->report);
	if (p->error == YAML_READER_ERROR) {
		place = text_place_at(&b->text, p->problem_offset);
		return cfg_report_error(b->context->report, &place, "%s", problem);
	}
	place = place_of(b, &p->problem_mark, &p->problem_mark);
	if (p->context != NULL && p->context_mark.line != p->problem_mark.line)
		return cfg_report_error(b->context->report, &place, "%s %s that begins at line %zu%s",
			problem, p->context, p->context_mark.line + 1, hint_for(problem, &place));
	return cfg_report_error(b->context->report, &place, "%s%s", problem, hint_for(problem, &place));
}

static int
next_event(struct builder *b, yaml_event_t *event)
{
	yaml_event_delete(event);
	return yaml_parser_parse(b->parser, event) == 1 ? 0 : report_yaml_error(b);
}

static int
count_nodes(struct builder *b, size_t more, const struct cfg_place *place)
{
	struct tree_context *c = b->context;

	if (more > TREE_NODES_MAX - c->nodes)
		return cfg_report_error(c->report, place,
			"more than %d values in all (aliases count as what they stand for)", TREE_NODES_MAX);
	c->nodes += more;
	return 0;
}

static void
check_tag(struct builder *b, const char *tag, const struct cfg_place *place)
{
	static const char *const harmless[] = { "!", YAML_STR_TAG, YAML_INT_TAG, YAML_BOOL_TAG,
		YAML_FLOAT_TAG, YAML_NULL_TAG, YAML_MAP_TAG, YAML_SEQ_TAG };

	if (tag == NULL)
		return;
	for (size_t i = 0; i < array_len(harmless); i++)
		if (strcmp(tag, harmless[i]) == 0)
			return;
	cfg_report_error(b->context->report, place, "the tag '%.60s' means nothing here; remove it", tag);
}

/* The text of a scalar with the environment put in; NULL after a fault, which is told. */
static int
scalar_text(
	struct builder *b, const char *value, size_t size, const struct cfg_place *place, const char **ret)
{
	struct tree_context *c = b->context;
	auto_of(strbuf) struct strbuf expanded = { 0 };
	char *copy;

	if (strlen(value) != size) {
		cfg_report_error(c->report, place, "a NUL character (\\0) cannot be part of a value");
		*ret = NULL;
		return 0;
	}
	if (strchr(value, '$') != NULL) {
		int r = expand_variables(
			value, c->source, TREE_BYTES_MAX - c->expanded, place, c->report, &expanded);

		if (expanded.failed)
			return cfg_report_no_memory(c->report);
		if (r < 0) {
			*ret = NULL;
			return 0;
		}
		value = expanded.data != NULL ? expanded.data : "";
		size = expanded.size;
		if (size > TREE_BYTES_MAX - c->expanded)
			return cfg_report_error(c->report, place,
				"more than %d bytes of text after ${} is put in", TREE_BYTES_MAX);
		c->expanded += size;
	}
	copy = arena_copy(c->arena, value, size);
	if (copy == NULL)
		return cfg_report_no_memory(c->report);
	*ret = copy;
	return 0;
}

static int
new_node(struct builder *b, enum cfg_node_kind kind, struct cfg_place place, struct cfg_node **ret)
{
	struct cfg_node *node = arena_alloc(b->context->arena, sizeof *node);

	if (node == NULL)
		return cfg_report_no_memory(b->context->report);
	*node = (struct cfg_node){ .kind = kind, .place = place };
	*ret = node;
	return 0;
}

static int
build_scalar(struct builder *b, yaml_event_t *event, struct built *ret)
{
	struct cfg_place place = place_of(b, &event->start_mark, &event->end_mark);
	const char *tag = (const char *)event->data.scalar.tag;
	const char *text = NULL;
	int r;

	check_tag(b, tag, &place);
	r = scalar_text(b, (const char *)event->data.scalar.value, event->data.scalar.length, &place, &text);
	if (r == 0)
		r = new_node(b, CFG_SCALAR, place, &ret->node);
	if (r < 0)
		return r;
	ret->node->text = text != NULL ? text : "";
	ret->node->faulty = text == NULL;
	ret->node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			   (tag == NULL || strcmp(tag, YAML_STR_TAG) != 0);
	ret->nodes = 1;
	ret->height = 0;
	return 0;
}

static void
add_below(struct built *parent, const struct built *child)
{
	parent->nodes += child->nodes;
	if (child->height + 1 > parent->height)
		parent->height = child->height + 1;
}

static int
build_list(struct builder *b, yaml_event_t *event, int depth, struct built *ret)
{
	auto_of(gather) struct gather items = { 0 };
	struct cfg_place place = place_of(b, &event->start_mark, &event->end_mark);
	int r;

	check_tag(b, (const char *)event->data.sequence_start.tag, &place);
	r = new_node(b, CFG_LIST, place, &ret->node);
	ret->nodes = 1;
	while (r == 0 && (r = next_event(b, event)) == 0 && event->type != YAML_SEQUENCE_END_EVENT) {
		struct built child = { 0 };
		struct cfg_node **item;

		r = build(b, event, depth + 1, &child);
		if (r < 0)
			return r;
		item = gather_next(&items, sizeof *item);
		if (item == NULL)
			return cfg_report_no_memory(b->context->report);
		*item = child.node;
		add_below(ret, &child);
	}
	if (r < 0)
		return r;
	ret->node->items = gather_settle(&items, b->context->arena, sizeof(struct cfg_node *));
	if (ret->node->items == NULL)
		return cfg_report_no_memory(b->context->report);
	ret->node->count = items.count;
	return 0;
}

static int
build_key(struct builder *b, const yaml_event_t *event, struct cfg_pair *pair)
{
	struct cfg_report *report = b->context->report;
	struct cfg_place place = place_of(b, &event->start_mark, &event->end_mark);
	const char *value = (const char *)event->data.scalar.value;

	if (event->type != YAML_SCALAR_EVENT)
		return cfg_report_error(report, &place, "a key has to be a plain word");
	if (strlen(value) != event->data.scalar.length)
		return cfg_report_error(report, &place, "a NUL character (\\0) cannot be part of a key");
	if (strcmp(value, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return cfg_report_error(report, &place,
			"merge keys ('<<') are not supported; write the keys out, or put them under "
			"'defaults:'");
	check_tag(b, (const char *)event->data.scalar.tag, &place);
	pair->key = arena_copy(b->context->arena, value, event->data.scalar.length);
	pair->key_place = place;
	return pair->key != NULL ? 0 : cfg_report_no_memory(report);
}

static int
build_map(struct builder *b, yaml_event_t *event, int depth, struct built *ret)
{
	auto_of(gather) struct gather pairs = { 0 };
	struct cfg_place place = place_of(b, &event->start_mark, &event->end_mark);
	int r;

	check_tag(b, (const char *)event->data.mapping_start.tag, &place);
	r = new_node(b, CFG_MAP, place, &ret->node);
	ret->nodes = 1;
	while (r == 0 && (r = next_event(b, event)) == 0 && event->type != YAML_MAPPING_END_EVENT) {
		struct built child = { 0 };
		struct cfg_pair pair = { 0 }, *room;

		r = build_key(b, event, &pair);
		if (r == 0)
			r = next_event(b, event);
		if (r == 0)
			r = build(b, event, depth + 1, &child);
		if (r < 0)
			return r;
		pair.value = child.node;
		room = gather_next(&pairs, sizeof *room);
		if (room == NULL)
			return cfg_report_no_memory(b->context->report);
		*room = pair;
		add_below(ret, &child);
	}
	if (r < 0)
		return r;
	ret->node->pairs = gather_settle(&pairs, b->context->arena, sizeof(struct cfg_pair));
	if (ret->node->pairs == NULL)
		return cfg_report_no_memory(b->context->report);
	ret->node->count = pairs.count;
	return cfg_node_drop_duplicates(ret->node, b->context->report);
}

static struct anchor *
find_anchor(struct builder *b, const char *name)
{
	/* From the newest: YAML lets a later anchor take over a name. */
	for (size_t i = b->anchor_count; i-- > 0;)
		if (strcmp(b->anchors[i].name, name) == 0)
			return &b->anchors[i];
	return NULL;
}

static int
build_alias(struct builder *b, const yaml_event_t *event, int depth, struct built *ret)
{
	struct cfg_report *report = b->context->report;
	struct cfg_place place = place_of(b, &event->start_mark, &event->end_mark);
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *anchor = find_anchor(b, name);

	if (anchor == NULL)
		return cfg_report_error(
			report, &place, "there is no '&%.60s' above for '*%.60s' to stand for", name, name);
	if (anchor->node == NULL)
		return cfg_report_error(report, &place, "'*%.60s' stands inside of what it stands for", name);
	if (depth + anchor->height > TREE_DEPTH_MAX)
		return cfg_report_error(
			report, &place, "more than %d levels of maps and lists", TREE_DEPTH_MAX);
	*ret = (struct built){ anchor->node, anchor->nodes, anchor->height };
	return count_nodes(b, anchor->nodes, &place);
}

static const char *
anchor_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return (const char *)event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return (const char *)event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return (const char *)event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

/* Reserve the anchor of this node, so that an alias inside of it is recognised. *ret_index: SIZE_MAX without
 * one. */
static int
open_anchor(struct builder *b, const yaml_event_t *event, const struct cfg_place *place, size_t *ret_index)
{
	const char *name = anchor_of(event);

	*ret_index = SIZE_MAX;
	if (name == NULL)
		return 0;
	if (b->anchor_count == TREE_ANCHORS_MAX)
		return cfg_report_error(
			b->context->report, place, "more than %d anchors in a file", TREE_ANCHORS_MAX);
	name = arena_copy(b->context->arena, name, strlen(name));
	if (name == NULL)
		return cfg_report_no_memory(b->context->report);
	*ret_index = b->anchor_count++;
	b->anchors[*ret_index] = (struct anchor){ .name = name };
	return 0;
}

/* Build the node that @p event begins. */
static int
build(struct builder *b, yaml_event_t *event, int depth, struct built *ret)
{
	struct cfg_place place = place_of(b, &event->start_mark, &event->end_mark);
	size_t anchor = 0;
	int r;

	if (event->type == YAML_ALIAS_EVENT)
		return build_alias(b, event, depth, ret);
	if (depth > TREE_DEPTH_MAX)
		return cfg_report_error(
			b->context->report, &place, "more than %d levels of maps and lists", TREE_DEPTH_MAX);
	r = count_nodes(b, 1, &place);
	if (r == 0)
		r = open_anchor(b, event, &place, &anchor);
	if (r < 0)
		return r;
	if (event->type == YAML_SCALAR_EVENT)
		r = build_scalar(b, event, ret);
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		r = build_list(b, event, depth, ret);
	else
		r = build_map(b, event, depth, ret);
	if (r == 0 && anchor != SIZE_MAX) {
		b->anchors[anchor].node = ret->node;
		b->anchors[anchor].nodes = ret->nodes;
		b->anchors[anchor].height = ret->height;
	}
	return r;
}

/* The stream: nothing, or one document. */
static int
build_stream(struct builder *b, struct cfg_node **ret_root)
{
	auto_of(yaml_event) yaml_event_t event = { 0 };
	struct built root = { 0 };
	bool seen = false;
	int r;

	while ((r = next_event(b, &event)) == 0 && event.type != YAML_STREAM_END_EVENT) {
		struct cfg_place place = place_of(b, &event.start_mark, &event.end_mark);

		if (event.type == YAML_DOCUMENT_START_EVENT && seen)
			return cfg_report_error(
				b->context->report, &place, "a second document; a file holds only one");
		if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT ||
			event.type == YAML_DOCUMENT_START_EVENT) {
			seen = seen || event.type == YAML_DOCUMENT_START_EVENT;
			continue;
		}
		r = build(b, &event, 1, &root);
		if (r < 0)
			return r;
	}
	if (r == 0)
		*ret_root = root.node;
	return r;
}

int
tree_parse(struct tree_context *context, const char *name, const char *bytes, size_t size,
	struct cfg_node **ret_root)
{
	auto_of(mem) struct builder *b = mem_new(*b);
	yaml_parser_t parser;
	int r;

	if (b == NULL)
		return cfg_report_no_memory(context->report);
	if (size > TREE_BYTES_MAX - context->bytes)
		return cfg_report_error(context->report, &(struct cfg_place){ .file = name },
			"more than %d bytes of configuration", TREE_BYTES_MAX);
	context->bytes += size;
	b->context = context;
	r = text_init(&b->text, context->arena, name, bytes, size, context->report);
	if (r < 0)
		return r;
	if (yaml_parser_initialize(&parser) == 0)
		return cfg_report_no_memory(context->report);
	b->parser = &parser;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)b->text.bytes, b->text.size);
	r = build_stream(b, ret_root);
	yaml_parser_delete(&parser);
	return r;
}
