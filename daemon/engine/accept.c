/* The accept path. Admission counts first and asks later, so that limits.connections is exact over all loops:
 * a client above it is accepted and closed at once, which tells it more than a connection that hangs in the
 * backlog.
 *
 * Out of descriptors or memory, level-triggered readiness would spin: the event is taken away, a timer tries
 * again, from 100 ms doubling to a second, and the log says so once a minute. */
#include "engine/accept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/admission.h"
#include "engine/api.h"
#include "engine/conn.h"
#include "engine/engine_private.h"

enum {
	ACCEPT_BATCH = 64,
	RETRY_MIN_MS = 100,
	RETRY_MAX_MS = 1000,
	TELL_EVERY_MS = 1000,
	TELL_PAUSE_EVERY_MS = 60000,
	FADE_MS = 1000,
	TAKE_ALL_MS = 1000
};

/* A connection on its way to another loop. */
struct handover {
	struct mail mail;
	struct scope *scope;
	struct newcomer newcomer;
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
	admission_begin(h->scope, &h->newcomer);
	free(h);
}

static void
hand_over(struct acceptor *a, struct loop *to, struct newcomer *n)
{
	struct scope *scope = &a->scope->listener->scopes[to->index];
	struct handover *h;

	atomic_fetch_add_explicit(&to->load, 1, memory_order_relaxed);
	if (to == a->home) {
		admission_begin(scope, n);
		return;
	}
	h = malloc(sizeof *h);
	if (h == NULL) {
		admission_give_up(scope, n, SOCKD_BY_ERROR);
		return;
	}
	*h = (struct handover){ .mail.deliver = handover_deliver, .scope = scope, .newcomer = *n };
	if (mailbox_send(&to->mailbox, &h->mail) < 0) {
		admission_give_up(scope, n, SOCKD_BY_ERROR);
		free(h);
	}
}

/* Accepted and closed at once: more than a connection that hangs in the backlog tells the client. */
static void
refuse(struct acceptor *a, int fd, int reason)
{
	const struct cfg_listener *cfg = a->scope->listener->cfg;
	int64_t now_ms = loop_now_ms(a->home);

	close(fd);
	metric_add(a->scope->cells, metric_closed(reason), 1);
	a->refused++;
	if (now_ms - a->told_ms < TELL_EVERY_MS)
		return;
	a->told_ms = now_ms;
	log_info("conn_refused", LOG_S("listener", cfg->name), LOG_S("reason", api_reason_name(reason)),
		reason == SOCKD_BY_LIMIT ? LOG_I("limit", cfg->connections_limit) : LOG_S("limit", NULL),
		LOG_U("count", a->refused));
	a->refused = 0;
}

static void
admit(struct acceptor *a, struct newcomer *n)
{
	struct listener *l = a->scope->listener;

	metric_add(a->scope->cells, METRIC_CONNECTIONS_ACCEPTED, 1);
	if (a->refusing) {
		refuse(a, n->fd, SOCKD_BY_DRAIN);
		return;
	}
	if (!admission_meet(a->scope, n)) {
		close(n->fd);
		return;
	}
	if (!tally_enter(l->tally, l->cfg->connections_limit)) {
		admission_forget(n);
		refuse(a, n->fd, SOCKD_BY_LIMIT);
		return;
	}
	/* While it fades its listener has been retired on the other loops: nobody there waits for one more.
	 */
	hand_over(a, a->fades ? a->home : least_loaded(l), n);
}

static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* A server at its limit pauses again whenever a client has left: once a minute is enough to hear of it. */
static void
acceptor_tell_pause(struct acceptor *a, int error)
{
	int64_t now_ms = loop_now_ms(a->home);

	a->pauses++;
	if (a->pause_told_ms != 0 && now_ms - a->pause_told_ms < TELL_PAUSE_EVERY_MS)
		return;
	a->pause_told_ms = now_ms;
	log_warning("accept_paused", LOG_S("listener", a->scope->listener->cfg->name),
		LOG_S("error", strerror(error)), LOG_U("count", a->pauses),
		LOG_S("msg", is_shortage(error)
				     ? "clients wait in the backlog until descriptors are free"
				     : "clients wait in the backlog; it is tried again and again"));
	a->pauses = 0;
}

static void
acceptor_unwatch(struct acceptor *a)
{
	if (!a->watching)
		return;
	poller_unwatch(&a->home->poller, &a->watch);
	loop_timer_clear(a->home, &a->retry);
	a->watching = false;
}

static void
acceptor_wait(struct acceptor *a, int64_t ms)
{
	poller_unwatch(&a->home->poller, &a->watch);
	loop_timer_set(a->home, &a->retry, loop_now_ms(a->home) + ms);
}

static void
acceptor_run_short(struct acceptor *a, int error)
{
	if (a->retry_ms == 0) {
		metric_add(a->scope->cells, METRIC_ACCEPT_PAUSED, 1);
		acceptor_tell_pause(a, error);
	}
	a->retry_ms = a->retry_ms == 0 ? RETRY_MIN_MS : a->retry_ms * 2;
	if (a->retry_ms > RETRY_MAX_MS)
		a->retry_ms = RETRY_MAX_MS;
	if (a->watching)
		acceptor_wait(a, a->retry_ms);
}

/* @return false when there is nothing more to accept now */
static bool
accept_one(struct acceptor *a)
{
	struct newcomer n = { .transport = a->bound->transport, .peer_size = sizeof n.peer };
	int error;

	n.fd = accept4(a->bound->fd, (struct sockaddr *)&n.peer, &n.peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	error = errno;
	if (n.fd >= 0) {
		a->retry_ms = 0;
		a->failures = 0;
		admit(a, &n);
		return true;
	}
	if (error == EAGAIN || error == EWOULDBLOCK)
		return false;
	metric_add(a->scope->cells, METRIC_ACCEPT_ERRORS, 1);
	if (is_shortage(error) || error == EBADF || error == EINVAL || ++a->failures >= ACCEPT_BATCH) {
		a->failures = 0;
		acceptor_run_short(a, error);
		return false;
	}
	/* EINTR, ECONNABORTED and network errors of one client: accept(2) says to go on. What comes again and
	 * again is no client's: a policy of the system, such as a filter of calls, says EPERM for ever. */
	return true;
}

static void
acceptor_on_ready(struct poller_watch *w)
{
	struct acceptor *a = container_of(w, struct acceptor, watch);

	for (int i = 0; i < ACCEPT_BATCH && accept_one(a); i++)
		;
}

/* Also the way out when the kernel has no memory to watch with. */
static void
acceptor_watch(struct acceptor *a)
{
	if (poller_watch(&a->home->poller, &a->watch) < 0)
		acceptor_wait(a, RETRY_MAX_MS);
	a->watching = true;
}

static void
acceptor_retry(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* its home */
	acceptor_watch(container_of(timer, struct acceptor, retry));
}

int
acceptor_new(struct scope *scope, struct bound *bound, struct acceptor **ret, struct err *e)
{
	struct loop *home = scope->loop;
	struct acceptor *a = mem_new(*a);
	int r;

	if (a == NULL)
		return err_set(
			e, -ENOMEM, "no memory for a socket of listener '%s'", scope->listener->cfg->name);
	a->scope = scope;
	a->bound = bound_ref(bound);
	a->home = home;
	a->retry.fire = acceptor_retry;
	a->after = home->acceptors;
	if (a->after != NULL)
		a->after->before = a;
	home->acceptors = a;
	scope_hold(scope);
	a->watch = (struct poller_watch){ .fd = bound->fd, .ready = acceptor_on_ready };
	r = poller_try(&home->poller, bound->fd);
	if (r < 0) {
		acceptor_free(a);
		return err_set(e, r, "cannot watch a socket of listener '%s'", scope->listener->cfg->name);
	}
	*ret = a;
	return 0;
}

void
acceptor_start(struct acceptor *a)
{
	if (!a->paused && !a->watching && a->bound->fd >= 0)
		acceptor_watch(a);
}

void
acceptor_pause(struct acceptor *a, bool paused)
{
	a->paused = paused;
	if (paused)
		acceptor_unwatch(a);
	else
		acceptor_start(a);
}

void
acceptor_hand_over(struct acceptor *a, struct scope *to)
{
	struct scope *from = a->scope;

	scope_hold(to);
	a->scope = to;
	scope_release(from);
}

void
acceptor_take_all(struct acceptor *a)
{
	int64_t until_ms = clock_now_ms() + TAKE_ALL_MS; /* the loop's own clock stands meanwhile */

	a->retry_ms = 0;
	while (a->retry_ms == 0 && accept_one(a) && clock_now_ms() < until_ms)
		;
}

void
acceptor_close(struct acceptor *a)
{
	if (a->bound->fd < 0)
		return;
	acceptor_take_all(a);
	acceptor_unwatch(a);
	loop_timer_clear(a->home, &a->fade);
	close(a->bound->fd);
	a->bound->fd = -1;
}

static void
acceptor_on_faded(struct loop *loop, struct loop_timer *timer)
{
	struct acceptor *a = container_of(timer, struct acceptor, fade);

	(void)loop; /* its home */
	acceptor_take_all(a);
	bound_shut(a->bound);
	acceptor_free(a);
}

void
acceptor_fade(struct acceptor *a)
{
	a->fades = true;
	a->fade.fire = acceptor_on_faded;
	loop_timer_set(a->home, &a->fade, loop_now_ms(a->home) + FADE_MS);
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	acceptor_unwatch(a);
	loop_timer_clear(a->home, &a->fade);
	*(a->before != NULL ? &a->before->after : &a->home->acceptors) = a->after;
	if (a->after != NULL)
		a->after->before = a->before;
	bound_unref(a->bound);
	scope_release(a->scope);
	free(a);
}
