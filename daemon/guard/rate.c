#include "guard/rate.h"

int64_t
rate_burst(const struct cfg_rate *rate, int64_t burst)
{
	int64_t a_second = rate->count * 1000 / rate->per_ms;

	return burst > 0 ? burst : a_second > 0 ? a_second : 1;
}

int64_t
rate_wait_ns(const struct cfg_rate *rate, int64_t burst, int64_t due_ns, int64_t now_ns, int64_t *ret_due_ns)
{
	int64_t interval_ns = rate->per_ms * RATE_NS_IN_MS / rate->count;
	int64_t tolerance_ns = (rate_burst(rate, burst) - 1) * interval_ns;

	if (tolerance_ns < RATE_NS_IN_MS)
		tolerance_ns =
			RATE_NS_IN_MS; /* what the clock cannot tell apart must not slow a fast rate down */
	if (due_ns < now_ns)
		due_ns = now_ns;
	*ret_due_ns = due_ns + interval_ns;
	return due_ns - now_ns - tolerance_ns;
}

bool
rate_take(_Atomic int64_t *due_ns, const struct cfg_rate *rate, int64_t now_ms)
{
	int64_t due = atomic_load_explicit(due_ns, memory_order_relaxed), next;

	if (rate->count == 0)
		return true;
	do
		if (rate_wait_ns(rate, 0, due, now_ms * RATE_NS_IN_MS, &next) > 0)
			return false;
	while (!atomic_compare_exchange_weak_explicit(
		due_ns, &due, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}
