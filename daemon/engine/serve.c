/* serve() on a fiber. It reads the socket itself, straight into the handler's buffer; the loop only tells it
 * when that is worth while. A short read means the socket is empty, so the next read waits before it asks:
 * two system calls a message, as in an event loop written by hand.
 *
 * A connection never ends beneath its strand: conn_end() cancels it and comes back when it has returned. */
#include "engine/serve.h"

#include "control/watch.h"
#include "engine/api.h"
#include "engine/estate.h"
#include "engine/strand.h"

static void
serve_run(struct strand *s)
{
	struct conn *c = s->arg;

	WATCHED(c->scope->listener->watch, WATCH_SERVE, c->id,
		c->scope->listener->plugin->serve(api_conn(c), api_reader(c), api_writer(c)));
}

static void
serve_ended(struct strand *s)
{
	struct conn *c = s->arg;

	c->serve = NULL;
	if (c->estate != NULL)
		estate_close(c->estate);
	if (c->state == CONN_OPEN)
		conn_finish(c, c->end_given   ? SOCKD_BY_DRAIN
			       : c->truncated ? SOCKD_BY_TLS_TRUNCATED
			       : c->fin_read  ? SOCKD_BY_EOF
					      : SOCKD_BY_HANDLER);
	else
		conn_settle_later(c);
}

int
serve_begin(struct conn *c)
{
	size_t stack = handler_stack_size(c->scope->listener->handler);

	return strand_new(c->scope->thread, c, stack, serve_run, serve_ended, c, &c->serve);
}
