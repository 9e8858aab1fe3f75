/* The beginning of a connection that a plugin makes: it has a slot and a handle before it has a descriptor,
 * and belongs to whom it was dialled for. */
#include "engine/conn.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>

#include "control/watch.h"
#include "engine/api.h"
#include "engine/dial.h"
#include "engine/stream.h"

struct conn *
conn_new_dialled(struct scope *scope, enum cfg_transport transport, struct dialled *dialled)
{
	struct bufferevent *bev = bufferevent_socket_new(scope->loop->base, -1, 0);
	struct conn *c = bev != NULL ? slab_take(&scope->loop->conns) : NULL;

	if (c == NULL) {
		if (bev != NULL)
			bufferevent_free(bev);
		return NULL;
	}
	c->bev = bev;
	c->dialled = dialled;
	scope_hold(scope);
	conn_init(c, scope, &(struct newcomer){ .fd = -1, .transport = transport });
	scope->thread->conns--; /* it serves others, and does not keep the thread from ending */
	c->entries = &dialled->entries;
	c->straight = c->entries->data == NULL;
	c->datagrams = transport == CFG_UDP;
	c->idle_ms = CFG_OFF;
	c->lifetime_by_ms = CLOCK_NEVER;
	atomic_fetch_add_explicit(&scope->loop->load, 1, memory_order_relaxed);
	metric_add(scope->cells, METRIC_CONNECTIONS_DIALLED, 1);
	metric_add(scope->cells, METRIC_DIALLED_OPEN, 1);
	conn_enter(c, CONN_DIALLING);
	return c;
}

/* bufferevent_setfd() asks for room at once, although there is nothing to write yet: three epoll_ctl() that a
 * bufferevent made with its descriptor does without. */
static void
set_descriptor(struct bufferevent *bev, int fd)
{
	bufferevent_disable(bev, EV_WRITE);
	bufferevent_setfd(bev, fd);
	bev->enabled |= EV_WRITE; /* as it is from the start: what is queued arms it */
}

void
conn_open_dialled(struct conn *c, int fd)
{
	c->fd = fd;
	set_descriptor(c->bev, fd);
	stream_attach(c);
	c->opened_ms = c->active_ms = c->progress_ms = loop_now_ms(conn_loop(c));
	if (c->dialled->tls != NULL) {
		if (conn_begin_tls_client(c) < 0) {
			dial_shake_failed(c, ENOMEM);
			conn_cut(c, SOCKD_BY_ERROR);
		}
		return;
	}
	conn_enter(c, CONN_OPEN);
	if (c->entries->open != NULL) {
		c->in_entry = true;
		WATCHED(c->scope->listener->watch, WATCH_OPEN, c->id,
			c->entries->open(api_conn(c), api_reader(c), api_writer(c)));
		c->in_entry = false;
	}
	if (c->state != CONN_OPEN)
		return;
	stream_arm(c);
	conn_rearm(c);
}
