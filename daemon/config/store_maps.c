/* Each item is bound like a map at the top: with its defaults, its faults and its required keys. */
#include "config/store_maps.h"

#include "config/bind.h"

/* One item of a list of maps; a scalar in its place is its first key. */
static int
store_item(
	const struct store *s, const struct key_table *table, const struct cfg_node *node, struct bind *item)
{
	struct cfg_pair name = {
		.key = table->keys[0].name, .key_place = node->place, .value = (struct cfg_node *)node
	};
	const struct cfg_node brief = { .kind = CFG_MAP, .place = node->place, .count = 1, .pairs = &name };
	int r;

	item->arena = s->arena;
	item->report = s->report;
	item->source = s->source;
	item->table = table;
	item->title = table->title;
	r = bind_start(item);
	if (r < 0 || node->faulty)
		return r;
	r = bind_map(item, node->kind == CFG_SCALAR && !cfg_node_is_null(node) ? &brief : node);
	if (r == 0)
		bind_require(item, &node->place);
	return r;
}

int
store_observers(const struct store *s)
{
	size_t count = item_count(s->node);
	struct cfg_observer *observers = arena_array(s->arena, count, sizeof *observers);

	if (observers == NULL)
		return cfg_report_no_memory(s->report);
	for (size_t i = 0; i < count; i++) {
		struct bind item = { .target = &observers[i] };
		int r = store_item(s, &key_table_observer, item_at(s->node, i), &item);

		observers[i].origins = item.origins;
		if (r < 0)
			return r;
	}
	put_array(s, observers, count);
	return 0;
}

int
store_certificates(const struct store *s)
{
	size_t count = item_count(s->node);
	struct cfg_certificate *certificates = arena_array(s->arena, count, sizeof *certificates);

	if (certificates == NULL)
		return cfg_report_no_memory(s->report);
	for (size_t i = 0; i < count; i++) {
		struct bind item = { .target = &certificates[i] };
		int r = store_item(s, &key_table_certificate, item_at(s->node, i), &item);

		certificates[i].origins = item.origins;
		if (r < 0)
			return r;
	}
	put_array(s, certificates, count);
	return 0;
}
