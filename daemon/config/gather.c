/* Growing happens outside of the arena, which could not take back what was outgrown. */
#include "config/gather.h"

#include <stdlib.h>
#include <string.h>

void *
gather_next(struct gather *g, size_t item_size)
{
	if (g->count == g->capacity) {
		size_t capacity = g->capacity != 0 ? g->capacity * 2 : 8;
		void *grown = reallocarray(g->at, capacity, item_size);

		if (grown == NULL)
			return NULL;
		g->at = grown;
		g->capacity = capacity;
	}
	return (char *)g->at + g->count++ * item_size;
}

void *
gather_settle(const struct gather *g, struct arena *arena, size_t item_size)
{
	void *settled = arena_array(arena, g->count, item_size);

	if (settled != NULL && g->count > 0)
		memcpy(settled, g->at, g->count * item_size);
	return settled;
}

void
gather_fini(struct gather *g)
{
	free(g->at);
	*g = (struct gather){ 0 };
}
