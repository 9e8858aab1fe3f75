/* The main thread of a worker: it waits for orders, for answers of the engine, and for the end of a drain. It
 * is never a loop, so a plugin that takes its time in start() holds up nobody that is served.
 *
 * Signals that people and systemd send to the whole group mean the supervisor: they are ignored here. When
 * the supervisor is gone nobody can be told anything, and a worker that nobody can stop must not stay: it
 * drains. */
#include "worker/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "control/protocol.h"
#include "control/snapshot_pack.h"
#include "control/watch.h"
#include "control/wire.h"
#include "metric/metric.h"
#include "worker/process_setup.h"
#include "worker/worker.h"

enum { FLUSH_MS = 1000 };

struct process {
	struct wire *wire;     /* owned */
	struct worker *worker; /* owned */
	struct protocol_start start;
	struct worker_memory shared;
	size_t cells_size, occupancy_size;
	unsigned listeners;
	bool *serves; /* owned */
	bool draining, done_told, orphan, end;
};

/* ---- telling ---- */

/* The end of the supervisor shows when the next message is received. @return 0 or why it is not told */
static int
tell(struct process *p, enum protocol_type type, uint32_t number, struct strbuf *body)
{
	int code = body->failed ? -ENOMEM : wire_send(p->wire, type, number, body->data, body->size, NULL, 0);

	if (code < 0 && code != -EPIPE)
		log_error("control_failed", LOG_I("type", type), LOG_S("error", strerror(-code)));
	strbuf_fini(body);
	return code < 0 ? code : 0;
}

static int
tell_hello(struct process *p)
{
	struct strbuf body = { 0 };

	protocol_hello_pack(&body);
	return tell(p, PROTOCOL_HELLO, 0, &body);
}

static void
tell_failed(struct process *p, int code, const char *text, const struct cfg_report *report)
{
	struct strbuf body = { 0 };

	pack_u32(&body, (uint32_t)-code);
	pack_text(&body, text);
	report_pack(&body, report);
	tell(p, PROTOCOL_FAILED, 0, &body);
}

static int
tell_ready(struct process *p)
{
	struct strbuf body = { 0 };

	pack_u32(&body, p->listeners);
	for (unsigned i = 0; i < p->listeners; i++)
		pack_u32(&body, p->serves[i]);
	return tell(p, PROTOCOL_READY, 0, &body);
}

static void
tell_done(struct process *p)
{
	struct worker_counts n = worker_counts(p->worker);
	struct strbuf body = { 0 };

	p->done_told = true;
	pack_u64(&body, n.drained);
	pack_u64(&body, n.forced);
	if (tell(p, PROTOCOL_DONE, 0, &body) < 0 || p->orphan)
		p->end = true; /* nobody would order it */
}

static void
reply(struct process *p, uint32_t number, int code, const char *text, const struct cfg_report *report)
{
	struct strbuf body = { 0 };

	pack_u32(&body, (uint32_t)-code);
	pack_text(&body, text);
	report_pack(&body, report);
	tell(p, PROTOCOL_REPLY, number, &body);
}

/* ---- orders ---- */

static void
order_drain(struct process *p, struct unpack *u)
{
	int64_t timeout_ms = unpack_i64(u), spread_ms = unpack_i64(u);

	p->draining = true;
	worker_drain(p->worker, timeout_ms, spread_ms);
}

static void
order_shutdown(struct process *p)
{
	p->draining = true;
	worker_shutdown(p->worker);
}

static void
order_reopen(struct process *p, struct wire_message *m)
{
	int fd = wire_message_take_fd(m, 0);

	if (fd >= 0)
		log_replace_fd(fd);
	worker_reopen(p->worker);
}

static void
order_tell(struct process *p, struct unpack *u)
{
	const char *event = unpack_word(u), *text = unpack_word(u);

	if (!u->failed)
		worker_tell(p->worker, event, text);
}

static void
order_reload(struct process *p, struct wire_message *m, struct unpack *u)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	struct snapshot *snapshot = NULL;
	struct err e = { 0 };
	int code = snapshot_unpack(u, m->fds, m->fd_count, &report, &snapshot);

	if (code < 0 && code != -EINVAL)
		err_set(&e, code, "the worker cannot read the snapshot: %s", strerror(-code));
	if (code == 0) {
		cfg_report_fini(&report); /* its warnings were told by the supervisor */
		code = worker_reload(p->worker, snapshot, &report, &e);
	}
	reply(p, m->number, code, e.text, &report);
}

struct asked {
	struct process *process;
	uint32_t number;
};

static void
on_answer(void *arg, int code, const char *text)
{
	struct asked *a = arg;

	reply(a->process, a->number, code, text, &(const struct cfg_report){ 0 });
	free(a);
}

static void
order_ask(struct process *p, const struct wire_message *m, struct unpack *u)
{
	const char *request = unpack_word(u);
	struct asked *a = mem_new(*a);

	if (a == NULL || u->failed) {
		reply(p, m->number, a == NULL ? -ENOMEM : -EBADMSG, "the request was not understood",
			&(const struct cfg_report){ 0 });
		free(a);
		return;
	}
	*a = (struct asked){ p, m->number };
	worker_ask(p->worker, request, on_answer, a);
}

static void
obey(struct process *p, struct wire_message *m)
{
	struct unpack u = UNPACK(m->body, m->size);

	switch (m->type) {
	case PROTOCOL_DRAIN:
		order_drain(p, &u);
		break;
	case PROTOCOL_SHUTDOWN:
		order_shutdown(p);
		break;
	case PROTOCOL_END:
		p->end = true;
		break;
	case PROTOCOL_REOPEN:
		order_reopen(p, m);
		break;
	case PROTOCOL_TELL:
		order_tell(p, &u);
		break;
	case PROTOCOL_RELOAD:
		order_reload(p, m, &u);
		break;
	case PROTOCOL_ASK:
		order_ask(p, m, &u);
		break;
	case PROTOCOL_TAKE_OVER:
		(void)tell_hello(p); /* who does not hear it ends us */
		break;
	default:
		log_error("control_unknown", LOG_U("type", m->type),
			LOG_S("msg", "the supervisor gives an order that this worker does not know"));
		break;
	}
}

/* Nobody is left who could say when to stop. */
static void
supervisor_is_gone(struct process *p)
{
	p->orphan = true;
	if (!p->draining) {
		log_warning("supervisor_gone",
			LOG_S("msg", "the supervisor is gone; this worker serves what is open and ends"));
		p->draining = true;
		worker_drain_as_configured(p->worker);
	}
	if (p->done_told)
		p->end = true;
}

static void
take_orders(struct process *p)
{
	while (!p->end) {
		struct wire_message m;
		int code = wire_receive(p->wire, &m);

		if (code == 0)
			return;
		if (code < 0) {
			supervisor_is_gone(p);
			return;
		}
		obey(p, &m);
		wire_message_fini(&m);
	}
}

static void
serve(struct process *p)
{
	while (!p->end) {
		struct pollfd fds[] = {
			{ .fd = p->orphan ? -1 : wire_fd(p->wire), .events = POLLIN },
			{ .fd = p->done_told ? -1 : worker_done_fd(p->worker), .events = POLLIN },
			{ .fd = worker_answer_fd(p->worker), .events = POLLIN },
			{ .fd = worker_turn_fd(p->worker), .events = POLLIN },
		};
		int retry_ms;

		if (wire_wants_write(p->wire))
			fds[0].events |= POLLOUT;
		retry_ms = wire_retry_ms(p->wire);
		if (poll(fds, array_len(fds), retry_ms) < 0)
			continue;
		if (((fds[0].revents & POLLOUT) != 0 || retry_ms >= 0) && wire_flush(p->wire) < 0)
			supervisor_is_gone(p);
		if ((fds[0].revents & ~POLLOUT) != 0)
			take_orders(p);
		if (fds[2].revents != 0)
			worker_answer(p->worker);
		if (fds[3].revents != 0)
			worker_turn(p->worker);
		if (fds[1].revents != 0)
			tell_done(p);
	}
}

/* ---- the start ---- */

/* @return 1 with a message, or a negative errno: the supervisor has gone before it said anything */
static int
wait_message(struct process *p, struct wire_message *ret)
{
	for (;;) {
		struct pollfd fd = { .fd = wire_fd(p->wire), .events = POLLIN };
		int code = wire_receive(p->wire, ret);

		if (code != 0)
			return code;
		poll(&fd, 1, -1);
	}
}

static int
start_log(const struct protocol_start *start, int fd, struct err *e)
{
	struct log_options o = {
		.fd = fd,
		.protocol = (enum log_protocol)start->log_protocol,
		.json = start->log_json,
		.level = (int)start->log_level,
	};
	int code = log_start(&o, e);

	if (code < 0)
		close(fd);
	return code;
}

/* @param fd  moves */
static int
map_shared(int fd, size_t size, void **ret, struct err *e)
{
	*ret = fd_map_shared(fd, size, true);
	cleanup_fd(&fd);
	return *ret != NULL ? 0 : err_errno(e, "cannot map the memory that is shared with the supervisor");
}

/* Where it counts, and where it sees what others have open. */
static int
map_memory(struct process *p, struct wire_message *m, const struct snapshot *s, struct err *e)
{
	void *rows;
	int code;

	p->cells_size = metric_block_size(s->loops, s->metric_row_count);
	p->occupancy_size = occupancy_size(s->metric_row_count);
	code = map_shared(wire_message_take_fd(m, 1), p->cells_size, &p->shared.counters, e);
	if (code == 0)
		code = map_shared(wire_message_take_fd(m, 3), p->occupancy_size, &rows, e);
	if (code == 0)
		p->shared.occupancy = (struct occupancy){ .rows = rows, .seat = p->start.seat };
	return code;
}

static int
start_worker(struct process *p, struct snapshot *s, struct cfg_report *report, struct err *e)
{
	const struct process_user user = { .drop = p->start.drop,
		.uid = p->start.uid,
		.gid = p->start.gid,
		.groups = p->start.groups,
		.group_count = p->start.group_count };
	int code;

	p->listeners = (unsigned)s->config->listener_count;
	p->serves = calloc(p->listeners + 1, sizeof *p->serves);
	if (p->serves == NULL)
		code = err_set(e, -ENOMEM, "out of memory");
	else
		code = process_become(&user, e);
	if (code < 0) {
		snapshot_free(s);
		return code;
	}
	return worker_new(s, &p->shared, report, p->serves, &p->worker, e);
}

/* Everything up to the moment where listeners are served. */
static int
start(struct process *p, struct wire_message *m, struct cfg_report *report, struct err *e)
{
	struct unpack u = UNPACK(m->body, m->size);
	struct snapshot *s = NULL;
	int code = m->type == PROTOCOL_START ? protocol_start_unpack(&u, &p->start) : -EBADMSG;

	if (code < 0 || m->fd_count < PROTOCOL_START_FDS)
		return err_set(e, -EBADMSG, "the supervisor's first message is not understood");
	code = start_log(&p->start, wire_message_take_fd(m, 0), e);
	if (code < 0)
		return code;
	code = snapshot_unpack(&u, m->fds + PROTOCOL_START_FDS, m->fd_count - PROTOCOL_START_FDS, report, &s);
	if (code < 0)
		return code == -EINVAL ? code
				       : err_set(e, code, "cannot read the snapshot: %s", strerror(-code));
	cfg_report_fini(report); /* its warnings were told by the supervisor */
	code = watch_begin(wire_message_take_fd(m, 2), s->loops, e);
	if (code == 0)
		code = map_memory(p, m, s, e);
	if (code < 0) {
		snapshot_free(s);
		return code;
	}
	return start_worker(p, s, report, e);
}

static int
begin(struct process *p)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	struct wire_message m;
	struct err e = { 0 };
	int code;

	if (tell_hello(p) < 0 || wait_message(p, &m) < 0)
		return -EPIPE;
	code = start(p, &m, &report, &e);
	wire_message_fini(&m);
	if (code == 0)
		code = tell_ready(p); /* a worker that nobody knows to be ready is of no use */
	else
		tell_failed(p, code, e.text, &report);
	return code;
}

/* As long as something goes out within a second. */
static void
flush(struct process *p)
{
	for (int waited_ms = 0; wire_is_waiting(p->wire) && waited_ms < FLUSH_MS;) {
		struct pollfd fd = { .fd = wire_fd(p->wire), .events = POLLOUT };
		int retry_ms = wire_retry_ms(p->wire);

		if (retry_ms >= 0)
			poll(NULL, 0, retry_ms);
		else if (poll(&fd, 1, FLUSH_MS) <= 0)
			return;
		if (wire_flush(p->wire) < 0)
			return;
		waited_ms = retry_ms >= 0 ? waited_ms + retry_ms : 0;
	}
}

int
process_main(int fd)
{
	struct process p = { 0 };
	int flags = fcntl(fd, F_GETFD), code;

	process_setup();
	if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0 || wire_new(fd, &p.wire) < 0)
		return EX_USAGE; /* nobody starts a worker by hand */
	code = begin(&p);
	if (code == 0)
		serve(&p);
	worker_free(p.worker);
	flush(&p);
	log_stop();
	wire_free(p.wire);
	if (p.shared.counters != NULL)
		munmap(p.shared.counters, p.cells_size);
	if (p.shared.occupancy.rows != NULL)
		munmap(p.shared.occupancy.rows, p.occupancy_size);
	protocol_start_fini(&p.start);
	free(p.serves);
	return code == 0 ? EX_OK : EX_CONFIG;
}
