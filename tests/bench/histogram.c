/* The first HISTOGRAM_STEPS buckets are single nanoseconds, then each power of two has HISTOGRAM_STEPS. */
#include "histogram.h"

static unsigned
bucket_of(uint64_t ns)
{
	unsigned power, at;

	if (ns < HISTOGRAM_STEPS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - 5; /* 2^5 steps */
	at = (power + 1) * HISTOGRAM_STEPS + (unsigned)(ns >> power) - HISTOGRAM_STEPS;
	return at < HISTOGRAM_BUCKETS ? at : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static double
middle_ns(unsigned at)
{
	unsigned power = at / HISTOGRAM_STEPS;

	if (power == 0)
		return at;
	return (HISTOGRAM_STEPS + at % HISTOGRAM_STEPS + 0.5) * (double)(UINT64_C(1) << (power - 1));
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	h->bucket[bucket_of(ns)]++;
}

void
histogram_merge(struct histogram *to, const struct histogram *from)
{
	to->count += from->count;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

double
histogram_us(const struct histogram *h, double share)
{
	double wanted = share * (double)h->count, seen = 0;

	if (h->count == 0)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += (double)h->bucket[i];
		if (seen >= wanted && h->bucket[i] > 0)
			return middle_ns(i) / 1e3;
	}
	return middle_ns(HISTOGRAM_BUCKETS - 1) / 1e3;
}
