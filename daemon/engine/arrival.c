/* One small object for each client that waits, in a list of its loop. While it waits nothing is read, so the
 * kernel holds what the client sends; one that has gone meanwhile is noticed when its connection begins. */
#include "engine/arrival.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/admission.h"
#include "engine/api.h"
#include "engine/conn.h"
#include "engine/engine_private.h"

struct arrival {
	struct arrival *next, **link; /* of the loop's list */
	struct scope *scope;          /* held */
	struct newcomer newcomer;
	struct loop_timer timer; /* its turn */
};

static void
arrival_unlink(struct arrival *a)
{
	*a->link = a->next;
	if (a->next != NULL)
		a->next->link = a->link;
	loop_timer_clear(a->scope->loop, &a->timer);
}

/* It waits no longer: whoever takes the newcomer has it now. */
static void
arrival_free(struct arrival *a)
{
	struct scope *scope = a->scope;

	arrival_unlink(a);
	free(a);
	scope_release(scope);
}

static void
arrival_go_in(struct arrival *a)
{
	struct newcomer n = a->newcomer;

	conn_begin(a->scope, &n);
	arrival_free(a);
}

static void
arrival_on_timer(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* the scope's */
	arrival_go_in(container_of(timer, struct arrival, timer));
}

bool
arrival_begin(struct scope *scope, const struct newcomer *n)
{
	struct loop *loop = scope->loop;
	struct arrival *a = mem_new(*a);

	if (a == NULL)
		return false;
	a->scope = scope;
	a->newcomer = *n;
	a->timer.fire = arrival_on_timer;
	a->next = loop->arrivals;
	a->link = &loop->arrivals;
	if (a->next != NULL)
		a->next->link = &a->next;
	loop->arrivals = a;
	scope_hold(scope);
	metric_add(scope->cells, METRIC_CONNECTIONS_DELAYED, 1);
	loop_timer_set(loop, &a->timer, loop_now_ms(loop) + n->wait_ms);
	return true;
}

void
arrivals_hurry(struct loop *loop)
{
	while (loop->arrivals != NULL)
		arrival_go_in(loop->arrivals);
}

static void
arrival_end(struct arrival *a, int reason)
{
	struct loop *loop = a->scope->loop;

	log_info("conn_refused", LOG_S("listener", a->scope->listener->cfg->name),
		LOG_S("reason", api_reason_name(reason)));
	close(a->newcomer.fd);
	admission_forget(&a->newcomer);
	atomic_fetch_sub_explicit(&a->scope->listener->tally->open, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&loop->load, 1, memory_order_relaxed);
	metric_add(a->scope->cells, metric_closed(reason), 1);
	arrival_free(a);
	engine_check_idle(loop);
}

void
arrivals_cut(struct loop *loop, int reason)
{
	while (loop->arrivals != NULL)
		arrival_end(loop->arrivals, reason);
}
