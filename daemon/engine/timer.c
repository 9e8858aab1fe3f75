/* A timer that is called for the last time is gone before its function runs, so that stopping it in there is
 * harmless; a repeating one is set anew before, for the same reason. Ticks that a busy loop has missed are
 * not made up for. */
#include "engine/timer.h"

#include <errno.h>

#include "control/watch.h"
#include "engine/api.h"
#include "engine/handler.h"

enum { TIMERS_MAX = 100000 };

void
timer_free(struct plugin_timer *t)
{
	loop_timer_clear(t->loop, &t->timer);
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->estate->timer_count--;
	slab_put(&t->loop->timers, t);
}

static void
timer_fire(struct loop *loop, struct loop_timer *timer)
{
	struct plugin_timer *t = container_of(timer, struct plugin_timer, timer);
	struct sockd_host h = estate_host(t->estate);
	sockd_timer_fn fn = t->fn;
	void *arg = t->arg;
	uint64_t conn = estate_conn_id(t->estate);
	uint32_t watch = estate_watch(t->estate);

	if (t->every_ms == 0) {
		timer_free(t);
	} else {
		t->at_ms = clock_after_ms(t->at_ms, t->every_ms);
		if (t->at_ms <= loop_now_ms(loop))
			t->at_ms = loop_now_ms(loop) + t->every_ms;
		loop_timer_set(loop, &t->timer, t->at_ms);
	}
	WATCHED(watch, WATCH_TIMER, conn, fn(h, arg));
}

uint64_t
timer_start(struct estate *e, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg)
{
	struct loop *loop = e->thread->loop;
	struct plugin_timer *t = e->timer_count < TIMERS_MAX ? slab_take(&loop->timers) : NULL;

	if (t == NULL) {
		errno = EAGAIN;
		return 0;
	}
	t->timer.fire = timer_fire;
	t->loop = loop;
	t->estate = e;
	t->every_ms = every_ms;
	t->at_ms = clock_after_ms(clock_now_ms(), first_ms);
	t->fn = fn;
	t->arg = arg;
	t->next = e->timers;
	t->link = &e->timers;
	if (t->next != NULL)
		t->next->link = &t->next;
	e->timers = t;
	e->timer_count++;
	loop_timer_set(loop, &t->timer, t->at_ms);
	return ref_make(loop->index, REF_ID, t->slot.index, t->slot.generation);
}

int
timer_stop(struct estate *e, uint64_t id)
{
	struct loop *loop = e->thread->loop;
	struct plugin_timer *t = ref_loop(id) == loop->index ? slab_find(&loop->timers, id) : NULL;

	if (t == NULL || t->estate != e)
		return -ENOENT;
	timer_free(t);
	return 0;
}
