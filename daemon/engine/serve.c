/* serve() on a fiber. The fiber reads the socket itself, straight into the handler's buffer; the loop only
 * tells it when that is worth while. A short read means the socket is empty, so the next read waits before it
 * asks: two system calls a message, as in an event loop written by hand.
 *
 * A connection never ends beneath its fiber: conn_end() cancels it and comes back when it has returned. */
#include "engine/serve.h"

#include <errno.h>

#include "base/log.h"
#include "engine/api.h"
#include "engine/engine_private.h"
#include "engine/scope.h"
#include "engine/stream.h"

struct serve {
	struct conn *conn; /* borrowed: ends after us */
	struct fiber *fiber;
	enum serve_wait waits;
	bool over, cancelled, end_due;
};

static void
serve_run(struct fiber *self, void *arg)
{
	struct serve *s = arg;
	struct conn *c = s->conn;

	(void)self; /* s->fiber */
	c->scope->listener->plugin->serve(api_conn(c), api_reader(c), api_writer(c));
}

static void
serve_ended(void *arg)
{
	struct serve *s = arg;
	struct conn *c = s->conn;

	s->over = true;
	s->fiber = NULL;
	if (c->state == CONN_OPEN)
		conn_finish(c, c->end_given ? SOCKD_BY_DRAIN : c->fin_read ? SOCKD_BY_EOF : SOCKD_BY_HANDLER);
	else
		conn_settle_later(c);
}

int
serve_begin(struct conn *c)
{
	struct engine *engine = conn_loop(c)->engine;
	const struct sockd_plugin *plugin = c->scope->listener->plugin;
	size_t stack = plugin->stack_size != 0 ? plugin->stack_size : engine->fiber_stack;
	struct serve *s = mem_new(*s);
	struct err e = { 0 };

	if (s == NULL)
		return -ENOMEM;
	s->conn = c;
	if (fiber_new(conn_loop(c)->fibers, stack, serve_run, serve_ended, s, &s->fiber, &e) < 0) {
		log_warning("no_fiber", LOG_S("listener", conn_cfg(c)->name), LOG_S("msg", e.text));
		free(s);
		return -EAGAIN;
	}
	c->serve = s;
	return 0;
}

void
serve_free(struct serve *s)
{
	free(s);
}

bool
serve_is_over(const struct serve *s)
{
	return s->over;
}

bool
serve_is_quiet(const struct serve *s)
{
	return !s->over && (s->waits == SERVE_READS || s->waits == SERVE_SLEEPS) && !fiber_is_woken(s->fiber);
}

bool
serve_wants_input(const struct serve *s)
{
	return s->waits == SERVE_READS;
}

void
serve_on_readable(struct serve *s)
{
	if (!s->over && s->waits == SERVE_READS)
		fiber_wake(s->fiber, WAKE_READY);
}

void
serve_on_written(struct serve *s)
{
	if (!s->over && s->waits == SERVE_WRITES)
		fiber_wake(s->fiber, WAKE_READY);
}

void
serve_give_end(struct serve *s)
{
	if (s->over)
		return;
	if (s->waits == SERVE_SLEEPS && !s->conn->end_given)
		s->end_due = true;
	s->conn->end_given = true;
	if (s->waits == SERVE_READS || s->end_due)
		fiber_wake(s->fiber, WAKE_READY);
}

void
serve_cancel(struct serve *s)
{
	if (s->over || s->cancelled)
		return;
	s->cancelled = true;
	if (s->waits != SERVE_RUNS)
		fiber_wake(s->fiber, WAKE_CANCEL);
}

/* The connection's state, in the words of a call that was waiting. */
static int
serve_ending_error(const struct conn *c)
{
	switch (c->reason) {
	case SOCKD_BY_RESET:
	case SOCKD_BY_ERROR:
		return -ECONNRESET;
	case SOCKD_BY_IDLE_TIMEOUT:
	case SOCKD_BY_FIRST_BYTE_TIMEOUT:
	case SOCKD_BY_WRITE_TIMEOUT:
	case SOCKD_BY_LIFETIME_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return -ECANCELED;
	}
}

int
serve_wait(struct conn *c, enum serve_wait what, int64_t deadline_ms)
{
	struct loop *loop = conn_loop(c);
	struct serve *s = c->serve;
	int code;

	if (s == NULL || s->fiber == NULL || fiber_current(loop->fibers) != s->fiber)
		return -EDEADLK;
	if (s->cancelled || c->state != CONN_OPEN)
		return serve_ending_error(c);
	s->waits = what;
	if (what == SERVE_READS) {
		stream_arm(c);
		if (c->slot_passed)
			conn_settle_later(c); /* it turned quiet after its place in the drain */
	}
	code = scope_park(loop, deadline_ms);
	s->waits = SERVE_RUNS;
	if (code == WAKE_CANCEL || s->cancelled || c->state != CONN_OPEN)
		return serve_ending_error(c);
	if (code == WAKE_TIMEOUT)
		return -ETIMEDOUT;
	if (s->end_due && what == SERVE_SLEEPS) {
		s->end_due = false;
		return -ESHUTDOWN;
	}
	return 0;
}
