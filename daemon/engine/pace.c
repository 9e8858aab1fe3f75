/* Two limits stand in a row: the connection's own bucket, and its share of the listener's rate. Whichever
 * says no sets the clock for the next try: the bucket a timer, the share its next grant.
 *
 * Writing: libevent would flush the output as fast as the socket takes it, so for a paced connection its
 * EV_WRITE stays off and the output is flushed here. */
#include "engine/pace.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/share.h"
#include "engine/stream.h"

enum { READS, WRITES, SIDES };

enum {
	BURST_MS = 100, /* a connection may be ahead of its own rate by so much */
	BURST_MIN = 4096,
	RETRY_MS = 20, /* a dry bucket is asked again when it holds so much */
	IOV_MAX_PACED = 16,
};

struct pace_side {
	struct conn *conn; /* borrowed */
	int64_t rate;      /* of the connection; CFG_OFF: none */
	int64_t tokens, refilled_ms;
	struct loop_timer timer;   /* the bucket holds something again */
	struct share_group *group; /* borrowed; NULL: the listener has no limit */
	struct share_member member;
	bool held;
	void (*go_on)(struct conn *c);
};

struct pace {
	struct pace_side sides[SIDES];
	struct event writable; /* the kernel has room again */
};

struct pace_scope {
	struct share_group groups[SIDES];
};

/* ---- asking ---- */

static struct loop *
side_loop(const struct pace_side *s)
{
	return conn_loop(s->conn);
}

static void
side_release(struct pace_side *s)
{
	if (!s->held)
		return;
	s->held = false;
	s->go_on(s->conn);
}

static void
side_on_timer(struct loop *loop, struct loop_timer *timer)
{
	(void)loop; /* the connection's */
	side_release(container_of(timer, struct pace_side, timer));
}

static void
side_on_grant(struct share_member *m)
{
	side_release(container_of(m, struct pace_side, member));
}

static int64_t
side_burst(const struct pace_side *s)
{
	int64_t burst = s->rate * BURST_MS / 1000;

	return burst > BURST_MIN ? burst : BURST_MIN;
}

static void
side_refill(struct pace_side *s, int64_t now_ms)
{
	int64_t ms = now_ms - s->refilled_ms;

	s->refilled_ms = now_ms;
	s->tokens += ms > 10000 ? side_burst(s) : s->rate * ms / 1000;
	if (s->tokens > side_burst(s))
		s->tokens = side_burst(s);
}

/* What the connection's own limit allows. */
static size_t
side_own(struct pace_side *s, size_t want)
{
	int64_t now_ms = loop_now_ms(side_loop(s)), step;

	if (s->rate == CFG_OFF)
		return want;
	/* Time that is no whole byte yet stays time. */
	if (s->rate * (now_ms - s->refilled_ms) >= 1000)
		side_refill(s, now_ms);
	if (s->tokens > 0)
		return s->tokens < (int64_t)want ? (size_t)s->tokens : want;
	step = 1000 / s->rate + 1; /* for one byte */
	loop_timer_set(side_loop(s), &s->timer, now_ms + (step > RETRY_MS ? step : RETRY_MS));
	return 0;
}

static size_t
side_ask(struct pace_side *s, size_t want)
{
	size_t allowed = side_own(s, want);

	if (allowed > 0 && s->group != NULL)
		allowed = share_ask(s->group, &s->member, allowed);
	if (allowed == 0 && !s->held)
		metric_add(s->conn->scope->cells, METRIC_BANDWIDTH_WAITS, 1);
	s->held = allowed == 0;
	return allowed;
}

static void
side_used(struct pace_side *s, size_t allowed, size_t used)
{
	if (s->rate != CFG_OFF)
		s->tokens -= (int64_t)used;
	if (s->group != NULL)
		share_used(s->group, &s->member, allowed, used);
}

/* ---- reading ---- */

size_t
pace_may_read(struct conn *c, size_t want)
{
	return side_ask(&c->pace->sides[READS], want);
}

void
pace_has_read(struct conn *c, size_t allowed, size_t bytes)
{
	side_used(&c->pace->sides[READS], allowed, bytes);
}

bool
pace_holds_input(const struct conn *c)
{
	return c->pace->sides[READS].held;
}

static void
pace_go_on_reading(struct conn *c)
{
	stream_resume(c);
	conn_may_be_quiet(c); /* a drain waited for it */
}

/* ---- writing ---- */

/* The first @p size bytes of the pieces. @return how many pieces */
static int
cut_pieces(const struct iovec *iov, int count, size_t size, struct iovec *ret)
{
	int i = 0;

	for (; i < count && i < IOV_MAX_PACED && size > 0; i++) {
		ret[i] = iov[i];
		if (ret[i].iov_len > size)
			ret[i].iov_len = size;
		size -= ret[i].iov_len;
	}
	return i;
}

ssize_t
pace_send(struct conn *c, const struct iovec *iov, int count)
{
	struct pace_side *s = &c->pace->sides[WRITES];
	struct iovec pieces[IOV_MAX_PACED];
	size_t total = 0, allowed;
	ssize_t n;

	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	allowed = total > 0 ? side_ask(s, total) : 0;
	if (allowed == 0)
		return 0;
	n = stream_send(c, pieces, cut_pieces(iov, count, allowed, pieces));
	side_used(s, allowed, n > 0 ? (size_t)n : 0);
	return n;
}

/* What is to go over the wire, ciphertext under TLS. */
static size_t
output_size(const struct conn *c)
{
	return c->bev != NULL ? evbuffer_get_length(bufferevent_get_output(c->bev)) : 0;
}

/* @return bytes; -EAGAIN when the kernel has no room; another negative errno */
static ssize_t
flush_once(struct conn *c, size_t allowed)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);
	int n, error;

	evbuffer_unfreeze(output, 1);
	n = evbuffer_write_atmost(output, c->fd, (ev_ssize_t)allowed);
	error = errno;
	evbuffer_freeze(output, 1);
	return n >= 0 ? n : error == EINTR || error == ENOBUFS ? -EAGAIN : -error;
}

static void
pace_flush(struct conn *c)
{
	struct pace_side *s = &c->pace->sides[WRITES];
	bool moved = false;

	while (!c->broken && c->state != CONN_ENDING && output_size(c) > 0) {
		size_t allowed = side_ask(s, output_size(c));
		ssize_t n = allowed > 0 ? flush_once(c, allowed) : 0;

		if (allowed == 0)
			break;
		side_used(s, allowed, n > 0 ? (size_t)n : 0);
		moved = moved || n > 0;
		if (n < 0 && n != -EAGAIN)
			conn_fail(c, (int)-n);
		else if (n < (ssize_t)allowed && event_add(&c->pace->writable, NULL) < 0)
			conn_fail(c, ENOMEM);
		if (n < (ssize_t)allowed)
			break;
	}
	if (moved && !c->broken && output_size(c) <= (size_t)conn_cfg(c)->write_buffer / 2)
		stream_make_room(c);
}

static void
pace_on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* the connection's; EV_WRITE */
	pace_flush(arg);
}

/* From the loop's next turn: whoever filled the output may be a plugin's entry that is still at work. */
void
pace_output(struct conn *c)
{
	struct pace_side *s = &c->pace->sides[WRITES];

	if (s->held)
		return; /* its turn comes */
	s->held = true;
	loop_timer_set(conn_loop(c), &s->timer, loop_now_ms(conn_loop(c)));
}

/* ---- beginning and end ---- */

static bool
is_limited(const struct cfg_bandwidth *b)
{
	return b->connection_read != CFG_OFF || b->connection_write != CFG_OFF ||
	       b->listener_read != CFG_OFF || b->listener_write != CFG_OFF;
}

static int
scope_begin(struct scope *scope)
{
	const struct cfg_bandwidth *b = &scope->listener->cfg->bandwidth;
	struct pace_scope *p;

	if (scope->pace != NULL || (b->listener_read == CFG_OFF && b->listener_write == CFG_OFF))
		return 0;
	p = mem_new(*p);
	if (p == NULL)
		return -ENOMEM;
	share_group_init(
		&p->groups[READS], &scope->listener->tally->read_share, scope->loop, b->listener_read);
	share_group_init(
		&p->groups[WRITES], &scope->listener->tally->write_share, scope->loop, b->listener_write);
	scope->pace = p;
	return 0;
}

void
pace_scope_free(struct pace_scope *p)
{
	free(p);
}

static void
side_init(struct pace_side *s, struct conn *c, int64_t rate, struct share_group *group)
{
	*s = (struct pace_side){ .conn = c,
		.rate = rate,
		.refilled_ms = loop_now_ms(conn_loop(c)),
		.timer.fire = side_on_timer,
		.group = group,
		.member.granted = side_on_grant };
	s->tokens = rate != CFG_OFF ? side_burst(s) : 0;
}

int
pace_begin(struct conn *c)
{
	const struct cfg_bandwidth *b = &conn_cfg(c)->bandwidth;
	struct pace_scope *shared;

	if (!is_limited(b))
		return 0;
	if (scope_begin(c->scope) < 0)
		return -ENOMEM;
	c->pace = mem_new(*c->pace);
	if (c->pace == NULL)
		return -ENOMEM;
	shared = c->scope->pace;
	side_init(&c->pace->sides[READS], c, b->connection_read,
		b->listener_read != CFG_OFF ? &shared->groups[READS] : NULL);
	side_init(&c->pace->sides[WRITES], c, b->connection_write,
		b->listener_write != CFG_OFF ? &shared->groups[WRITES] : NULL);
	c->pace->sides[READS].go_on = pace_go_on_reading;
	c->pace->sides[WRITES].go_on = pace_flush;
	event_assign(&c->pace->writable, conn_loop(c)->base, c->fd, EV_WRITE, pace_on_writable, c);
	return 0;
}

void
pace_end(struct conn *c)
{
	if (c->pace == NULL)
		return;
	for (int i = 0; i < SIDES; i++) {
		struct pace_side *s = &c->pace->sides[i];

		loop_timer_clear(conn_loop(c), &s->timer);
		if (s->group != NULL)
			share_leave(s->group, &s->member);
	}
	event_del(&c->pace->writable);
	free(c->pace);
	c->pace = NULL;
}
