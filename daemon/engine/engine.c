/* How an engine comes up and goes down. The loops turn before there is anything to serve; what they serve
 * comes by apply.c, the first time as every other time. At the end everything goes the way that a removed
 * listener goes: by mail, which loops that have ended no longer deliver, so that it is done on the spot. */
#include "engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdutil.h"
#include "base/log.h"
#include "control/watch.h"
#include "engine/dgram.h"
#include "engine/engine_private.h"
#include "engine/guard_order.h"
#include "engine/pool.h"
#include "guard/bans.h"
#include "guard/sources.h"
#include "engine/scope.h"
#include "net/tls_clients.h"

/* ---- mail ---- */

void
engine_tell_loop(struct engine *engine, unsigned index, struct mail *mail)
{
	struct loop *loop = engine->loops[index];

	if (mailbox_send(&loop->mailbox, mail) < 0)
		mail->deliver(loop, mail);
}

void
engine_tell_main(struct engine *engine, struct mail *mail)
{
	if (mailbox_send(&engine->main_mail, mail) < 0)
		mail->deliver(NULL, mail); /* never closed while there is an engine */
}

int
engine_main_fd(const struct engine *engine)
{
	return engine->main_mail.fd;
}

void
engine_turn(struct engine *engine)
{
	mailbox_deliver(&engine->main_mail, NULL);
}

void
engine_wait(struct engine *engine, int64_t until_ms)
{
	struct pollfd p = { .fd = engine->main_mail.fd, .events = POLLIN };
	int64_t left_ms = until_ms == CLOCK_NEVER ? -1 : until_ms - clock_now_ms();

	if (until_ms != CLOCK_NEVER && left_ms < 0)
		left_ms = 0;
	if (poll(&p, 1, (int)left_ms) > 0)
		engine_turn(engine);
}

/* ---- building ---- */

static int
engine_allocate(struct engine *engine)
{
	unsigned rows = engine->metrics->listeners;

	engine->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	engine->loops = calloc(engine->loop_count, sizeof(struct loop *));
	engine->orders = calloc(engine->loop_count, sizeof *engine->orders);
	engine->tallies = aligned_alloc(_Alignof(struct tally), (rows + 1) * sizeof *engine->tallies);
	for (unsigned i = 0; engine->tallies != NULL && i < rows; i++)
		engine->tallies[i] = (struct tally){ .occupancy = &engine->occupancy, .row = i };
	if (engine->done_fd < 0 || engine->loops == NULL || engine->orders == NULL ||
		engine->tallies == NULL || handler_table_init(&engine->handlers) < 0)
		return -ENOMEM;
	return 0;
}

static int
engine_build(struct engine *engine, struct err *e)
{
	int r = mailbox_init(&engine->main_mail, e);

	if (r < 0)
		return r;
	if (engine_allocate(engine) < 0)
		return err_set(e, -ENOMEM, "no memory for the engine");
	r = pool_new(&engine->pool, e);
	for (unsigned i = 0; i < engine->loop_count && r == 0; i++)
		r = loop_new(engine, i, &engine->loops[i], e);
	return r;
}

int
engine_new(const struct engine_options *o, struct engine **ret, struct err *e)
{
	struct engine *engine = mem_new(*engine);
	int r;

	if (engine == NULL)
		return err_set(e, -ENOMEM, "no memory for the engine");
	pthread_mutex_init(&engine->clients_lock, NULL);
	engine->metrics = o->metrics;
	engine->occupancy = o->occupancy;
	engine->fiber_stack = o->fiber_stack;
	engine->loop_count = o->loops;
	engine->release = o->release;
	engine->release_arg = o->release_arg;
	engine->done_fd = engine->main_mail.fd = -1;
	r = engine_build(engine, e);
	if (r < 0) {
		engine_free(engine);
		return r;
	}
	for (unsigned i = 0; i < o->loops; i++)
		engine->loops[i]->coalesce_us = o->coalesce_us;
	*ret = engine;
	return 0;
}

/* ---- the life of a loop ---- */

static void
loop_close_all(struct loop *loop)
{
	while (loop->acceptors != NULL)
		acceptor_free(loop->acceptors);
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		struct endpoint *endpoint = slab_at(&loop->endpoints, i);

		if (endpoint != NULL)
			endpoint_free(endpoint);
	}
}

/* After a drain only timers are left. A loop that never served may have strands of thread_start(): they run
 * to their end, cancelled. */
static void
loop_end_estates(struct loop *loop)
{
	for (struct handler_thread *t = loop->last_thread; t != NULL; t = t->before)
		estate_end(&t->estate, true);
	while (fiber_count(loop->fibers) > 0 || loop->conns.live_count > 0)
		loop_turn(loop);
}

/* As top(1) and debuggers show it. */
static void
name_thread(unsigned index)
{
	char name[16];

	snprintf(name, sizeof name, "sockd-loop-%u", index % REF_LOOP_MAX);
	pthread_setname_np(pthread_self(), name);
}

static void *
loop_main(void *arg)
{
	struct loop *loop = arg;

	name_thread(loop->index);
	log_thread_attach();
	watch_thread_begin(loop->index);
	loop_time_finely(loop);
	loop_enter(loop);
	loop_run(loop);
	loop_close_all(loop);
	loop_end_estates(loop);
	while (loop->last_thread != NULL)
		handler_thread_stop(loop->last_thread);
	loop_leave(loop);
	watch_thread_end();
	log_thread_detach();
	return NULL;
}

/* For a crash handler. */
static const char *
fiber_low(void)
{
	const struct loop *loop = loop_here();

	return loop != NULL ? fiber_low_of_running(loop->fibers) : NULL;
}

/* Loops take no signals but what they do to themselves: the others belong to whoever runs the main thread. */
static int
engine_start_threads(struct engine *engine, struct err *e)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
	for (size_t k = 0; k < array_len(own); k++)
		sigdelset(&all, own[k]);
	watch_set_stacks(loop_guards, fiber_low);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < engine->loop_count && error == 0; i++) {
		error = pthread_create(&engine->loops[i]->thread, NULL, loop_main, engine->loops[i]);
		engine->loops[i]->running = error == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return err_set(e, -error, "cannot start the thread of an event loop: %s", strerror(error));
	return 0;
}

/* Wait for the threads. A loop that never ran takes no mail either from here on. */
static void
engine_join(struct engine *engine)
{
	for (unsigned i = 0; i < engine->loop_count; i++) {
		struct loop *loop = engine->loops[i];

		if (loop->running)
			pthread_join(loop->thread, NULL);
		else
			mailbox_close(&loop->mailbox, loop);
		loop->running = false;
	}
}

static void
engine_stop_loops(struct engine *engine)
{
	struct pollfd done = { .fd = engine->done_fd, .events = POLLIN };
	bool all = true;

	for (unsigned i = 0; i < engine->loop_count; i++)
		all = all && engine->loops[i]->running;
	if (all) {
		engine_shutdown(engine);
		while (poll(&done, 1, -1) < 0 && errno == EINTR)
			;
	}
	drain_order_all(engine, ORDER_STOP);
	engine_join(engine);
}

/* The loops have ended: let go of everything in reverse, and of what that lets go of, until nothing is left.
 */
static void
engine_let_go(struct engine *engine)
{
	engine_turn(engine);
	for (size_t i = engine->listener_count; i-- > 0;)
		listener_retire(engine->listeners[i]);
	engine->listener_count = 0;
	engine_turn(engine);
	observers_unref(engine, engine->observers);
	engine->observers = NULL;
	while (engine->handlers.first != NULL)
		engine_turn(engine);
}

static void
engine_stop(struct engine *engine)
{
	if (!engine->running)
		return;
	engine->running = false;
	engine_stop_loops(engine);
	engine_let_go(engine);
}

int
engine_start(struct engine *engine, const struct engine_setup *setup, struct err *e)
{
	int r;

	scope_set_engine(engine);
	atomic_store(&engine->loops_busy, engine->loop_count);
	atomic_store(&engine->loops_accepting, engine->loop_count);
	engine->running = true;
	r = engine_start_threads(engine, e);
	if (r == 0 && setup->bans != NULL && engine_set_bans(engine, setup->bans) < 0)
		r = err_set(e, -ENOMEM, "no memory for the bans");
	if (r < 0)
		engine_give_back(engine, setup);
	else
		r = engine_apply(engine, setup, CLOCK_NEVER, e);
	if (r < 0)
		engine_stop(engine);
	return r;
}

/* ---- serving and ending ---- */

void
engine_reopen(struct engine *engine)
{
	for (const struct handler *h = engine->handlers.first; h != NULL; h = h->after)
		if (h->started && h->plugin->reopen != NULL)
			WATCHED(instance_watch(h->instance), WATCH_REOPEN, 0, h->plugin->reopen(h->data));
}

void
engine_tell_server(struct engine *engine, const char *event, const char *text)
{
	for (const struct handler *h = engine->handlers.first; h != NULL; h = h->after)
		if (h->started && h->plugin->on_server != NULL)
			WATCHED(instance_watch(h->instance), WATCH_ON_SERVER, 0,
				h->plugin->on_server(h->data, event, text));
}

int
engine_done_fd(const struct engine *engine)
{
	return engine->done_fd;
}

struct engine_counts
engine_counts(const struct engine *engine)
{
	return (struct engine_counts){ .drained = atomic_load(&engine->drained),
		.forced = atomic_load(&engine->forced) };
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	engine_stop(engine);
	scope_set_engine(NULL);
	while (engine->sockets != NULL) {
		struct bound *b = engine->sockets;

		engine->sockets = b->next;
		bound_unref(b);
	}
	pool_free(engine->pool);
	for (unsigned i = 0; engine->loops != NULL && i < engine->loop_count; i++)
		loop_free(engine->loops[i]);
	cleanup_fd(&engine->done_fd);
	mailbox_fini(&engine->main_mail);
	handler_table_fini(&engine->handlers);
	tls_clients_unref(engine->clients);
	pthread_mutex_destroy(&engine->clients_lock);
	free(engine->listeners);
	for (unsigned i = 0; engine->tallies != NULL && i < engine->metrics->listeners; i++)
		sources_unref(engine->tallies[i].sources);
	bans_unref(engine->bans);
	free(engine->tallies);
	free(engine->orders);
	free(engine->loops);
	free(engine);
}
