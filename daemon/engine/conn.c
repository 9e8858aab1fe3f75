/* The life of a stream connection. Every change of state goes through conn_enter() and its table; every
 * ending goes through ENDING and is carried out by conn_end() in the loop's own frame, so that no callback
 * ever finds its connection freed beneath it, and close() never runs inside another sockd_ call.
 *
 * conn_settle() is the one place that asks "what next": it is deferred after anything that may allow a step.
 */
#include "engine/conn.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "control/watch.h"
#include "engine/api.h"
#include "engine/conn_private.h"
#include "engine/conn_time.h"
#include "engine/conn_wait.h"
#include "engine/dial.h"
#include "engine/engine_private.h"
#include "engine/estate.h"
#include "engine/observe.h"
#include "engine/pace.h"
#include "engine/relay.h"
#include "engine/serve.h"
#include "engine/strand.h"
#include "engine/stream.h"
#include "engine/stream_file.h"
#include "engine/stream_rights.h"
#include "engine/stream_splice.h"
#include "engine/tls_stream.h"

enum { LINGER_MS = 1000 };

const char *const conn_state_name[CONN_STATE_COUNT] = { "free", "dialling", "handshake", "open", "flushing",
	"lingering", "ending" };

static const bool step_allowed[CONN_STATE_COUNT][CONN_STATE_COUNT] = {
	[CONN_FREE] = { [CONN_DIALLING] = true, [CONN_HANDSHAKE] = true, [CONN_OPEN] = true },
	[CONN_DIALLING] = { [CONN_HANDSHAKE] = true, [CONN_OPEN] = true, [CONN_ENDING] = true },
	[CONN_HANDSHAKE] = { [CONN_OPEN] = true, [CONN_FLUSHING] = true, [CONN_ENDING] = true },
	[CONN_OPEN] = { [CONN_HANDSHAKE] = true, [CONN_FLUSHING] = true, [CONN_ENDING] = true },
	[CONN_FLUSHING] = { [CONN_LINGERING] = true, [CONN_ENDING] = true },
	[CONN_LINGERING] = { [CONN_ENDING] = true },
	[CONN_ENDING] = { [CONN_FREE] = true },
};

void
conn_enter(struct conn *c, enum conn_state next)
{
	assert(step_allowed[c->state][next]);
	log_debug("conn_state", LOG_U("conn", c->id), LOG_S("from", conn_state_name[c->state]),
		LOG_S("to", conn_state_name[next]));
	c->state = (uint8_t)next;
}

void
conn_settle_later(struct conn *c)
{
	loop_defer(conn_loop(c), &c->task);
}

void
conn_touch(struct conn *c)
{
	c->active_ms = loop_now_ms(conn_loop(c));
}

bool
conn_is_quiet(const struct conn *c)
{
	if (c->held_busy || stream_pending(c) > 0 || stream_unread(c) > 0)
		return false;
	if (c->serve != NULL && !strand_is_quiet(c->serve))
		return false;
	if (c->estate != NULL && !estate_is_quiet(c->estate))
		return false;
	if (c->relay != NULL && c->dialled == NULL && loop_now_ms(conn_loop(c)) < relay_quiet_at_ms(c))
		return false;
	return !stream_owes_input(c);
}

void
conn_may_be_quiet(struct conn *c)
{
	if (c->slot_passed)
		conn_settle_later(c);
	else if (c->dialled != NULL)
		estate_may_be_quiet(c->dialled->estate);
}

/* ---- endings ---- */

static void
conn_set_reason(struct conn *c, int reason)
{
	if (c->reason == 0)
		c->reason = (uint8_t)reason;
}

void
conn_finish(struct conn *c, int reason)
{
	if (c->state == CONN_DIALLING)
		conn_cut(c, reason);
	if (c->state != CONN_OPEN && c->state != CONN_HANDSHAKE)
		return;
	conn_set_reason(c, reason);
	conn_enter(c, CONN_FLUSHING);
	(void)conn_dismiss(c);
	stream_forget_unread(c);
	stream_resume(c);
	conn_settle_later(c);
}

void
conn_cut(struct conn *c, int reason)
{
	if (c->state == CONN_ENDING)
		return;
	conn_set_reason(c, reason);
	conn_enter(c, CONN_ENDING);
	conn_settle_later(c);
}

void
conn_fail(struct conn *c, int error)
{
	if (c->broken)
		return;
	c->broken = true;
	if (error == ECONNRESET || error == EPIPE || error == ENOTCONN) {
		conn_cut(c, SOCKD_BY_RESET);
		return;
	}
	observe_error(c, error, "the socket failed");
	conn_cut(c, SOCKD_BY_ERROR);
}

/* Everything is flushed, the last word of TLS too: FIN may follow. */
static bool
conn_has_said_all(struct conn *c)
{
	if (c->tls != NULL && stream_pending(c) == 0)
		tls_stream_end(c);
	return stream_pending(c) == 0;
}

/* @param closes  the descriptor is closed next, and nothing unread is in it: that says FIN as well */
static void
conn_send_fin(struct conn *c, bool closes)
{
	c->fin_sent = true;
	if (!closes && shutdown(c->fd, SHUT_WR) < 0)
		c->broken = true; /* the peer reset it: there is nobody left to tell */
	observe_state(c, SOCKD_CLOSE_WRITE);
}

static void
conn_log_closed(const struct conn *c, uint64_t written)
{
	char peer[CONN_PEER_TEXT_SIZE], balancer[CONN_PEER_TEXT_SIZE];

	if (!log_is_on(c->dialled != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO))
		return;
	conn_peer_text(c, peer);
	if (c->proxied != NULL)
		conn_balancer_text(c, balancer);
	LOG_AT(c->dialled != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		c->dialled != NULL ? "dialled_closed" : "conn_closed", LOG_S("listener", conn_cfg(c)->name),
		LOG_U("conn", c->id), LOG_S("peer", peer),
		LOG_S("proxy", c->proxied != NULL ? balancer : NULL), LOG_U("rx", c->read_bytes),
		LOG_U("tx", written), LOG_I("duration_ms", loop_now_ms(conn_loop(c)) - c->opened_ms),
		LOG_S("reason", api_reason_name(c->reason)), LOG_S("detail", tls_stream_failure(c)));
}

static void
conn_count_dialled_ended(struct conn *c, uint64_t written)
{
	metric_sub(c->scope->cells, METRIC_DIALLED_OPEN, 1);
	metric_sub(c->scope->cells, METRIC_DIALLED_BYTES_WRITTEN, c->queued_bytes - written);
	atomic_fetch_sub_explicit(&conn_loop(c)->load, 1, memory_order_relaxed);
}

static void
conn_count_ended(struct conn *c, uint64_t written)
{
	struct engine *engine = conn_loop(c)->engine;
	struct metric_cells *cells = c->scope->cells;

	if (c->dialled != NULL) {
		conn_count_dialled_ended(c, written);
		return;
	}
	metric_add(cells, metric_closed(c->reason), 1);
	metric_sub(cells, METRIC_CONNECTIONS_OPEN, 1);
	metric_sub(
		cells, METRIC_BYTES_WRITTEN, c->queued_bytes - written); /* counted when queued, but lost */
	tally_leave(c->scope->listener->tally);
	atomic_fetch_sub_explicit(&conn_loop(c)->load, 1, memory_order_relaxed);
	if (!conn_loop(c)->draining)
		return;
	if (c->reason == SOCKD_BY_DRAIN_FORCED || c->reason == SOCKD_BY_SHUTDOWN)
		atomic_fetch_add_explicit(&engine->forced, 1, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&engine->drained, 1, memory_order_relaxed);
}

/* Close the descriptor and give back everything; the handle is stale afterwards. */
static void
conn_free(struct conn *c)
{
	struct scope *scope = c->scope;
	struct loop *loop = scope->loop;

	loop_undefer(loop, &c->task);
	loop_undefer(loop, &c->again);
	loop_timer_clear(loop, &c->timer);
	stream_rights_end(c);
	pace_end(c);
	stream_free_buffers(c);
	tls_stream_free(c->tls);
	if (c->aborted)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
			sizeof(struct linger)); /* without it the peer sees FIN: good enough */
	if (c->fd >= 0)
		close(c->fd);
	stream_file_free(c);
	stream_splice_drop(c);
	if (c->estate != NULL)
		estate_fini(c->estate);
	free(c->estate);
	source_release(c->source);
	free(c->proxied);
	free(c->text);
	if (c->dialled != NULL)
		dialled_free(c);
	else
		scope->thread->conns--;
	conn_ids_remove(&loop->conn_ids, c);
	conn_enter(c, CONN_FREE);
	slab_put(&loop->conns, c);
	scope_release(scope);
	engine_check_idle(loop);
}

/* End all that hangs on it. @return true when nothing does any more; until then each end brings us back. */
/* It ended by force or by a failure: what it dialled is not worth waiting for. */
static bool
conn_is_forced(const struct conn *c)
{
	return c->reason != SOCKD_BY_EOF && c->reason != SOCKD_BY_HANDLER && c->reason != SOCKD_BY_DRAIN;
}

static bool
conn_let_go(struct conn *c)
{
	bool waited_for = !conn_dismiss(c);

	if (c->dialled != NULL)
		dial_give_up(c);
	if (c->serve != NULL)
		strand_cancel(c->serve);
	if (c->estate != NULL)
		estate_end(c->estate, conn_is_forced(c));
	return !waited_for && c->serve == NULL && (c->estate == NULL || estate_is_over(c->estate));
}

static void
conn_end(struct conn *c)
{
	uint64_t written;

	if (!conn_let_go(c))
		return;
	written = stream_written(c);
	c->gone = true;
	errno = c->dialled != NULL ? c->dialled->error : 0; /* why it could not be dialled */
	if (c->told_open && c->entries->close != NULL)
		WATCHED(c->scope->listener->watch, WATCH_CLOSE, c->id,
			c->entries->close(api_conn(c), c->reason));
	observe_state(c, SOCKD_CLOSE);
	conn_count_ended(c, written); /* whoever hears of its end finds its place free */
	conn_log_closed(c, written);
	conn_free(c);
}

/* ---- what next ---- */

static void
conn_settle_eof(struct conn *c)
{
	if (!c->fin_read || c->eof_told || (stream_unread(c) > 0 && c->blocked) || c->reader != NULL ||
		c->paused || c->relay != NULL)
		return;
	c->eof_told = true;
	if (c->truncated) {
		conn_finish(c, SOCKD_BY_TLS_TRUNCATED); /* no end that eof() may be told of */
		return;
	}
	observe_state(c, SOCKD_CLOSE_READ);
	if (c->entries->eof == NULL || c->read_closed) {
		conn_finish(c, SOCKD_BY_EOF);
		return;
	}
	c->in_entry = true;
	WATCHED(c->scope->listener->watch, WATCH_EOF, c->id,
		c->entries->eof(api_conn(c), api_reader(c), api_writer(c)));
	c->in_entry = false;
}

void
conn_give_end(struct conn *c)
{
	c->end_given = true;
	c->ready = true; /* for the last look: an edge may be on its way */
	if (c->serve != NULL)
		strand_give_end(c->serve);
	if (c->estate != NULL)
		estate_give_end(c->estate);
	conn_wake_reader(c);
	if (c->relay != NULL)
		relay_on_end(c);
	if (!c->straight && c->entries->draining == NULL && (c->estate == NULL || estate_is_over(c->estate)))
		conn_finish(c, SOCKD_BY_DRAIN);
}

static void
conn_settle_drain(struct conn *c)
{
	if (c->dialled != NULL)
		estate_may_be_quiet(c->dialled->estate); /* it drains with whom it was dialled for */
	else if (c->slot_passed && conn_is_quiet(c))
		conn_give_end(c);
	else if (c->slot_passed)
		conn_rearm(c); /* it may be quiet sooner than it was */
}

static void
conn_settle_open(struct conn *c)
{
	if (!c->straight && c->data_due && !c->paused) {
		c->data_due = false;
		stream_tell_unread(c);
	}
	if (!c->straight)
		conn_settle_eof(c);
	if (c->state != CONN_OPEN)
		return;
	if (c->write_closed && !c->fin_sent && conn_has_said_all(c))
		conn_send_fin(c, false);
	if (c->broken && !c->fin_read) {
		conn_cut(c, SOCKD_BY_RESET); /* it is not read any more, so nothing else would end it */
		return;
	}
	if (!c->straight && c->fin_sent && c->eof_told) {
		conn_finish(c, SOCKD_BY_EOF);
		return;
	}
	conn_settle_drain(c);
}

static void
conn_settle_flushing(struct conn *c)
{
	if (c->datagrams) {
		conn_cut(c, c->reason); /* nothing waits to be sent, and there is no end to send */
		return;
	}
	if (!c->fin_sent && !conn_has_said_all(c))
		return;
	if (!c->fin_sent)
		conn_send_fin(c, c->fin_read);
	if (c->fin_read || c->broken || c->aborted) {
		conn_cut(c, c->reason);
		return;
	}
	conn_enter(c, CONN_LINGERING);
	c->linger_by_ms = loop_now_ms(conn_loop(c)) + LINGER_MS;
	conn_rearm(c);
	stream_resume(c);
}

void
conn_settle(struct loop *loop, struct loop_task *task)
{
	struct conn *c = container_of(task, struct conn, task);

	(void)loop; /* the connection knows its loop */
	if (c->state == CONN_DIALLING)
		dial_settle(c);
	if (c->file != NULL && stream_pending_bytes(c) == 0)
		stream_make_room(c);
	if (c->state == CONN_OPEN)
		conn_settle_open(c);
	if (c->state == CONN_FLUSHING)
		conn_settle_flushing(c);
	if (c->state == CONN_LINGERING && c->fin_read)
		conn_cut(c, c->reason);
	if (c->state == CONN_ENDING) {
		loop_undefer(loop, &c->task);
		conn_end(c);
	}
}

/* A client that has just come is about to ask: with an end in the place of an answer it would not know
 * whether it was heard. */
enum { NEWCOMER_MS = 1000 };

static int64_t
slot_of(const struct conn *c, int64_t slot_at_ms, int64_t deadline_ms)
{
	if (c->read_bytes == 0 && slot_at_ms < c->opened_ms + NEWCOMER_MS)
		slot_at_ms = c->opened_ms + NEWCOMER_MS;
	return slot_at_ms < deadline_ms ? slot_at_ms : deadline_ms;
}

void
conn_tell_draining(struct conn *c)
{
	int64_t left_ms = c->drain_by_ms - loop_now_ms(conn_loop(c));

	if (c->drain_by_ms == CLOCK_NEVER || c->state != CONN_OPEN || c->entries->draining == NULL ||
		!c->told_open)
		return;
	c->in_entry = true;
	WATCHED(c->scope->listener->watch, WATCH_DRAINING, c->id,
		c->entries->draining(api_conn(c), left_ms > 0 ? left_ms : 1));
	c->in_entry = false;
}

void
conn_drain(struct conn *c, int64_t slot_at_ms, int64_t deadline_ms)
{
	if (c->dialled != NULL || deadline_ms >= c->drain_by_ms)
		return; /* it drains with whom it was dialled for; or already, and is to be through earlier */
	slot_at_ms = slot_of(c, slot_at_ms, deadline_ms);
	c->slot_at_ms = slot_at_ms < c->slot_at_ms ? slot_at_ms : c->slot_at_ms;
	c->drain_by_ms = deadline_ms;
	conn_tell_draining(c);
	if (c->state != CONN_ENDING)
		conn_rearm(c);
}

void
conn_drain_newcomer(struct conn *c)
{
	const struct listener *l = c->scope->listener;
	const struct loop *loop = conn_loop(c);

	if (loop->draining)
		conn_drain(c, loop_now_ms(conn_loop(c)), loop->drain_deadline_ms);
	else if (atomic_load_explicit(&l->draining, memory_order_acquire))
		conn_drain(c, loop_now_ms(conn_loop(c)), l->drain_deadline_ms);
}
