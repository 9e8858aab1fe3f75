/* Comparing walks the rows, so a new key is compared as soon as it has its row, and a new type of value does
 * not compile before it is told here how to compare it. */
#include "config/diff.h"

#include <string.h>

static bool
text_is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
node_is_same(const struct cfg_node *a, const struct cfg_node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == CFG_SCALAR)
		return text_is_same(a->text, b->text);
	for (size_t i = 0; i < a->count; i++) {
		const struct cfg_node *x = a->kind == CFG_MAP ? a->pairs[i].value : a->items[i];
		const struct cfg_node *y =
			a->kind == CFG_MAP ? cfg_node_get(b, a->pairs[i].key) : b->items[i];

		if (y == NULL || !node_is_same(x, y))
			return false;
	}
	return true;
}

/* A list and, right behind it, how many items it has. */
struct list {
	const void *items;
	size_t count;
};

static struct list
list_at(const void *field)
{
	struct list l;

	memcpy(&l.items, field, sizeof l.items);
	memcpy(&l.count, (const char *)field + sizeof l.items, sizeof l.count);
	return l;
}

static bool
paths_are_same(const void *a, const void *b)
{
	struct list x = list_at(a), y = list_at(b);
	const char *const *p = x.items, *const *q = y.items;
	bool same = x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = text_is_same(p[i], q[i]);
	return same;
}

static bool
addresses_are_same(const void *a, const void *b)
{
	struct list x = list_at(a), y = list_at(b);
	const struct cfg_address *p = x.items, *q = y.items;
	bool same = x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = text_is_same(p[i].url, q[i].url);
	return same;
}

static bool
table_is_same(const struct key_table *table, const void *a, const void *b)
{
	for (size_t i = 0; i < table->count; i++)
		if (!cfg_value_is_same(&table->keys[i], a, b))
			return false;
	return true;
}

static bool
observers_are_same(const void *a, const void *b)
{
	struct list x = list_at(a), y = list_at(b);
	const struct cfg_observer *p = x.items, *q = y.items;
	bool same = x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = table_is_same(&key_table_observer, &p[i], &q[i]);
	return same;
}

bool
cfg_value_is_same(const struct key *key, const void *a, const void *b)
{
	const void *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

	if (key->size == 0)
		return true; /* a map has no value of its own */
	switch (key->type) {
	case KEY_BOOL:
	case KEY_INTEGER:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_MODE:
	case KEY_WORD:
		return memcmp(x, y, key->size) == 0;
	case KEY_TEXT:
	case KEY_TARGET:
	case KEY_SOCKET:
	case KEY_PLUGIN:
		return text_is_same(*(const char *const *)x, *(const char *const *)y);
	case KEY_PATHS:
		return paths_are_same(x, y);
	case KEY_ADDRESSES:
		return addresses_are_same(x, y);
	case KEY_SETTINGS:
		return node_is_same(*(const struct cfg_node *const *)x, *(const struct cfg_node *const *)y);
	case KEY_OBSERVERS:
		return observers_are_same(x, y);
	case KEY_MAP:
	case KEY_NAMED:
	case KEY_FILES:
	case KEY_VERSION:
	case KEY_TYPE_COUNT:
		break; /* read by the loader, and into no field */
	}
	return true;
}

bool
cfg_listener_is_same(const struct cfg_listener *a, const struct cfg_listener *b)
{
	return table_is_same(&key_table_listener, a, b);
}
