/* The table is cut into shards, each with its lock, its share of the entries, a hash and a list from the
 * source that came last to the one that has been away longest. A full shard forgets from the far end, and
 * never a source that is connected, whose count must stay right; so what an attacker with many addresses can
 * do is to make others be forgotten, who then begin with a clean sheet: it heals by itself.
 *
 * A lock on the way of an accept is an exception to the rule that loops share nothing. One table for all
 * loops is what makes the limits exact, and whoever holds a shard does so for a few dozen instructions. */
#include "guard/sources.h"
#include "guard/rate.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHARDS_MAX = 64,
	SHARD_ENTRIES_MIN = 64,
	LOOK_BACK = 16, /* connected sources that are passed over in search of one to forget */
	NS_IN_MS = 1000000,
};

static const uint32_t NOBODY = UINT32_MAX;

struct source {
	struct source_key key;
	uint32_t next;         /* of its hash chain */
	uint32_t newer, older; /* of the list by time */
	_Atomic uint32_t open; /* connections */
	int64_t due_ns;        /* when the bucket of its rate is full again */
};

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	struct source *sources; /* owned */
	uint32_t *chains;       /* owned */
	uint32_t capacity, used, chain_mask;
	uint32_t newest, oldest;
	uint64_t forgotten, unlimited;
};

struct sources {
	atomic_uint references;
	uint64_t seed;
	size_t entries;
	uint32_t shard_count; /* a power of two */
	struct shard shards[];
};

/* ---- keys ---- */

struct source_key
source_key_of_network(const struct network *client, const struct cfg_per_source *cfg)
{
	struct network cut =
		network_cut(client, (unsigned)(client->is_v6 ? cfg->ipv6_prefix : cfg->ipv4_prefix));
	struct source_key key = { .kind = client->is_v6 ? 6 : 4 };

	memcpy(key.bytes, cut.bytes, sizeof key.bytes);
	return key;
}

struct source_key
source_key_of_user(uint32_t uid)
{
	struct source_key key = { .kind = 'u' };

	memcpy(key.bytes, &uid, sizeof uid);
	return key;
}

/* Multiply and fold (as wyhash does), with a seed, so that nobody can choose addresses for one chain. */
static uint64_t
fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
hash_of(const struct sources *s, const struct source_key *key)
{
	uint64_t high, low;

	memcpy(&high, key->bytes, sizeof high);
	memcpy(&low, key->bytes + sizeof high, sizeof low);
	high = fold(high ^ s->seed, low ^ 0xa0761d6478bd642fULL ^ key->kind);
	return fold(high ^ 0xe7037ed1a0b428dbULL, s->seed | 1);
}

/* ---- birth and death ---- */

static int
shard_init(struct shard *shard, uint32_t capacity)
{
	uint32_t chains = 1;

	while (chains < capacity)
		chains *= 2;
	*shard = (struct shard){ .capacity = capacity,
		.chain_mask = chains - 1,
		.newest = NOBODY,
		.oldest = NOBODY,
		.sources = calloc(capacity, sizeof *shard->sources), /* pages come as sources do */
		.chains = reallocarray(NULL, chains, sizeof *shard->chains) };
	if (shard->sources == NULL || shard->chains == NULL)
		return -ENOMEM;
	memset(shard->chains, 0xff, chains * sizeof *shard->chains);
	pthread_mutex_init(&shard->lock, NULL);
	return 0;
}

int
sources_new(size_t entries, uint64_t seed, struct sources **ret)
{
	uint32_t shards = 1;
	struct sources *s;
	void *memory = NULL;

	while (shards < SHARDS_MAX && entries / (shards * 2) >= SHARD_ENTRIES_MIN)
		shards *= 2;
	if (posix_memalign(&memory, _Alignof(struct shard), sizeof *s + shards * sizeof(struct shard)) != 0)
		return -ENOMEM;
	s = memory;
	memset(s, 0, sizeof *s + shards * sizeof(struct shard));
	atomic_init(&s->references, 1);
	s->seed = seed;
	s->entries = entries;
	for (; s->shard_count < shards; s->shard_count++) {
		if (shard_init(&s->shards[s->shard_count], (uint32_t)(entries / shards)) < 0) {
			s->shard_count++;
			sources_unref(s);
			return -ENOMEM;
		}
	}
	*ret = s;
	return 0;
}

struct sources *
sources_ref(struct sources *s)
{
	atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
	return s;
}

void
sources_unref(struct sources *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < s->shard_count; i++) {
		free(s->shards[i].sources);
		free(s->shards[i].chains);
	}
	free(s);
}

/* ---- one shard; the lock is held ---- */

static void
list_remove(struct shard *shard, uint32_t i)
{
	struct source *source = &shard->sources[i];

	*(source->newer != NOBODY ? &shard->sources[source->newer].older : &shard->newest) = source->older;
	*(source->older != NOBODY ? &shard->sources[source->older].newer : &shard->oldest) = source->newer;
}

static void
list_put_first(struct shard *shard, uint32_t i)
{
	struct source *source = &shard->sources[i];

	source->newer = NOBODY;
	source->older = shard->newest;
	*(shard->newest != NOBODY ? &shard->sources[shard->newest].newer : &shard->oldest) = i;
	shard->newest = i;
}

static uint32_t *
chain_of(struct shard *shard, uint64_t hash)
{
	return &shard->chains[(hash >> 32) & shard->chain_mask];
}

static void
chain_remove(const struct sources *s, struct shard *shard, uint32_t i)
{
	uint32_t *link = chain_of(shard, hash_of(s, &shard->sources[i].key));

	while (*link != i)
		link = &shard->sources[*link].next;
	*link = shard->sources[i].next;
}

static struct source *
shard_find(struct shard *shard, const struct source_key *key, uint64_t hash)
{
	for (uint32_t i = *chain_of(shard, hash); i != NOBODY; i = shard->sources[i].next)
		if (memcmp(&shard->sources[i].key, key, sizeof *key) == 0)
			return &shard->sources[i];
	return NULL;
}

/* An entry that nobody uses, or the one that has been away longest; NOBODY if those are all connected. */
static uint32_t
shard_make_room(const struct sources *s, struct shard *shard)
{
	if (shard->used < shard->capacity)
		return shard->used++;
	for (int i = 0; i < LOOK_BACK && shard->oldest != NOBODY; i++) {
		uint32_t oldest = shard->oldest;

		list_remove(shard, oldest);
		if (atomic_load_explicit(&shard->sources[oldest].open, memory_order_acquire) == 0) {
			chain_remove(s, shard, oldest);
			shard->forgotten++;
			return oldest;
		}
		list_put_first(shard, oldest);
	}
	return NOBODY;
}

static struct source *
shard_add(const struct sources *s, struct shard *shard, const struct source_key *key, uint64_t hash)
{
	uint32_t i = shard_make_room(s, shard), *chain = chain_of(shard, hash);

	if (i == NOBODY) {
		shard->unlimited++;
		return NULL;
	}
	shard->sources[i] = (struct source){ .key = *key, .next = *chain };
	*chain = i;
	list_put_first(shard, i);
	return &shard->sources[i];
}

/* ---- limits ---- */

/* @return how long the event has to wait, 0: not at all, -1: it does not fit even so */
static int64_t
source_wait_ns(const struct cfg_per_source *cfg, int64_t due_ns, int64_t now_ns, int64_t *ret_due_ns)
{
	int64_t wait_ns = rate_wait_ns(&cfg->rate, cfg->burst, due_ns, now_ns, ret_due_ns);
	int64_t interval_ns = cfg->rate.per_ms * NS_IN_MS / cfg->rate.count;

	if (wait_ns <= 0)
		return 0;
	return cfg->delay && wait_ns <= rate_burst(&cfg->rate, cfg->burst) * interval_ns ? wait_ns : -1;
}

static enum source_verdict
judge(const struct source *source, const struct cfg_per_source *cfg, bool connects, int64_t now_ms,
	int64_t *ret_due_ns, int64_t *ret_wait_ms)
{
	int64_t wait_ns = 0;

	if (connects && cfg->connections != CFG_OFF &&
		atomic_load_explicit(&source->open, memory_order_relaxed) >= cfg->connections)
		return SOURCE_CONNECTIONS;
	*ret_due_ns = source->due_ns;
	if (cfg->rate.count > 0)
		wait_ns = source_wait_ns(cfg, source->due_ns, now_ms * NS_IN_MS, ret_due_ns);
	if (wait_ns == 0)
		return SOURCE_OK;
	if (wait_ns < 0 || !connects)
		return SOURCE_RATE;
	*ret_wait_ms = (wait_ns + NS_IN_MS - 1) / NS_IN_MS;
	return SOURCE_WAIT;
}

enum source_verdict
sources_take(struct sources *s, const struct cfg_per_source *cfg, const struct source_key *key,
	int64_t now_ms, struct source **ret_held, int64_t *ret_wait_ms)
{
	uint64_t hash = hash_of(s, key);
	struct shard *shard = &s->shards[hash & (s->shard_count - 1)];
	enum source_verdict verdict = SOURCE_OK;
	struct source *source;
	int64_t due_ns;

	pthread_mutex_lock(&shard->lock);
	source = shard_find(shard, key, hash);
	if (source != NULL) {
		list_remove(shard, (uint32_t)(source - shard->sources));
		list_put_first(shard, (uint32_t)(source - shard->sources));
	} else {
		source = shard_add(s, shard, key, hash);
	}
	if (source != NULL) {
		verdict = judge(source, cfg, ret_held != NULL, now_ms, &due_ns, ret_wait_ms);
		if (verdict <= SOURCE_WAIT) {
			source->due_ns = due_ns;
			if (ret_held != NULL)
				atomic_fetch_add_explicit(&source->open, 1, memory_order_relaxed);
		}
	}
	pthread_mutex_unlock(&shard->lock);
	if (ret_held != NULL)
		*ret_held = verdict <= SOURCE_WAIT ? source : NULL;
	return verdict;
}

enum source_verdict
sources_look(struct sources *s, const struct cfg_per_source *cfg, const struct source_key *key,
	int64_t now_ms, int64_t *ret_open)
{
	uint64_t hash = hash_of(s, key);
	struct shard *shard = &s->shards[hash & (s->shard_count - 1)];
	enum source_verdict verdict = SOURCE_OK;
	const struct source *source;
	int64_t due_ns, wait_ms;

	*ret_open = 0;
	pthread_mutex_lock(&shard->lock);
	source = shard_find(shard, key, hash);
	if (source != NULL) {
		*ret_open = atomic_load_explicit(&source->open, memory_order_relaxed);
		verdict = judge(source, cfg, true, now_ms, &due_ns, &wait_ms);
	}
	pthread_mutex_unlock(&shard->lock);
	return verdict;
}

void
source_release(struct source *held)
{
	if (held != NULL)
		atomic_fetch_sub_explicit(&held->open, 1, memory_order_release);
}

size_t
sources_entries(const struct sources *s)
{
	return s->entries;
}

struct sources_counts
sources_counts(struct sources *s)
{
	struct sources_counts counts = { 0 };

	for (uint32_t i = 0; i < s->shard_count; i++) {
		struct shard *shard = &s->shards[i];

		pthread_mutex_lock(&shard->lock);
		counts.used += shard->used;
		counts.forgotten += shard->forgotten;
		counts.unlimited += shard->unlimited;
		pthread_mutex_unlock(&shard->lock);
	}
	return counts;
}
