/* The accept path. Admission counts first and asks later, so that limits.connections is exact over all loops:
 * a client above it is accepted and closed at once, which tells it more than a connection that hangs in the
 * backlog.
 *
 * Out of descriptors or memory, level-triggered readiness would spin: the event is taken away, a timer tries
 * again, from 100 ms doubling to a second, and the log says so once. */
#include "engine/accept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/conn.h"
#include "engine/engine_private.h"

enum { ACCEPT_BATCH = 64, RETRY_MIN_MS = 100, RETRY_MAX_MS = 1000, TELL_EVERY_MS = 1000 };

/* A connection on its way to another loop. */
struct handover {
	struct mail mail;
	struct scope *scope;
	enum cfg_transport transport;
	int fd;
	struct sockaddr_storage peer;
	socklen_t peer_size;
};

static struct loop *
least_loaded(const struct listener *l)
{
	struct engine *engine = l->engine;
	unsigned count = l->cfg->one_thread ? 1 : engine->loop_count;
	struct loop *best = engine->loops[0];
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < count; i++) {
		int64_t load = atomic_load_explicit(&engine->loops[i]->load, memory_order_relaxed);

		if (load < least) {
			least = load;
			best = engine->loops[i];
		}
	}
	return best;
}

static void
handover_deliver(struct loop *loop, struct mail *mail)
{
	struct handover *h = container_of(mail, struct handover, mail);

	(void)loop; /* the scope's */
	conn_begin(h->scope, h->fd, h->transport, &h->peer, h->peer_size);
	free(h);
}

/* Give up on an admitted connection before it began. */
static void
unadmit(struct scope *scope, int fd)
{
	close(fd);
	atomic_fetch_sub_explicit(&scope->listener->open, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&scope->loop->load, 1, memory_order_relaxed);
	metric_add(scope->cells, metric_closed(SOCKD_BY_ERROR), 1);
}

static void
hand_over(struct acceptor *a, struct loop *to, int fd, const struct sockaddr_storage *peer, socklen_t size)
{
	struct scope *scope = &a->listener->scopes[to->index];
	struct handover *h;

	atomic_fetch_add_explicit(&to->load, 1, memory_order_relaxed);
	if (to == a->home) {
		conn_begin(scope, fd, a->transport, peer, size);
		return;
	}
	h = malloc(sizeof *h);
	if (h == NULL) {
		unadmit(scope, fd);
		return;
	}
	*h = (struct handover){ .mail.deliver = handover_deliver,
		.scope = scope,
		.transport = a->transport,
		.fd = fd,
		.peer = *peer,
		.peer_size = size };
	if (mailbox_send(&to->mailbox, &h->mail) < 0) {
		unadmit(scope, fd);
		free(h);
	}
}

static void
acceptor_tell_limit(struct acceptor *a)
{
	int64_t now_ms = loop_now_ms(a->home);

	metric_add(a->listener->scopes[a->home->index].cells, metric_closed(SOCKD_BY_LIMIT), 1);
	a->refused++;
	if (now_ms - a->told_ms < TELL_EVERY_MS)
		return;
	a->told_ms = now_ms;
	log_info("conn_refused", LOG_S("listener", a->listener->cfg->name), LOG_S("reason", "limit"),
		LOG_I("limit", a->listener->cfg->connections_limit), LOG_U("count", a->refused));
	a->refused = 0;
}

static void
admit(struct acceptor *a, int fd, const struct sockaddr_storage *peer, socklen_t size)
{
	struct listener *l = a->listener;

	metric_add(l->scopes[a->home->index].cells, METRIC_CONNECTIONS_ACCEPTED, 1);
	if (atomic_fetch_add_explicit(&l->open, 1, memory_order_relaxed) >= l->cfg->connections_limit) {
		atomic_fetch_sub_explicit(&l->open, 1, memory_order_relaxed);
		close(fd);
		acceptor_tell_limit(a);
		return;
	}
	hand_over(a, least_loaded(l), fd, peer, size);
}

static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void
acceptor_pause(struct acceptor *a, int error)
{
	if (a->retry_ms == 0) {
		log_warning("accept_paused", LOG_S("listener", a->listener->cfg->name),
			LOG_S("error", strerror(error)),
			LOG_S("msg", "clients wait in the backlog until descriptors are free"));
		metric_add(a->listener->scopes[a->home->index].cells, METRIC_ACCEPT_PAUSED, 1);
	}
	a->retry_ms = a->retry_ms == 0 ? RETRY_MIN_MS : a->retry_ms * 2;
	if (a->retry_ms > RETRY_MAX_MS)
		a->retry_ms = RETRY_MAX_MS;
	event_del(&a->event);
	loop_timer_set(a->home, &a->retry, loop_now_ms(a->home) + a->retry_ms);
}

/* @return false when there is nothing more to accept now */
static bool
accept_one(struct acceptor *a)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	int fd = accept4(a->socket->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int error = errno;

	if (fd >= 0) {
		a->retry_ms = 0;
		admit(a, fd, &peer, size);
		return true;
	}
	if (error == EAGAIN || error == EWOULDBLOCK)
		return false;
	metric_add(a->listener->scopes[a->home->index].cells, METRIC_ACCEPT_ERRORS, 1);
	if (is_shortage(error) || error == EBADF || error == EINVAL) {
		acceptor_pause(a, error);
		return false;
	}
	return true; /* EINTR, ECONNABORTED and network errors of one client: accept(2) says to go on */
}

static void
acceptor_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *a = arg;

	(void)fd, (void)what; /* the socket's */
	for (int i = 0; i < ACCEPT_BATCH && accept_one(a); i++)
		;
}

static void
acceptor_retry(struct loop *loop, struct loop_timer *timer)
{
	struct acceptor *a = container_of(timer, struct acceptor, retry);

	if (event_add(&a->event, NULL) < 0)
		loop_timer_set(loop, &a->retry, loop_now_ms(loop) + RETRY_MAX_MS);
}

int
acceptor_open(struct acceptor *a, struct err *e)
{
	a->retry.fire = acceptor_retry;
	event_assign(&a->event, a->home->base, a->socket->fd, EV_READ | EV_PERSIST, acceptor_on_ready, a);
	if (event_add(&a->event, NULL) < 0)
		return err_set(e, -ENOMEM, "cannot watch a socket of listener '%s'", a->listener->cfg->name);
	a->open = true;
	a->home->acceptors_open++;
	return 0;
}

void
acceptor_abandon(struct acceptor *a)
{
	if (!a->open)
		return;
	event_del(&a->event);
	loop_timer_clear(a->home, &a->retry);
	a->open = false;
	a->home->acceptors_open--;
}

void
acceptor_close(struct acceptor *a)
{
	if (!a->open)
		return;
	a->retry_ms = 0;
	while (a->retry_ms == 0 && accept_one(a))
		;
	acceptor_abandon(a);
	close(a->socket->fd); /* so that the kernel refuses who comes now, rather than let them wait */
	a->socket->fd = -1;
}
