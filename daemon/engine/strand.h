/* Strands: the fibers that run a plugin's code, each with what it waits for, the scope that it ends with, and
 * what becomes of it when somebody cancels it or a drain begins. serve() is one, what sockd_spawn() makes is
 * one. All of a strand belongs to its loop. */
#ifndef ENGINE_STRAND_H
#define ENGINE_STRAND_H

#include "sockd/types.h"

#include "base/err.h"
#include "engine/loop.h"

/** What a strand is doing. The first four waits are quiet: a drain may interrupt them. */
enum strand_wait {
	STRAND_READS,
	STRAND_SLEEPS,
	STRAND_WAITS, /* for sockd_wake() */
	STRAND_JOINS, /* not ended by cancel */
	STRAND_QUIET_COUNT,
	STRAND_RUNS = STRAND_QUIET_COUNT,
	STRAND_WRITES,
	STRAND_DIALS,
	STRAND_WORKS, /* on a pool thread: not ended by cancel */
};

/** Why a parked fiber goes on; the code of fiber_wake(). */
enum wake { WAKE_READY = 1, WAKE_TIMEOUT, WAKE_CANCEL, WAKE_END };

struct strand {
	struct slot slot; /* of loop->strands */
	struct loop *loop;
	struct fiber *fiber;           /* NULL: it is over */
	struct handler_thread *thread; /* borrowed: whose plugin's code it runs */
	struct conn *conn;             /* borrowed: whose scope it ends with; NULL: that of the loop */
	struct estate *estate;         /* where a spawned one hangs; NULL: it is joined by nobody */
	struct strand *next, **link;   /* in its estate, alive or ended */
	struct strand *behind;         /* in a queue of writers: who is next */
	struct strand *also, **place;  /* in the table of those who wait for a wake */
	const void *what;              /* the wake that it waits for */
	struct strand *joiner;         /* who waits for its end */
	void (*run)(struct strand *s);
	void (*ended)(struct strand *s); /* from the loop's frame; NULL: nobody cares */
	void *arg;
	sockd_fiber_fn fn; /* a spawned one's body */
	int result;        /* what fn returned */
	uint8_t waits;     /* enum strand_wait */
	bool cancelled;    /* what may wait fails with ECANCELED, for good */
	bool told;         /* a drain has interrupted it already */
};

/** Start @p run on a fiber of its own at the loop's next turn.
 * @param conn  whose scope it ends with; NULL: that of the loop
 * @return 0, or a negative errno (told in the log) when there is no stack for it */
must_check int strand_new(struct handler_thread *thread, struct conn *conn, size_t stack,
	void (*run)(struct strand *s), void (*ended)(struct strand *s), void *arg, struct strand **ret);

/** The strand that runs now on this loop, or NULL: the loop itself, an entry in event style. */
static inline struct strand *
strand_here(const struct loop *loop)
{
	struct fiber *f = fiber_current(loop->fibers);

	return f != NULL ? fiber_arg(f) : NULL;
}

/** Park the running strand until it is woken or @p deadline_ms.
 * @return 0: look again whether what you wait for is there; -ETIMEDOUT, -ESHUTDOWN (a drain, sleep and wait
 * only), -ECANCELED (not in a join or an offload) */
must_check int strand_wait(struct strand *self, enum strand_wait what, int64_t deadline_ms);

/** Let all others of the loop have their turn, and the loop look at its sockets. It is busy meanwhile: no
 * drain takes it for quiet. @return 0 or -ECANCELED */
must_check int strand_yield(struct strand *self);

/** Let a waiting strand look again. */
static inline void
strand_wake(struct strand *s)
{
	fiber_wake(s->fiber, WAKE_READY);
}

/** Its waiting and its later calls fail with ECANCELED. Fine when it is over. */
void strand_cancel(struct strand *s);

/** It waits for something that a drain may interrupt. */
static inline bool
strand_is_quiet(const struct strand *s)
{
	return s->waits < STRAND_QUIET_COUNT && !fiber_is_woken(s->fiber);
}

/** Drain: interrupt a sleep or a wait, once a strand; reads end by the connection's doing. */
void strand_give_end(struct strand *s);

/* ---- for the operations of hosts ---- */

struct estate;

/** @return the new strand's id, or 0 with errno */
uint64_t strand_spawn(struct estate *e, sockd_fiber_fn fn, void *arg);
/** Wait for the end of a strand of @p e. @return its result in @p ret_result: 0; or -ESRCH, -EDEADLK */
must_check int strand_join(struct estate *e, uint64_t id, int *ret_result);
/** @return 0 or -ESRCH */
must_check int strand_cancel_by_id(struct estate *e, uint64_t id);
/** Wait for strand_wake_all() of the same @p what. @return as strand_wait() */
must_check int strand_wait_for(struct strand *self, const void *what, int64_t deadline_ms);
void strand_wake_all(struct loop *loop, const void *what);
/** Free what is left of a strand that is over. */
void strand_forget(struct strand *s);

#endif
