/* The turn of a loop: the poller waits and calls back, or libevent where it has something to wait for; then,
 * from the loop's own frame, what the callbacks deferred is done and the fibers that became ready run.
 * Nothing of a plugin that may switch stacks or free what a callback holds ever runs inside the callbacks'
 * frames. The wait is one a turn, and blocks only if nothing is left over.
 *
 * All our timeouts are in the wheel, whose next wish bounds the wait: those of a bufferevent do nothing while
 * its EV_READ is off. */
#include "engine/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "engine/admission.h"
#include "engine/conn.h"
#include "engine/dgram.h"
#include "engine/engine_private.h"
#include "engine/strand.h"
#include "engine/stream_splice.h"
#include "engine/timer.h"

/* To sleep for less takes longer. */
enum { SHORTEST_SLEEP_NS = 2000 };

/* Which loop a thread is, so that an operation can tell its own thread from a foreign one. */
static _Thread_local struct loop *here;

struct loop *
loop_here(void)
{
	return here;
}

bool
loop_guards(const void *address)
{
	return here != NULL && fiber_of_guard(here->fibers, address) != NULL;
}

int64_t
loop_now_ms(struct loop *loop)
{
	if (loop->now_ms == 0)
		loop->now_ms = clock_now_ms();
	return loop->now_ms;
}

void
loop_defer(struct loop *loop, struct loop_task *task)
{
	if (task->link != NULL)
		return;
	task->next = NULL;
	task->link = loop->tasks_end;
	*loop->tasks_end = task;
	loop->tasks_end = &task->next;
}

void
loop_undefer(struct loop *loop, struct loop_task *task)
{
	if (task->link == NULL)
		return;
	*task->link = task->next;
	if (task->next != NULL)
		task->next->link = task->link;
	else
		loop->tasks_end = task->link;
	task->link = NULL;
}

/* What tasks defer meanwhile waits for the next round, so that a round ends. */
static void
loop_run_tasks(struct loop *loop)
{
	struct loop_task *last = NULL;

	if (loop->tasks == NULL)
		return;
	last = container_of(loop->tasks_end, struct loop_task, next);
	for (bool more = true; more && loop->tasks != NULL;) {
		struct loop_task *task = loop->tasks;

		more = task != last;
		loop_undefer(loop, task);
		task->run(loop, task);
	}
}

static void
loop_fire(struct wheel_node *node, void *arg)
{
	struct loop_timer *timer = container_of(node, struct loop_timer, node);

	timer->fire(arg, timer);
}

static void
loop_on_mail(struct poller_watch *w)
{
	struct loop *loop = container_of(w, struct loop, mail);

	mailbox_deliver(&loop->mailbox, loop);
}

static void
loop_on_alarm(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg; /* it ends a wait, no more */
}

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ms)
{
	wheel_set(&loop->wheel, &timer->node, at_ms);
}

void
loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	wheel_clear(&loop->wheel, &timer->node);
}

static int
loop_base_new(struct event_base **ret)
{
	struct event_config *config = event_config_new();

	if (config == NULL)
		return -ENOMEM;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	*ret = event_base_new_with_config(config);
	event_config_free(config);
	return *ret != NULL ? 0 : -ENOMEM;
}

int
loop_new(struct engine *engine, unsigned index, struct loop **ret, struct err *e)
{
	struct loop *loop = mem_new(*loop);
	int r;

	if (loop == NULL)
		return err_set(e, -ENOMEM, "no memory for an event loop");
	*loop = (struct loop){ .index = index, .engine = engine };
	loop->mailbox.fd = loop->poller.fd = -1;
	loop->tasks_end = &loop->tasks;
	slab_init(&loop->conns, sizeof(struct conn));
	slab_init(&loop->endpoints, sizeof(struct endpoint));
	slab_init(&loop->strands, sizeof(struct strand));
	slab_init(&loop->timers, sizeof(struct plugin_timer));
	loop->buffer = malloc(LOOP_BUFFER_SIZE);
	if (loop->buffer == NULL || loop_base_new(&loop->base) < 0) {
		loop_free(loop);
		return err_set(e, -ENOMEM, "cannot create event loop %u", index);
	}
	wheel_init(&loop->wheel, clock_now_ms());
	r = mailbox_init(&loop->mailbox, e);
	if (r == 0)
		r = poller_init(&loop->poller, loop, e);
	if (r == 0)
		r = fiber_set_new(&loop->fibers, e);
	if (r < 0) {
		loop_free(loop);
		return r;
	}
	event_assign(&loop->alarm, loop->base, -1, 0, loop_on_alarm, NULL);
	loop->mail = (struct poller_watch){ .fd = loop->mailbox.fd, .ready = loop_on_mail };
	r = poller_watch(&loop->poller, &loop->mail);
	if (r < 0) {
		loop_free(loop);
		return err_set(e, r, "cannot watch the mailbox of event loop %u", index);
	}
	*ret = loop;
	return 0;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	admission_fini(loop);
	fiber_set_free(loop->fibers);
	if (loop->base != NULL) {
		poller_fini(&loop->poller);
		event_base_free(loop->base); /* runs what bufferevent_free() left to be finalised */
	}
	mailbox_fini(&loop->mailbox);
	slab_fini(&loop->conns);
	slab_fini(&loop->endpoints);
	slab_fini(&loop->strands);
	slab_fini(&loop->timers);
	conn_ids_fini(&loop->conn_ids);
	stream_splice_close(loop);
	free(loop->buffer);
	free(loop->wire);
	free(loop);
}

/* Everything after the callbacks: tasks first, since they may make fibers ready. */
static void
loop_finish_turn(struct loop *loop)
{
	loop_run_tasks(loop);
	fiber_run_ready(loop->fibers);
	loop_run_tasks(loop);
}

void
loop_enter(struct loop *loop)
{
	here = loop;
}

void
loop_leave(struct loop *loop)
{
	(void)loop; /* this thread's */
	here = NULL;
}

/* @return milliseconds until something is to be done, whatever comes; -1: nothing is */
static int
loop_patience_ms(const struct loop *loop)
{
	int64_t next_ms, wait_ms;

	if (loop->tasks != NULL || fiber_has_ready(loop->fibers))
		return 0;
	next_ms = wheel_next_ms(&loop->wheel);
	if (next_ms == CLOCK_NEVER)
		return -1;
	wait_ms = next_ms - clock_now_ms(); /* the last turn may have taken long */
	return wait_ms < 0 ? 0 : wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}

/* The poller is one of the events that it waits for, and comes last: what is pending goes out before more is
 * read, which then need not be copied behind it. */
static void
loop_wait_by_libevent(struct loop *loop, int wait_ms)
{
	if (wait_ms > 0)
		event_add(&loop->alarm,
			&(struct timeval){ .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000L });
	event_base_loop(loop->base, EVLOOP_ONCE | (wait_ms == 0 ? EVLOOP_NONBLOCK : 0));
	event_del(&loop->alarm);
	if (loop->poller.due)
		poller_wait(&loop->poller, loop, 0);
}

/* Libevent has more than the poller: output that waits for its socket, connections that are being made, or
 * what bufferevent_free() left to be done. */
static bool
loop_needs_libevent(const struct loop *loop)
{
	return event_base_get_num_events(loop->base, EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE) > 1;
}

void
loop_time_finely(const struct loop *loop)
{
	if (loop->coalesce_us > 0)
		(void)prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); /* else messages gather for longer */
}

/* Each look at the sockets has its price, and who is answered for each message by itself wakes for each: what
 * comes within daemon.coalesce_us is served together, as packets are by network cards (ethtool(8), rx-usecs).
 * A loop that works for as long as that does not stop. */
static void
loop_let_gather(const struct loop *loop)
{
	int64_t until_ns = loop->looked_ns + (int64_t)loop->coalesce_us * 1000;

	if (until_ns - clock_now_ns() > SHORTEST_SLEEP_NS)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
			&(struct timespec){
				.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000 },
			NULL);
}

void
loop_turn(struct loop *loop)
{
	int wait_ms = loop_patience_ms(loop);

	loop->now_ms = 0;
	if (loop->coalesce_us > 0 && wait_ms != 0)
		loop_let_gather(loop);
	if (loop_needs_libevent(loop))
		loop_wait_by_libevent(loop, wait_ms);
	else
		poller_wait(&loop->poller, loop, wait_ms);
	if (loop->coalesce_us > 0)
		loop->looked_ns = clock_now_ns();
	if (wheel_next_ms(&loop->wheel) <= loop_now_ms(loop))
		wheel_advance(&loop->wheel, loop_now_ms(loop), loop_fire, loop);
	loop_finish_turn(loop);
}

void
loop_run(struct loop *loop)
{
	while (!loop->stopping || loop->works > 0)
		loop_turn(loop);
	mailbox_close(&loop->mailbox, loop);
	loop_run_tasks(loop);
	event_base_loop(loop->base, EVLOOP_NONBLOCK);
}
