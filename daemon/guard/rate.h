/* A rate as the time at which its bucket is full again (GCRA): one number, and nothing to refill. An event
 * puts it off by one interval; it may run ahead of the clock by as many intervals as the burst has. */
#ifndef GUARD_RATE_H
#define GUARD_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

enum { RATE_NS_IN_MS = 1000000 };

/** What an event has to wait for its turn, and when the bucket would be full after it.
 * @param burst  0: as many as the rate allows in a second @return nanoseconds; 0 or less: not at all */
int64_t rate_wait_ns(
	const struct cfg_rate *rate, int64_t burst, int64_t due_ns, int64_t now_ns, int64_t *ret_due_ns);

/** The burst that 0 stands for. */
int64_t rate_burst(const struct cfg_rate *rate, int64_t burst);

/** Take one event out of a bucket that several threads share. A rate without a count always has one.
 * @return whether there was one */
bool rate_take(_Atomic int64_t *due_ns, const struct cfg_rate *rate, int64_t now_ms);

#endif
