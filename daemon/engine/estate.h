/* Estates: what was made through a scope's host handle and ends with that scope. Every thread of a handler
 * has one, a connection gets one with the first thing that is made through its host. The strands, timers and
 * connections in it know where they hang; this file knows what becomes of all of them together. */
#ifndef ENGINE_ESTATE_H
#define ENGINE_ESTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sockd/types.h"

struct conn;
struct dialled;
struct followed;
struct loop;
struct plugin_timer;
struct handler_thread;
struct strand;

struct estate {
	struct handler_thread *thread;      /* borrowed */
	struct conn *conn;                  /* borrowed: whose scope it is; NULL: that of a loop */
	struct strand *alive;               /* spawned, and not over */
	struct strand *ended, **ended_tail; /* over, and not joined: the oldest first */
	size_t alive_count, ended_count;
	size_t join_count; /* fibers, perhaps of other scopes, that wait for one of these */
	struct plugin_timer *timers;
	struct dialled *dialled;   /* connections that were made in it */
	struct followed *followed; /* work of sockd_offload_then() */
	size_t timer_count;
	bool closed; /* nothing new is made in it */
};

void estate_init(struct estate *e, struct handler_thread *thread, struct conn *conn);

/** The estate of a connection, made at the first call. @return NULL without memory */
struct estate *estate_of_conn(struct conn *c);

/** The scope ends: nothing new, timers are gone, strands are cancelled. estate_is_over() becomes true when
 * the last strand has returned and whoever joined one has its result; its owner is told by estate_changed()
 * of every step towards it. */
void estate_close(struct estate *e);
/** The same; with @p forced, without waiting for what its connections have still to send. */
void estate_end(struct estate *e, bool forced);
bool estate_is_over(const struct estate *e);

/** Nothing in it waits for anything but a read, the clock, a wake or a join: what a drain may interrupt. */
bool estate_is_quiet(const struct estate *e);
/** Something in it may have turned quiet: where a drain of its connection waits for that, it looks again. */
void estate_may_be_quiet(struct estate *e);
/** Drain: interrupt the quiet waits, each strand once. */
void estate_give_end(struct estate *e);

/** Whose code runs in it, for control/watch.h; and the connection's number, 0 where there is none. */
uint32_t estate_watch(const struct estate *e);
uint64_t estate_conn_id(const struct estate *e);

/** The host handle of the scope. */
struct sockd_host estate_host(const struct estate *e);

/** Something in it has ended or has turned quiet: let the owner look. */
void estate_changed(struct estate *e);

/** Forget the results that nobody asked for. It is over. */
void estate_fini(struct estate *e);

#endif
