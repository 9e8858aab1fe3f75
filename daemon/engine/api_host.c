/* What a plugin may ask of the daemon itself. A host handle names a connection, a listener on one loop, or a
 * whole instance; the last two are found without their loop, because operations marked [any] come from any
 * thread. For that the engine of this process stands here: a process has one, and it outlives every plugin.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "engine/api.h"
#include "engine/dial.h"
#include "engine/engine_private.h"
#include "engine/handler_metrics.h"
#include "engine/misuse.h"
#include "engine/offload.h"
#include "engine/post.h"
#include "engine/scope.h"
#include "engine/strand.h"
#include "engine/timer.h"

enum { FIELDS_MAX = 32 };

static struct engine *the_engine;

void
scope_set_engine(struct engine *engine)
{
	the_engine = engine;
}

/* The handler behind any host handle, from any thread. A connection's needs its loop. */
static struct handler *
find_handler(struct sockd_host h, const char *who, struct conn **ret_conn)
{
	struct handler *handler;

	*ret_conn = NULL;
	if (ref_kind(h.ref) == REF_CONN) {
		*ret_conn = api_find(h.ref, who);
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
	const struct handler *handler = find_handler(h, NULL, &c);
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

static int
host_log_fields(struct sockd_host h, int level, const char *event, const struct sockd_field *f, size_t count)
{
	struct log_field fields[3 + FIELDS_MAX];
	size_t n = 0;
	struct conn *c;
	const struct handler *handler = find_handler(h, NULL, &c);

	if (level < SOCKD_LOG_ERROR || level > SOCKD_LOG_DEBUG || event == NULL || count > FIELDS_MAX ||
		(f == NULL && count > 0))
		return api_fail(-EINVAL);
	if (!log_is_on(level))
		return 0;
	fields[n++] = LOG_S("listener", handler != NULL ? handler->name : NULL);
	fields[n++] = LOG_S("plugin", handler != NULL ? handler->plugin_name : NULL);
	if (c != NULL)
		fields[n++] = LOG_U("conn", c->id);
	for (size_t i = 0; i < count; i++)
		fields[n++] = f[i].value != NULL ? LOG_BYTES(f[i].key, f[i].value, f[i].length)
						 : LOG_I(f[i].key, f[i].number);
	log_event(level, event, fields, n);
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

/* ---- what waits ---- */

/* The running strand, for a host of this loop. */
static struct strand *
find_strand(struct sockd_host h, const char *who)
{
	const struct loop *loop = loop_here();
	struct conn *c;

	if (find_handler(h, who, &c) == NULL)
		return NULL;
	if (loop == NULL || strand_here(loop) == NULL) {
		errno = EDEADLK;
		return NULL;
	}
	return strand_here(loop);
}

static int
host_sleep(struct sockd_host h, int64_t ms)
{
	struct strand *self = find_strand(h, "sockd_sleep");
	int64_t until_ms;
	int r = 0;

	if (self == NULL)
		return -1;
	if (ms < 0 && ms != SOCKD_FOREVER)
		return api_fail(-EINVAL);
	until_ms = ms == SOCKD_FOREVER ? CLOCK_NEVER : clock_after_ms(clock_now_ms(), ms);
	do
		r = strand_wait(self, STRAND_SLEEPS, until_ms);
	while (r == 0);
	return r == -ETIMEDOUT ? 0 : api_fail(r);
}

static int
host_wait(struct sockd_host h, const void *what, int64_t ms)
{
	struct strand *self = find_strand(h, "sockd_wait");
	int r;

	if (self == NULL)
		return -1;
	if (what == NULL || (ms < 0 && ms != SOCKD_FOREVER))
		return api_fail(-EINVAL);
	r = strand_wait_for(
		self, what, ms == SOCKD_FOREVER ? CLOCK_NEVER : clock_after_ms(clock_now_ms(), ms));
	return r < 0 ? api_fail(r) : 0;
}

static int
host_wake(struct sockd_host h, const void *what)
{
	struct conn *c;

	if (find_handler(h, "sockd_wake", &c) == NULL)
		return -1;
	if (loop_here() == NULL) {
		misuse_foreign_thread("sockd_wake");
		return api_fail(-EXDEV);
	}
	strand_wake_all(loop_here(), what);
	return 0;
}

/* ---- what is made in a scope ---- */

/* Where things made through this host hang; NULL with errno: EINVAL for an instance, which has no loop,
 * EXDEV, EBADF, and with @p fresh ECANCELED when the scope is ending. */
static struct estate *
find_estate(struct sockd_host h, const char *who, bool fresh)
{
	struct estate *e;
	struct handler *handler;
	struct conn *c;

	handler = find_handler(h, who, &c);
	if (handler == NULL)
		return NULL;
	if (ref_kind(h.ref) == REF_INSTANCE) {
		errno = EINVAL;
		return NULL;
	}
	if (loop_here() == NULL || ref_loop(h.ref) != loop_here()->index) {
		misuse_foreign_thread(who);
		errno = EXDEV;
		return NULL;
	}
	e = c != NULL ? estate_of_conn(c) : &handler->threads[ref_loop(h.ref)].estate;
	if (e == NULL || (fresh && (e->closed || (c != NULL && c->state == CONN_ENDING)))) {
		errno = e == NULL ? ENOMEM : ECANCELED;
		return NULL;
	}
	return e;
}

static uint64_t
host_timer_start(struct sockd_host h, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg)
{
	struct estate *e = find_estate(h, "sockd_timer_start", true);

	if (e == NULL)
		return 0;
	if (first_ms < 0 || every_ms < 0 || fn == NULL) {
		errno = EINVAL;
		return 0;
	}
	return timer_start(e, first_ms, every_ms, fn, arg);
}

static int
host_timer_stop(struct sockd_host h, uint64_t timer)
{
	struct estate *e = find_estate(h, "sockd_timer_stop", false);

	return e != NULL ? api_fail(timer_stop(e, timer)) : -1;
}

static uint64_t
host_spawn(struct sockd_host h, sockd_fiber_fn fn, void *arg)
{
	struct estate *e = find_estate(h, "sockd_spawn", true);

	if (e == NULL)
		return 0;
	if (fn == NULL) {
		errno = EINVAL;
		return 0;
	}
	return strand_spawn(e, fn, arg);
}

static int
host_join(struct sockd_host h, uint64_t fiber)
{
	struct estate *e = find_estate(h, "sockd_join", false);
	int r, result = -1;

	if (e == NULL)
		return -1;
	r = strand_join(e, fiber, &result);
	if (r < 0)
		return api_fail(r);
	errno = 0;
	return result;
}

static int
host_cancel(struct sockd_host h, uint64_t fiber)
{
	struct estate *e = find_estate(h, "sockd_cancel", false);

	return e != NULL ? api_fail(strand_cancel_by_id(e, fiber)) : -1;
}

static struct sockd_conn
host_dial(struct sockd_host h, const char *url, const struct sockd_dial_options *o)
{
	struct estate *e = find_estate(h, "sockd_dial", true);

	return e != NULL ? dial(e, url, o) : (struct sockd_conn){ 0 };
}

/* ---- other threads ---- */

static int
host_offload(struct sockd_host h, const void *serial, sockd_work_fn fn, void *arg)
{
	struct strand *self = find_strand(h, "sockd_offload");
	int r, result = -1, error = 0;

	if (self == NULL)
		return -1;
	if (fn == NULL)
		return api_fail(-EINVAL);
	r = offload_run(self, serial, fn, arg, &result, &error);
	if (r < 0)
		return api_fail(r);
	errno = error;
	return result;
}

static int
host_offload_then(struct sockd_host h, const void *serial, sockd_work_fn fn, sockd_done_fn done, void *arg)
{
	struct estate *e = find_estate(h, "sockd_offload_then", true);

	if (e == NULL)
		return -1;
	if (fn == NULL || done == NULL)
		return api_fail(-EINVAL);
	return api_fail(offload_then(e, serial, fn, done, arg));
}

static int
host_post(struct sockd_host h, uint64_t conn_id, sockd_post_fn fn, void *arg)
{
	struct conn *c;
	struct handler *handler = find_handler(h, "sockd_post", &c);

	if (handler == NULL)
		return -1;
	return api_fail(fn != NULL ? post_to_conn(the_engine, handler, conn_id, fn, arg) : -EINVAL);
}

static int
host_post_thread(struct sockd_host h, sockd_timer_fn fn, void *arg)
{
	struct handler *handler = ref_kind(h.ref) == REF_THREAD ? handler_find(the_engine, h.ref) : NULL;

	if (ref_kind(h.ref) != REF_THREAD || fn == NULL)
		return api_fail(-EINVAL);
	if (handler == NULL)
		return api_fail(-EBADF);
	return api_fail(post_to_thread(&handler->threads[ref_loop(h.ref)], fn, arg));
}

static uint64_t
host_metric_register(struct sockd_host h, int kind, const char *name, const char *help)
{
	struct conn *c;
	struct handler *handler = find_handler(h, "sockd_metric_register", &c);
	uint64_t id = 0;

	if (handler == NULL)
		return 0;
	(void)api_fail(handler_metric_register(handler, kind, name, help, &id));
	return id;
}

static int
host_metric_add(struct sockd_host h, uint64_t metric, int64_t n)
{
	struct conn *c;
	struct handler *handler = find_handler(h, "sockd_metric_add", &c);

	return handler != NULL ? api_fail(handler_metric_add(handler, metric, n)) : -1;
}

static int64_t
host_open_connections(struct sockd_host h)
{
	struct conn *c;
	const struct handler *handler = find_handler(h, "sockd_open_connections", &c);

	if (handler == NULL)
		return -1;
	return handler->tally != NULL ? tally_open(handler->tally) : 0;
}

static void *
host_instance(struct sockd_host h)
{
	struct conn *c;
	const struct handler *handler = find_handler(h, "sockd_host_instance", &c);

	return handler != NULL ? handler->data : NULL;
}

static const struct sockd_settings *
host_settings(struct sockd_host h)
{
	struct conn *c;
	const struct handler *handler = find_handler(h, "sockd_host_settings", &c);

	return handler != NULL ? handler->settings : NULL;
}

static void *
host_thread_state(struct sockd_host h)
{
	const struct handler *handler;
	const struct loop *loop = loop_here();
	struct conn *c;

	handler = find_handler(h, "sockd_host_thread_state", &c);
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
	.timer_start = host_timer_start,
	.timer_stop = host_timer_stop,
	.spawn = host_spawn,
	.join = host_join,
	.cancel = host_cancel,
	.wait = host_wait,
	.wake = host_wake,
	.dial = host_dial,
	.offload = host_offload,
	.offload_then = host_offload_then,
	.post = host_post,
	.post_thread = host_post_thread,
	.log_fields = host_log_fields,
	.metric_register = host_metric_register,
	.metric_add = host_metric_add,
	.open_connections = host_open_connections,
	.instance = host_instance,
	.settings = host_settings,
	.thread_state = host_thread_state,
};
