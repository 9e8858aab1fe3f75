/* The loop does the work and the fiber only waits for its end: what was read goes straight from the loop's
 * buffer to the other socket, what that does not take hangs in its output, and reading stops while that is
 * full. So a relay costs what it would cost in event style.
 *
 * Plain sockets are copied. splice(2) spares that, but works page by page, and the pages are cold when the
 * receiver gets them; so it is what the listener asks for, not what it gets. */
#include "engine/relay.h"

#include <errno.h>

#include "engine/conn_wait.h"
#include "engine/strand.h"
#include "engine/stream.h"
#include "engine/stream_splice.h"

/* What is copied at once is, with its headers, one segment of the loopback device, whose MTU is 64 KiB: the
 * whole buffer would be one and a bit, for half of the rate.
 *
 * A flow that fills what it is read into is worth a pipe, until it brings less than SMALL at a time. In a
 * drain silence counts as the end after QUIET_MS, and after ANSWER_MS where the client spoke last: a server
 * may have to think. */
enum {
	RELAY_TURNS = 4,
	COPY_SIZE = LOOP_BUFFER_SIZE - 256,
	SMALL = 16 * 1024,
	QUIET_MS = 1000,
	ANSWER_MS = 5000
};

/* On the stack of the fiber that waits. */
struct relay {
	struct strand *strand;
	struct conn *side[2]; /* NULL once it has ended */
	bool carried[2];      /* the end of what this side sent was passed on */
	bool bulk[2];         /* what this side sends comes in large pieces */
	bool splices;
	bool asked; /* the client spoke last */
	bool done;
	int error;
	int64_t total;
};

static struct conn *
other_side(const struct conn *c)
{
	const struct relay *r = c->relay;

	return r->side[r->side[0] == c];
}

/* A write of somebody else that is under way is not to be torn apart. */
static size_t
relay_room(const struct conn *to)
{
	return to->writers == NULL ? stream_room(to) : 0;
}

bool
relay_wants_input(const struct conn *c)
{
	return stream_unread(c) == 0 && relay_room(other_side(c)) > 0;
}

static void
relay_finish(struct relay *r, int error)
{
	r->done = true;
	r->error = error;
	strand_wake(r->strand);
}

static bool
relay_has_read_all(const struct conn *from)
{
	return relay_wants_input(from) && !stream_owes_input(from);
}

static bool
relay_has_end(const struct conn *from)
{
	return from->fin_read || from->read_closed || (from->end_given && relay_has_read_all(from));
}

/* Pass on an end that has come, and see whether both have. */
static void
relay_check(struct relay *r)
{
	for (int i = 0; i < 2; i++) {
		struct conn *from = r->side[i], *to = r->side[!i];

		if (r->carried[i])
			continue;
		if (to->write_closed) {
			r->carried[i] = true; /* by somebody else: nothing more can go there */
			continue;
		}
		if (stream_unread(from) > 0 || !relay_has_end(from))
			continue;
		if (from->truncated) {
			relay_finish(r, -ECONNRESET); /* no end that the other side may be told of */
			return;
		}
		r->carried[i] = true;
		to->write_closed = true;
		conn_settle_later(to);
	}
	if (!r->carried[0] || !r->carried[1])
		return;
	relay_finish(r, 0);
	/* The fiber comes first: where it closes, the close is the end that is still to be sent. relay_part()
	 * has both settled again. */
	for (int i = 0; i < 2; i++)
		loop_undefer(conn_loop(r->side[i]), &r->side[i]->task);
}

static void
relay_count(struct relay *r, const struct conn *from, ssize_t n)
{
	r->total += n;
	r->asked = from->dialled == NULL;
}

static void
relay_move(struct conn *from, struct conn *to)
{
	struct relay *r = from->relay;
	ssize_t n = relay_room(to) > 0 && stream_unread(from) > 0 ? stream_move(to, from) : 0;

	if (n > 0)
		relay_count(r, from, n);
}

int64_t
relay_quiet_at_ms(const struct conn *c)
{
	const struct relay *r = c->relay;
	int self = r->side[1] == c;

	if (r->carried[self] && !r->carried[!self])
		return CLOCK_NEVER;
	return c->active_ms + (r->asked ? ANSWER_MS : QUIET_MS);
}

/* @return whether another is worth while */
static bool
relay_splice(struct conn *from, struct conn *to, bool *bulk)
{
	struct relay *r = from->relay;
	ssize_t n = stream_splice(to, from, relay_room(to));

	*bulk = n >= SMALL || n == -EAGAIN;
	if (n > 0)
		relay_count(r, from, n);
	return n == -ENOSYS || (n > 0 && from->state == CONN_OPEN && from->ready);
}

/* One read. @return whether another is worth while */
static bool
relay_read(struct conn *from, struct conn *to)
{
	struct loop *loop = conn_loop(from);
	struct relay *r = from->relay;
	size_t room = relay_room(to);
	size_t most = stream_is_plain(from) && stream_is_plain(to) ? COPY_SIZE : LOOP_BUFFER_SIZE;
	bool *bulk = &r->bulk[r->side[1] == from];
	ssize_t n;

	if (r->splices && *bulk && room >= SMALL && stream_can_splice(to, from))
		return relay_splice(from, to, bulk);
	n = stream_recv(from, loop->buffer, room < most ? room : most);
	if (n <= 0)
		return false;
	*bulk = n == COPY_SIZE; /* as much as a plain one is asked for */
	loop->view_owner = from;
	loop->view = loop->buffer;
	loop->view_size = (size_t)n;
	relay_move(from, to);
	loop->view_owner = NULL;
	if (loop->view_size > 0 && from->state == CONN_OPEN &&
		stream_keep(from, loop->view, loop->view_size) < 0)
		conn_fail(from, ENOMEM);
	return from->state == CONN_OPEN && stream_may_read(from);
}

void
relay_on_readable(struct conn *c)
{
	struct conn *to = other_side(c);
	bool more = stream_may_read(c);

	for (int turn = 0; turn < RELAY_TURNS && more && c->relay != NULL && relay_wants_input(c); turn++)
		more = relay_read(c, to);
	if (c->relay != NULL)
		relay_check(c->relay);
	conn_may_be_quiet(c);
}

void
relay_on_room(struct conn *c)
{
	struct conn *from = other_side(c);

	relay_move(from, c);
	relay_check(c->relay);
	if (c->relay != NULL && stream_may_read(from))
		relay_on_readable(from);
	stream_resume(from);
}

void
relay_on_end(struct conn *c)
{
	relay_check(c->relay);
}

static void
relay_part(struct relay *r)
{
	for (int i = 0; i < 2; i++) {
		struct conn *c = r->side[i];

		if (c == NULL)
			continue;
		r->side[i] = NULL;
		c->relay = NULL;
		(void)stream_unsplice(c); /* what it says to a failure it has said to the connection */
		stream_resume(c);
		conn_settle_later(c);
	}
}

void
relay_break(struct conn *c)
{
	struct relay *r = c->relay;
	bool finished = r->done;

	relay_part(r);
	if (!finished)
		relay_finish(r, conn_ending_error(c));
}

int64_t
relay_run(struct conn *a, struct conn *b)
{
	struct relay r = { .strand = strand_here(conn_loop(a)),
		.side = { a, b },
		.splices = conn_cfg(a)->splice && conn_cfg(b)->splice };
	int error = 0;

	a->relay = b->relay = &r;
	relay_move(a, b);
	relay_move(b, a);
	for (int i = 0; i < 2 && !r.done; i++)
		relay_on_readable(r.side[i]); /* what came before counts as news */
	if (!r.done) {
		stream_resume(a);
		stream_resume(b);
	}
	while (error == 0 && !r.done) {
		int64_t by_ms = a->read_by_ms < b->read_by_ms ? a->read_by_ms : b->read_by_ms;

		error = strand_wait(r.strand, STRAND_READS, by_ms);
	}
	relay_part(&r);
	if (r.done)
		error = r.error;
	return error < 0 ? error : r.total;
}
