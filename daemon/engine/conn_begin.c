/* How a connection begins: a slot, the plugin's word on whether it may be, the handshake if
 * there is one, and then the plugin has it. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/admission.h"
#include "engine/api.h"
#include "control/watch.h"
#include "engine/conn_private.h"
#include "engine/conn_time.h"
#include "engine/conn_wait.h"
#include "engine/dial.h"
#include "engine/engine_private.h"
#include "engine/observe.h"
#include "engine/pace.h"
#include "engine/serve.h"
#include "engine/stream.h"
#include "engine/tls_stream.h"
#include "guard/rate.h"
#include "net/tls_session.h"

void
conn_refuse(struct scope *scope, const struct newcomer *n)
{
	admission_give_up(scope, n, SOCKD_BY_ERROR);
	engine_check_idle(scope->loop);
}

void
conn_init(struct conn *c, struct scope *scope, const struct newcomer *n)
{
	const struct cfg_listener *cfg = scope->listener->cfg;
	int64_t now_ms = loop_now_ms(scope->loop);

	c->fd = n->fd;
	c->source = n->source;
	c->proxied = n->proxied;
	c->scope = scope;
	scope->thread->conns++;
	c->entries = &scope->listener->entries;
	c->straight = c->entries->data == NULL;
	c->transport = (uint8_t)n->transport;
	c->id = (uint64_t)scope->loop->index << 48 | ++scope->loop->next_conn;
	c->opened_ms = c->active_ms = c->progress_ms = now_ms;
	c->idle_ms = cfg->timeouts.idle_ms;
	c->read_by_ms = c->write_by_ms = c->linger_by_ms = c->slot_at_ms = c->drain_by_ms = CLOCK_NEVER;
	c->lifetime_by_ms =
		cfg->timeouts.lifetime_ms != CFG_OFF ? now_ms + cfg->timeouts.lifetime_ms : CLOCK_NEVER;
	c->timer.fire = conn_on_timer;
	c->task.run = conn_settle;
	c->keeps_rights = c->transport == CFG_UNIX && !c->straight && listener_takes_fds(scope->listener);
	c->again.run = stream_read_again;
	c->ready = n->fd >= 0; /* a client has mostly spoken by the time that it is taken */
	conn_ids_add(&scope->loop->conn_ids, c);
}

/* Tell of it, and ask the plugin whether it may be. */
static void
conn_introduce(struct conn *c)
{
	const struct sockd_plugin *plugin = c->scope->listener->plugin;

	observe_state(c, SOCKD_NEW);
	if (pace_begin(c) < 0) {
		conn_cut(c, SOCKD_BY_ERROR);
		return;
	}
	if (plugin->tune != NULL && WATCHED_RESULT(c->scope->listener->watch, WATCH_TUNE, c->id,
					    plugin->tune(api_conn(c), c->fd)) < 0)
		conn_cut(c, SOCKD_BY_DENIED);
}

/* Hand it to the plugin; after sockd_conn_start_tls() for the second time. */
static void
conn_open(struct conn *c)
{
	if (c->straight && !c->told_open && serve_begin(c) < 0) {
		conn_cut(c, SOCKD_BY_ERROR);
		return;
	}
	if (!c->told_open)
		observe_state(c, SOCKD_HANDLER);
	c->told_open = true;
	if (c->entries->open != NULL) {
		c->in_entry = true;
		WATCHED(c->scope->listener->watch, WATCH_OPEN, c->id,
			c->entries->open(api_conn(c), api_reader(c), api_writer(c)));
		c->in_entry = false;
	}
}

/* It was just opened, or its handshake began: wait for what comes next. */
static void
conn_watch(struct conn *c)
{
	if (c->state != CONN_OPEN && c->state != CONN_HANDSHAKE)
		return;
	stream_resume(c);
	conn_rearm(c);
	conn_drain_newcomer(c);
}

int
conn_begin_tls(struct conn *c, int64_t timeout_ms)
{
	int64_t by_ms = timeout_ms != CFG_OFF ? loop_now_ms(conn_loop(c)) + timeout_ms : CLOCK_NEVER;
	int r = tls_stream_begin(c, c->scope->listener->tls, NULL, by_ms);

	if (r == 0 && c->state == CONN_OPEN)
		conn_enter(c, CONN_HANDSHAKE);
	if (r == 0)
		conn_watch(c);
	return r;
}

/* The client has the first word. */
int
conn_begin_tls_client(struct conn *c)
{
	struct dialled *out = c->dialled;
	int r = tls_stream_begin(c, out->tls, out->server_name, out->by_ms);

	if (r == 0 && out->server != NULL)
		r = tls_session_resume(tls_stream_session(c), out->server, out->server_name);
	if (r < 0)
		return r;
	conn_enter(c, CONN_HANDSHAKE);
	conn_watch(c);
	tls_stream_shake(c);
	return 0;
}

void
conn_shaken(struct conn *c)
{
	conn_enter(c, CONN_OPEN);
	if (c->dialled != NULL)
		dial_shaken(c);
	if (c->straight && (c->told_open || c->dialled != NULL))
		conn_wake_reader(c);
	else
		conn_open(c);
	conn_tell_draining(c);
	conn_watch(c);
	conn_settle_later(c);
}

/* A handshake costs a hundred times what an accept does, so there is a limit of its own. */
static bool
conn_may_shake(struct conn *c)
{
	struct listener *l = c->scope->listener;

	return rate_take(&l->tally->handshakes_due_ns, &l->cfg->handshakes, loop_now_ms(conn_loop(c)));
}

void
conn_begin(struct scope *scope, const struct newcomer *n)
{
	bool tls = scope->listener->tls != NULL && !scope->listener->cfg->tls.by_handler;
	struct conn *c = slab_take(&scope->loop->conns);

	if (c == NULL) {
		conn_refuse(scope, n);
		return;
	}
	scope_hold(scope);
	conn_init(c, scope, n);
	if (n->transport == CFG_TCP)
		memcpy(&c->peer, &n->peer, n->peer_size < sizeof c->peer ? n->peer_size : sizeof c->peer);
	else
		c->unnamed = n->peer_size <= sizeof(sa_family_t);
	conn_enter(c, tls ? CONN_HANDSHAKE : CONN_OPEN);
	metric_add(scope->cells, METRIC_CONNECTIONS_OPEN, 1);
	conn_introduce(c);
	if (c->state == CONN_HANDSHAKE && !conn_may_shake(c)) {
		conn_cut(c, SOCKD_BY_LIMIT);
	} else if (c->state == CONN_HANDSHAKE) {
		if (conn_begin_tls(c, conn_cfg(c)->timeouts.handshake_ms) < 0)
			conn_cut(c, SOCKD_BY_ERROR);
	} else if (c->state == CONN_OPEN) {
		conn_open(c);
		conn_watch(c);
	}
}
