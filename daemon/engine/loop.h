/* A loop: one thread of the worker with an event_base without locks, its connections, endpoints, fibers,
 * timers and mailbox. All of it belongs to that thread; other threads send mail. */
#ifndef ENGINE_LOOP_H
#define ENGINE_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "engine/conn_ids.h"
#include "engine/fiber.h"
#include "engine/mailbox.h"
#include "engine/poller.h"
#include "engine/slab.h"
#include "engine/wheel.h"

struct acceptor;
struct arrival;
struct bans;
struct conn;
struct endpoint;
struct engine;
struct handler_thread;
struct strand;
struct refusals;
struct stream_pipe;

/** Something to be done from the loop's own frame, after the callbacks of this turn have returned.
 * Embed it. */
struct loop_task {
	struct loop_task *next, **link; /* link: what points to it; NULL: not queued */
	void (*run)(struct loop *loop, struct loop_task *task);
};

/** A wheel node that knows whom to call. Embed it. */
struct loop_timer {
	struct wheel_node node; /* first: the wheel fires the node */
	void (*fire)(struct loop *loop, struct loop_timer *timer);
};

enum { LOOP_BUFFER_SIZE = 65536, LOOP_WAIT_BITS = 6 };

struct loop {
	unsigned index;
	struct engine *engine;   /* borrowed */
	struct event_base *base; /* owned */
	struct poller poller;
	struct mailbox mailbox;
	struct poller_watch mail;
	struct wheel wheel;
	struct event alarm;   /* ends libevent's wait when the wheel is due */
	int64_t now_ms;       /* of this turn; 0: not read yet */
	unsigned coalesce_us; /* between two looks at the sockets; 0: none */
	int64_t looked_ns;    /* when the last turn's wait was over, if messages are to gather */
	struct loop_task *tasks, **tasks_end;
	struct fiber_set *fibers;
	size_t spent_bytes;         /* by what runs now, since it went on: see loop_spend() */
	struct slab conns;          /* of struct conn */
	struct slab endpoints;      /* of struct endpoint */
	struct slab strands;        /* of struct strand */
	struct slab timers;         /* of struct plugin_timer */
	struct log_repeat no_fiber; /* that there was none for a client */
	struct strand *waiting[1 << LOOP_WAIT_BITS]; /* those that wait for a sockd_wake(), by what for */
	unsigned char *buffer; /* LOOP_BUFFER_SIZE: what a stream is read into, handed out as a view */
	unsigned char *wire;   /* owned; LOOP_BUFFER_SIZE, made when needed: records on their way out */
	size_t wire_size;
	struct stream_pipe *pipe; /* owned; between two sockets, empty between two calls; NULL: to be made */
	unsigned pipes_held;      /* that connections have, with bytes in them */
	_Atomic uint64_t next_conn; /* serial part of connection ids; others only look at it */
	struct conn_ids conn_ids;
	unsigned works;          /* in the pool, for handlers of this loop */
	_Atomic unsigned posts;  /* messages of plugins that are under way here */
	struct conn *view_owner; /* whose bytes lie in it now, or NULL */
	const unsigned char *view;
	size_t view_size;
	struct arrival *arrivals;  /* clients that wait before their connection begins */
	struct bans *bans;         /* ref; NULL: none */
	struct refusals *refusals; /* owned; NULL: nobody was refused yet */
	_Atomic int64_t load;      /* connections here: accept looks for the least */
	bool draining, stopping;
	struct loop_task idle_check;        /* draining: look whether something lives here still */
	bool idle_told;                     /* draining, and nothing lives here any more */
	struct acceptor *acceptors;         /* those whose home this is */
	struct handler_thread *last_thread; /* of those that were started here */
	int64_t drain_deadline_ms;          /* while draining */
	struct loop_timer deadline;
	pthread_t thread;
	bool running;     /* the thread was started */
	int start_result; /* of this thread's thread_start()s, written before the start barrier */
	struct err start_error;
};

/** What a fiber may move before the others of its loop have their turn, and what one call costs at least. */
enum { LOOP_SHARE_BYTES = 256 * 1024, LOOP_CALL_BYTES = 1024 };

/** Count what was moved by one call. */
static inline void
loop_spend(struct loop *loop, size_t bytes)
{
	loop->spent_bytes += bytes + LOOP_CALL_BYTES;
}

/** A fiber that runs now has had its share: its next call to the kernel lets the others go first. */
static inline bool
loop_share_is_spent(const struct loop *loop)
{
	return loop->spent_bytes >= LOOP_SHARE_BYTES;
}

/** The loop whose thread this is, or NULL. */
struct loop *loop_here(void);
/** Whether @p address lies beneath the stack of a fiber of this thread's loop. Async-signal-safe. */
bool loop_guards(const void *address);

must_check int loop_new(struct engine *engine, unsigned index, struct loop **ret, struct err *e);
/** Its thread has ended or never ran. NULL is fine. */
void loop_free(struct loop *loop);

/** Make the calling thread the loop's, and no longer. */
void loop_enter(struct loop *loop);
void loop_leave(struct loop *loop);

/** On its thread: turn until loop->stopping, then deliver the last mail. */
void loop_run(struct loop *loop);

/** On its thread, once: timers are let off by microseconds rather than the usual 50 (prctl(2),
 * PR_SET_TIMERSLACK), where daemon.coalesce_us needs it. */
void loop_time_finely(const struct loop *loop);

/** On its thread: wait for something to happen, and see to all that has. */
void loop_turn(struct loop *loop);

/** Milliseconds of this turn, read at most once a turn. */
int64_t loop_now_ms(struct loop *loop);

/** Queue @p task for the end of this turn's callbacks; one that is queued already stays where it is. */
void loop_defer(struct loop *loop, struct loop_task *task);
/** Take it out again if it is queued. */
void loop_undefer(struct loop *loop, struct loop_task *task);

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ms);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

#endif
