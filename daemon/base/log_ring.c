/* A record is eight bytes of head and its content, rounded up to eight, and never wraps: what is left at the
 * end of the memory is skipped by a record without content. Positions are 64 bits wide, so `tail - head` is
 * always the fill.
 *
 * The usual single-producer ring orders with acquire and release only. Here commit and mark are sequentially
 * consistent, because "commit, then look whether the consumer sleeps" and "fall asleep, then look whether
 * there is something" must not both see the old state; a fence would do as well, but ThreadSanitizer does not
 * understand fences. */
#include "base/log_ring.h"

#include <stdlib.h>
#include <string.h>

struct record_head {
	uint32_t size; /* of the content, rounded up; or of what is skipped, this head included */
	uint32_t skip;
};

static size_t
rounded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static unsigned char *
at(struct log_ring *r, uint64_t position)
{
	return r->bytes + (position & (LOG_RING_SIZE - 1));
}

static void
write_head(struct log_ring *r, uint64_t position, size_t size, bool skip)
{
	struct record_head head = { .size = (uint32_t)size, .skip = skip };

	memcpy(at(r, position), &head, sizeof head);
}

/* How much of the end of the memory a record of that size cannot use. */
static size_t
skipped(uint64_t tail, size_t need)
{
	size_t to_end = LOG_RING_SIZE - (size_t)(tail & (LOG_RING_SIZE - 1));

	return to_end < need ? to_end : 0;
}

void *
log_ring_reserve(struct log_ring *r, size_t size)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t need = sizeof(struct record_head) + rounded(size);
	size_t skip = skipped(tail, need);

	if (LOG_RING_SIZE - (tail - r->head_seen) < skip + need) {
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
		if (LOG_RING_SIZE - (tail - r->head_seen) < skip + need) {
			atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
			return NULL;
		}
	}
	if (skip > 0)
		write_head(r, tail, skip, true);
	return at(r, tail + skip) + sizeof(struct record_head);
}

void
log_ring_commit(struct log_ring *r, size_t size)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t need = sizeof(struct record_head) + rounded(size);

	tail += skipped(tail, need);
	write_head(r, tail, rounded(size), false);
	atomic_store_explicit(&r->tail, tail + need, memory_order_seq_cst);
}

bool
log_ring_is_half_full(struct log_ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail - r->head_seen <= LOG_RING_SIZE / 2)
		return false;
	r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
	return tail - r->head_seen > LOG_RING_SIZE / 2;
}

bool
log_ring_mark(struct log_ring *r)
{
	r->mark = atomic_load_explicit(&r->tail, memory_order_seq_cst);
	return r->mark != atomic_load_explicit(&r->head, memory_order_relaxed);
}

const void *
log_ring_peek(struct log_ring *r)
{
	uint64_t position = atomic_load_explicit(&r->head, memory_order_relaxed);
	struct record_head head;

	if (position >= r->mark)
		return NULL;
	memcpy(&head, at(r, position), sizeof head);
	if (head.skip != 0) {
		/* A skip is published together with the record after it. */
		position += head.size;
		atomic_store_explicit(&r->head, position, memory_order_release);
	}
	return at(r, position) + sizeof head;
}

void
log_ring_pop(struct log_ring *r)
{
	uint64_t position = atomic_load_explicit(&r->head, memory_order_relaxed);
	struct record_head head;

	memcpy(&head, at(r, position), sizeof head);
	atomic_store_explicit(&r->head, position + sizeof head + head.size, memory_order_release);
}

struct log_ring *
log_rings_add(struct log_rings *all)
{
	struct log_ring *r = aligned_alloc(_Alignof(struct log_ring), sizeof *r);

	if (r == NULL)
		return NULL;
	memset(r, 0, offsetof(struct log_ring, bytes)); /* the content is written before it is read */
	pthread_mutex_lock(&all->lock);
	r->next = all->first;
	all->first = r;
	pthread_mutex_unlock(&all->lock);
	return r;
}

uint64_t
log_rings_sweep(struct log_rings *all)
{
	uint64_t unreported = 0;

	for (struct log_ring **link = &all->first; *link != NULL;) {
		struct log_ring *r = *link;

		/* closed is looked at first: it is set after the last commit. */
		if (!atomic_load_explicit(&r->closed, memory_order_acquire) || log_ring_mark(r)) {
			link = &r->next;
			continue;
		}
		unreported += atomic_load_explicit(&r->dropped, memory_order_relaxed) - r->dropped_told;
		*link = r->next;
		free(r);
	}
	return unreported;
}
