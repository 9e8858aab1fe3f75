/* First into the own seat, then a look at the others, in one order for all: of two workers at least one sees
 * the other. What stands in a seat was written by another process, and a number that cannot be is taken for
 * none. */
#include "control/occupancy.h"

_Static_assert(
	ATOMIC_LLONG_LOCK_FREE == 2, "seats are shared between processes, where a hidden lock cannot work");

static int64_t
others(const struct occupancy_row *row, unsigned seat)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < OCCUPANCY_SEATS; i++) {
		int64_t open = i != seat ? atomic_load(&row->open[i]) : 0;

		if (open > 0 && open <= INT32_MAX)
			sum += open;
	}
	return sum;
}

bool
occupancy_enter(const struct occupancy *o, unsigned row, int64_t limit)
{
	struct occupancy_row *r = &o->rows[row];
	int64_t before = atomic_fetch_add(&r->open[o->seat], 1);

	if (before + others(r, o->seat) < limit)
		return true;
	occupancy_leave(o, row);
	return false;
}
