/* A source has one slot that it may have to give up to another; what it had counted is then told of as a sum.
 * So memory is bounded, and no refusal is lost from the count. */
#include "guard/refusals.h"

#include <string.h>

static struct refusal_slot *
slot_of(struct refusals *r, const struct source_key *key)
{
	uint64_t hash = key->kind;

	for (size_t i = 0; i < sizeof key->bytes; i++)
		hash = (hash ^ key->bytes[i]) * 0x100000001b3ULL;
	return &r->slots[(hash ^ hash >> 32) % REFUSALS_SLOTS];
}

bool
refusals_tell(struct refusals *r, const struct source_key *key, int64_t now_ms, uint64_t *ret_count,
	uint64_t *ret_silent)
{
	struct refusal_slot *slot = slot_of(r, key);

	if (memcmp(&slot->key, key, sizeof *key) != 0) {
		r->silent += slot->missed;
		*slot = (struct refusal_slot){ .key = *key, .told_ms = now_ms - REFUSALS_EVERY_MS };
	}
	slot->missed++;
	if (now_ms - slot->told_ms < REFUSALS_EVERY_MS)
		return false;
	if (now_ms - r->window_ms >= REFUSALS_EVERY_MS) {
		r->window_ms = now_ms;
		r->lines = 0;
	}
	if (r->lines == REFUSALS_LINES)
		return false;
	r->lines++;
	*ret_count = slot->missed;
	*ret_silent = r->silent;
	slot->missed = 0;
	slot->told_ms = now_ms;
	r->silent = 0;
	return true;
}
