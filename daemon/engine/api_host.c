/* What a plugin may ask of the daemon itself. A host handle names a connection, a listener on one loop, or a
 * whole instance; the last two are found without their loop, because operations marked [any] come from any
 * thread. For that the engine of this process stands here: a process has one, and it outlives every plugin.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "engine/api.h"
#include "engine/engine_private.h"
#include "engine/scope.h"
#include "engine/serve.h"

static struct engine *the_engine;

void
scope_set_engine(struct engine *engine)
{
	the_engine = engine;
}

/* The handler behind any host handle, from any thread. A connection's needs its loop. */
static struct handler *
find_handler(struct sockd_host h, struct conn **ret_conn)
{
	struct handler *handler;

	*ret_conn = NULL;
	if (ref_kind(h.ref) == REF_CONN) {
		*ret_conn = api_find(h.ref);
		return *ret_conn != NULL ? (*ret_conn)->scope->listener->handler : NULL;
	}
	handler = handler_find(the_engine, h.ref);
	if (handler == NULL)
		errno = EBADF;
	return handler;
}

static printf_like(4, 0) int host_vlog(
	struct sockd_host h, int level, const char *event, const char *format, va_list args)
{
	struct conn *c;
	const struct handler *handler = find_handler(h, &c);
	char text[1024];

	if (level < SOCKD_LOG_ERROR || level > SOCKD_LOG_DEBUG || event == NULL)
		return api_fail(-EINVAL);
	if (!log_is_on(level))
		return 0;
	vsnprintf(text, sizeof text, format, args);
	LOG_AT(level, event, LOG_S("listener", handler != NULL ? handler->name : NULL),
		LOG_S("plugin", handler != NULL ? handler->plugin_name : NULL),
		c != NULL ? LOG_U("conn", c->id) : LOG_S("conn", NULL), LOG_S("msg", text));
	return 0;
}

static int64_t
host_now(struct sockd_host h)
{
	(void)h; /* one clock for all scopes */
	return clock_now_ms();
}

static int64_t
host_wall(struct sockd_host h)
{
	(void)h;
	return clock_wall_ms();
}

struct sleeper {
	struct loop_timer timer;
	struct fiber *fiber;
};

static void
sleeper_fire(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* the fiber's own */
	fiber_wake(container_of(timer, struct sleeper, timer)->fiber, WAKE_TIMEOUT);
}

int
scope_park(struct loop *loop, int64_t deadline_ms)
{
	struct sleeper s = { .timer.fire = sleeper_fire, .fiber = fiber_current(loop->fibers) };
	int code;

	if (deadline_ms != CLOCK_NEVER)
		loop_timer_set(loop, &s.timer, deadline_ms);
	code = fiber_park(s.fiber);
	loop_timer_clear(loop, &s.timer);
	return code;
}

static int
sleep_in_scope(struct loop *loop, int64_t until_ms)
{
	int code = scope_park(loop, until_ms);

	if (code == WAKE_CANCEL)
		return -ECANCELED;
	return code == WAKE_END ? -ESHUTDOWN : 0;
}

static int
host_sleep(struct sockd_host h, int64_t ms)
{
	struct loop *loop = loop_here();
	struct conn *c;
	int64_t until_ms;
	int r = 0;

	if (loop == NULL || fiber_current(loop->fibers) == NULL)
		return api_fail(-EDEADLK);
	if (find_handler(h, &c) == NULL)
		return -1;
	until_ms = ms == SOCKD_FOREVER ? CLOCK_NEVER : clock_now_ms() + ms;
	if (c == NULL)
		return api_fail(sleep_in_scope(loop, until_ms));
	while (r == 0 && clock_now_ms() < until_ms)
		r = serve_wait(c, SERVE_SLEEPS, until_ms);
	return r == -ETIMEDOUT && c->state == CONN_OPEN ? 0 : api_fail(r);
}

static int64_t
host_open_connections(struct sockd_host h)
{
	struct conn *c;
	const struct handler *handler = find_handler(h, &c);

	if (handler == NULL)
		return -1;
	return handler->tally != NULL ? atomic_load_explicit(&handler->tally->open, memory_order_relaxed) : 0;
}

static void *
host_instance(struct sockd_host h)
{
	struct conn *c;
	const struct handler *handler = find_handler(h, &c);

	return handler != NULL ? handler->data : NULL;
}

static const struct sockd_settings *
host_settings(struct sockd_host h)
{
	struct conn *c;
	const struct handler *handler = find_handler(h, &c);

	return handler != NULL ? handler->settings : NULL;
}

static void *
host_thread_state(struct sockd_host h)
{
	const struct handler *handler;
	const struct loop *loop = loop_here();
	struct conn *c;

	handler = find_handler(h, &c);
	if (handler == NULL)
		return NULL;
	if (c != NULL)
		return c->scope->thread->state;
	if (ref_kind(h.ref) != REF_THREAD || loop == NULL || loop->index != ref_loop(h.ref))
		return NULL;
	return handler->threads[loop->index].state;
}

const struct sockd_host_ops host_ops = {
	.size = sizeof(struct sockd_host_ops),
	.vlog = host_vlog,
	.now = host_now,
	.wall = host_wall,
	.sleep = host_sleep,
	.open_connections = host_open_connections,
	.instance = host_instance,
	.settings = host_settings,
	.thread_state = host_thread_state,
};
