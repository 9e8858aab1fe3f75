/* The form of fuzz_wire's input, for the target that reads it and the program that writes seeds. */
#ifndef TESTS_FUZZ_SEEDS_H
#define TESTS_FUZZ_SEEDS_H

#include <stddef.h>

#include "base/strbuf.h"
#include "control/wire.h"

/* What the descriptors of a packet are: the first is of the kind named, the others of the next in turn. */
enum seed_kind { SEED_NULL, SEED_UNSEALED, SEED_SEALED, SEED_KIND_COUNT };

/* A packet begins with a byte for its descriptors (how many, in steps, and what kind the first is), and two
 * bytes of size. */
enum { SEED_HEAD = 3, SEED_COUNTS = 6, SEED_FEW = 5 };

static inline size_t
seed_fd_count(unsigned char byte)
{
	size_t count = byte % SEED_COUNTS;

	return count < SEED_FEW ? count : WIRE_FDS;
}

static inline enum seed_kind
seed_fd_kind(unsigned char byte, size_t i)
{
	return (enum seed_kind)((byte / SEED_COUNTS + i) % SEED_KIND_COUNT);
}

static inline void
seed_wire_packet(struct strbuf *s, const void *bytes, size_t size, size_t fd_count, enum seed_kind kind)
{
	unsigned char head[SEED_HEAD] = { (unsigned char)((fd_count < SEED_FEW ? fd_count : SEED_FEW) +
							  SEED_COUNTS * (size_t)kind),
		(unsigned char)size, (unsigned char)(size >> 8) };

	strbuf_add_bytes(s, (const char *)head, sizeof head);
	strbuf_add_bytes(s, bytes, size);
}

#endif
