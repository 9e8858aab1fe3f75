/* The adapter between two neighbours that do not know each other: a worker that lives in the supervisor's
 * process, behind the same table as one in a process of its own. Calls are plain calls; what the table
 * promises to come later is put on the event base. */
#include "run/single.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/leave.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "control/snapshot.h"
#include "control/watch.h"
#include "supervisor/counters.h"
#include "supervisor/identity.h"
#include "worker/privileges.h"
#include "worker/worker.h"

/* What is owed to the supervisor at the next turn of its base. */
enum due { DUE_READY, DUE_FAILED, DUE_ENDED };

struct single {
	struct supervisor_start start;              /* its snapshot is not ours to look at after start() */
	struct worker *worker;                      /* owned; NULL: failed, or ended */
	struct event *done, *turn, *answer, *later; /* owned */
	enum due due;
	bool *serves; /* owned; until told */
	struct err error;
	struct supervisor_counts counts; /* the last, once the worker is gone */
};

/* ---- an end that nobody ordered ---- */

/* The process whose worker lives, for the exit handler, which has nobody to ask. 0: there is none. A child
 * that a plugin forks may exit as it likes. */
static _Atomic pid_t serving;

#define EXIT_CALLED                                                                               \
	"a plugin called exit(), which ends all of sockd and every connection: an entry returns " \
	"instead, and sockd_conn_close() ends one connection"

/* Another process's worker would be missed by its supervisor. What other handlers would tidy up is in use by
 * the loops, which go on turning: the process leaves at once. */
static void
on_exit_unasked(int status, void *arg)
{
	const struct watch_name *n;
	uint32_t entry = WATCH_NONE;
	uint64_t conn = 0;

	(void)arg;
	if (atomic_load(&serving) != getpid())
		return;
	n = watch_running(&entry, &conn);
	if (n != NULL)
		log_error("exit_called", LOG_S("plugin", n->plugin), LOG_S("listener", n->listener),
			LOG_S("entry", watch_entry_name(entry)), LOG_U("conn", conn), LOG_I("status", status),
			LOG_S("msg", EXIT_CALLED));
	else
		log_error("exit_called", LOG_I("status", status), LOG_S("msg", EXIT_CALLED));
	log_flush();
	fflush(stdout);
	leave_now(status != EXIT_SUCCESS ? status : EX_SOFTWARE);
}

/* Before plugins are loaded: handlers of theirs run first. */
static int
expect_no_exit(struct err *e)
{
	static bool is_set;

	if (!is_set && on_exit(on_exit_unasked, NULL) != 0)
		return err_set(e, -ENOMEM, "out of memory");
	is_set = true;
	atomic_store(&serving, getpid());
	return 0;
}

/* ---- what comes from the worker ---- */

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct single *s = arg;
	const struct supervisor_worker_events *events = s->start.events;

	(void)fd, (void)what; /* activated by hand */
	switch (s->due) {
	case DUE_READY:
		events->ready(s->start.arg, s->serves);
		break;
	case DUE_FAILED:
		events->ended(s->start.arg, SUPERVISOR_END_FAILED, &s->error);
		break;
	case DUE_ENDED:
		events->ended(s->start.arg, SUPERVISOR_END_ORDERED, &s->error);
		break;
	}
}

static void
owe(struct single *s, enum due due)
{
	s->due = due;
	event_active(s->later, EV_TIMEOUT, 0);
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	struct single *s = arg;

	(void)fd, (void)what; /* stays readable, and is asked once */
	s->start.events->done(s->start.arg);
}

static void
on_worker_answer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* the worker knows what it has to say */
	worker_answer(((struct single *)arg)->worker);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* the worker reads it */
	worker_turn(((struct single *)arg)->worker);
}

static void
single_free(void *worker)
{
	struct single *s = worker;

	if (s == NULL)
		return;
	if (s->done != NULL)
		event_free(s->done);
	if (s->turn != NULL)
		event_free(s->turn);
	if (s->answer != NULL)
		event_free(s->answer);
	if (s->later != NULL)
		event_free(s->later);
	worker_free(s->worker);
	atomic_store(&serving, 0);
	free(s->serves);
	free(s);
}

static int
no_memory(struct single *s, struct err *e)
{
	single_free(s);
	return err_set(e, -ENOMEM, "out of memory");
}

/* All of this process becomes who its plugins are to be: with them in it, nothing else would hold. */
static int
build(struct single *s, struct snapshot *snapshot)
{
	const struct identity *i = s->start.surroundings->identity;
	const struct worker_memory shared = { .counters = s->start.counters->cells.cells,
		.occupancy = s->start.occupancy };
	int code = 0;

	if (i->drop)
		code = privileges_drop(i->uid, i->gid, i->groups, i->group_count, &s->error);
	if (code == 0)
		code = watch_begin_alone(snapshot->loops, &s->error);
	if (code == 0)
		code = expect_no_exit(&s->error);
	if (code < 0) {
		snapshot_free(snapshot);
		return code;
	}
	return worker_new(snapshot, &shared, s->start.report, s->serves, &s->worker, &s->error);
}

static bool
watch(struct single *s)
{
	s->done = event_new(s->start.base, worker_done_fd(s->worker), EV_READ, on_done, s);
	s->turn = event_new(s->start.base, worker_turn_fd(s->worker), EV_READ | EV_PERSIST, on_turn, s);
	s->answer = event_new(
		s->start.base, worker_answer_fd(s->worker), EV_READ | EV_PERSIST, on_worker_answer, s);
	return s->done != NULL && s->turn != NULL && s->answer != NULL && event_add(s->done, NULL) == 0 &&
	       event_add(s->turn, NULL) == 0 && event_add(s->answer, NULL) == 0;
}

static int
start(const struct supervisor_start *o, void **ret_worker, struct err *e)
{
	struct single *s = mem_new(*s);
	struct snapshot *copy = NULL;
	int code;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	s->start = *o;
	s->later = event_new(o->base, -1, 0, on_later, s);
	s->serves = calloc(o->snapshot->config->listener_count + 1, sizeof *s->serves);
	if (s->later == NULL || s->serves == NULL)
		return no_memory(s, e);
	code = snapshot_copy(o->snapshot, &copy);
	if (code < 0) {
		single_free(s);
		return err_set(
			e, code, "cannot copy the configuration's files and sockets: %s", strerror(-code));
	}
	code = s->error.code = build(s, copy);
	if (code == 0 && !watch(s))
		return no_memory(s, e);
	owe(s, code == 0 ? DUE_READY : DUE_FAILED);
	*ret_worker = s;
	return 0;
}

static void
drain(void *worker, int64_t timeout_ms, int64_t spread_ms)
{
	worker_drain(((struct single *)worker)->worker, timeout_ms, spread_ms);
}

static void
shutdown_now(void *worker)
{
	worker_shutdown(((struct single *)worker)->worker);
}

static struct supervisor_counts
counts(void *worker)
{
	const struct single *s = worker;
	struct worker_counts n;

	if (s->worker == NULL)
		return s->counts;
	n = worker_counts(s->worker);
	return (struct supervisor_counts){
		.open = n.open,
		.served = n.served,
		.drained = n.drained,
		.forced = n.forced,
	};
}

static void
end(void *worker)
{
	struct single *s = worker;

	s->counts = counts(s);
	event_del(s->done);
	event_del(s->turn);
	event_del(s->answer);
	worker_free(s->worker);
	s->worker = NULL;
	atomic_store(&serving, 0);
	owe(s, DUE_ENDED);
}

static bool
kill_never(void *worker)
{
	(void)worker; /* its threads are ours */
	return false;
}

static void
reopen(void *worker, int log_fd)
{
	(void)log_fd; /* the log is the process's */
	worker_reopen(((struct single *)worker)->worker);
}

static void
tell(void *worker, const char *event, const char *text)
{
	worker_tell(((struct single *)worker)->worker, event, text);
}

/* ---- reload ---- */

struct answer {
	supervisor_reply_fn *reply;
	void *arg;
	int code;
	struct strbuf text;
	struct err error;
};

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct answer *a = arg;
	const char *text = a->text.data != NULL ? a->text.data : "";

	(void)fd, (void)what; /* a timer has neither */
	if (a->text.failed)
		a->reply(a->arg, -ENOMEM, "out of memory");
	else
		a->reply(a->arg, a->code, a->code < 0 ? a->error.text : text);
	strbuf_fini(&a->text);
	free(a);
}

/* An answer that will be given by the base at its next turn. Without memory for it the supervisor is told at
 * once: it can't be told anything else. */
static struct answer *
answer_new(struct single *s, supervisor_reply_fn *reply, void *arg)
{
	struct answer *a = mem_new(*a);

	if (a != NULL &&
		event_base_once(s->start.base, -1, EV_TIMEOUT, on_answer, a, &(struct timeval){ 0 }) < 0) {
		free(a);
		a = NULL;
	}
	if (a == NULL) {
		reply(arg, -ENOMEM, "out of memory");
		return NULL;
	}
	a->reply = reply;
	a->arg = arg;
	return a;
}

static void
reload(void *worker, const struct snapshot *snapshot, struct cfg_report *report, supervisor_reply_fn *reply,
	void *arg)
{
	struct single *s = worker;
	struct answer *a = answer_new(s, reply, arg);
	struct snapshot *copy = NULL;

	if (a == NULL)
		return;
	a->code = snapshot_copy(snapshot, &copy);
	if (a->code < 0)
		err_set(&a->error, a->code, "cannot copy the configuration's files and sockets: %s",
			strerror(-a->code));
	else
		a->code = worker_reload(s->worker, copy, report, &a->error);
}

static void
ask(void *worker, const char *request, supervisor_reply_fn *reply, void *arg)
{
	worker_ask(((struct single *)worker)->worker, request, reply, arg);
}

static const struct supervisor_worker_ops ops = {
	.start = start,
	.drain = drain,
	.shutdown = shutdown_now,
	.end = end,
	.kill = kill_never,
	.free = single_free,
	.reopen = reopen,
	.tell = tell,
	.counts = counts,
	.reload = reload,
	.ask = ask,
};

const struct supervisor_worker_ops *
single_ops(void)
{
	return &ops;
}
