/* What an endpoint is told: to begin, to wait, to go on for another listener, to end. None of it runs code of
 * a plugin; that is left to the step that it asks for. */
#include "engine/dgram.h"

enum { DRAIN_MS = 1000 };

/* Read until the socket is empty or @p by_ms has come, then end. */
static void
endpoint_begin_drain(struct endpoint *ep, int64_t by_ms)
{
	if (ep->state != ENDPOINT_OPEN)
		return;
	endpoint_disarm(ep);
	ep->paused = ep->held = ep->drained = false;
	ep->state = ENDPOINT_DRAINING;
	ep->drain_by_ms = by_ms;
	loop_timer_clear(endpoint_loop(ep), &ep->timer);
	loop_defer(endpoint_loop(ep), &ep->task);
}

void
endpoint_drain(struct endpoint *ep)
{
	endpoint_begin_drain(ep, loop_now_ms(endpoint_loop(ep)) + DRAIN_MS);
}

void
endpoint_retire(struct endpoint *ep)
{
	endpoint_begin_drain(ep, loop_now_ms(endpoint_loop(ep)));
}

static void
endpoint_on_deadline(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* its own */
	endpoint_cut(container_of(timer, struct endpoint, timer));
}

void
endpoint_release(struct endpoint *ep, int64_t cut_at_ms)
{
	if (ep->state == ENDPOINT_ENDED) {
		endpoint_free(ep);
		return;
	}
	ep->released = true;
	ep->timer.fire = endpoint_on_deadline; /* one that drains has no other use for its timer */
	loop_timer_set(endpoint_loop(ep), &ep->timer, cut_at_ms);
}

void
endpoint_hold(struct endpoint *ep, bool held)
{
	ep->held = held;
	if (held) {
		endpoint_disarm(ep);
	} else if (ep->state == ENDPOINT_OPEN) {
		endpoint_arm(ep);
		loop_defer(endpoint_loop(ep), &ep->task);
	}
}

void
endpoint_hand_over(struct endpoint *ep, struct scope *to)
{
	struct scope *from = ep->scope;

	scope_hold(to);
	ep->scope = to;
	scope_release(from);
}

void
endpoint_cut(struct endpoint *ep)
{
	if (ep->cut || ep->state == ENDPOINT_ENDED)
		return;
	ep->cut = true;
	endpoint_disarm(ep);
	loop_defer(endpoint_loop(ep), &ep->task);
}
