/* Time: one monotonic clock for everything that waits, the wall clock for what people read. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/** A deadline that never comes. */
#define CLOCK_NEVER INT64_MAX

/** @p ms milliseconds after @p now_ms. What nobody lives to see is never: callers may say INT64_MAX. */
static inline int64_t
clock_after_ms(int64_t now_ms, int64_t ms)
{
	return ms < CLOCK_NEVER / 2 ? now_ms + ms : CLOCK_NEVER;
}

static inline int64_t
clock_read_ms(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/** Monotonic milliseconds; loops cache it once a turn (loop->now_ms). */
static inline int64_t
clock_now_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

/** Monotonic nanoseconds, for what takes less than a millisecond. */
static inline int64_t
clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/** Milliseconds since 1970, UTC. */
static inline int64_t
clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

#endif
