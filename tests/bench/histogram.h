/* Latencies, kept in buckets that are 1/32 of their power of two wide: no figure is off by more than 3 %. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 32, HISTOGRAM_BUCKETS = 40 * HISTOGRAM_STEPS };

/** Starts zeroed. */
struct histogram {
	uint64_t count, bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *to, const struct histogram *from);
/** @return the latency in microseconds that @p share (0 to 1) of the samples do not exceed; 0 without any */
double histogram_us(const struct histogram *h, double share);

#endif
