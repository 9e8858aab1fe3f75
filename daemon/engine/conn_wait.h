/* How strands wait on a connection: one for its input, any number for their turn to write. Any strand of the
 * loop may, whichever scope it is in; a connection that ends wakes them all, and is not taken apart before
 * the last of them has seen it. */
#ifndef ENGINE_CONN_WAIT_H
#define ENGINE_CONN_WAIT_H

#include "engine/conn.h"

/** Wait until there may be something to read. @return 0: look again; -EBUSY: somebody else waits for it;
 * -ETIMEDOUT, -ECANCELED, -ECONNRESET; -EDEADLK: not on a fiber */
must_check int conn_wait_input(struct conn *c);

/** Wait until the handshake is over. @return as conn_wait_input() */
must_check int conn_wait_handshake(struct conn *c);

/** Why a call fails on a connection that is not open any more. */
int conn_ending_error(const struct conn *c);

/** Become the one that writes; nobody else does until conn_end_turn(). @return as conn_wait_input() */
must_check int conn_take_turn(struct conn *c);
void conn_end_turn(struct conn *c);
/** With the turn, or for a flush: wait until output has gone. @return as conn_wait_input() */
must_check int conn_wait_output(struct conn *c);

/** The share of this fiber is spent (engine/loop.h): let others go first, as the one that reads. Nobody else
 * reads. @return as conn_wait_input() */
must_check int conn_yield_input(struct conn *c);
/** The same with the turn to write. */
must_check int conn_yield_output(struct conn *c);

/** Somebody waits for input: the socket is worth watching. */
static inline bool
conn_has_reader(const struct conn *c)
{
	return c->reader != NULL;
}

void conn_wake_reader(struct conn *c);
void conn_wake_writer(struct conn *c);
/** The connection is ending: all of them are to look, and to leave. @return true when nobody is left */
bool conn_dismiss(struct conn *c);

#endif
