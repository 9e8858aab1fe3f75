/* A bump allocator over a list of chunks. Large pieces get a chunk of their own behind the current one, so
 * that they do not waste its rest. */
#include "config/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 16 * 1024, ALIGNMENT = 16 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(ALIGNMENT) char bytes[];
};

static struct arena_chunk *
chunk_new(size_t size)
{
	struct arena_chunk *chunk = calloc(1, sizeof *chunk + size);

	if (chunk != NULL)
		chunk->size = size;
	return chunk;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *chunk = a->chunks;
	size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

	if (rounded < size || rounded > PTRDIFF_MAX)
		return NULL;
	if (rounded == 0)
		rounded = ALIGNMENT;
	if (chunk == NULL || chunk->size - chunk->used < rounded) {
		bool large = rounded > CHUNK_SIZE / 4;

		chunk = chunk_new(large ? rounded : CHUNK_SIZE);
		if (chunk == NULL)
			return NULL;
		if (large && a->chunks != NULL) {
			chunk->next = a->chunks->next;
			a->chunks->next = chunk;
		} else {
			chunk->next = a->chunks;
			a->chunks = chunk;
		}
	}
	chunk->used += rounded;
	return chunk->bytes + chunk->used - rounded;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(count, size, &total) ? NULL : arena_alloc(a, total);
}

char *
arena_copy(struct arena *a, const void *bytes, size_t size)
{
	char *copy = size == SIZE_MAX ? NULL : arena_alloc(a, size + 1);

	if (copy != NULL && size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

void
arena_fini(struct arena *a)
{
	while (a->chunks != NULL) {
		struct arena_chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
}
