/* An estate holds lists and nothing else: what hangs in them takes itself out when it ends, and says so. */
#include "engine/estate.h"

#include "engine/api.h"
#include "engine/conn.h"
#include "engine/dial.h"
#include "engine/engine_private.h"
#include "engine/handler.h"
#include "engine/offload.h"
#include "engine/strand.h"
#include "engine/timer.h"

void
estate_init(struct estate *e, struct handler_thread *thread, struct conn *conn)
{
	*e = (struct estate){ .thread = thread, .conn = conn, .ended_tail = &e->ended };
}

struct estate *
estate_of_conn(struct conn *c)
{
	if (c->estate == NULL) {
		c->estate = malloc(sizeof *c->estate);
		if (c->estate == NULL)
			return NULL;
		estate_init(c->estate, c->scope->thread, c);
	}
	return c->estate;
}

uint32_t
estate_watch(const struct estate *e)
{
	return instance_watch(e->thread->handler->instance);
}

uint64_t
estate_conn_id(const struct estate *e)
{
	return e->conn != NULL ? e->conn->id : 0;
}

struct sockd_host
estate_host(const struct estate *e)
{
	return e->conn != NULL ? api_host(e->conn) : handler_thread_host(e->thread);
}

static void
estate_end_dialled(struct estate *e, bool forced)
{
	for (struct dialled *d = e->dialled; d != NULL; d = d->next)
		if (forced)
			conn_cut(d->conn, SOCKD_BY_HANDLER);
		else
			conn_finish(d->conn, SOCKD_BY_HANDLER);
}

void
estate_end(struct estate *e, bool forced)
{
	e->closed = true;
	while (e->timers != NULL)
		timer_free(e->timers);
	for (struct strand *s = e->alive; s != NULL; s = s->next)
		strand_cancel(s);
	estate_end_dialled(e, forced);
	offload_forget_scope(e);
}

void
estate_close(struct estate *e)
{
	estate_end(e, false);
}

bool
estate_is_over(const struct estate *e)
{
	return e->alive == NULL && e->dialled == NULL && e->join_count == 0;
}

bool
estate_is_quiet(const struct estate *e)
{
	for (const struct strand *s = e->alive; s != NULL; s = s->next)
		if (!strand_is_quiet(s))
			return false;
	for (const struct dialled *d = e->dialled; d != NULL; d = d->next)
		if (d->conn->state == CONN_DIALLING || d->conn->state == CONN_HANDSHAKE ||
			(d->conn->state == CONN_OPEN && !conn_is_quiet(d->conn)))
			return false;
	return true;
}

void
estate_may_be_quiet(struct estate *e)
{
	if (e->conn != NULL) /* a loop's waits for its ends only */
		conn_may_be_quiet(e->conn);
}

void
estate_give_end(struct estate *e)
{
	for (struct strand *s = e->alive; s != NULL; s = s->next)
		strand_give_end(s);
	for (struct dialled *d = e->dialled; d != NULL; d = d->next)
		if (d->conn->state == CONN_OPEN && !d->conn->end_given)
			conn_give_end(d->conn);
}

void
estate_changed(struct estate *e)
{
	if (e->conn != NULL)
		conn_settle_later(e->conn);
	else
		handler_thread_changed(e->thread);
}

void
estate_fini(struct estate *e)
{
	while (e->ended != NULL)
		strand_forget(e->ended);
}
