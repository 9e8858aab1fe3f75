/* Signals as orders: one row a signal, read from a descriptor on the supervisor's thread, blocked everywhere
 * else. */
#ifndef SUPERVISOR_SIGNALS_H
#define SUPERVISOR_SIGNALS_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

enum signal_order {
	SIGNAL_DRAIN, /* TERM, INT: a second one stops now */
	SIGNAL_STOP,
	SIGNAL_REOPEN,
	SIGNAL_RELOAD,
	SIGNAL_UPGRADE,
	SIGNAL_ORDER_COUNT
};

/** @p name: "SIGTERM" ... */
typedef void signal_order_fn(void *arg, enum signal_order order, const char *name);

struct signals;

/**
 * Block the signals of the table in this thread, and with it in every thread that it makes from now on;
 * ignore SIGPIPE; report each signal by @p fn from @p base.
 */
must_check int signals_new(
	struct event_base *base, signal_order_fn *fn, void *arg, struct signals **ret, struct err *e);

/** While nobody listens they wait, over execve() too. */
void signals_listen(struct signals *s, bool listen);

/** Puts the thread's mask and SIGPIPE back as they were. Signals that are pending then take their default
 * action only if they arrived unread, so all that are waiting are read first. NULL is fine. */
void signals_free(struct signals *s);

#endif
