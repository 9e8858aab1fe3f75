/* A metric never changes its place, and its memory stays until the set is freed: who has seen the count has
 * seen all that lies below it, so readers need no lock. A number beside another's counter would be slowed
 * down by it, so each has a cache line of its own. */
#include "metric/own_metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cell {
	_Alignas(64) _Atomic int64_t value;
	enum metric_kind kind;
	char name[OWN_METRIC_NAME_MAX + 1], help[OWN_METRIC_HELP_MAX + 1];
};

struct own_metrics {
	_Atomic size_t count;
	pthread_mutex_t registering;
	struct cell *cells[OWN_METRICS_MAX]; /* owned */
};

struct own_metrics *
own_metrics_new(void)
{
	struct own_metrics *set = mem_new(*set);

	if (set != NULL)
		pthread_mutex_init(&set->registering, NULL);
	return set;
}

void
own_metrics_free(struct own_metrics *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < OWN_METRICS_MAX; i++)
		free(set->cells[i]);
	pthread_mutex_destroy(&set->registering);
	free(set);
}

void
own_metrics_reset(struct own_metrics *set)
{
	atomic_store(&set->count, 0);
}

bool
own_metric_name_is_good(const char *name)
{
	static const char end[] = "_total";
	size_t size = strlen(name);

	if (size == 0 || size > OWN_METRIC_NAME_MAX || name[0] < 'a' || name[0] > 'z')
		return false;
	if (size >= sizeof end - 1 && strcmp(name + size - (sizeof end - 1), end) == 0)
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

static int
find_or_add(
	struct own_metrics *set, enum metric_kind kind, const char *name, const char *help, uint64_t *ret_id)
{
	size_t count = atomic_load_explicit(&set->count, memory_order_relaxed);
	struct cell *cell;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(set->cells[i]->name, name) != 0)
			continue;
		if (set->cells[i]->kind != kind)
			return -EEXIST;
		*ret_id = i + 1;
		return 0;
	}
	if (count == OWN_METRICS_MAX)
		return -ENOSPC;
	cell = set->cells[count] != NULL ? set->cells[count]
					 : aligned_alloc(_Alignof(struct cell), sizeof *cell);
	if (cell == NULL)
		return -ENOMEM;
	atomic_store(&cell->value, 0);
	cell->kind = kind;
	snprintf(cell->name, sizeof cell->name, "%s", name);
	snprintf(cell->help, sizeof cell->help, "%s", help);
	set->cells[count] = cell;
	atomic_store_explicit(&set->count, count + 1, memory_order_release);
	*ret_id = count + 1;
	return 0;
}

int
own_metrics_register(
	struct own_metrics *set, enum metric_kind kind, const char *name, const char *help, uint64_t *ret_id)
{
	int code;

	if (!own_metric_name_is_good(name))
		return -EINVAL;
	pthread_mutex_lock(&set->registering);
	code = find_or_add(set, kind, name, help, ret_id);
	pthread_mutex_unlock(&set->registering);
	return code;
}

size_t
own_metrics_count(const struct own_metrics *set)
{
	return atomic_load_explicit(&set->count, memory_order_acquire);
}

int
own_metrics_add(struct own_metrics *set, uint64_t id, int64_t n)
{
	if (id == 0 || id > own_metrics_count(set))
		return -ENOENT;
	if (n < 0 && set->cells[id - 1]->kind == METRIC_COUNTER)
		return -EINVAL;
	atomic_fetch_add_explicit(&set->cells[id - 1]->value, n, memory_order_relaxed);
	return 0;
}

struct own_metric
own_metrics_get(const struct own_metrics *set, size_t place)
{
	const struct cell *cell = set->cells[place];

	return (struct own_metric){ .name = cell->name,
		.help = cell->help,
		.kind = cell->kind,
		.value = atomic_load_explicit(&cell->value, memory_order_relaxed) };
}

void
own_metrics_inherit(struct own_metrics *into, const struct own_metrics *from)
{
	size_t count = own_metrics_count(from);

	for (size_t i = 0; i < count; i++) {
		struct own_metric m = own_metrics_get(from, i);
		uint64_t id;

		/* A full set, or one where the name means something else by now, does without. */
		if (m.kind == METRIC_COUNTER && own_metrics_register(into, m.kind, m.name, m.help, &id) == 0)
			atomic_fetch_add_explicit(&into->cells[id - 1]->value, m.value, memory_order_relaxed);
	}
}
