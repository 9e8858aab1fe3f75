/* Metrics that plugins name themselves: one set for each instance of a plugin. Adding to one takes no lock
 * and comes from any thread. The names are shown with the prefix sockd_plugin_. */
#ifndef METRIC_OWN_METRICS_H
#define METRIC_OWN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "metric/metric.h"

enum { OWN_METRICS_MAX = 64, OWN_METRIC_NAME_MAX = 63, OWN_METRIC_HELP_MAX = 255 };

struct own_metrics;

/** One of a set. */
struct own_metric {
	const char *name, *help; /* borrowed from the set */
	enum metric_kind kind;
	int64_t value;
};

/** An empty set, or NULL without memory. */
struct own_metrics *own_metrics_new(void);
void own_metrics_free(struct own_metrics *set); /* NULL is fine */

/** Empty it for another plugin. Who still adds by an old id does no harm. */
void own_metrics_reset(struct own_metrics *set);

/** Whether a metric may be called so: a lower-case letter, then more of them, digits and '_', at most
 * OWN_METRIC_NAME_MAX, and no "_total" at its end, which is what a counter is shown with. */
bool own_metric_name_is_good(const char *name);

/**
 * A metric of this name; the one that is there if its kind is the same.
 *
 * @param help  copied, as much of it as OWN_METRIC_HELP_MAX
 * @return 0; -EINVAL: the name; -EEXIST: it is there with another kind; -ENOSPC: the set is full;
 * -ENOMEM
 *
 * Thread: any.  Blocks: for another who registers in the same set.
 */
must_check int own_metrics_register(
	struct own_metrics *set, enum metric_kind kind, const char *name, const char *help, uint64_t *ret_id);

/** Add. @return 0; -ENOENT: no such id; -EINVAL: a counter does not fall. Thread: any. Blocks: never. */
must_check int own_metrics_add(struct own_metrics *set, uint64_t id, int64_t n);

/** How many there are; they have the places 0 to one less for as long as the set lives. */
size_t own_metrics_count(const struct own_metrics *set);
struct own_metric own_metrics_get(const struct own_metrics *set, size_t place);

/** The counters of a set that has ended go on in @p into; gauges end with it. */
void own_metrics_inherit(struct own_metrics *into, const struct own_metrics *from);

#endif
