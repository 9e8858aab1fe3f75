/* A configured listener inside the engine, and what each loop keeps of it (its scope).
 *
 * A listener never changes. A reload makes a new one of the same name, its version, and hands the sockets
 * over; connections keep the one that they began with, with its settings and its handler, which ends when the
 * last of them has ended. */
#ifndef ENGINE_LISTENER_H
#define ENGINE_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sockd/plugin.h"

#include "config/config.h"
#include "control/occupancy.h"
#include "engine/handler.h"
#include "engine/mailbox.h"
#include "engine/share.h"
#include "engine/slab.h"
#include "metric/metric.h"
#include "plugin/instance.h"

struct engine;
struct guard;
struct pace_scope;
struct loop;
struct sources;
struct tls_context;

/** What is called for a connection: the entries of its listener's plugin, or what it was dialled with. The
 * contracts are those of struct sockd_plugin. Without data() its bytes are read in straight-line code. */
struct conn_entries {
	void (*open)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*data)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*eof)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*writable)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*draining)(struct sockd_conn c, int64_t ms_left);
	void (*timeout)(struct sockd_conn c, int which);
	void (*close)(struct sockd_conn c, int reason);
};

/** Straight-line code is told of nothing but the end. */
static inline struct conn_entries
conn_entries_of(const struct sockd_plugin *p)
{
	if (p->data == NULL)
		return (struct conn_entries){ .close = p->close };
	return (struct conn_entries){ p->open, p->data, p->eof, p->writable, p->draining, p->timeout,
		p->close };
}

/** What all versions of a listener have in common, in the row of its counters. */
struct tally {
	_Alignas(64) const struct occupancy *occupancy; /* borrowed: the engine's */
	unsigned row;
	_Atomic int64_t handshakes_due_ns;    /* limits.handshakes: a bucket as in guard/rate.h */
	struct share read_share, write_share; /* limits.bandwidth.listener */
	struct sources *sources;              /* ref; who came lately, for limits.per_source; main thread */
};

/** Its connections in this worker; limits.connections bounds those of all workers. Thread: any. */
static inline bool
tally_enter(const struct tally *t, int64_t limit)
{
	return occupancy_enter(t->occupancy, t->row, limit);
}

static inline void
tally_leave(const struct tally *t)
{
	occupancy_leave(t->occupancy, t->row);
}

static inline int64_t
tally_open(const struct tally *t)
{
	return occupancy_own(t->occupancy, t->row);
}

/** The observers under `daemon.observers` that a listener's connections are told to. Main thread. */
struct observers {
	unsigned references;
	uint32_t mask; /* states that one of them wants */
	bool errors;   /* one of them wants errors */
	size_t count;
	struct handler *items[]; /* refs */
};

/** A listener on one loop. */
struct scope {
	struct listener *listener;
	struct loop *loop;
	struct metric_cells *cells;    /* borrowed */
	struct handler_thread *thread; /* borrowed: the handler's */
	struct pace_scope *pace;       /* owned; NULL: nothing is limited here */
	unsigned users;                /* connections, acceptors and endpoints of this loop */
	bool retired;                  /* no more will come */
	struct mail retire;
};

struct listener {
	const struct cfg_listener *cfg;    /* borrowed from config */
	struct config *config;             /* ref */
	struct handler *handler;           /* ref */
	struct observers *observers;       /* ref */
	const struct sockd_plugin *plugin; /* borrowed: the handler's, and so is instance */
	struct conn_entries entries;       /* of its stream connections */
	struct tls_context *tls;           /* ref; NULL: plain */
	struct instance *instance;
	struct engine *engine;          /* borrowed: outlives us */
	struct tally *tally;            /* borrowed: the engine's */
	struct metric_cells *own_cells; /* owned; what an observer's dialled connections count in */
	struct guard *guard;            /* owned; NULL: no rules */
	uint32_t observe_mask;          /* 1 << state for every state that its handler or an observer wants */
	bool observes_errors;
	uint32_t watch;               /* its number in control/watch.h */
	struct scope *scopes;         /* owned; one for each loop */
	_Atomic unsigned scopes_left; /* loops on which it has not ended */
	struct mail gone;

	/* What the main thread decides; a loop reads it after the mail that tells of it. */
	bool paused, refusing;
	_Atomic bool draining; /* its connections have to end; deadline and spread are written before */
	int64_t drain_deadline_ms, drain_spread_ms;
	struct listener *before, *after; /* of the engine */
};

/** Whether descriptors that come along over unix sockets are kept for whoever reads. */
static inline bool
listener_takes_fds(const struct listener *l)
{
	return (l->plugin->wants & SOCKD_WANTS_FDS) != 0;
}

/** Make one, with references to all that it names. Main thread. NULL without memory. */
struct listener *listener_new(struct engine *engine, struct config *config, const struct cfg_listener *cfg,
	unsigned row, struct handler *handler, struct observers *observers, struct tls_context *tls);

/** What stands in for a listener where a handler's thread dials: its settings are those of the handler's
 * listener, or the defaults for an observer. NULL without memory. */
struct listener *listener_new_own(struct handler *h, struct engine *engine);
void listener_free_own(struct listener *l); /* NULL is fine */

/** Nothing new will use it: it ends on each loop with its last user there, and then as a whole. Main thread;
 * what it was used for before has been ordered to end, or to go over to another, on every loop. */
void listener_retire(struct listener *l);

/** Connections of every version of that name have to end; the mail that tells the loops is the caller's to
 * send. Main thread. */
void listener_drain_versions(struct engine *engine, const char *name, int64_t deadline_ms, int64_t spread_ms);

/** At the end of the engine, when there are no loops any more: free it, whoever refers to it. */
void listener_free(struct listener *l);

/** Which states and errors of its connections anybody wants. */
struct observers *observers_ref(struct observers *o);
void observers_unref(struct engine *engine, struct observers *o); /* NULL is fine */

/** On its loop: one more user, and one less, after which the scope may be gone. */
static inline void
scope_hold(struct scope *scope)
{
	scope->users++;
}
void scope_release(struct scope *scope);

#endif
