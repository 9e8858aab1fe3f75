/* Clients feel every death, but a worker that dies at once again and again would only burn a processor. */
#include "supervisor/backoff.h"

int64_t
backoff_next(struct backoff *b, int64_t lived_ms)
{
	int64_t wait_ms = BACKOFF_FIRST_MS;

	if (lived_ms >= BACKOFF_FORGIVEN_MS)
		b->deaths = 0;
	if (b->deaths++ == 0)
		return 0;
	for (unsigned i = 2; i < b->deaths && wait_ms < BACKOFF_MAX_MS; i++)
		wait_ms *= 2;
	return wait_ms < BACKOFF_MAX_MS ? wait_ms : BACKOFF_MAX_MS;
}
