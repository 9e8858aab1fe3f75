/* Whether a worker answers at all: one that was stopped, or whose main thread hangs, dies of nothing. */
#ifndef SUPERVISOR_PULSE_H
#define SUPERVISOR_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/excuse.h"

struct generation;
struct supervisor_worker_ops;

/** Starts as zero. */
struct pulse {
	int64_t asked_ms;          /* when it was last asked; 0: never */
	int64_t lived_ms;          /* the last sign: it was asked anew, or its main thread was in a plugin */
	struct excuse excuse;      /* of the time since then */
	bool told, told_of_plugin; /* in the log, of this silence */
};

/** Ask a worker that serves or drains for a sign of life now and then. One that gives none for @p limit_ms
 * and ten seconds more, which a reload may take it, and had a processor to do so, is told in the log and
 * ended; a plugin that keeps its main thread is told only, since it holds up nobody who is served. */
void pulse_feel(
	struct generation *g, const struct supervisor_worker_ops *ops, int64_t now_ms, int64_t limit_ms);

#endif
