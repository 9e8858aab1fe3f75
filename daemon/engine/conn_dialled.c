/* The beginning of a connection that a plugin makes: it has a slot and a handle before it has a descriptor,
 * and belongs to whom it was dialled for. */
#include "engine/conn.h"

#include <errno.h>

#include "control/watch.h"
#include "engine/api.h"
#include "engine/dial.h"
#include "engine/stream.h"

struct conn *
conn_new_dialled(struct scope *scope, enum cfg_transport transport, struct dialled *dialled)
{
	struct conn *c = slab_take(&scope->loop->conns);

	if (c == NULL)
		return NULL;
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

void
conn_open_dialled(struct conn *c, int fd)
{
	c->fd = fd;
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
	stream_resume(c);
	conn_rearm(c);
}
