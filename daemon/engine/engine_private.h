/* What the engine's own files know of each other. Nothing outside daemon/engine includes this. */
#ifndef ENGINE_ENGINE_PRIVATE_H
#define ENGINE_ENGINE_PRIVATE_H

#include "engine/accept.h"
#include "engine/engine.h"
#include "engine/listener.h"
#include "engine/loop.h"

/** An order of the main thread to a loop. One of each kind is kept ready, so that none can fail for want of
 * memory. */
enum order_kind { ORDER_DRAIN, ORDER_SHUTDOWN, ORDER_CHECK_IDLE, ORDER_STOP, ORDER_COUNT };

struct order {
	struct mail mail;
	enum order_kind kind;
	bool sent;
};

/** Where loops wait after their preparation until the main thread has seen that all of them could. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned prepared;
	enum { GATE_CLOSED, GATE_SERVE, GATE_GIVE_UP } state;
};

struct engine {
	const struct snapshot *snapshot;
	struct metric_block *metrics;
	struct listener *listeners; /* owned; listener_count, then observer_count for the observers */
	struct cfg_listener
		*observer_names; /* owned; what an observer has instead of a configured listener */
	size_t listener_count, observer_count, instances_started;
	struct loop **loops;                 /* owned */
	struct order (*orders)[ORDER_COUNT]; /* owned; a row for each loop */
	unsigned loop_count;
	struct acceptor *acceptors; /* owned; one for each stream socket of the snapshot */
	size_t acceptor_count;
	uint32_t observe_mask; /* 1 << state for every state that some plugin wants to be told of */
	bool observes_errors;
	int done_fd;                      /* eventfd, owned */
	_Atomic unsigned loops_accepting; /* loops that have not closed their acceptors yet */
	_Atomic unsigned loops_busy;      /* loops that still have something to end */
	_Atomic uint64_t drained, forced;
	int64_t drain_deadline_ms, drain_spread_ms; /* written before the order is sent */
	struct gate gate;
	bool started;
};

/** Called on a loop when something of it has ended: when draining and nothing is left, it tells the engine.
 */
void engine_check_idle(struct loop *loop);

/** The same from the loop's frame, soon; nothing before a drain. */
static inline void
engine_check_idle_later(struct loop *loop)
{
	if (loop->draining)
		loop_defer(loop, &loop->idle_check);
}

/** Carry out an order on its loop. */
void drain_obey(struct loop *loop, struct mail *mail);

/** Send an order to every loop; one that was sent before is not repeated. */
void drain_order_all(struct engine *engine, enum order_kind kind);

#endif
