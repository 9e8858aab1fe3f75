/* Slabs keep the promise that a handle never reaches the wrong client. Objects come in chunks that stay where
 * they are until the slab ends, so that looking up a handle from any moment reads memory that is a slot, and
 * the generation tells whether it is still the same tenant. A generation counts up at every return; when its
 * 32 bits are used up, the slot is left out of service for good, which costs one object in four thousand
 * million.
 *
 * The slot used last is handed out first, since its memory is still in the cache. Under AddressSanitizer a
 * free object is poisoned behind its struct slot, so that a pointer kept too long is reported where it is
 * used. */
#include "engine/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SLAB_POISON 1
#endif

#ifdef SLAB_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

void
slab_init(struct slab *s, size_t object_size)
{
	size_t align = _Alignof(max_align_t);

	assert(object_size >= sizeof(struct slot));
	*s = (struct slab){ .object_size = (object_size + align - 1) / align * align, .free = SLAB_NONE };
}

static struct slot *
slot_of(const struct slab *s, uint32_t index)
{
	return (struct slot *)(void *)((char *)s->chunks[index / SLAB_CHUNK] +
				       index % SLAB_CHUNK * s->object_size);
}

/* What lies behind the struct slot: the owner's part. */
static void *
payload_of(struct slot *slot)
{
	return slot + 1;
}

static size_t
payload_size(const struct slab *s)
{
	return s->object_size - sizeof(struct slot);
}

static bool
grow(struct slab *s)
{
	struct slot **chunks = reallocarray(s->chunks, s->chunk_count + 1, sizeof(*chunks));

	if (chunks == NULL)
		return false;
	s->chunks = chunks;
	chunks[s->chunk_count] = calloc(SLAB_CHUNK, s->object_size);
	if (chunks[s->chunk_count] == NULL)
		return false;
	s->chunk_count++;
	return true;
}

/* A slot that nobody had yet, or NULL. */
static struct slot *
take_unused(struct slab *s)
{
	struct slot *slot;

	if (s->used == REF_SLOT_MAX)
		return NULL;
	if (s->used == s->chunk_count * SLAB_CHUNK && !grow(s))
		return NULL;
	slot = slot_of(s, s->used);
	*slot = (struct slot){ .generation = 1, .index = s->used };
	s->used++;
	return slot;
}

void *
slab_take(struct slab *s)
{
	struct slot *slot;

	if (s->free != SLAB_NONE) {
		slot = slot_of(s, s->free);
		s->free = slot->next_free;
		ASAN_UNPOISON_MEMORY_REGION(payload_of(slot), payload_size(s));
		memset(payload_of(slot), 0, payload_size(s));
	} else {
		slot = take_unused(s); /* zeroed by calloc() */
		if (slot == NULL)
			return NULL;
	}
	slot->live = true;
	s->live_count++;
	return slot;
}

void
slab_put(struct slab *s, void *object)
{
	struct slot *slot = object;

	assert(slot->live && slot == slot_of(s, slot->index));
	slot->live = false;
	s->live_count--;
	ASAN_POISON_MEMORY_REGION(payload_of(slot), payload_size(s));
	if (slot->generation == UINT32_MAX)
		return; /* the next generation would be a repetition: out of service */
	slot->generation++;
	slot->next_free = s->free;
	s->free = slot->index;
}

void *
slab_at(const struct slab *s, uint32_t index)
{
	struct slot *slot;

	if (index >= s->used)
		return NULL;
	slot = slot_of(s, index);
	return slot->live ? slot : NULL;
}

void *
slab_find(const struct slab *s, uint64_t ref)
{
	struct slot *slot = slab_at(s, ref_index(ref));

	return slot != NULL && slot->generation == (uint32_t)ref ? slot : NULL;
}

void
slab_fini(struct slab *s)
{
	assert(s->live_count == 0);
	for (uint32_t i = 0; i < s->chunk_count; i++) {
		ASAN_UNPOISON_MEMORY_REGION(s->chunks[i], SLAB_CHUNK * s->object_size);
		free(s->chunks[i]);
	}
	free(s->chunks);
	*s = (struct slab){ .object_size = s->object_size, .free = SLAB_NONE };
}
