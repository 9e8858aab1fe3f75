/* Builds from the snapshot upwards and tears down in reverse: plugins, instances, numbers, engine. Nothing
 * here knows of signals but for one thing: the threads that the engine makes must not take any, so all are
 * blocked while it starts. */
#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "config/report.h"
#include "control/snapshot.h"
#include "engine/engine.h"
#include "metric/metric.h"
#include "worker/instances.h"

struct worker {
	struct snapshot *snapshot; /* owned */
	struct instances instances;
	struct metric_block *metrics; /* owned */
	struct engine *engine;        /* owned */
	struct asks *asks;            /* owned */
};

/* Everything but what a thread does to itself: those have to reach it, or a crash would hang. */
static void
block_signals(sigset_t *ret_old)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < array_len(own); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, ret_old);
}

static int
start_engine(struct worker *w, struct err *e)
{
	const struct engine_options options = {
		.snapshot = w->snapshot,
		.metrics = w->metrics,
		.instances = w->instances.listeners,
		.observers = w->instances.observers,
	};
	sigset_t old;
	int code;

	block_signals(&old);
	code = engine_new(&options, &w->engine, e);
	if (code == 0)
		code = engine_start(w->engine, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return code;
}

static int
build(struct worker *w, struct cfg_report *report, bool *serves, struct err *e)
{
	const struct config *c = w->snapshot->config;
	int code = instances_build(w->snapshot, INSTANCES_ALL, report, &w->instances);

	if (code < 0)
		return code == -ENOMEM ? err_set(e, code, "out of memory") : code;
	for (size_t i = 0; i < c->listener_count; i++)
		serves[i] = instances_serves(&w->instances, w->snapshot, i);
	w->metrics = metric_block_new(w->snapshot->loops, w->snapshot->metric_row_count);
	if (w->metrics == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	code = asks_new(&w->asks, e);
	if (code < 0)
		return code;
	return start_engine(w, e);
}

int
worker_new(struct snapshot *snapshot, struct cfg_report *report, bool *serves, struct worker **ret,
	struct err *e)
{
	struct worker *w = mem_new(*w);
	int code;

	if (w == NULL) {
		snapshot_free(snapshot);
		return err_set(e, -ENOMEM, "out of memory");
	}
	w->snapshot = snapshot;
	code = build(w, report, serves, e);
	if (code < 0) {
		worker_free(w);
		return code;
	}
	*ret = w;
	return 0;
}

void
worker_drain(struct worker *w, int64_t timeout_ms, int64_t spread_ms)
{
	engine_drain(w->engine, timeout_ms, spread_ms);
}

void
worker_shutdown(struct worker *w)
{
	engine_shutdown(w->engine);
}

void
worker_reopen(struct worker *w)
{
	engine_reopen(w->engine);
}

void
worker_tell(struct worker *w, const char *event, const char *text)
{
	engine_tell_server(w->engine, event, text);
}

void
worker_ask(struct worker *w, const char *request, ask_reply_fn *reply, void *arg)
{
	const struct ask_subject subject = {
		.engine = w->engine, .metrics = w->metrics, .snapshot = w->snapshot
	};

	asks_ask(w->asks, &subject, request, reply, arg);
}

int
worker_answer_fd(const struct worker *w)
{
	return asks_fd(w->asks);
}

void
worker_answer(struct worker *w)
{
	asks_deliver(w->asks);
}

struct worker_counts
worker_counts(const struct worker *w)
{
	struct engine_counts n = engine_counts(w->engine);

	return (struct worker_counts){
		.open = n.open,
		.served = metric_sum(w->metrics, METRIC_ALL, METRIC_CONNECTIONS_ACCEPTED),
		.drained = n.drained,
		.forced = n.forced,
	};
}

int
worker_done_fd(const struct worker *w)
{
	return engine_done_fd(w->engine);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	engine_free(w->engine);
	asks_free(w->asks);
	instances_fini(&w->instances);
	metric_block_free(w->metrics);
	snapshot_free(w->snapshot);
	free(w);
}
