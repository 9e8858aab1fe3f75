/* Most plugins count nothing of their own, so the set is made when the first metric is. Like the handler it
 * stays where it is until the engine is freed, since foreign threads may come with old handles. */
#include "engine/handler_metrics.h"

#include <errno.h>
#include <string.h>

#include "engine/engine_private.h"

/* Two threads may come at the same time with the first metric. */
static struct own_metrics *
get_set(struct handler *h)
{
	struct own_metrics *set = atomic_load_explicit(&h->metrics, memory_order_acquire), *made;

	if (set != NULL)
		return set;
	made = own_metrics_new();
	if (made != NULL && !atomic_compare_exchange_strong(&h->metrics, &set, made)) {
		own_metrics_free(made);
		return set;
	}
	return made;
}

int
handler_metric_register(struct handler *h, int kind, const char *name, const char *help, uint64_t *ret_id)
{
	static const enum metric_kind kinds[] = { [1] = METRIC_COUNTER, [2] = METRIC_GAUGE };
	struct own_metrics *set;

	if (kind < 1 || kind > 2 || name == NULL || help == NULL || !own_metric_name_is_good(name))
		return -EINVAL;
	set = get_set(h);
	return set != NULL ? own_metrics_register(set, kinds[kind], name, help, ret_id) : -ENOMEM;
}

int
handler_metric_add(struct handler *h, uint64_t id, int64_t n)
{
	struct own_metrics *set = atomic_load_explicit(&h->metrics, memory_order_acquire);

	return set != NULL ? own_metrics_add(set, id, n) : -ENOENT;
}

/* The youngest, since that is who serves. */
static struct handler *
find_heir(const struct engine *engine, const struct handler *h)
{
	for (struct handler *i = engine->handlers.last; i != NULL; i = i->before)
		if (i != h && (i->tally == NULL) == (h->tally == NULL) && strcmp(i->name, h->name) == 0 &&
			strcmp(i->plugin_name, h->plugin_name) == 0)
			return i;
	return NULL;
}

void
handler_metrics_leave(const struct engine *engine, struct handler *h)
{
	struct own_metrics *set = atomic_load(&h->metrics), *heirs;
	struct handler *heir;

	if (set == NULL || own_metrics_count(set) == 0)
		return;
	heir = find_heir(engine, h);
	heirs = heir != NULL ? get_set(heir) : NULL;
	if (heirs != NULL)
		own_metrics_inherit(heirs, set);
}

void
handler_metrics_reset(struct handler *h)
{
	struct own_metrics *set = atomic_load(&h->metrics);

	if (set != NULL)
		own_metrics_reset(set);
}

void
handler_metrics_fini(struct handler *h)
{
	own_metrics_free(atomic_load(&h->metrics));
}

static size_t
each_of(const struct handler *h, void (*fn)(void *arg, const struct handler_metric *metric), void *arg)
{
	const struct own_metrics *set = atomic_load_explicit(&h->metrics, memory_order_acquire);
	size_t count = set != NULL && h->instance != NULL ? own_metrics_count(set) : 0;

	for (size_t i = 0; i < count; i++) {
		const struct handler_metric m = { .plugin = h->plugin_name,
			.listener = h->tally != NULL ? h->name : "",
			.own = own_metrics_get(set, i) };

		fn(arg, &m);
	}
	return count;
}

bool
engine_each_handler_metric(const struct engine *engine, uint32_t *io_place, size_t count,
	void (*fn)(void *arg, const struct handler_metric *metric), void *arg)
{
	const struct handler_table *t = &engine->handlers;
	uint32_t place = *io_place;
	size_t seen = 0;

	for (; place < t->used && seen < count; place++)
		seen += each_of(atomic_load(&t->items[place]), fn, arg);
	*io_place = place;
	return place < t->used;
}
