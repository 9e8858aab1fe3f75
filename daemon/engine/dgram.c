/* The life of a datagram endpoint. All steps happen in endpoint_step(), a task of the loop's frame:
 * the poller's callback, timers, drain and cut only ask for it. In event style a step receives batches and
 * calls datagram() for each; in serve style the fiber receives by itself and a step only wakes it.
 *
 * Whoever reads yields after a few batches, so that a flood on one socket leaves the loop's others their
 * turn. */
#include "engine/dgram.h"

#include <errno.h>
#include <string.h>

#include "control/watch.h"
#include "engine/admission.h"
#include "engine/rights.h"
#include "engine/strand.h"
#include "guard/guard.h"
#include "net/peer.h"

enum {
	SERVE_SLOTS = 8, /* a waiting fiber keeps its datagrams, so each endpoint has its own */
	BUSY_BATCH = 4,  /* while so many were served, others have come most often */
	TURN_BATCHES = 4,
	PAUSE_MS = 100, /* when the kernel has no memory to receive with */
	BACKOFF_FIRST_MS = 10,
	BACKOFF_MAX_MS = 1000,
};

/* ---- reading ---- */

void
endpoint_arm(struct endpoint *ep)
{
	if (ep->paused || ep->held || ep->muted || ep->state != ENDPOINT_OPEN)
		return;
	if (poller_watch(&endpoint_loop(ep)->poller, &ep->readable) <
		0) /* no memory in the kernel: try again */
		loop_timer_set(endpoint_loop(ep), &ep->timer, loop_now_ms(endpoint_loop(ep)) + PAUSE_MS);
}

void
endpoint_disarm(struct endpoint *ep)
{
	poller_unwatch(&endpoint_loop(ep)->poller, &ep->readable);
}

static void
endpoint_pause(struct endpoint *ep)
{
	ep->paused = true;
	endpoint_disarm(ep);
	loop_timer_set(endpoint_loop(ep), &ep->timer, loop_now_ms(endpoint_loop(ep)) + PAUSE_MS);
}

const struct mmsghdr *
endpoint_present(struct endpoint *ep)
{
	struct dgram_io *io = ep->io;

	while (io->in_fd == ep->fd && io->in_next < io->in_count) {
		const struct mmsghdr *m = &io->in_msgs[io->in_next];

		if (m->msg_hdr.msg_flags & MSG_TRUNC) {
			endpoint_skip(ep, METRIC_DATAGRAMS_TRUNCATED);
			continue;
		}
		if (io->in_judged > io->in_next || !admission_asks(ep->scope))
			return m;
		io->in_judged = io->in_next + 1;
		if (admission_hear(ep->scope, &m->msg_hdr, (enum cfg_transport)ep->transport))
			return m;
		endpoint_skip(ep, METRIC_COUNT); /* it is counted already */
	}
	return NULL;
}

void
endpoint_skip(struct endpoint *ep, enum metric_id id)
{
	if (ep->transport == CFG_UNIXGRAM)
		rights_drop(&ep->io->in_msgs[ep->io->in_next].msg_hdr);
	ep->io->in_next++;
	ep->refused = false;
	if (id != METRIC_COUNT)
		metric_add(ep->scope->cells, id, 1);
}

/* From now on the handles stand for the present datagram. */
static void
endpoint_meet(struct endpoint *ep)
{
	const struct msghdr *m = &ep->io->in_msgs[ep->io->in_next].msg_hdr;

	ep->has_peer = true;
	ep->has_text = false;
	ep->remote.len = m->msg_namelen;
	if (m->msg_namelen <= sizeof(sa_family_t) || m->msg_namelen > sizeof ep->remote.sa)
		ep->remote.len = 0; /* an unnamed unix sender */
	memcpy(&ep->remote.sa, &ep->io->in_slots[ep->io->in_next].name, ep->remote.len);
	if (ep->asked_varies)
		dgram_get_local(m, &ep->local);
	if (ep->transport == CFG_UNIXGRAM)
		endpoint_meet_sender(ep, m);
}

void
endpoint_take(struct endpoint *ep)
{
	if (!endpoint_is_event(ep))
		endpoint_meet(ep);
	ep->taken++;
	endpoint_skip(ep, METRIC_COUNT);
}

/* @return datagrams in the new batch, or a negative errno: -EAGAIN when there is nothing to be had now,
 * -ESHUTDOWN when a drain is through */
static int
endpoint_receive(struct endpoint *ep)
{
	int64_t now_ms = loop_now_ms(endpoint_loop(ep));
	int n;

	if (ep->state == ENDPOINT_DRAINING && now_ms >= ep->drain_by_ms)
		return -ESHUTDOWN;
	n = dgram_io_receive(ep->io, ep->fd);
	if (n > 0) {
		ep->drained = dgram_io_is_short(ep->io) && n < BUSY_BATCH;
		metric_add(ep->scope->cells, METRIC_DATAGRAMS_READ, (uint64_t)n);
		return n;
	}
	ep->drained = true;
	if (ep->state == ENDPOINT_DRAINING)
		return -ESHUTDOWN;
	if (n != -EAGAIN)
		endpoint_pause(ep);
	return -EAGAIN;
}

/* ---- ending ---- */

static void
endpoint_reap(struct loop *loop, struct loop_task *task)
{
	(void)loop; /* its own */
	endpoint_free(container_of(task, struct endpoint, task));
}

static void
endpoint_end(struct endpoint *ep)
{
	struct loop *loop = endpoint_loop(ep);

	if (ep->state == ENDPOINT_ENDED)
		return;
	ep->state = ENDPOINT_ENDED;
	endpoint_disarm(ep);
	loop_timer_clear(loop, &ep->timer);
	loop_undefer(loop, &ep->task);
	dgram_io_flush(ep->io);
	if (ep->released) {
		ep->task.run = endpoint_reap; /* from the loop's frame: a caller still looks at us */
		loop_defer(loop, &ep->task);
	}
	engine_endpoint_ended(loop);
}

/* ---- event style ---- */

static void
endpoint_deliver(struct endpoint *ep)
{
	struct sockd_conn c = { .ops = &endpoint_conn_ops, .ref = endpoint_ref(ep) };
	struct sockd_reader r = { .ops = &endpoint_reader_ops, .ref = c.ref };
	struct sockd_writer w = { .ops = &endpoint_writer_ops, .ref = c.ref };
	struct dgram_io *io = ep->io;

	io->flush_follows = true;
	while (!ep->muted && endpoint_present(ep) != NULL) {
		unsigned at = io->in_next;

		endpoint_meet(ep);
		WATCHED(ep->scope->listener->watch, WATCH_DATAGRAM, 0,
			ep->scope->listener->plugin->datagram(c, r, w));
		if (io->in_next == at)
			endpoint_skip(ep, ep->refused ? METRIC_DATAGRAMS_DROPPED_OVERSIZE : METRIC_COUNT);
	}
	io->flush_follows = false;
	dgram_io_flush(io);
}

/* Paused by the plugin: nothing is read, but a drain does not wait for ever. */
static void
endpoint_step_muted(struct endpoint *ep)
{
	if (ep->cut || (ep->state == ENDPOINT_DRAINING && loop_now_ms(endpoint_loop(ep)) >= ep->drain_by_ms))
		endpoint_end(ep);
	else if (ep->state == ENDPOINT_DRAINING)
		loop_timer_set(endpoint_loop(ep), &ep->timer, ep->drain_by_ms);
	else
		endpoint_disarm(ep);
}

static void
endpoint_step_event(struct endpoint *ep)
{
	int r = ep->cut ? -ESHUTDOWN : 0;

	if (ep->held && ep->state == ENDPOINT_OPEN && !ep->cut)
		return;
	if (!ep->cut && !ep->muted && endpoint_present(ep) != NULL)
		endpoint_deliver(ep); /* what was left when it was paused */
	for (int i = 0; i < TURN_BATCHES && r >= 0 && !ep->muted; i++) {
		r = endpoint_receive(ep);
		if (r > 0)
			endpoint_deliver(ep);
		if (r > 0 && ep->drained && ep->state == ENDPOINT_OPEN)
			r = -EAGAIN;
	}
	if (ep->muted)
		endpoint_step_muted(ep);
	else if (r == -ESHUTDOWN)
		endpoint_end(ep);
	else if (ep->state == ENDPOINT_DRAINING)
		loop_defer(endpoint_loop(ep), &ep->task);
}

/* ---- serve style ---- */

/* Park this fiber as the one that reads. */
static int
endpoint_park(struct endpoint *ep, struct strand *self)
{
	int r;

	ep->waiter = self;
	r = strand_wait(self, STRAND_READS, CLOCK_NEVER);
	ep->waiter = NULL;
	ep->batches_left = TURN_BATCHES;
	return r;
}

int
endpoint_await(struct endpoint *ep)
{
	struct strand *self = strand_here(endpoint_loop(ep));

	for (;;) {
		int r;

		if (ep->cut || (self != NULL && self->cancelled))
			return -ECANCELED;
		if (endpoint_present(ep) != NULL)
			return 1;
		if (self == NULL || endpoint_is_event(ep))
			return ep->state < ENDPOINT_OVER ? -EAGAIN : 0;
		if (ep->waiter != NULL)
			return -EBUSY;
		if (ep->state >= ENDPOINT_OVER)
			return 0;
		if (ep->batches_left == 0) {
			loop_defer(endpoint_loop(ep), &ep->task); /* the others' turn, then ours again */
			r = endpoint_park(ep, self);
			if (r < 0)
				return r;
			continue;
		}
		ep->batches_left--;
		r = (ep->drained || ep->held) && ep->state == ENDPOINT_OPEN ? -EAGAIN : endpoint_receive(ep);
		if (r == -ESHUTDOWN) {
			ep->state = ENDPOINT_OVER;
		} else if (r == -EAGAIN) {
			dgram_io_flush(ep->io);
			endpoint_arm(ep);
			r = endpoint_park(ep, self);
			if (r < 0)
				return r;
		}
	}
}

/* serve() is called anew whenever it returns, until there is nothing more to give it. One that takes nothing
 * would turn in circles: it is slowed down. */
static void
endpoint_run(struct strand *self)
{
	struct endpoint *ep = self->arg;
	struct loop *loop = endpoint_loop(ep);
	struct sockd_conn c = { .ops = &endpoint_conn_ops, .ref = endpoint_ref(ep) };
	struct sockd_reader r = { .ops = &endpoint_reader_ops, .ref = c.ref };
	struct sockd_writer w = { .ops = &endpoint_writer_ops, .ref = c.ref };

	for (;;) {
		uint64_t taken = ep->taken;

		WATCHED(ep->scope->listener->watch, WATCH_SERVE, 0,
			ep->scope->listener->plugin->serve(c, r, w));
		if (ep->cut || ep->state >= ENDPOINT_OVER)
			break;
		if (ep->taken != taken) {
			ep->backoff_ms = 0;
			continue;
		}
		if (ep->state != ENDPOINT_OPEN)
			break;
		ep->backoff_ms = ep->backoff_ms == 0                   ? BACKOFF_FIRST_MS
				 : ep->backoff_ms < BACKOFF_MAX_MS / 2 ? ep->backoff_ms * 2
								       : BACKOFF_MAX_MS;
		dgram_io_flush(ep->io);
		if (strand_wait(self, STRAND_SLEEPS, loop_now_ms(loop) + ep->backoff_ms) == -ECANCELED)
			break;
	}
}

static void
endpoint_returned(struct strand *s)
{
	struct endpoint *ep = s->arg;

	ep->strand = NULL;
	endpoint_end(ep);
}

static void
endpoint_start_fiber(struct endpoint *ep)
{
	struct loop *loop = endpoint_loop(ep);

	if (strand_new(ep->scope->thread, NULL, ep->stack_size, endpoint_run, endpoint_returned, ep,
		    &ep->strand) == 0)
		return;
	if (ep->state == ENDPOINT_OPEN)
		loop_timer_set(loop, &ep->timer, loop_now_ms(loop) + BACKOFF_MAX_MS);
	else
		endpoint_end(ep);
}

static void
endpoint_step_serve(struct endpoint *ep)
{
	if (ep->strand == NULL && ep->cut)
		endpoint_end(ep);
	else if (ep->strand == NULL)
		endpoint_start_fiber(ep);
	else if (ep->cut)
		strand_cancel(ep->strand);
	else if (ep->state == ENDPOINT_DRAINING && ep->waiter != ep->strand)
		strand_give_end(ep->strand);
	if (ep->waiter != NULL)
		strand_wake(ep->waiter);
}

/* ---- what leads to a step ---- */

static void
endpoint_step(struct loop *loop, struct loop_task *task)
{
	struct endpoint *ep = container_of(task, struct endpoint, task);

	(void)loop; /* ep's */
	if (ep->state == ENDPOINT_ENDED)
		return;
	if (endpoint_is_event(ep))
		endpoint_step_event(ep);
	else
		endpoint_step_serve(ep);
}

static void
endpoint_on_readable(struct poller_watch *w)
{
	struct endpoint *ep = container_of(w, struct endpoint, readable);

	ep->drained = false;
	if (!endpoint_is_event(ep) && ep->waiter == NULL)
		endpoint_disarm(ep); /* nobody wants it now: do not be told again and again */
	else
		loop_defer(endpoint_loop(ep), &ep->task);
}

static void
endpoint_on_timer(struct loop *loop, struct loop_timer *timer)
{
	struct endpoint *ep = container_of(timer, struct endpoint, timer);

	ep->paused = ep->drained = false;
	endpoint_arm(ep);
	loop_defer(loop, &ep->task);
}

bool
endpoint_is_ended(const struct endpoint *ep)
{
	return ep->state == ENDPOINT_ENDED;
}

/* ---- birth and death ---- */

static struct dgram_io *
endpoint_find_io(struct endpoint *ep, size_t in_size)
{
	struct loop *loop = endpoint_loop(ep);

	if (!endpoint_is_event(ep))
		return dgram_io_new(loop, SERVE_SLOTS, in_size, ep->write_limit);
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		const struct endpoint *other = slab_at(&loop->endpoints, i);

		if (other == NULL || other == ep || other->io == NULL || !endpoint_is_event(other) ||
			other->muted) /* what it left unread lies in its batch */
			continue;
		if (other->io->in_size == in_size && other->io->out_size >= ep->write_limit) {
			other->io->refs++;
			return other->io;
		}
	}
	return dgram_io_new(loop, ENDPOINT_EVENT_SLOTS, in_size, ep->write_limit);
}

static void
endpoint_init(
	struct endpoint *ep, struct scope *scope, int fd, enum cfg_transport transport, size_t stack_size)
{
	const struct cfg_listener *cfg = scope->listener->cfg;

	ep->state = ENDPOINT_OPEN;
	ep->scope = scope;
	ep->fd = fd;
	ep->transport = (uint8_t)transport;
	ep->stack_size = stack_size;
	ep->batches_left = TURN_BATCHES;
	ep->write_limit = transport == CFG_UDP ? DGRAM_UDP_MAX : (size_t)cfg->write_buffer;
	ep->task.run = endpoint_step;
	ep->timer.fire = endpoint_on_timer;
	ep->readable = (struct poller_watch){ .fd = fd, .ready = endpoint_on_readable };
}

int
endpoint_new(struct scope *scope, int fd, enum cfg_transport transport, const struct sockaddr_storage *local,
	socklen_t size, size_t stack_size, struct endpoint **ret, struct err *e)
{
	const char *name = scope->listener->cfg->name;
	struct endpoint *ep = slab_take(&scope->loop->endpoints);
	size_t in_size = (size_t)scope->listener->cfg->read_buffer;
	int r = 0;

	if (transport == CFG_UDP)
		r = dgram_want_local(fd, local);
	else
		r = net_peer_want(fd); /* for what comes from here on; our own sockets are made so */

	if (ep == NULL)
		return err_set(e, -ENOMEM, "no memory for a socket of '%s'", name);
	scope_hold(scope);
	endpoint_init(ep, scope, fd, transport, stack_size);
	ep->bound = (struct sockd_addr){ .len = size, .sa = *local };
	ep->local = ep->bound;
	ep->asked_varies = r > 0;
	if (transport == CFG_UDP && in_size > DGRAM_UDP_MAX)
		in_size = LOOP_BUFFER_SIZE; /* no datagram is larger: one size for the loop to share */
	ep->io = r >= 0 ? endpoint_find_io(ep, in_size != 0 ? in_size : 1) : NULL;
	if (ep->io == NULL || poller_try(&scope->loop->poller, fd) < 0) {
		endpoint_free(ep);
		return err_set(e, r < 0 ? r : -ENOMEM,
			r < 0 ? "cannot learn addresses on a socket of '%s'"
			      : "no memory to read a socket of '%s'",
			name);
	}
	*ret = ep;
	return 0;
}

void
endpoint_start(struct endpoint *ep)
{
	endpoint_arm(ep);
	if (!endpoint_is_event(ep))
		loop_defer(endpoint_loop(ep), &ep->task); /* serve() begins with the loop's next turn */
}

void
endpoint_free(struct endpoint *ep)
{
	struct scope *scope;
	struct loop *loop;

	if (ep == NULL)
		return;
	scope = ep->scope;
	loop = scope->loop;
	endpoint_disarm(ep);
	loop_timer_clear(loop, &ep->timer);
	loop_undefer(loop, &ep->task);
	dgram_io_unref(ep->io);
	bound_unref(ep->socket);
	slab_put(&loop->endpoints, ep);
	scope_release(scope);
}
