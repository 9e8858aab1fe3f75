/* Memory that lives and dies as one: a configuration is built of thousands of small pieces, and a failure at
 * any of them must leave nothing behind. */
#ifndef CONFIG_ARENA_H
#define CONFIG_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct arena_chunk;

/** Starts as `struct arena a = { 0 };`. */
struct arena {
	struct arena_chunk *chunks; /* owned; the newest first */
};

/** Zeroed memory for any type, or NULL. It stays until arena_fini(). */
void *arena_alloc(struct arena *a, size_t size);

/** @p count objects of @p size, zeroed, or NULL, also when the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);

/** A copy with a NUL behind it, or NULL. */
char *arena_copy(struct arena *a, const void *bytes, size_t size);

/** Formatted text, or NULL. */
char *arena_printf(struct arena *a, const char *format, ...) printf_like(2, 3);

/** Free everything; the arena is empty and usable again. */
void arena_fini(struct arena *a);

static inline void
cleanup_arena(struct arena *a)
{
	arena_fini(a);
}

#endif
