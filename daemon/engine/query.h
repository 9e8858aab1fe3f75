/* Questions to the engine from its main thread, for people who look at it: which connections there are, and
 * the order to end some of them. The answer comes page by page: each page is one mail to one loop, which
 * looks at a bounded number of slots and goes on serving, so 15,000 connections can be listed without a pause
 * for any of them. A list is no picture of one moment: connections come and go between its pages, but none
 * that lives through all of them is missed or told twice. */
#ifndef ENGINE_QUERY_H
#define ENGINE_QUERY_H

#include "engine/engine.h"
#include "engine/mailbox.h"
#include "engine/query_filter.h"

struct sources;

enum { QUERY_ROWS = 128, QUERY_PEER_SIZE = 160 };

/** One connection, as it was when its loop was asked. */
struct query_row {
	uint64_t id;
	char listener[QUERY_LISTENER_SIZE];
	char peer[QUERY_PEER_SIZE];    /* cut if it is longer */
	const char *state, *transport; /* constants */
	bool busy;                     /* a drain would wait for it */
	int64_t uid, pid;              /* unix: who connected; else -1 */
	int64_t age_ms, idle_ms;
	uint64_t rx, tx, pending; /* bytes: read, written to the kernel, waiting to be written */
};

/** Where a page begins. Starts zeroed. */
struct query_place {
	unsigned loop;
	uint32_t slot;
};

/** A page of connections: the question, then its answer. Embed it, or allocate it; it is in use from
 * engine_query() until its mail is delivered to @c answers. */
struct query {
	struct mail mail;        /* delivered, with no loop, when it is answered: set its function */
	struct mailbox *answers; /* borrowed */
	struct query_filter filter;
	bool kill; /* end what the filter lets through: reason killed */
	struct query_place from;
	/* The answer. */
	struct query_row rows[QUERY_ROWS];
	size_t count;
	bool more; /* there are further pages: the next begins at @c next */
	struct query_place next;
	void (*answered)(struct loop *loop, struct mail *mail); /* ours: the caller's function, meanwhile */
};

/** Ask. The answer comes to @c answers, in any case, perhaps before this returns. */
void engine_query(struct engine *engine, struct query *q);

/** One configured listener. */
struct engine_listener_info {
	unsigned index; /* its row of metrics */
	const struct cfg_listener *cfg;
	const struct sockd_plugin *plugin;
	int64_t open;
	bool draining, paused;   /* see engine_listener_drain() and engine_listener_pause() */
	struct sources *sources; /* borrowed; NULL: it has no limits by source */
};

/** Each listener, in the order of the configuration. */
void engine_each_listener(const struct engine *engine,
	void (*fn)(void *arg, const struct engine_listener_info *info), void *arg);

#endif
