/* The log thread: takes records from all rings in the order of their time, formats them and writes them in
 * batches. */
#ifndef BASE_LOG_WRITER_H
#define BASE_LOG_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/log_ring.h"
#include "base/log_sink.h"

/** How much the thread needs to be told of new records. */
enum log_writer_state {
	LOG_WRITER_AWAKE,   /* nothing: it will look */
	LOG_WRITER_NAPPING, /* nothing, unless a ring fills up: it will look in a moment */
	LOG_WRITER_ASLEEP,
};

struct log_writer {
	struct log_rings *rings; /* borrowed */
	struct log_sink sink;
	bool json;
	_Atomic int state;
	int wake_fd; /* eventfd */
	pthread_t thread;

	/* Orders; the rest of the struct is the log thread's own, but for what others look at. */
	pthread_mutex_t lock;
	pthread_cond_t answered;
	uint64_t orders, answers; /* how many were given and carried out */
	int replacement_fd;       /* -1: none */
	bool stop;

	/* For whoever looks. */
	_Atomic int refusal;        /* errno of the last write; 0: the target took it */
	_Atomic int64_t refused_ms; /* since when it takes nothing */
	_Atomic uint64_t lost;      /* dropped, ever */

	size_t progress;       /* of the sink when it last took something */
	uint64_t dropped;      /* to be reported */
	uint64_t told;         /* of these, in the report that the sink still holds */
	int64_t dropped_at_ms; /* last report */
	int error;             /* of the last write, and of how many since it last worked */
	uint64_t failures;
	int backoff_ms;
};

/** Start the thread. @p options->fd moves on success. */
must_check int log_writer_start(
	struct log_writer *w, struct log_rings *rings, const struct log_options *options, struct err *e);

/** After a commit. Thread: any. Blocks: never. */
static inline bool
log_writer_wants_wake(struct log_writer *w, struct log_ring *r)
{
	int state = atomic_load_explicit(&w->state, memory_order_seq_cst);

	if (likely(state == LOG_WRITER_AWAKE) || (state == LOG_WRITER_NAPPING && !log_ring_is_half_full(r)))
		return false;
	return atomic_exchange(&w->state, LOG_WRITER_AWAKE) != LOG_WRITER_AWAKE;
}
void log_writer_wake(struct log_writer *w);

/** Wait until what was committed before the call is written, or the target has refused it for a second. Then
 * go on with
 * @p fd, which moves, unless it is -1. */
void log_writer_settle(struct log_writer *w, int fd);

/** See log_look(). Thread: any. */
struct log_health log_writer_look(struct log_writer *w);

/** Settle and end the thread. @return how many records were lost, because the target would not take them */
uint64_t log_writer_stop(struct log_writer *w);

#endif
