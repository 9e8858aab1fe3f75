/* An estate holds lists and nothing else: what hangs in them takes itself out when it ends, and says so. */
#include "engine/estate.h"

#include "engine/conn.h"
#include "engine/engine_private.h"
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

void
estate_close(struct estate *e)
{
	e->closed = true;
	while (e->timers != NULL)
		timer_free(e->timers);
	for (struct strand *s = e->alive; s != NULL; s = s->next)
		strand_cancel(s);
}

bool
estate_is_over(const struct estate *e)
{
	return e->alive == NULL;
}

bool
estate_is_quiet(const struct estate *e)
{
	for (const struct strand *s = e->alive; s != NULL; s = s->next)
		if (!strand_is_quiet(s))
			return false;
	return true;
}

void
estate_give_end(struct estate *e)
{
	for (struct strand *s = e->alive; s != NULL; s = s->next)
		strand_give_end(s);
}

void
estate_changed(struct estate *e)
{
	if (e->conn != NULL)
		conn_settle_later(e->conn);
	else if (e->thread->ending)
		loop_defer(e->thread->loop, &e->thread->settle);
	else
		engine_check_idle_later(e->thread->loop);
}

void
estate_fini(struct estate *e)
{
	while (e->ended != NULL)
		strand_forget(e->ended);
}
