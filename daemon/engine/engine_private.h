/* What the engine's own files know of each other. Nothing outside daemon/engine includes this. */
#ifndef ENGINE_ENGINE_PRIVATE_H
#define ENGINE_ENGINE_PRIVATE_H

#include <pthread.h>

#include "engine/accept.h"
#include "engine/engine.h"
#include "engine/handler.h"
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

struct apply;
struct pool;
struct tls_clients;

struct engine {
	struct metric_block *metrics;
	struct occupancy occupancy;
	struct tally *tallies; /* owned; one for each row of metrics */
	size_t fiber_stack;
	engine_release_fn *release;
	void *release_arg;
	struct loop **loops;                 /* owned */
	struct order (*orders)[ORDER_COUNT]; /* owned; a row for each loop */
	unsigned loop_count;
	struct pool *pool;                /* owned: threads for what may block */
	unsigned next_home;               /* where the next socket goes */
	struct mailbox main_mail;         /* what loops tell the main thread */
	int done_fd;                      /* eventfd, owned */
	_Atomic unsigned loops_accepting; /* loops that have not closed their acceptors yet */
	_Atomic unsigned loops_busy;      /* loops that still have something to end */
	_Atomic uint64_t drained, forced;
	pthread_mutex_t clients_lock;
	struct tls_clients *clients;                /* ref, under the lock; dial_tls.c */
	int64_t drain_deadline_ms, drain_spread_ms; /* written before the order is sent */

	/* The main thread's. */
	struct handler_table handlers;
	struct listener *all; /* every version that has not ended, the newest first */
	struct listener *
		*listeners; /* owned array, borrowed items: those of the configuration, in its order */
	size_t listener_count;
	struct observers *observers; /* ref */
	struct bound *sockets;       /* refs: the sockets of the configuration */
	struct apply *apply;         /* owned; a change that not every loop is through with */
	struct bans *bans;           /* ref; NULL: none */
	bool running;                /* the loops' threads were made */
};

/** Send mail to a loop; one that has ended delivers it here and now, since nobody else will. */
void engine_tell_loop(struct engine *engine, unsigned index, struct mail *mail);
/** Send mail to the main thread; it is delivered with a null loop. Thread: any. */
void engine_tell_main(struct engine *engine, struct mail *mail);

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

/** On a loop: give each connection of a listener that drains, and has no place in a drain yet, its place. */
void drain_listeners(struct loop *loop);

/** Give back those instances of a setup that do not run. */
void engine_give_back(struct engine *engine, const struct engine_setup *setup);

/** Deliver what loops told, waiting for it at most until @p until_ms; CLOCK_NEVER: for ever. */
void engine_wait(struct engine *engine, int64_t until_ms);

#endif
