/* Builds from the snapshot upwards and tears down in reverse: plugins, instances, numbers, engine. Nothing
 * here knows of signals but for one thing: the threads that the engine makes must not take any, so all are
 * blocked while it starts. */
#include "worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config/report.h"
#include "control/snapshot.h"
#include "engine/engine.h"
#include "guard/bans.h"
#include "metric/metric.h"
#include "net/tls_clients.h"
#include "net/tls_contexts.h"
#include "worker/instances.h"

struct worker {
	struct snapshot *snapshot; /* owned */
	struct instances instances;
	struct tls_contexts contexts;
	struct tls_clients *clients; /* ref */
	struct metric_block metrics;
	struct occupancy occupancy;
	void *own_counters, *own_occupancy; /* owned; NULL: they are shared */
	struct engine *engine;              /* owned */
	struct asks *asks;                  /* owned */
};

/* How long a loop may take to answer to a reload before it is given up. */
enum { APPLY_TIMEOUT_MS = 10000 };

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

static void
release_instance(void *arg, struct instance *instance)
{
	(void)arg; /* nothing else is kept of it */
	instance_free(instance);
}

static int
start_engine(struct worker *w, struct err *e)
{
	struct ban_list bans = { 0 };
	const struct engine_options options = {
		.loops = w->snapshot->loops,
		.coalesce_us = (unsigned)w->snapshot->config->daemon.coalesce_us,
		.fiber_stack = (size_t)w->snapshot->config->daemon.fiber_stack,
		.metrics = &w->metrics,
		.occupancy = w->occupancy,
		.release = release_instance,
	};
	const struct engine_setup setup = {
		.snapshot = w->snapshot,
		.listeners = w->instances.listeners,
		.tls = w->contexts.at,
		.clients = w->clients,
		.observers = w->instances.observers,
		.bans = &bans,
	};
	const char *text = w->snapshot->bans;
	sigset_t old;
	int code = text != NULL ? ban_list_read(&bans, text, strlen(text)) : 0;

	if (code < 0)
		return err_set(e, code, "the list of bans is not understood");
	code = engine_new(&options, &w->engine, e);
	if (code < 0) {
		ban_list_fini(&bans);
		return code;
	}
	w->instances.given = true;
	block_signals(&old);
	code = engine_start(w->engine, &setup, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	ban_list_fini(&bans);
	return code;
}

static void
list_serving(const struct worker *w, bool *serves)
{
	for (size_t i = 0; i < w->snapshot->config->listener_count; i++)
		serves[i] = instances_serves(&w->instances, w->snapshot, i);
}

static void *
own_memory(size_t size)
{
	void *memory = aligned_alloc(_Alignof(struct metric_cells), size);

	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

_Static_assert(_Alignof(struct occupancy_row) <= _Alignof(struct metric_cells), "one alignment for both");

static int
take_memory(struct worker *w, const struct worker_memory *shared)
{
	const struct snapshot *s = w->snapshot;
	void *cells = shared != NULL ? shared->counters : NULL;

	if (cells == NULL)
		cells = w->own_counters = own_memory(metric_block_size(s->loops, s->metric_row_count));
	if (shared != NULL)
		w->occupancy = shared->occupancy;
	if (w->occupancy.rows == NULL)
		w->occupancy.rows = w->own_occupancy = own_memory(occupancy_size(s->metric_row_count));
	if (cells == NULL || w->occupancy.rows == NULL)
		return -ENOMEM;
	metric_block_init(&w->metrics, cells, s->loops, s->metric_row_count);
	return 0;
}

static int
build(struct worker *w, const struct worker_memory *shared, struct cfg_report *report, bool *serves,
	struct err *e)
{
	int code = instances_build(w->snapshot, NULL, INSTANCES_ALL, report, &w->instances), contexts = 0;

	if (code != -ENOMEM)
		contexts = tls_contexts_build(w->snapshot, NULL, false, report, &w->contexts);
	code = contexts < 0 ? contexts : code;
	if (code == 0)
		code = tls_clients_build(
			w->snapshot, instances_name_tls, &w->instances, false, report, &w->clients);
	if (code < 0)
		return code == -ENOMEM ? err_set(e, code, "out of memory") : code;
	list_serving(w, serves);
	if (take_memory(w, shared) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	code = asks_new(&w->asks, e);
	if (code < 0)
		return code;
	return start_engine(w, e);
}

int
worker_new(struct snapshot *snapshot, const struct worker_memory *shared, struct cfg_report *report,
	bool *serves, struct worker **ret, struct err *e)
{
	struct worker *w = mem_new(*w);
	int code;

	if (w == NULL) {
		snapshot_free(snapshot);
		return err_set(e, -ENOMEM, "out of memory");
	}
	w->snapshot = snapshot;
	code = build(w, shared, report, serves, e);
	if (code < 0) {
		worker_free(w);
		return code;
	}
	*ret = w;
	return 0;
}

static int
change_over(struct worker *w, struct snapshot *snapshot, struct instances *next,
	const struct tls_contexts *contexts, struct tls_clients *clients, struct err *e)
{
	const struct engine_setup setup = {
		.snapshot = snapshot,
		.listeners = next->listeners,
		.tls = contexts->at,
		.clients = clients,
		.observers = next->observers,
	};
	sigset_t old;
	int code;

	next->given = true;
	block_signals(&old); /* for the threads that plugins make */
	code = engine_apply(w->engine, &setup, APPLY_TIMEOUT_MS, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return code;
}

int
worker_reload(struct worker *w, struct snapshot *snapshot, struct cfg_report *report, struct err *e)
{
	struct instances next;
	struct tls_contexts contexts = { 0 };
	struct tls_clients *clients = NULL;
	int code, tls = 0;

	snapshot->loops = w->snapshot->loops; /* what a worker has from its start to its end */
	code = instances_build(snapshot, &w->instances, INSTANCES_ALL, report, &next);
	if (code != -ENOMEM)
		tls = tls_contexts_build(snapshot, &w->contexts, true, report, &contexts);
	code = tls < 0 ? tls : code;
	if (code == 0) /* what is in use may be out of date: the check before a reload judges what is new */
		code = tls_clients_build(snapshot, instances_name_tls, &next, false, report, &clients);
	if (code == 0)
		code = change_over(w, snapshot, &next, &contexts, clients, e);
	else if (code == -ENOMEM)
		err_set(e, code, "out of memory");
	if (code < 0) {
		instances_fini(&next);
		tls_contexts_fini(&contexts);
		tls_clients_unref(clients);
		snapshot_free(snapshot);
		return code;
	}
	instances_fini(&w->instances);
	w->instances = next;
	tls_contexts_fini(&w->contexts);
	w->contexts = contexts;
	tls_clients_unref(w->clients);
	w->clients = clients;
	snapshot_free(w->snapshot);
	snapshot_close_sockets(snapshot); /* the engine has taken its own */
	w->snapshot = snapshot;
	return 0;
}

int
worker_turn_fd(const struct worker *w)
{
	return engine_main_fd(w->engine);
}

void
worker_turn(struct worker *w)
{
	engine_turn(w->engine);
}

void
worker_drain(struct worker *w, int64_t timeout_ms, int64_t spread_ms)
{
	engine_drain(w->engine, timeout_ms, spread_ms);
}

void
worker_drain_as_configured(struct worker *w)
{
	const struct cfg_daemon *d = &w->snapshot->config->daemon;

	engine_drain(w->engine, d->shutdown_timeout_ms, d->shutdown_spread_ms);
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
		.engine = w->engine, .metrics = &w->metrics, .snapshot = w->snapshot
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
		.open = (int64_t)metric_sum(&w->metrics, METRIC_ALL, METRIC_CONNECTIONS_OPEN),
		.served = metric_sum(&w->metrics, METRIC_ALL, METRIC_CONNECTIONS_ACCEPTED),
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
	tls_contexts_fini(&w->contexts);
	tls_clients_unref(w->clients);
	free(w->own_counters);
	free(w->own_occupancy);
	snapshot_free(w->snapshot);
	free(w);
}
