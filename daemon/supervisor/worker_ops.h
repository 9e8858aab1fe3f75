/* What the supervisor knows of a worker: a table of calls that run/ hands it at the start, and the events
 * that come back. Only snapshots, orders, texts and numbers cross it. Behind it is either a worker in this
 * process (run/single.c) or one in a process of its own.
 *
 * The life of a worker: start(), then `ready`, or `ended` if it fails; orders; `done` once a drain or a
 * shutdown is over; end(); `ended`; free(). A worker that dies by itself comes to `ended` from anywhere. */
#ifndef SUPERVISOR_WORKER_OPS_H
#define SUPERVISOR_WORKER_OPS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "control/occupancy.h"

struct cfg_report;
struct counters;
struct counters_block;
struct identity;
struct post_mortem;
struct snapshot;
struct state_reader;
struct state_writer;
struct thread_look;

struct supervisor_counts {
	int64_t open;     /* connections open now */
	uint64_t served;  /* connections accepted since the start */
	uint64_t drained; /* ended by the drain, or by themselves while it ran */
	uint64_t forced;  /* cut */
};

/** How a worker ended. */
enum supervisor_end {
	SUPERVISOR_END_ORDERED, /* as end() asked for */
	SUPERVISOR_END_FAILED,  /* it never became ready: the report, or the text, says why */
	SUPERVISOR_END_DIED     /* it crashed, was killed, or left by itself: the text says how */
};

/** What a worker tells, each from the supervisor's event base and never from inside a call of the table. */
struct supervisor_worker_events {
	/** Every listener is served. @p serves: for each of the snapshot's, whether its connections run on
	 * fibers. */
	void (*ready)(void *arg, const bool *serves);
	/** One that was adopted has answered: it obeys us. */
	void (*hello)(void *arg);
	/** Every connection has ended after drain() or shutdown(); the worker waits for end(). */
	void (*done)(void *arg);
	/** Nothing comes after this; counts() stays as it was, and free() is due. @p e has a code and a text,
	 * unless it was ordered. */
	void (*ended)(void *arg, enum supervisor_end how, const struct err *e);
};

/** What all workers have in common. */
struct supervisor_surroundings {
	int log_fd; /* where the log goes; -1: nowhere but standard error */
	enum log_protocol log_protocol;
	bool log_json;
	const struct identity *identity; /* borrowed: who they are to be */
};

struct supervisor_start {
	struct event_base *base;                            /* borrowed until free() */
	const struct supervisor_surroundings *surroundings; /* borrowed until free() */
	struct counters_block *counters;                    /* borrowed until free(): where it counts */
	const struct counters *all_counters;                /* borrowed until free() */
	struct occupancy occupancy; /* where it sits, for limits over all workers; borrowed until free() */
	int occupancy_fd;           /* its memory; borrowed for the call */
	struct post_mortem *post_mortem; /* borrowed until free(): what it is doing */
	unsigned generation;             /* counts from 1 */
	int exec_fd; /* the program to execute, borrowed for the call; -1: the one that runs */
	const struct snapshot *snapshot; /* borrowed for the call: the worker gets a copy */
	struct cfg_report *report; /* borrowed until `ready` or `ended`: takes what is wrong at a place */
	const struct supervisor_worker_events *events; /* borrowed until free() */
	void *arg;
};

/** The answer to a request. Comes exactly once, later, from the event base; also when the worker dies first.
 * @p code: 0 or a negative errno. @p text: what the request gives, or what went wrong; borrowed, never NULL.
 */
typedef void supervisor_reply_fn(void *arg, int code, const char *text);

/** Every call is made on the supervisor's thread, and none but those that say so may block. */
struct supervisor_worker_ops {
	/** Build a worker and let it serve; `ready` or `ended` follows. @return 0, or a negative errno with
	 * text when nothing follows. Within one process it blocks while plugins start. */
	int (*start)(const struct supervisor_start *o, void **ret_worker, struct err *e);
	/** Leave a worker to another supervisor, and adopt one that another has started: `hello` follows.
	 * NULL: there is nobody to leave it to. @return adopt: 0, or a negative errno with text */
	void (*pack)(struct state_writer *w, void *worker);
	int (*adopt)(
		struct state_reader *r, const struct supervisor_start *o, void **ret_worker, struct err *e);
	/** Whether nothing is on its way to it, and no answer is awaited. */
	bool (*is_quiet)(void *worker);
	void (*drain)(void *worker, int64_t timeout_ms, int64_t spread_ms);
	void (*shutdown)(void *worker);
	/** Stop plugins and threads; only after `done`. `ended` follows. Within one process it blocks while
	 * plugins stop. */
	void (*end)(void *worker);
	/** End it by SIGABRT in its thread @p tid (or in any, if that is none of its own), so that it tells
	 * where it is. NULL: it lives in this process. */
	void (*abort)(void *worker, pid_t tid);
	/** Ask it for a sign of life, unless one is awaited already. @return whether that is so. NULL: it
	 * lives in this process */
	bool (*knock)(void *worker);
	/** How its thread @p tid fares; 0: its main thread. @return 0, or a negative errno: not known. NULL:
	 * the same */
	int (*look)(void *worker, pid_t tid, struct thread_look *ret);
	/** End it by force, in whatever state it is; `ended` follows. @return false: it lives in this process
	 * and only goes with it */
	bool (*kill)(void *worker);
	/** After `ended`, or when the supervisor leaves and no longer cares. */
	void (*free)(void *worker);

	/** Plugins open their files anew. @p log_fd: the log's new target, or -1: stays; borrowed. */
	void (*reopen)(void *worker, int log_fd);
	void (*tell)(void *worker, const char *event, const char *text); /* to observers */
	struct supervisor_counts (*counts)(void *worker);
	/** How its log fares, as it said when it last gave a sign of life. NULL: it logs where we do. */
	struct log_health (*log)(void *worker);

	/** Go over to another snapshot in place, all of it or nothing.
	 * @param snapshot  borrowed for the call
	 * @param report    borrowed until the reply: takes what is wrong at a place
	 * The reply's text is the verdict, or why there is none. */
	void (*reload)(void *worker, const struct snapshot *snapshot, struct cfg_report *report,
		supervisor_reply_fn *reply, void *arg);
	/** A question or an order that only the worker can answer (listeners, connections, kill, plugins,
	 * log-level, pause, resume and drain of a listener): one JSON object each way. */
	void (*ask)(void *worker, const char *request, supervisor_reply_fn *reply, void *arg);
};

#endif
