/* Numbers and bytes in a row, as they travel between processes and between versions: little-endian, fixed
 * sizes, every length written before its bytes. Reading never trusts: the first thing that does not fit marks
 * the reader as failed, and from then on it gives zeros, so that a decoder asks once, at its end. */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stdint.h>

#include "base/strbuf.h"

void pack_u32(struct strbuf *s, uint32_t n);
void pack_u64(struct strbuf *s, uint64_t n);
static inline void
pack_i64(struct strbuf *s, int64_t n)
{
	pack_u64(s, (uint64_t)n);
}
void pack_bytes(struct strbuf *s, const void *bytes, size_t size);
/** NULL and "" are told apart. */
void pack_text(struct strbuf *s, const char *text);

/** Starts as `struct unpack u = UNPACK(bytes, size);`; the bytes are borrowed. */
struct unpack {
	const unsigned char *at, *end;
	bool failed;
};
static inline struct unpack
unpack_of(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	return (struct unpack){ .at = at, .end = size > 0 ? at + size : at }; /* no bytes may be NULL */
}
#define UNPACK(bytes, size) unpack_of(bytes, size)

uint32_t unpack_u32(struct unpack *u);
uint64_t unpack_u64(struct unpack *u);
static inline int64_t
unpack_i64(struct unpack *u)
{
	return (int64_t)unpack_u64(u);
}
/** Borrowed from the bytes; an empty run, or a failure, gives a size of 0. */
const void *unpack_bytes(struct unpack *u, size_t *ret_size);
/** Borrowed, NUL-terminated; NULL if NULL was packed, and on failure. */
const char *unpack_text(struct unpack *u);
/** As unpack_text(), where NULL is a failure too: gives "" then. */
const char *unpack_word(struct unpack *u);

/** A count of items of which each takes @p item_size bytes or more: fails if so many cannot follow, so that
 * nobody allocates for what is not there. */
uint32_t unpack_count(struct unpack *u, size_t item_size);

/** Whether all was read, and nothing failed. */
static inline bool
unpack_is_done(const struct unpack *u)
{
	return !u->failed && u->at == u->end;
}

#endif
