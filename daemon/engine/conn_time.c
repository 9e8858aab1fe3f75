/* The deadlines of a connection. One timer stands for all of them: it is set for the earliest and looks at
 * each when it fires, so that a byte that moves only has to note the time. Which of them ends the connection
 * is decided here alone. */
#include "engine/conn_time.h"

#include "control/watch.h"
#include "engine/api.h"
#include "engine/relay.h"
#include "engine/stream.h"
#include "engine/tls_stream.h"

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the peer has to have spoken, or bytes to have moved. */
static int64_t
conn_input_deadline(const struct conn *c)
{
	int64_t at = !c->straight ? c->read_by_ms : CLOCK_NEVER; /* a fiber's read keeps its own time */

	if (c->read_bytes == 0 && c->dialled == NULL && conn_cfg(c)->timeouts.first_byte_ms != CFG_OFF)
		at = earlier(at, c->opened_ms + conn_cfg(c)->timeouts.first_byte_ms);
	if (c->idle_ms != CFG_OFF)
		at = earlier(at, c->active_ms + c->idle_ms);
	return at;
}

static int64_t
conn_write_deadline(const struct conn *c)
{
	int64_t at = !c->straight ? c->write_by_ms : CLOCK_NEVER;

	if (stream_pending(c) > 0 && conn_cfg(c)->timeouts.write_ms != CFG_OFF)
		at = earlier(at, c->progress_ms + conn_cfg(c)->timeouts.write_ms);
	return at;
}

/* When a drain has to look at it: at its slot, and then when its relay may have turned quiet. */
static int64_t
conn_drain_look(const struct conn *c)
{
	int64_t at;

	if (!c->slot_passed)
		return c->slot_at_ms;
	if (c->relay == NULL || c->dialled != NULL)
		return CLOCK_NEVER;
	at = relay_quiet_at_ms(c);
	return at > loop_now_ms(conn_loop(c)) ? at : CLOCK_NEVER;
}

static int64_t
conn_next_deadline(const struct conn *c)
{
	int64_t at = earlier(c->lifetime_by_ms, c->drain_by_ms);

	if (c->state == CONN_ENDING)
		return CLOCK_NEVER;
	if (c->state == CONN_LINGERING)
		return c->linger_by_ms;
	at = earlier(at, conn_write_deadline(c));
	if (c->state == CONN_HANDSHAKE) {
		at = earlier(at, tls_stream_deadline_ms(c));
		if (!c->slot_passed)
			at = earlier(at, c->slot_at_ms);
	}
	if (c->state == CONN_OPEN) {
		at = earlier(at, conn_input_deadline(c));
		at = earlier(at, conn_drain_look(c));
	}
	return at;
}

void
conn_rearm(struct conn *c)
{
	int64_t at = conn_next_deadline(c);

	if (!wheel_is_set(&c->timer.node) || at < c->timer.node.expires_ms)
		loop_timer_set(conn_loop(c), &c->timer, at);
}

/* A timeout of the connection: the plugin may set it anew, else the connection ends by @p reason. */
static void
conn_time_out(struct conn *c, int which, int reason, const int64_t *deadline_ms)
{
	int64_t before = *deadline_ms;

	if (c->entries->timeout != NULL && c->told_open && c->state == CONN_OPEN) {
		c->in_entry = true;
		WATCHED(c->scope->listener->watch, WATCH_TIMEOUT, c->id,
			c->entries->timeout(api_conn(c), which));
		c->in_entry = false;
		if (c->state != CONN_OPEN || *deadline_ms != before)
			return;
	}
	conn_cut(c, reason);
}

/* Bytes that left since the last look put the write timeout off. */
static bool
conn_made_progress(struct conn *c, int64_t now_ms)
{
	uint64_t flushed = stream_flushed(c);

	if (flushed == c->flushed_seen)
		return false;
	c->flushed_seen = flushed;
	c->progress_ms = now_ms;
	c->active_ms = now_ms;
	return true;
}

static void
conn_check_open_deadlines(struct conn *c, int64_t now_ms)
{
	const struct cfg_timeouts *t = &conn_cfg(c)->timeouts;

	if (t->first_byte_ms != CFG_OFF && c->read_bytes == 0 && c->dialled == NULL &&
		now_ms >= c->opened_ms + t->first_byte_ms)
		conn_cut(c, SOCKD_BY_FIRST_BYTE_TIMEOUT);
	else if (c->idle_ms != CFG_OFF && now_ms >= c->active_ms + c->idle_ms)
		conn_time_out(c, SOCKD_TIMEOUT_IDLE, SOCKD_BY_IDLE_TIMEOUT, &c->active_ms);
	else if (!c->straight && now_ms >= c->read_by_ms)
		conn_time_out(c, SOCKD_TIMEOUT_READ, SOCKD_BY_IDLE_TIMEOUT, &c->read_by_ms);
	else if (!c->slot_passed && now_ms >= c->slot_at_ms) {
		c->slot_passed = true;
		if (!c->straight)
			stream_read_all(c);
		conn_settle_later(c);
	} else if (c->relay != NULL)
		conn_may_be_quiet(c);
}

/* In a drain a client that has not begun its handshake has nothing to lose. */
static void
conn_check_handshake(struct conn *c, int64_t now_ms)
{
	if (now_ms >= tls_stream_deadline_ms(c)) {
		tls_stream_time_out(c);
		return;
	}
	if (c->slot_passed || now_ms < c->slot_at_ms)
		return;
	c->slot_passed = true;
	c->ready = true; /* an edge may be on its way */
	tls_stream_shake(c);
	if (c->state == CONN_HANDSHAKE && tls_stream_is_silent(c))
		conn_cut(c, SOCKD_BY_DRAIN);
}

void
conn_on_timer(struct loop *loop, struct loop_timer *timer)
{
	struct conn *c = container_of(timer, struct conn, timer);
	const struct cfg_timeouts *t = &conn_cfg(c)->timeouts;
	int64_t now_ms = loop_now_ms(loop);

	if (c->state == CONN_LINGERING && now_ms >= c->linger_by_ms)
		conn_cut(c, c->reason);
	else if (c->state != CONN_LINGERING && now_ms >= c->drain_by_ms)
		conn_cut(c, SOCKD_BY_DRAIN_FORCED);
	else if (c->state != CONN_LINGERING && now_ms >= c->lifetime_by_ms)
		conn_time_out(c, SOCKD_TIMEOUT_LIFETIME, SOCKD_BY_LIFETIME_TIMEOUT, &c->lifetime_by_ms);
	else if (stream_pending(c) > 0 && t->write_ms != CFG_OFF && !conn_made_progress(c, now_ms) &&
		 now_ms >= c->progress_ms + t->write_ms)
		conn_cut(c, SOCKD_BY_WRITE_TIMEOUT);
	else if (!c->straight && now_ms >= c->write_by_ms)
		conn_time_out(c, SOCKD_TIMEOUT_WRITE, SOCKD_BY_WRITE_TIMEOUT, &c->write_by_ms);
	else if (c->state == CONN_HANDSHAKE)
		conn_check_handshake(c, now_ms);
	else if (c->state == CONN_OPEN)
		conn_check_open_deadlines(c, now_ms);
	if (c->state != CONN_ENDING)
		conn_rearm(c);
}
