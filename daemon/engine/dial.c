/* Attempts follow each other after 250 ms, or at once when one fails; the first to connect wins (RFC 8305).
 * The connection exists from the start, so that a handle can be given in event style, and so that it ends
 * with its scope; it becomes an open one in the loop's frame. A lookup that nobody waits for any more finds
 * out when it comes back. */
#include "engine/dial.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/api.h"
#include "engine/dial_options.h"
#include "engine/dial_tls.h"
#include "engine/handler.h"
#include "engine/offload.h"
#include "engine/strand.h"
#include "engine/stream.h"
#include "net/connect.h"
#include "net/tls.h"

enum { STAGGER_MS = 250, TIMEOUT_MS = 10000, RETRY_MS = 20 };

struct attempt {
	struct dial *dial;
	struct event event;
	int fd; /* owned; -1: none */
	size_t target;
};

struct lookup;

struct dial {
	struct conn *conn;
	struct net_targets targets;
	size_t next; /* the next one to try */
	unsigned running;
	struct attempt attempts[NET_TARGETS_MAX]; /* one a target */
	struct loop_timer deadline, stagger;
	struct lookup *lookup; /* under way, or NULL */
	int error;             /* of the last attempt that tells something */
	bool datagrams;
};

/* A fiber that waits; on its stack. */
struct dial_wait {
	struct strand *strand;
	bool done;
	int error;
};

/* ---- the end of dialling ---- */

static void dial_free(struct dial *d);

static void
wake_waiter(struct dialled *out, int error)
{
	if (out->wait == NULL)
		return;
	out->wait->done = true;
	out->wait->error = error;
	strand_wake(out->wait->strand);
	out->wait = NULL;
}

/* It is decided: @p fd is connected, or -1 and @p error. */
static void
dial_done(struct dial *d, int fd, int error)
{
	struct conn *c = d->conn;
	struct dialled *out = c->dialled;

	if (out->settled)
		return;
	out->settled = true;
	out->ready_fd = fd;
	out->error = error;
	if (fd >= 0 && d->next > 0 && c->transport != CFG_UNIX)
		memcpy(&c->peer, &d->targets.items[0].address, sizeof c->peer);
	out->dial = NULL;
	dial_free(d);
	conn_settle_later(c);
	if (error != 0 || out->tls == NULL)
		wake_waiter(out, error);
}

/* ---- attempts ---- */

static void
attempt_stop(struct attempt *a)
{
	if (a->fd < 0)
		return;
	event_del(&a->event);
	close(a->fd);
	a->fd = -1;
	a->dial->running--;
}

static void dial_try_next(struct dial *d);

/* What a host said tells more than that there is no way to another of its addresses. */
static bool
is_no_way(int error)
{
	return error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

static void
attempt_failed(struct dial *d, int error)
{
	if (d->error == 0 || !is_no_way(error))
		d->error = error;
	if (d->next < d->targets.count)
		dial_try_next(d);
	else if (d->running == 0)
		dial_done(d, -1, d->error);
}

static void
attempt_won(struct attempt *a)
{
	struct dial *d = a->dial;
	int fd = a->fd;

	event_del(&a->event);
	a->fd = -1;
	d->running--;
	if (a->target != 0)
		d->targets.items[0] = d->targets.items[a->target]; /* the peer's address */
	dial_done(d, fd, 0);
}

static void
attempt_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct dial *d = a->dial;
	int r = net_connect_result((int)fd);

	(void)what; /* EV_WRITE */
	if (r == 0) {
		attempt_won(a);
		return;
	}
	attempt_stop(a);
	attempt_failed(d, -r);
}

static void
attempt_watch(struct attempt *a, int fd)
{
	struct dial *d = a->dial;
	struct loop *loop = conn_loop(d->conn);

	a->fd = fd;
	d->running++;
	event_assign(&a->event, loop->base, fd, EV_WRITE, attempt_on_writable, a);
	if (event_add(&a->event, NULL) < 0) {
		attempt_stop(a);
		attempt_failed(d, ENOMEM);
		return;
	}
	if (d->next < d->targets.count)
		loop_timer_set(loop, &d->stagger, loop_now_ms(loop) + STAGGER_MS);
}

static void
dial_try_next(struct dial *d)
{
	struct attempt *a = &d->attempts[d->next];
	int fd = -1, r;

	a->dial = d;
	a->fd = -1;
	a->target = d->next;
	r = net_connect(&d->targets.items[d->next], d->datagrams, &fd);
	if (r == -EAGAIN && d->conn->transport == CFG_UNIX) {
		/* Its backlog is full: the kernel does not tell when there is room. */
		loop_timer_set(conn_loop(d->conn), &d->stagger, loop_now_ms(conn_loop(d->conn)) + RETRY_MS);
		return;
	}
	d->next++;
	if (r < 0)
		attempt_failed(d, -r);
	else if (r > 0)
		attempt_watch(a, fd);
	else {
		if (a->target != 0)
			d->targets.items[0] = d->targets.items[a->target];
		dial_done(d, fd, 0);
	}
}

static void
dial_on_stagger(struct loop *loop, struct loop_timer *timer)
{
	struct dial *d = container_of(timer, struct dial, stagger);

	(void)loop; /* the connection's */
	if (d->next < d->targets.count)
		dial_try_next(d);
}

static void
dial_on_deadline(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* the connection's */
	dial_done(container_of(timer, struct dial, deadline), -1, ETIMEDOUT);
}

/* ---- names ---- */

struct lookup {
	struct work work;
	struct dial *dial; /* NULL: nobody waits any more */
	struct handler_thread *thread;
	struct net_targets targets;
	int result, family;
	uint16_t port;
	bool datagrams;
	char host[];
};

static void
lookup_run(struct work *w)
{
	struct lookup *l = container_of(w, struct lookup, work);

	l->result = net_targets_look_up(l->host, l->port, l->family, l->datagrams, &l->targets);
}

static void
lookup_deliver(struct loop *loop, struct mail *mail)
{
	struct lookup *l = container_of(mail, struct lookup, work.mail);
	struct dial *d = l->dial;

	(void)loop; /* the thread's */
	if (d != NULL) {
		d->lookup = NULL;
		d->targets = l->targets;
		if (l->result < 0)
			dial_done(d, -1, -l->result);
		else
			dial_try_next(d);
	}
	offload_end(l->thread);
	free(l);
}

static int
lookup_begin(struct dial *d, const struct cfg_address *a)
{
	size_t size = strlen(a->host) + 1;
	struct lookup *l = malloc(sizeof *l + size);
	int r;

	if (l == NULL)
		return -ENOMEM;
	*l = (struct lookup){ .work = { .mail.deliver = lookup_deliver, .run = lookup_run },
		.dial = d,
		.thread = d->conn->scope->thread,
		.family = a->family,
		.port = a->port,
		.datagrams = d->datagrams };
	memcpy(l->host, a->host, size);
	r = offload_begin(l->thread, &l->work);
	if (r < 0) {
		free(l);
		return r;
	}
	d->lookup = l;
	return 0;
}

static void
dial_free(struct dial *d)
{
	struct loop *loop = conn_loop(d->conn);

	for (size_t i = 0; i < d->next; i++)
		attempt_stop(&d->attempts[i]);
	if (d->lookup != NULL)
		d->lookup->dial = NULL;
	loop_timer_clear(loop, &d->deadline);
	loop_timer_clear(loop, &d->stagger);
	free(d);
}

/* ---- the beginning ---- */

/* A connection that connects to nothing yet, in its scope. */
static struct conn *
dialled_new(struct estate *e, enum cfg_transport transport, const struct sockd_dial_options *o)
{
	struct dialled *out = mem_new(*out);
	struct scope *scope = e->conn != NULL ? e->conn->scope : handler_own_scope(e->thread);
	struct conn *c;

	if (out == NULL)
		return NULL;
	*out = (struct dialled){ .estate = e, .next = e->dialled, .link = &e->dialled, .ready_fd = -1 };
	out->by_ms = o->timeout_ms == SOCKD_FOREVER
			     ? CLOCK_NEVER
			     : clock_now_ms() + (o->timeout_ms != 0 ? o->timeout_ms : TIMEOUT_MS);
	out->entries = dial_entries(o->events);
	c = conn_new_dialled(scope, transport, out);
	if (c == NULL) {
		free(out);
		return NULL;
	}
	out->conn = c;
	c->data = o->data;
	if (out->next != NULL)
		out->next->link = &out->next;
	e->dialled = out;
	return c;
}

static int
dial_begin(struct conn *c, const struct cfg_address *a)
{
	struct loop *loop = conn_loop(c);
	struct dial *d = mem_new(*d);
	int r;

	if (d == NULL)
		return -ENOMEM;
	d->conn = c;
	d->datagrams = a->transport == CFG_UDP;
	d->deadline.fire = dial_on_deadline;
	d->stagger.fire = dial_on_stagger;
	c->dialled->dial = d;
	r = net_targets_of(a, &d->targets);
	if (r == -EINPROGRESS)
		r = lookup_begin(d, a);
	else if (r == 0)
		dial_try_next(d);
	if (r == 0 && c->dialled->dial != NULL && c->dialled->by_ms != CLOCK_NEVER)
		loop_timer_set(loop, &d->deadline, c->dialled->by_ms);
	return r;
}

static int
adopt(struct conn *c, int fd, const struct net_target *peer)
{
	if (c->transport == CFG_TCP)
		memcpy(&c->peer, &peer->address, sizeof c->peer);
	c->dialled->ready_fd = fd;
	c->dialled->settled = true;
	return 0;
}

/* Straight-line: until it is open. */
static int
dial_wait_for(struct conn *c, struct strand *self)
{
	struct dial_wait wait = { .strand = self };
	int r = 0;

	if (c->dialled->settled) {
		dial_settle(c);
		r = -c->dialled->error;
		if (r < 0 || c->state != CONN_HANDSHAKE)
			return r;
	}
	c->dialled->wait = &wait;
	while (r == 0 && !wait.done)
		r = strand_wait(self, STRAND_DIALS, CLOCK_NEVER);
	if (wait.done)
		return -wait.error;
	c->dialled->wait = NULL;
	conn_cut(c, SOCKD_BY_HANDLER);
	return r;
}

struct sockd_conn
dial(struct estate *e, const char *url, const struct sockd_dial_options *o)
{
	auto_of(arena) struct arena arena = { 0 };
	struct strand *self = strand_here(e->thread->loop);
	struct cfg_address a = { 0 };
	struct net_target peer = { 0 };
	struct tls_context *tls = NULL;
	struct conn *c = NULL;
	int fd, r;

	o = o != NULL ? o : &dial_defaults;
	r = dial_check(o, self);
	if (r == 0)
		r = dial_parse(url, &arena, &a, &fd);
	if (r == 0 && fd >= 0)
		r = net_adopt(fd, &a.transport, &peer);
	if (r == 0 && o->tls != NULL)
		r = dial_tls_choose(e->thread, &a, o, &tls);
	if (r == 0) {
		c = dialled_new(e, a.transport, o);
		r = c == NULL ? -ENOMEM : dial_tls_take(c, &tls, &a, o);
	}
	tls_context_unref(tls);
	if (r == 0)
		r = fd >= 0 ? adopt(c, fd, &peer) : dial_begin(c, &a);
	if (r == 0) {
		struct sockd_conn h = api_conn(c);

		if (o->events != NULL) {
			c->told_open = true; /* close() is owed, whatever becomes of it */
			conn_settle_later(c);
			return h;
		}
		r = dial_wait_for(c, self);
		if (r == 0)
			return h;
	} else if (c != NULL) {
		conn_cut(c, SOCKD_BY_ERROR);
	}
	errno = -r;
	return (struct sockd_conn){ 0 };
}

/* ---- from the connection's life ---- */

void
dial_settle(struct conn *c)
{
	struct dialled *out = c->dialled;
	int fd = out->ready_fd;

	if (!out->settled)
		return;
	if (fd < 0) {
		metric_add(c->scope->cells, METRIC_DIAL_ERRORS, 1);
		conn_cut(c, SOCKD_BY_ERROR);
		return;
	}
	out->ready_fd = -1;
	conn_open_dialled(c, fd);
}

void
dial_give_up(struct conn *c)
{
	struct dialled *out = c->dialled;

	if (out->dial != NULL)
		dial_free(out->dial);
	out->dial = NULL;
	if (out->ready_fd >= 0)
		close(out->ready_fd);
	out->ready_fd = -1;
	wake_waiter(out, out->error != 0 ? out->error : ECANCELED);
}

void
dial_shaken(struct conn *c)
{
	wake_waiter(c->dialled, 0);
}

void
dial_shake_failed(struct conn *c, int error)
{
	if (c->dialled->error != 0)
		return;
	c->dialled->error = error;
	metric_add(c->scope->cells, METRIC_DIAL_ERRORS, 1);
	wake_waiter(c->dialled, error);
}

void
dialled_free(struct conn *c)
{
	struct dialled *out = c->dialled;

	dial_give_up(c);
	*out->link = out->next;
	if (out->next != NULL)
		out->next->link = out->link;
	estate_changed(out->estate);
	tls_context_unref(out->tls);
	free(out->server);
	free(out->server_name);
	free(out);
	c->dialled = NULL;
}
