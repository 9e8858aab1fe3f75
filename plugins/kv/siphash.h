/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"): a hash that a client which does
 * not know its key cannot make collide, so that no choice of keys turns a table into a list. */
#ifndef KV_SIPHASH_H
#define KV_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t size);

#endif
