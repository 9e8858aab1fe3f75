/* One worker process, as the supervisor sees it: orders and requests go out, its end is seen on a pidfd. A
 * worker that does not obey is killed; whatever waits for its answer gets one. */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pack.h"
#include "control/snapshot_pack.h"
#include "supervisor/child_private.h"
#include "supervisor/counters.h"
#include "supervisor/excuse.h"

/* ---- sending ---- */

void
child_watch_writable(struct child *c)
{
	const struct timeval wait = { .tv_usec = c->wire != NULL ? 1000 * wire_retry_ms(c->wire) : -1 };

	if (wait.tv_usec > 0)
		event_add(c->retry, &wait);
	else if (c->wire != NULL && wire_wants_write(c->wire))
		event_add(c->writable, NULL);
}

/* What can't be sent is lost with the worker: its end is on the way, and is told. */
static int
send_body(struct child *c, enum protocol_type type, uint32_t number, struct strbuf *body, const int *fds,
	size_t fd_count)
{
	int code = -EPIPE;

	if (body->failed)
		code = -ENOMEM;
	else if (c->wire != NULL)
		code = wire_send(c->wire, type, number, body->data, body->size, fds, fd_count);
	strbuf_fini(body);
	child_watch_writable(c);
	return code;
}

/* A worker that has not said hello could not make sense of an order. */
static void
send_order(struct child *c, enum protocol_type type, struct strbuf *body)
{
	int code;

	if (c->version == 0) {
		strbuf_fini(body);
		if (type != PROTOCOL_TELL)
			child_end_by_force(c, "it was not needed any more");
		return;
	}
	code = send_body(c, type, 0, body, NULL, 0);
	if (code < 0 && code != -EPIPE)
		log_error("order_failed", LOG_U("generation", c->start.generation), LOG_I("order", type),
			LOG_S("error", strerror(-code)));
}

void
child_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd, (void)what;         /* the wire knows */
	if (wire_flush(c->wire) == 0) /* a broken one shows when it is read */
		child_watch_writable(c);
}

/* ---- requests ---- */

void
child_answer(struct child *c, struct request *r, int code, const char *text)
{
	struct request **link = &c->requests;

	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
	r->reply(r->arg, code, text);
	free(r);
}

static void
answer_all(struct child *c)
{
	while (c->requests != NULL)
		child_answer(c, c->requests, -EPIPE, "the worker ended before it answered");
}

/* ---- the end ---- */

void
child_end_by_force(struct child *c, const char *why)
{
	if (c->pid == 0)
		return;
	if (c->error.code == 0)
		err_set(&c->error, -EPROTO, "%s", why);
	kill(c->pid, SIGKILL);
}

static void
describe(const siginfo_t *info, char *text, size_t size)
{
	if (info->si_code == CLD_EXITED)
		snprintf(text, size, "it exited with status %d", info->si_status);
	else
		snprintf(text, size, "it was ended by signal %d (%s)", info->si_status,
			strsignal(info->si_status));
}

/* @return how it ended, with c->error filled unless it was ordered */
static enum supervisor_end
judge(struct child *c, const siginfo_t *info)
{
	char text[128];

	describe(info, text, sizeof text);
	if (c->failed)
		return SUPERVISOR_END_FAILED;
	if (c->ending && c->error.code == 0 && info->si_code == CLD_EXITED && info->si_status == 0)
		return SUPERVISOR_END_ORDERED;
	if (c->error.code != 0)
		err_prefix(&c->error, "%s", text);
	else
		err_set(&c->error, -ECHILD, "%s%s", text, c->ready ? "" : " before it was ready");
	return c->ready ? SUPERVISOR_END_DIED : SUPERVISOR_END_FAILED;
}

void
child_on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	siginfo_t info = { 0 };
	enum supervisor_end how;

	(void)what;    /* only ever readable */
	child_hear(c); /* its last words */
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0) {
		/* Somebody else reaped it; how it went is not known. */
		info.si_code = CLD_KILLED;
		info.si_status = SIGKILL;
	}
	c->pid = 0;
	answer_all(c);
	how = judge(c, &info);
	c->start.events->ended(c->start.arg, how, &c->error);
}

void
child_on_no_hello(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* a timer has neither */
	child_end_by_force(arg, "it said nothing for 10 s");
}

void
child_free(void *worker)
{
	struct child *c = worker;
	struct event *events[] = { c->readable, c->writable, c->retry, c->exited, c->hello };

	if (c->pid != 0 && kill(c->pid, SIGKILL) == 0)
		waitid(P_PID, (id_t)c->pid, &(siginfo_t){ 0 }, WEXITED);
	answer_all(c);
	for (size_t i = 0; i < array_len(events); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	wire_free(c->wire);
	if (c->pidfd >= 0)
		close(c->pidfd);
	child_forget_first(c);
	free(c);
}

static int
start(const struct supervisor_start *o, void **ret_worker, struct err *e)
{
	struct child *c = mem_new(*c);
	int code;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	code = child_begin(c, o, e);
	if (code < 0) {
		child_free(c);
		return code;
	}
	*ret_worker = c;
	return 0;
}

/* ---- orders ---- */

static void
drain(void *worker, int64_t timeout_ms, int64_t spread_ms)
{
	struct child *c = worker;
	struct strbuf body = { 0 };

	c->done_due = true;
	pack_i64(&body, timeout_ms);
	pack_i64(&body, spread_ms);
	send_order(c, PROTOCOL_DRAIN, &body);
}

static void
shutdown_now(void *worker)
{
	struct child *c = worker;

	c->done_due = true;
	send_order(c, PROTOCOL_SHUTDOWN, &(struct strbuf){ 0 });
}

static void
end(void *worker)
{
	struct child *c = worker;

	c->ending = true;
	send_order(c, PROTOCOL_END, &(struct strbuf){ 0 });
}

static bool
kill_child(void *worker)
{
	child_end_by_force(worker, "it did not end in time");
	return true;
}

static void
abort_child(void *worker, pid_t tid)
{
	struct child *c = worker;

	if (c->pid == 0)
		return;
	if (tid <= 0 || syscall(SYS_tgkill, c->pid, tid, SIGABRT) < 0)
		kill(c->pid, SIGABRT);
}

static void
reopen(void *worker, int log_fd)
{
	struct child *c = worker;
	int code;

	if (c->version == 0) {
		if (log_fd >= 0 && dup3(log_fd, c->first_fds[0], O_CLOEXEC) < 0)
			log_warning("order_failed", LOG_U("generation", c->start.generation),
				LOG_S("order", "reopen"), LOG_S("error", strerror(errno)));
		return;
	}
	code = send_body(c, PROTOCOL_REOPEN, 0, &(struct strbuf){ 0 }, &log_fd, log_fd >= 0 ? 1 : 0);
	if (code < 0 && code != -EPIPE)
		log_error("order_failed", LOG_U("generation", c->start.generation), LOG_S("order", "reopen"),
			LOG_S("error", strerror(-code)));
}

static void
tell(void *worker, const char *event, const char *text)
{
	struct strbuf body = { 0 };

	pack_text(&body, event);
	pack_text(&body, text);
	send_order(worker, PROTOCOL_TELL, &body);
}

static struct supervisor_counts
counts(void *worker)
{
	const struct child *c = worker;
	const struct supervisor_start *s = &c->start;

	return (struct supervisor_counts){
		.open = (int64_t)counters_block_sum(s->all_counters, s->counters, METRIC_CONNECTIONS_OPEN),
		.served = counters_block_sum(s->all_counters, s->counters, METRIC_CONNECTIONS_ACCEPTED),
		.drained = c->drained,
		.forced = c->forced,
	};
}

static int
look(void *worker, pid_t tid, struct thread_look *ret)
{
	const struct child *c = worker;

	return c->pid != 0 ? thread_look(c->pid, tid > 0 ? tid : c->pid, ret) : -ESRCH;
}

/* A request on its way. Without memory for it the answer is given at once. */
static struct request *
request_new(struct child *c, struct cfg_report *report, supervisor_reply_fn *reply, void *arg)
{
	struct request *r = mem_new(*r);

	if (r == NULL) {
		reply(arg, -ENOMEM, "out of memory");
		return NULL;
	}
	*r = (struct request){
		.next = c->requests, .number = ++c->last_number, .reply = reply, .arg = arg, .report = report
	};
	c->requests = r;
	return r;
}

static void
request_sent(struct child *c, struct request *r, int code)
{
	if (code < 0 && code != -EPIPE) /* an end of the worker is told when it is noticed */
		child_answer(c, r, code, strerror(-code));
}

static void
reload(void *worker, const struct snapshot *snapshot, struct cfg_report *report, supervisor_reply_fn *reply,
	void *arg)
{
	struct child *c = worker;
	struct request *r = request_new(c, report, reply, arg);
	size_t count = snapshot_fd_count(snapshot);
	auto_of(mem) int *fds = calloc(count + 1, sizeof *fds);
	struct strbuf body = { 0 };

	if (r == NULL)
		return;
	snapshot_pack(&body, snapshot);
	body.failed |= fds == NULL;
	if (fds != NULL)
		snapshot_fds(snapshot, fds);
	request_sent(c, r, send_body(c, PROTOCOL_RELOAD, r->number, &body, fds, count));
}

static void
ask(void *worker, const char *text, supervisor_reply_fn *reply, void *arg)
{
	struct child *c = worker;
	struct request *r = request_new(c, NULL, reply, arg);
	struct strbuf body = { 0 };

	if (r == NULL)
		return;
	pack_text(&body, text);
	request_sent(c, r, send_body(c, PROTOCOL_ASK, r->number, &body, NULL, 0));
}

/* No request like others: nobody waits for what it says, and an upgrade need not. */
static bool
knock(void *worker)
{
	struct child *c = worker;
	struct strbuf body = { 0 };

	if (c->knock != 0)
		return true;
	c->knock = ++c->last_number;
	pack_text(&body, "{\"ask\":\"alive\"}");
	if (send_body(c, PROTOCOL_ASK, c->knock, &body, NULL, 0) == -ENOMEM)
		c->knock = 0;
	return false;
}

static struct log_health
log_of(void *worker)
{
	const struct child *c = worker;

	return c->log;
}

static const struct supervisor_worker_ops ops = {
	.start = start,
	.pack = child_pack,
	.adopt = child_adopt,
	.is_quiet = child_is_quiet,
	.drain = drain,
	.shutdown = shutdown_now,
	.end = end,
	.abort = abort_child,
	.knock = knock,
	.look = look,
	.kill = kill_child,
	.free = child_free,
	.reopen = reopen,
	.tell = tell,
	.counts = counts,
	.log = log_of,
	.reload = reload,
	.ask = ask,
};

const struct supervisor_worker_ops *
child_ops(void)
{
	return &ops;
}
