/* Ids are serial numbers, so their low bits spread them evenly. */
#include "engine/conn_ids.h"

#include <stdlib.h>

#include "engine/conn.h"

enum { IDS_SMALLEST = 64 };

static struct conn **
bucket(const struct conn_ids *ids, uint64_t id)
{
	return &ids->buckets[id & (ids->size - 1)];
}

static void
grow(struct conn_ids *ids)
{
	size_t size = ids->size != 0 ? ids->size * 2 : IDS_SMALLEST;
	struct conn_ids larger = { .buckets = calloc(size, sizeof(struct conn *)), .size = size };

	if (larger.buckets == NULL)
		return; /* longer lists will do */
	for (size_t i = 0; i < ids->size; i++)
		for (struct conn *c = ids->buckets[i], *next; c != NULL; c = next) {
			struct conn **to = bucket(&larger, c->id);

			next = c->next_by_id;
			c->next_by_id = *to;
			*to = c;
		}
	larger.count = ids->count;
	free(ids->buckets);
	*ids = larger;
}

void
conn_ids_add(struct conn_ids *ids, struct conn *c)
{
	struct conn **to;

	if (ids->count >= ids->size)
		grow(ids);
	if (ids->size == 0)
		return;
	to = bucket(ids, c->id);
	c->next_by_id = *to;
	*to = c;
	ids->count++;
}

void
conn_ids_remove(struct conn_ids *ids, struct conn *c)
{
	if (ids->size == 0)
		return;
	for (struct conn **at = bucket(ids, c->id); *at != NULL; at = &(*at)->next_by_id)
		if (*at == c) {
			*at = c->next_by_id;
			ids->count--;
			return;
		}
}

struct conn *
conn_ids_find(const struct conn_ids *ids, uint64_t id)
{
	struct conn *c = ids->size != 0 ? *bucket(ids, id) : NULL;

	while (c != NULL && c->id != id)
		c = c->next_by_id;
	return c;
}

void
conn_ids_fini(struct conn_ids *ids)
{
	free(ids->buckets);
	*ids = (struct conn_ids){ 0 };
}
