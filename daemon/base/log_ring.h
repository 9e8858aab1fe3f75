/* A ring of bytes between one thread that logs and the log thread, and the list of all rings. */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/** Room for about 600 lines of a closed connection; a power of two. */
enum { LOG_RING_SIZE = 128 * 1024 };

/** One producer, one consumer. Positions count bytes since the start and never wrap. */
struct log_ring {
	struct log_ring *next;    /* in struct log_rings, under its lock */
	_Atomic bool closed;      /* the producer is gone: the consumer frees the ring once it is empty */
	_Atomic uint64_t dropped; /* records that found no room, ever */
	uint64_t dropped_told;    /* consumer: of these, already reported */
	uint64_t mark;            /* consumer: reads up to here */
	_Alignas(64) _Atomic uint64_t tail; /* producer writes */
	uint64_t head_seen;                 /* producer: head when it was last looked at */
	_Alignas(64) _Atomic uint64_t head; /* consumer writes */
	_Alignas(64) unsigned char bytes[LOG_RING_SIZE];
};

/** Producer: contiguous room for a record of @p size bytes, aligned to 8; NULL (and counted) if there is
 * none. */
void *log_ring_reserve(struct log_ring *r, size_t size);
/** Producer: what was reserved is written. Sequentially consistent, so that a look at the consumer's state
 * after it cannot come before it. */
void log_ring_commit(struct log_ring *r, size_t size);
/** Producer: time to wake a consumer that is content to wait. */
bool log_ring_is_half_full(struct log_ring *r);

/** Consumer: everything committed by now may be read. @return true if that is anything */
bool log_ring_mark(struct log_ring *r);
/** Consumer: the next record before the mark, or NULL. It stays until log_ring_pop(). */
const void *log_ring_peek(struct log_ring *r);
void log_ring_pop(struct log_ring *r);

/** Every ring there is. Starts as `{ .lock = PTHREAD_MUTEX_INITIALIZER }`. */
struct log_rings {
	pthread_mutex_t lock; /* the list; never taken to log on a ring of one's own */
	struct log_ring *first;
};

/** A ring in the list, or NULL without memory. Thread: any. */
struct log_ring *log_rings_add(struct log_rings *all);

/** Consumer, with the lock: free closed rings that are empty. @return drops that they had yet to report */
uint64_t log_rings_sweep(struct log_rings *all);

#endif
