/* What every tree of nodes can be asked, and the duplicate keys that a tree must not have. */
#include "config/node.h"

#include <stdlib.h>
#include <string.h>

#include "config/value.h"

const struct cfg_node *
cfg_node_get(const struct cfg_node *node, const char *key)
{
	if (node == NULL || node->kind != CFG_MAP)
		return NULL;
	for (size_t i = 0; i < node->count; i++)
		if (strcmp(node->pairs[i].key, key) == 0)
			return node->pairs[i].value;
	return NULL;
}

static int
compare_pairs(const void *left, const void *right)
{
	const struct cfg_pair *a = *(struct cfg_pair *const *)left, *b = *(struct cfg_pair *const *)right;
	int order = strcmp(a->key, b->key);

	return order != 0 ? order : (a > b) - (a < b);
}

static void
tell_twice(const struct cfg_pair *again, const struct cfg_pair *first, struct cfg_report *report)
{
	cfg_report_error(report, &again->key_place, "the key '%.60s' is here twice; the first is at %s:%d:%d",
		again->key, first->key_place.file, first->key_place.line, first->key_place.column);
}

/* Sorted, because a hostile map of a hundred thousand keys must not cost their square. */
int
cfg_node_drop_duplicates(struct cfg_node *map, struct cfg_report *report)
{
	auto_of(mem) struct cfg_pair **sorted = calloc(map->count + 1, sizeof *sorted);
	const struct cfg_pair *first = NULL;
	size_t kept = 0;

	if (sorted == NULL)
		return cfg_report_no_memory(report);
	for (size_t i = 0; i < map->count; i++)
		sorted[i] = &map->pairs[i];
	qsort(sorted, map->count, sizeof *sorted, compare_pairs);
	for (size_t i = 0; i < map->count; i++) {
		if (first != NULL && strcmp(first->key, sorted[i]->key) == 0) {
			tell_twice(sorted[i], first, report);
			sorted[i]->value = NULL;
		} else
			first = sorted[i];
	}
	for (size_t i = 0; i < map->count; i++)
		if (map->pairs[i].value != NULL)
			map->pairs[kept++] = map->pairs[i];
	map->count = kept;
	return 0;
}
