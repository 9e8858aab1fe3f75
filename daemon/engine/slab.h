/* Slots for things that handles name: connections, datagram endpoints, scopes. A slot is never unmapped and
 * its generation never repeats (a slot whose generation is used up is retired), so a handle kept too long
 * finds a slot that says "not you", and can never reach what lives there now. One slab belongs to one loop.
 */
#ifndef ENGINE_SLAB_H
#define ENGINE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/** What a handle's reference says, from its top: loop (10 bits), kind (2), slot (20), generation (32). Never
 * 0. */
enum ref_kind { REF_CONN, REF_ENDPOINT, REF_THREAD, REF_INSTANCE };
/* Strands and timers are named by ids, which no handle carries and no table is asked for twice. */
#define REF_ID REF_CONN
enum { REF_LOOP_MAX = 1 << 10, REF_SLOT_MAX = 1 << 20 };

static inline uint64_t
ref_make(unsigned loop, enum ref_kind kind, uint32_t index, uint32_t generation)
{
	return (uint64_t)loop << 54 | (uint64_t)kind << 52 | (uint64_t)index << 32 | generation;
}

static inline unsigned
ref_loop(uint64_t ref)
{
	return (unsigned)(ref >> 54);
}

static inline enum ref_kind
ref_kind(uint64_t ref)
{
	return (enum ref_kind)(ref >> 52 & 3);
}

static inline uint32_t
ref_index(uint64_t ref)
{
	return (uint32_t)(ref >> 32) & (REF_SLOT_MAX - 1);
}

/** The first member of everything that lives in a slab. */
struct slot {
	uint32_t generation; /* 1 and up; it changes when the slot is given back */
	uint32_t index;
	uint32_t next_free; /* index of the next one that is free, SLAB_NONE at the end */
	bool live;
};

/** Starts with slab_init(). */
struct slab {
	size_t object_size;
	struct slot **chunks; /* owned; each a run of SLAB_CHUNK objects */
	uint32_t chunk_count, used;
	uint32_t free; /* index of the first one that is free, or SLAB_NONE */
	uint32_t live_count;
};

enum { SLAB_CHUNK = 64 };
#define SLAB_NONE UINT32_MAX

/** @param object_size  of the whole object, its struct slot included; rounded up so that any type is aligned
 */
void slab_init(struct slab *s, size_t object_size);
/** A slot with all but its struct slot zeroed, or NULL without memory or above REF_SLOT_MAX. */
void *slab_take(struct slab *s);
/** Give it back: from now on its handles are stale. The memory stays mapped, and nobody but the slab may
 * touch it (AddressSanitizer reports it). A slot whose generation is used up is never handed out again. */
void slab_put(struct slab *s, void *object);
/** The live object in the slot and of the generation that @p ref names, or NULL. Loop and kind are the
 * caller's to compare: they say which slab to ask. */
void *slab_find(const struct slab *s, uint64_t ref);
/** For walks: the object in that slot if it lives, else NULL. Indexes run below s->used. */
void *slab_at(const struct slab *s, uint32_t index);
/** Unmap everything; nothing may live and no handle may be used any more. The slab is then empty as after
 * slab_init(). */
void slab_fini(struct slab *s);

#endif
