/* 64 parts, each a hash table with its lock, so that loops seldom meet. An entry is one piece of memory: its
 * key, then its value, with some room to grow in place. */
#include "store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "siphash.h"

/* The table is uthash's, the hash is ours: it is given as the precomputed value of each call. */
#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->unlinked = true)
#include <uthash.h>

/* Each link of a chain is a cache miss. uthash lets chains grow to 10 before it doubles its buckets; 4 means
 * about one bucket in three in use, 40 bytes an entry, and a get that finds its key at the first link. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 4U

enum { PART_COUNT = 64, SWEEP_KEYS = 32, NUMBER_SIZE = 24, BUCKETS_EACH = 3 };

struct entry {
	UT_hash_handle hh;
	int64_t expires_ms;
	size_t key_size, value_size, value_room;
	bool unlinked; /* the table had no memory for it */
	char bytes[];  /* the key, then the value */
};

struct part {
	_Alignas(64) pthread_mutex_t lock;
	struct entry *table;
	struct entry *swept; /* where the next sweep goes on, or NULL: at the start */
	uint64_t hits, misses, expired;
};

struct store {
	struct part parts[PART_COUNT];
	uint64_t hash_key[2];
	size_t memory_limit;
	_Atomic size_t memory, keys;
	_Atomic unsigned next_sweep;
};

struct place {
	struct part *part;
	unsigned hash;
};

static struct place
place_of(struct store *s, struct bytes key)
{
	uint64_t h = siphash(s->hash_key, key.at, key.size);

	return (struct place){ &s->parts[h >> 58], (unsigned)h };
}

_Static_assert(PART_COUNT == 1 << 6, "place_of() takes six bits");

/* Of an entry and its share of the table. */
static size_t
memory_for(size_t key_size, size_t value_room)
{
	return sizeof(struct entry) + BUCKETS_EACH * sizeof(UT_hash_bucket) + key_size + value_room;
}

static size_t
entry_memory(const struct entry *e)
{
	return memory_for(e->key_size, e->value_room);
}

static void
entry_remove(struct store *s, struct part *p, struct entry *e)
{
	if (p->swept == e)
		p->swept = e->hh.next;
	HASH_DELETE(hh, p->table, e);
	atomic_fetch_sub_explicit(&s->memory, entry_memory(e), memory_order_relaxed);
	atomic_fetch_sub_explicit(&s->keys, 1, memory_order_relaxed);
	free(e);
}

static bool
is_expired(const struct entry *e, int64_t now_ms)
{
	return e->expires_ms != STORE_NO_EXPIRY && e->expires_ms <= now_ms;
}

/* The living entry of a key; one whose time has come is removed. The part's lock is held. */
static struct entry *
find(struct store *s, struct place at, struct bytes key, int64_t now_ms)
{
	struct entry *e;

	HASH_FIND_BYHASHVALUE(hh, at.part->table, key.at, key.size, at.hash, e);
	if (e != NULL && is_expired(e, now_ms)) {
		at.part->expired++;
		entry_remove(s, at.part, e);
		return NULL;
	}
	return e;
}

static struct bytes
value_of(const struct entry *e)
{
	return (struct bytes){ e->bytes + e->key_size, e->value_size };
}

/* Reserve @p size bytes of the limit. */
static bool
take_memory(struct store *s, size_t size)
{
	size_t before = atomic_fetch_add_explicit(&s->memory, size, memory_order_relaxed);

	if (s->memory_limit == 0 || before + size <= s->memory_limit)
		return true;
	atomic_fetch_sub_explicit(&s->memory, size, memory_order_relaxed);
	return false;
}

static struct entry *
entry_new(struct store *s, struct bytes key, size_t value_size)
{
	size_t room = value_size < NUMBER_SIZE ? NUMBER_SIZE : value_size;
	struct entry *e;

	if (!take_memory(s, memory_for(key.size, room)))
		return NULL;
	e = malloc(sizeof *e + key.size + room);
	if (e == NULL) {
		atomic_fetch_sub_explicit(&s->memory, memory_for(key.size, room), memory_order_relaxed);
		return NULL;
	}
	*e = (struct entry){ .key_size = key.size, .value_room = room, .expires_ms = STORE_NO_EXPIRY };
	memcpy(e->bytes, key.at, key.size);
	return e;
}

/* An entry for the key with room for the value, in the table. @return NULL: no memory */
static struct entry *
entry_add(struct store *s, struct place at, struct bytes key, size_t value_size)
{
	struct entry *e = entry_new(s, key, value_size);

	if (e == NULL)
		return NULL;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, at.part->table, e->bytes, e->key_size, at.hash, e);
	if (e->unlinked) {
		atomic_fetch_sub_explicit(&s->memory, entry_memory(e), memory_order_relaxed);
		free(e);
		return NULL;
	}
	atomic_fetch_add_explicit(&s->keys, 1, memory_order_relaxed);
	return e;
}

/* Put a new value in the place of @p old (or of nothing). @return NULL: no memory, and all is as before */
static struct entry *
put(struct store *s, struct place at, struct entry *old, struct bytes key, struct bytes value)
{
	struct entry *e = old;

	if (e == NULL || e->value_room < value.size || e->value_room / 4 > value.size + NUMBER_SIZE) {
		e = entry_add(s, at, key, value.size);
		if (e == NULL)
			return NULL;
		if (old != NULL)
			entry_remove(s, at.part, old);
	}
	memcpy(e->bytes + e->key_size, value.at, value.size);
	e->value_size = value.size;
	return e;
}

struct store *
store_new(size_t memory_limit)
{
	struct store *s = aligned_alloc(64, sizeof *s);

	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof *s);
	s->memory_limit = memory_limit;
	if (getrandom(s->hash_key, sizeof s->hash_key, 0) != sizeof s->hash_key) {
		free(s);
		return NULL;
	}
	for (size_t i = 0; i < PART_COUNT; i++)
		pthread_mutex_init(&s->parts[i].lock, NULL);
	return s;
}

void
store_free(struct store *s)
{
	if (s == NULL)
		return;
	store_clear(s);
	for (size_t i = 0; i < PART_COUNT; i++)
		pthread_mutex_destroy(&s->parts[i].lock);
	free(s);
}

bool
store_get(struct store *s, struct bytes key, int64_t now_ms, void (*take)(void *arg, struct bytes value),
	void *arg)
{
	struct place at = place_of(s, key);
	struct entry *e;

	pthread_mutex_lock(&at.part->lock);
	e = find(s, at, key, now_ms);
	if (e != NULL) {
		at.part->hits++;
		take(arg, value_of(e));
	} else {
		at.part->misses++;
	}
	pthread_mutex_unlock(&at.part->lock);
	return e != NULL;
}

enum store_result
store_set(struct store *s, struct bytes key, struct bytes value, int64_t expires_ms,
	enum store_condition condition, int64_t now_ms)
{
	struct place at = place_of(s, key);
	enum store_result result = STORE_OK;
	struct entry *e;

	pthread_mutex_lock(&at.part->lock);
	e = find(s, at, key, now_ms);
	if (condition != STORE_ALWAYS && (condition == STORE_IF_ABSENT) == (e != NULL)) {
		result = STORE_MISSING;
	} else {
		e = put(s, at, e, key, value);
		if (e != NULL)
			e->expires_ms = expires_ms;
		else
			result = STORE_FULL;
	}
	pthread_mutex_unlock(&at.part->lock);
	return result;
}

bool
store_delete(struct store *s, struct bytes key, int64_t now_ms)
{
	struct place at = place_of(s, key);
	struct entry *e;

	pthread_mutex_lock(&at.part->lock);
	e = find(s, at, key, now_ms);
	if (e != NULL)
		entry_remove(s, at.part, e);
	pthread_mutex_unlock(&at.part->lock);
	return e != NULL;
}

bool
store_parse_number(struct bytes value, int64_t *ret)
{
	char text[NUMBER_SIZE], back[NUMBER_SIZE];

	if (value.size == 0 || value.size >= sizeof text)
		return false;
	memcpy(text, value.at, value.size);
	text[value.size] = '\0';
	*ret = strtoll(text, NULL, 10);
	snprintf(back, sizeof back, "%" PRId64, *ret);
	return strcmp(text, back) == 0;
}

static enum store_result
add_locked(struct store *s, struct place at, struct bytes key, int64_t n, int64_t now_ms, int64_t *ret_sum)
{
	struct entry *e = find(s, at, key, now_ms);
	int64_t expires_ms = e != NULL ? e->expires_ms : STORE_NO_EXPIRY, before = 0;
	char text[NUMBER_SIZE];
	int size;

	if (e != NULL && !store_parse_number(value_of(e), &before))
		return STORE_NOT_NUMBER;
	if (__builtin_add_overflow(before, n, ret_sum))
		return STORE_OVERFLOW;
	size = snprintf(text, sizeof text, "%" PRId64, *ret_sum);
	e = put(s, at, e, key, (struct bytes){ text, (size_t)size });
	if (e == NULL)
		return STORE_FULL;
	e->expires_ms = expires_ms;
	return STORE_OK;
}

enum store_result
store_add(struct store *s, struct bytes key, int64_t n, int64_t now_ms, int64_t *ret_sum)
{
	struct place at = place_of(s, key);
	enum store_result result;

	pthread_mutex_lock(&at.part->lock);
	result = add_locked(s, at, key, n, now_ms, ret_sum);
	pthread_mutex_unlock(&at.part->lock);
	return result;
}

bool
store_expire(struct store *s, struct bytes key, int64_t expires_ms, int64_t now_ms)
{
	struct place at = place_of(s, key);
	struct entry *e;

	pthread_mutex_lock(&at.part->lock);
	e = find(s, at, key, now_ms);
	if (e != NULL)
		e->expires_ms = expires_ms;
	pthread_mutex_unlock(&at.part->lock);
	return e != NULL;
}

bool
store_expiry(struct store *s, struct bytes key, int64_t now_ms, int64_t *ret_expires_ms)
{
	struct place at = place_of(s, key);
	struct entry *e;

	pthread_mutex_lock(&at.part->lock);
	e = find(s, at, key, now_ms);
	if (e != NULL)
		*ret_expires_ms = e->expires_ms;
	pthread_mutex_unlock(&at.part->lock);
	return e != NULL;
}

void
store_clear(struct store *s)
{
	for (size_t i = 0; i < PART_COUNT; i++) {
		struct part *p = &s->parts[i];

		pthread_mutex_lock(&p->lock);
		while (p->table != NULL)
			entry_remove(s, p, p->table);
		pthread_mutex_unlock(&p->lock);
	}
}

void
store_sweep(struct store *s, int64_t now_ms)
{
	struct part *p =
		&s->parts[atomic_fetch_add_explicit(&s->next_sweep, 1, memory_order_relaxed) % PART_COUNT];

	pthread_mutex_lock(&p->lock);
	if (p->swept == NULL)
		p->swept = p->table;
	for (int i = 0; i < SWEEP_KEYS && p->swept != NULL; i++) {
		struct entry *e = p->swept;

		p->swept = e->hh.next;
		if (is_expired(e, now_ms)) {
			p->expired++;
			entry_remove(s, p, e);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

struct store_counts
store_counts(const struct store *s)
{
	struct store_counts c = { .keys = atomic_load_explicit(&s->keys, memory_order_relaxed),
		.memory = atomic_load_explicit(&s->memory, memory_order_relaxed) };

	for (size_t i = 0; i < PART_COUNT; i++) {
		struct part *p = (struct part *)&s->parts[i]; /* only its lock changes */

		pthread_mutex_lock(&p->lock);
		c.hits += p->hits;
		c.misses += p->misses;
		c.expired += p->expired;
		pthread_mutex_unlock(&p->lock);
	}
	return c;
}
