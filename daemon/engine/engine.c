/* How an engine comes up and goes down. Every loop runs its plugins' thread_start(), watches its sockets and
 * comes to a gate; the main thread looks at all of them and lets all serve or all give up. Nothing is
 * accepted before that, since no loop turns before it. */
#include "engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "engine/dgram.h"
#include "engine/engine_private.h"
#include "engine/scope.h"

/* ---- building ---- */

static int
engine_add_listener(
	struct engine *engine, size_t i, const struct cfg_listener *cfg, struct instance *instance)
{
	struct listener *l = &engine->listeners[i];
	bool counts = i < engine->listener_count;

	*l = (struct listener){ .index = (unsigned)i,
		.cfg = cfg,
		.instance = instance,
		.plugin = instance_plugin(instance),
		.entries = conn_entries_of(instance_plugin(instance)),
		.fiber_stack = (size_t)engine->snapshot->config->daemon.fiber_stack,
		.engine = engine };
	l->scopes = calloc(engine->loop_count, sizeof *l->scopes);
	if (l->scopes == NULL)
		return -ENOMEM;
	for (unsigned n = 0; n < engine->loop_count; n++) {
		l->scopes[n] = (struct scope){ .listener = l,
			.loop = engine->loops[n],
			.cells = counts ? metric_cells(engine->metrics, n, engine->snapshot->metric_rows[i])
					: NULL };
		estate_init(&l->scopes[n].estate, &l->scopes[n], NULL);
	}
	if (l->plugin->on_connection != NULL)
		engine->observe_mask |= l->plugin->observe;
	engine->observes_errors |= l->plugin->on_error != NULL;
	return 0;
}

static int
engine_add_listeners(struct engine *engine, const struct engine_options *o)
{
	const struct config *config = o->snapshot->config;

	for (size_t i = 0; i < engine->listener_count; i++)
		if (engine_add_listener(engine, i, &config->listeners[i], o->instances[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < engine->observer_count; i++) {
		engine->observer_names[i].name = config->daemon.observers[i].plugin;
		if (engine_add_listener(engine, engine->listener_count + i, &engine->observer_names[i],
			    o->observers[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Home loops are spread over the stream sockets. */
static void
engine_add_acceptors(struct engine *engine)
{
	const struct snapshot *s = engine->snapshot;

	for (size_t i = 0; i < s->socket_count; i++) {
		struct snapshot_socket *socket = &s->sockets[i];
		struct acceptor *a = &engine->acceptors[engine->acceptor_count];
		struct listener *l = &engine->listeners[socket->listener];

		if (cfg_transport_is_datagram(socket->transport))
			continue;
		a->listener = l;
		a->transport = socket->transport;
		a->socket = socket;
		a->home = engine->loops[l->cfg->one_thread ? 0 : engine->acceptor_count % engine->loop_count];
		engine->acceptor_count++;
	}
}

static int
engine_allocate(struct engine *engine)
{
	size_t count = engine->listener_count + engine->observer_count;

	engine->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	engine->loops = calloc(engine->loop_count, sizeof(struct loop *));
	engine->orders = calloc(engine->loop_count, sizeof *engine->orders);
	engine->listeners = calloc(count + 1, sizeof *engine->listeners);
	engine->observer_names = calloc(engine->observer_count + 1, sizeof *engine->observer_names);
	engine->acceptors = calloc(engine->snapshot->socket_count + 1, sizeof *engine->acceptors);
	if (engine->done_fd < 0 || engine->loops == NULL || engine->orders == NULL ||
		engine->listeners == NULL || engine->observer_names == NULL || engine->acceptors == NULL)
		return -ENOMEM;
	return 0;
}

static int
engine_build(struct engine *engine, const struct engine_options *o, struct err *e)
{
	if (engine_allocate(engine) < 0)
		return err_set(e, -ENOMEM, "no memory for the engine");
	for (unsigned i = 0; i < engine->loop_count; i++) {
		int r = loop_new(engine, i, &engine->loops[i], e);

		if (r < 0)
			return r;
	}
	if (engine_add_listeners(engine, o) < 0)
		return err_set(e, -ENOMEM, "no memory for the listeners");
	engine_add_acceptors(engine);
	return 0;
}

int
engine_new(const struct engine_options *o, struct engine **ret, struct err *e)
{
	struct engine *engine = mem_new(*engine);
	int r;

	if (engine == NULL)
		return err_set(e, -ENOMEM, "no memory for the engine");
	engine->snapshot = o->snapshot;
	engine->metrics = o->metrics;
	engine->loop_count = o->snapshot->loops;
	engine->listener_count = o->snapshot->config->listener_count;
	engine->observer_count = o->snapshot->config->daemon.observer_count;
	engine->done_fd = -1;
	engine->gate =
		(struct gate){ .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	r = engine_build(engine, o, e);
	if (r < 0) {
		engine_free(engine);
		return r;
	}
	*ret = engine;
	return 0;
}

/* ---- starting, on the loops ---- */

/* Which loop reads a datagram socket: a member of a group its own, a lone socket any one, but always the
 * same. */
static bool
socket_belongs(const struct loop *loop, const struct snapshot_socket *s, size_t index)
{
	const struct engine *engine = loop->engine;

	if (engine->listeners[s->listener].cfg->one_thread)
		return loop->index == 0;
	return loop->index == (s->transport == CFG_UDP ? s->member : index) % engine->loop_count;
}

static int
loop_open_endpoints(struct loop *loop, struct err *e)
{
	const struct engine *engine = loop->engine;
	const struct snapshot *s = engine->snapshot;

	for (size_t i = 0; i < s->socket_count; i++) {
		const struct snapshot_socket *socket = &s->sockets[i];
		struct listener *l = &engine->listeners[socket->listener];
		struct endpoint *endpoint;
		int r;

		if (!cfg_transport_is_datagram(socket->transport) || !socket_belongs(loop, socket, i))
			continue;
		r = endpoint_open(&l->scopes[loop->index], socket->fd, socket->transport, &socket->local,
			socket->local_size, &endpoint, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
loop_start_scopes(struct loop *loop, struct err *e)
{
	const struct engine *engine = loop->engine;

	for (size_t i = 0; i < engine->listener_count + engine->observer_count; i++) {
		struct scope *scope = &engine->listeners[i].scopes[loop->index];
		int r;

		if (engine->listeners[i].cfg->one_thread && loop->index != 0)
			continue;
		r = instance_thread_start(scope->listener->instance, loop->index, scope_host(scope), e);
		if (r < 0)
			return r;
		scope->thread_started = true;
		scope->thread_state = instance_thread_state(scope->listener->instance, loop->index);
	}
	return 0;
}

/* After a drain only timers are left. A loop that never served may have strands of thread_start(): they run
 * to their end, cancelled. */
static void
loop_end_estates(struct loop *loop)
{
	const struct engine *engine = loop->engine;

	for (size_t i = 0; i < engine->listener_count + engine->observer_count; i++) {
		struct estate *e = &engine->listeners[i].scopes[loop->index].estate;

		estate_close(e);
		while (!estate_is_over(e))
			loop_turn(loop);
		estate_fini(e);
	}
}

static void
loop_stop_scopes(struct loop *loop)
{
	const struct engine *engine = loop->engine;

	for (size_t i = engine->listener_count + engine->observer_count; i-- > 0;) {
		struct scope *scope = &engine->listeners[i].scopes[loop->index];

		if (scope->thread_started)
			instance_thread_stop(scope->listener->instance, loop->index);
		scope->thread_started = false;
	}
}

static int
loop_prepare(struct loop *loop, struct err *e)
{
	struct engine *engine = loop->engine;
	int r = loop_start_scopes(loop, e);

	if (r == 0)
		r = loop_open_endpoints(loop, e);
	for (size_t i = 0; r == 0 && i < engine->acceptor_count; i++)
		if (engine->acceptors[i].home == loop)
			r = acceptor_open(&engine->acceptors[i], e);
	return r;
}

static void
loop_close_all(struct loop *loop)
{
	struct engine *engine = loop->engine;

	for (size_t i = 0; i < engine->acceptor_count; i++)
		if (engine->acceptors[i].home == loop)
			acceptor_abandon(&engine->acceptors[i]);
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		struct endpoint *endpoint = slab_at(&loop->endpoints, i);

		if (endpoint != NULL)
			endpoint_free(endpoint);
	}
}

/* @return false when the engine does not start after all */
static bool
gate_pass(struct gate *g)
{
	bool serve;

	pthread_mutex_lock(&g->lock);
	g->prepared++;
	pthread_cond_broadcast(&g->changed);
	while (g->state == GATE_CLOSED)
		pthread_cond_wait(&g->changed, &g->lock);
	serve = g->state == GATE_SERVE;
	pthread_mutex_unlock(&g->lock);
	return serve;
}

static void *
loop_main(void *arg)
{
	struct loop *loop = arg;
	struct engine *engine = loop->engine;

	log_thread_attach();
	loop_enter(loop);
	loop->start_result = loop_prepare(loop, &loop->start_error);
	if (gate_pass(&engine->gate))
		loop_run(loop);
	loop_close_all(loop);
	loop_end_estates(loop);
	loop_stop_scopes(loop);
	loop_leave(loop);
	log_thread_detach();
	return NULL;
}

/* ---- starting, on the main thread ---- */

static int
engine_start_instances(struct engine *engine, struct err *e)
{
	for (size_t i = 0; i < engine->listener_count + engine->observer_count; i++) {
		struct listener *l = &engine->listeners[i];
		int r = instance_start(l->instance, listener_host(l), e);

		if (r < 0)
			return r;
		engine->instances_started = i + 1;
	}
	return 0;
}

static void
engine_stop_instances(struct engine *engine)
{
	while (engine->instances_started > 0)
		instance_stop(engine->listeners[--engine->instances_started].instance);
}

/* Loops take no signals: they belong to whoever runs the main thread. */
static int
engine_start_threads(struct engine *engine, unsigned *ret_running, struct err *e)
{
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < engine->loop_count && error == 0; i++) {
		error = pthread_create(&engine->loops[i]->thread, NULL, loop_main, engine->loops[i]);
		engine->loops[i]->running = error == 0;
		*ret_running += error == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return err_set(e, -error, "cannot start the thread of an event loop: %s", strerror(error));
	return 0;
}

static void
engine_join(struct engine *engine)
{
	for (unsigned i = 0; i < engine->loop_count; i++)
		if (engine->loops[i] != NULL && engine->loops[i]->running) {
			pthread_join(engine->loops[i]->thread, NULL);
			engine->loops[i]->running = false;
		}
}

/* The first failure of a loop's preparation, once @p count loops have come to the gate. */
static int
gate_wait(struct engine *engine, unsigned count, struct err *e)
{
	struct gate *g = &engine->gate;
	int r = 0;

	pthread_mutex_lock(&g->lock);
	while (g->prepared < count)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
	for (unsigned i = 0; i < count && r == 0; i++) {
		r = engine->loops[i]->start_result;
		if (r < 0 && e != NULL)
			*e = engine->loops[i]->start_error;
	}
	return r;
}

static void
gate_open(struct gate *g, bool serve)
{
	pthread_mutex_lock(&g->lock);
	g->state = serve ? GATE_SERVE : GATE_GIVE_UP;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static int
engine_start_loops(struct engine *engine, struct err *e)
{
	unsigned running = 0;
	int r = engine_start_threads(engine, &running, e);

	if (r == 0)
		r = gate_wait(engine, running, e);
	gate_open(&engine->gate, r == 0);
	return r;
}

int
engine_start(struct engine *engine, struct err *e)
{
	int r;

	scope_set_engine(engine);
	atomic_store(&engine->loops_busy, engine->loop_count);
	atomic_store(&engine->loops_accepting, engine->loop_count);
	r = engine_start_instances(engine, e);
	if (r == 0)
		r = engine_start_loops(engine, e);
	if (r < 0) {
		engine_join(engine);
		engine_stop_instances(engine);
		return r;
	}
	engine->started = true;
	return 0;
}

/* ---- serving and ending ---- */

void
engine_reopen(struct engine *engine)
{
	for (size_t i = 0; i < engine->instances_started; i++) {
		const struct listener *l = &engine->listeners[i];

		if (l->plugin->reopen != NULL)
			l->plugin->reopen(instance_data(l->instance));
	}
}

void
engine_tell_server(struct engine *engine, const char *event, const char *text)
{
	for (size_t i = 0; i < engine->instances_started; i++) {
		const struct listener *l = &engine->listeners[i];

		if (l->plugin->on_server != NULL)
			l->plugin->on_server(instance_data(l->instance), event, text);
	}
}

int
engine_done_fd(const struct engine *engine)
{
	return engine->done_fd;
}

struct engine_counts
engine_counts(const struct engine *engine)
{
	struct engine_counts counts = { .drained = atomic_load(&engine->drained),
		.forced = atomic_load(&engine->forced) };

	for (size_t i = 0; i < engine->listener_count; i++)
		counts.open += atomic_load_explicit(&engine->listeners[i].open, memory_order_relaxed);
	return counts;
}

static void
engine_stop_loops(struct engine *engine)
{
	struct pollfd done = { .fd = engine->done_fd, .events = POLLIN };

	engine_shutdown(engine);
	while (poll(&done, 1, -1) < 0 && errno == EINTR)
		;
	drain_order_all(engine, ORDER_STOP);
	engine_join(engine);
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	if (engine->started) {
		engine_stop_loops(engine);
		engine_stop_instances(engine);
	}
	scope_set_engine(NULL);
	for (size_t i = 0; engine->listeners != NULL && i < engine->listener_count + engine->observer_count;
		i++)
		free(engine->listeners[i].scopes);
	for (unsigned i = 0; engine->loops != NULL && i < engine->loop_count; i++)
		loop_free(engine->loops[i]);
	cleanup_fd(&engine->done_fd);
	free(engine->acceptors);
	free(engine->observer_names);
	free(engine->listeners);
	free(engine->orders);
	free(engine->loops);
	free(engine);
}
