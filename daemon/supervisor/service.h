/* The time between ready and stopped: signals become orders to the worker, and its numbers become status. */
#ifndef SUPERVISOR_SERVICE_H
#define SUPERVISOR_SERVICE_H

#include <event2/event.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "config/config.h"
#include "supervisor/signals.h"
#include "supervisor/worker_ops.h"

struct service;

struct service_options {
	struct event_base *base;                 /* borrowed */
	const struct config *config;             /* borrowed */
	const struct supervisor_worker_ops *ops; /* borrowed */
	void *worker;                            /* borrowed: started */
	int64_t grace_ms; /* what its loops may take to end after the deadline or the order to stop */
};

/** Nothing is told to anybody yet. */
must_check int service_new(const struct service_options *options, struct service **ret, struct err *e);

/** Carry out what a signal asks for. @p name is for the log. */
void service_order(struct service *s, enum signal_order order, const char *name);

/**
 * Say READY and serve until a drain or a stop is over.
 *
 * @return 0; -ETIMEDOUT when the worker's loops did not end seconds after they had to: a plugin holds one,
 * and the only way left is to end the process without joining its threads
 */
must_check int service_run(struct service *s);

/** NULL is fine. */
void service_free(struct service *s);

#endif
