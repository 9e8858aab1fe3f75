/* The list of workers, for the two files that keep it. */
#ifndef SUPERVISOR_GENERATIONS_PRIVATE_H
#define SUPERVISOR_GENERATIONS_PRIVATE_H

#include "supervisor/generations.h"
#include "supervisor/seats.h"

struct generations {
	struct generations_options options;
	struct counters *counters; /* owned */
	struct seats *seats;       /* owned */
	struct generation *first;  /* owned, with the list */
	unsigned last_number;
	struct supervisor_counts ended; /* of those that are gone */
	uint64_t log_lost;              /* the same */
};

/** All that its worker is started with, but the snapshot, the program and the report. */
struct supervisor_start generation_start_of(struct generation *g);

#endif
