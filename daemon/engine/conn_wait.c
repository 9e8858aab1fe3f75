/* The head of the queue of writers has the turn and may write piece by piece; the others wait until it is
 * theirs, so that writes of several strands never interleave. Whoever finds nobody in the queue and room
 * enough does not come here at all. */
#include "engine/conn_wait.h"

#include <errno.h>

#include "engine/relay.h"
#include "engine/strand.h"
#include "engine/stream.h"

int
conn_ending_error(const struct conn *c)
{
	switch (c->reason) {
	case SOCKD_BY_RESET:
	case SOCKD_BY_ERROR:
	case SOCKD_BY_TLS_TRUNCATED:
	case SOCKD_BY_HANDSHAKE_FAILED:
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

/* The last one out lets the connection end. */
static void
conn_left(struct conn *c)
{
	if (c->state != CONN_OPEN)
		conn_settle_later(c);
}

/* In event style it only borrowed the input: what it does not read is told of again. */
static void
conn_reader_leaves(struct conn *c)
{
	c->reader = NULL;
	if (c->straight)
		return;
	c->data_due = true; /* when its fiber is over at the latest */
	stream_resume(c);
}

int
conn_wait_input(struct conn *c)
{
	struct strand *self = strand_here(conn_loop(c));
	int r;

	if (self == NULL)
		return -EDEADLK;
	if (c->reader != NULL)
		return -EBUSY;
	if (c->state != CONN_OPEN)
		return conn_ending_error(c);
	c->reader = self;
	stream_resume(c);
	conn_may_be_quiet(c);
	r = strand_wait(self, STRAND_READS, c->read_by_ms);
	conn_reader_leaves(c);
	if (c->state == CONN_OPEN)
		return r;
	conn_left(c);
	return conn_ending_error(c);
}

int
conn_yield_input(struct conn *c)
{
	int r;

	c->reader = strand_here(conn_loop(c));
	r = strand_yield(c->reader);
	conn_reader_leaves(c);
	if (c->state == CONN_OPEN)
		return r;
	conn_left(c);
	return conn_ending_error(c);
}

int
conn_wait_handshake(struct conn *c)
{
	struct strand *self = strand_here(conn_loop(c));
	int r = 0;

	if (self == NULL)
		return -EDEADLK;
	c->reader = self;
	while (r == 0 && c->state == CONN_HANDSHAKE)
		r = strand_wait(self, STRAND_READS, CLOCK_NEVER);
	c->reader = NULL;
	if (c->state == CONN_OPEN || c->state == CONN_HANDSHAKE)
		return r;
	conn_left(c);
	return conn_ending_error(c);
}

static void
conn_leave_queue(struct conn *c, struct strand *self)
{
	struct strand **at = &c->writers;

	while (*at != self)
		at = &(*at)->behind;
	*at = self->behind;
	self->behind = NULL;
	if (at == &c->writers && c->writers != NULL)
		strand_wake(c->writers);
	else if (c->writers == NULL && c->relay != NULL)
		relay_on_room(c);
	conn_left(c);
}

static int
conn_wait_in_queue(struct conn *c, struct strand *self)
{
	int r = strand_wait(self, STRAND_WRITES, c->write_by_ms);

	return c->state == CONN_OPEN ? r : conn_ending_error(c);
}

int
conn_take_turn(struct conn *c)
{
	struct strand *self = strand_here(conn_loop(c)), **at = &c->writers;
	int r = 0;

	if (self == NULL)
		return -EDEADLK;
	while (*at != NULL)
		at = &(*at)->behind;
	*at = self;
	while (r == 0 && c->writers != self)
		r = conn_wait_in_queue(c, self);
	if (r == 0 && loop_share_is_spent(conn_loop(c)))
		r = conn_yield_output(c);
	if (r < 0)
		conn_leave_queue(c, self);
	return r;
}

void
conn_end_turn(struct conn *c)
{
	conn_leave_queue(c, c->writers);
}

int
conn_yield_output(struct conn *c)
{
	int r = strand_yield(c->writers);

	return c->state == CONN_OPEN ? r : conn_ending_error(c);
}

int
conn_wait_output(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return conn_ending_error(c);
	return conn_wait_in_queue(c, c->writers);
}

void
conn_wake_reader(struct conn *c)
{
	if (c->reader != NULL)
		strand_wake(c->reader);
}

void
conn_wake_writer(struct conn *c)
{
	if (c->writers != NULL)
		strand_wake(c->writers);
}

bool
conn_dismiss(struct conn *c)
{
	if (c->relay != NULL)
		relay_break(c);
	conn_wake_reader(c);
	for (struct strand *s = c->writers; s != NULL; s = s->behind)
		strand_wake(s);
	return c->reader == NULL && c->writers == NULL;
}
