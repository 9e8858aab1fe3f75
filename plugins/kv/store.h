/* The keys and values of one kv instance, shared by all its loops. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/** Bytes that belong to somebody else. */
struct bytes {
	const char *at;
	size_t size;
};

enum { STORE_NO_EXPIRY = -1 };

/** How a value is set; what stands in the way is told by the result. */
enum store_condition { STORE_ALWAYS, STORE_IF_ABSENT, STORE_IF_PRESENT };

enum store_result {
	STORE_OK,
	STORE_MISSING,    /* there is no such key, or the condition does not hold */
	STORE_FULL,       /* the memory limit is reached; nothing was changed */
	STORE_NOT_NUMBER, /* the value is no 64-bit integer; nothing was changed */
	STORE_OVERFLOW    /* the sum would be none; nothing was changed */
};

/** @param memory_limit  bytes that keys, values and their overhead may take, 0: no limit @return NULL: no
 * memory */
struct store *store_new(size_t memory_limit);
void store_free(struct store *s);

/* Every function may be called on any thread, takes one short lock at a time and never waits for I/O.
 * @c now_ms is the caller's clock; a key whose time has come is gone, whether or not it has been removed. */

/** Give the value to @p take, under the lock: it copies, and calls nothing of the store. @return whether
 * there was one */
bool store_get(struct store *s, struct bytes key, int64_t now_ms, void (*take)(void *arg, struct bytes value),
	void *arg);

/** @param expires_ms  on the caller's clock, or STORE_NO_EXPIRY */
enum store_result store_set(struct store *s, struct bytes key, struct bytes value, int64_t expires_ms,
	enum store_condition condition, int64_t now_ms);

/** @return whether there was one */
bool store_delete(struct store *s, struct bytes key, int64_t now_ms);

/** Add to a decimal number; a missing key counts as 0, an expiry stays. */
enum store_result store_add(struct store *s, struct bytes key, int64_t n, int64_t now_ms, int64_t *ret_sum);

/** @return whether the whole of it is a number, as Redis has it: no blanks, no '+', no leading zeros but for
 * 0 itself */
bool store_parse_number(struct bytes value, int64_t *ret);

/** Set or, with STORE_NO_EXPIRY, end the expiry. @return whether there is such a key */
bool store_expire(struct store *s, struct bytes key, int64_t expires_ms, int64_t now_ms);

/** @return whether there is such a key; *ret_expires_ms as for store_set() */
bool store_expiry(struct store *s, struct bytes key, int64_t now_ms, int64_t *ret_expires_ms);

void store_clear(struct store *s);

/** Remove what has expired, looking at some keys of one part at each call. Call it now and then. */
void store_sweep(struct store *s, int64_t now_ms);

struct store_counts {
	size_t keys, memory;
	uint64_t hits, misses, expired;
};
struct store_counts store_counts(const struct store *s);

#endif
