/* Clients feel every death, but a worker that dies at once again and again would only burn a processor. One
 * that serves between its deaths is worth a second of waiting at most: what kills it may be one client's
 * request, and the others are served meanwhile. */
#include "supervisor/backoff.h"

int64_t
backoff_next(struct backoff *b, int64_t lived_ms, bool served)
{
	int64_t wait_ms = BACKOFF_FIRST_MS, most_ms = served ? BACKOFF_SERVED_MAX_MS : BACKOFF_MAX_MS;

	if (served && lived_ms >= BACKOFF_FORGIVEN_MS)
		b->deaths = 0;
	if (b->deaths++ < BACKOFF_FREE)
		return 0;
	for (unsigned i = BACKOFF_FREE + 1; i < b->deaths && wait_ms < most_ms; i++)
		wait_ms *= 2;
	return wait_ms < most_ms ? wait_ms : most_ms;
}
