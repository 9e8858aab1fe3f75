/* How many connections each worker has open, listener by listener, where every worker sees it: what bounds
 * limits.connections over all generations. A worker writes into its own seat and reads the others'; when it
 * has ended, however it came to that, the supervisor empties the seat. So there is no sum that a killed
 * worker could leave wrong. */
#ifndef CONTROL_OCCUPANCY_H
#define CONTROL_OCCUPANCY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Workers that may be there at the same time; an upgrade beyond is refused. */
enum { OCCUPANCY_SEATS = 64 };

/** Of one listener: the row of its counters (control/snapshot.h). */
struct occupancy_row {
	_Alignas(64) _Atomic int64_t open[OCCUPANCY_SEATS];
};

/** A worker's place among the others. */
struct occupancy {
	struct occupancy_row *rows; /* borrowed; shared between processes */
	unsigned seat;
};

static inline size_t
occupancy_size(unsigned rows)
{
	return rows * sizeof(struct occupancy_row);
}

static inline int64_t
occupancy_own(const struct occupancy *o, unsigned row)
{
	return atomic_load_explicit(&o->rows[row].open[o->seat], memory_order_relaxed);
}

/** One connection more, if there are fewer than @p limit in all workers together. Two workers that are at the
 * limit at the same moment may both refuse; they never both accept. Thread: any. */
bool occupancy_enter(const struct occupancy *o, unsigned row, int64_t limit);

/** One less. Thread: any. */
static inline void
occupancy_leave(const struct occupancy *o, unsigned row)
{
	atomic_fetch_sub_explicit(&o->rows[row].open[o->seat], 1, memory_order_relaxed);
}

#endif
