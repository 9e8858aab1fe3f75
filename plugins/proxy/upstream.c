#include "upstream.h"

#include <netinet/in.h>
#include <string.h>

/* FNV-1a over the address without its port: a client of many connections stays with its server. */
static uint32_t
hash_source(const struct sockd_addr *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&a->sa;
	const unsigned char *bytes = (const unsigned char *)&a->sa;
	size_t size = a->len;
	uint32_t hash = 2166136261;

	if (a->sa.ss_family == AF_INET) {
		bytes = (const unsigned char *)&in->sin_addr;
		size = sizeof in->sin_addr;
	} else if (a->sa.ss_family == AF_INET6) {
		bytes = in6->sin6_addr.s6_addr;
		size = sizeof in6->sin6_addr;
	}
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return hash;
}

/* Where the search begins. */
static size_t
first_of(struct upstreams *u, const struct sockd_addr *source)
{
	if (u->balance == BALANCE_SOURCE && source != NULL)
		return hash_source(source) % u->count;
	return atomic_fetch_add_explicit(&u->turn, 1, memory_order_relaxed) % u->count;
}

static bool
is_better(const struct upstreams *u, const struct upstream *one, const struct upstream *than)
{
	return than == NULL || (u->balance == BALANCE_LEAST &&
				       atomic_load(&one->connections) < atomic_load(&than->connections));
}

/* The best of those that are up, or of those that are down. */
static struct upstream *
search(struct upstreams *u, size_t first, int64_t now_ms, uint64_t tried, bool down)
{
	struct upstream *best = NULL;

	for (size_t i = 0; i < u->count; i++) {
		size_t index = (first + i) % u->count;
		struct upstream *one = &u->items[index];

		if ((tried & UINT64_C(1) << index) == 0 &&
			(atomic_load(&one->down_until_ms) > now_ms) == down && is_better(u, one, best))
			best = one;
	}
	return best;
}

/* Where a server takes its time to fail, one client is enough to find out. */
static void
begin_trial(struct upstreams *u, struct upstream *one, int64_t now_ms)
{
	int64_t until_ms = atomic_load(&one->down_until_ms);

	if (u->trial_ms > 0 && until_ms != 0 && until_ms <= now_ms)
		(void)atomic_compare_exchange_strong(&one->down_until_ms, &until_ms, now_ms + u->trial_ms);
}

struct upstream *
upstream_choose(struct upstreams *u, const struct sockd_addr *source, int64_t now_ms, uint64_t *tried)
{
	struct upstream *one;
	size_t first;

	if (u->count == 0)
		return NULL;
	first = first_of(u, source);
	one = search(u, first, now_ms, *tried, false);
	if (one == NULL)
		one = search(u, first, now_ms, *tried, true);
	if (one == NULL)
		return NULL;
	begin_trial(u, one, now_ms);
	*tried |= UINT64_C(1) << (one - u->items);
	atomic_fetch_add(&one->connections, 1);
	return one;
}

bool
upstream_failed(struct upstreams *u, struct upstream *one, int64_t now_ms)
{
	return atomic_exchange(&one->down_until_ms, now_ms + u->fail_ms) == 0;
}

bool
upstream_works(struct upstream *one)
{
	return atomic_load(&one->down_until_ms) != 0 && atomic_exchange(&one->down_until_ms, 0) != 0;
}

void
upstream_done(struct upstream *one)
{
	atomic_fetch_sub(&one->connections, 1);
}
