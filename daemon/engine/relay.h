/* Two connections joined: bytes go both ways as they come, and so does each end of stream. */
#ifndef ENGINE_RELAY_H
#define ENGINE_RELAY_H

#include "engine/conn.h"

/** On a fiber: relay until both sides have ended. @return bytes, or a negative errno */
int64_t relay_run(struct conn *a, struct conn *b);

/* ---- what happens to a connection that is relayed ---- */

void relay_on_readable(struct conn *c);
/** Its output has gone down, or somebody who wrote to it is through. */
void relay_on_room(struct conn *c);
bool relay_wants_input(const struct conn *c);
/** When a drain may take this client's silence for its end: a moment without bytes is none yet, a server may
 * have to think, and a client that has ended its side waits for its answer (CLOCK_NEVER). */
int64_t relay_quiet_at_ms(const struct conn *c);
/** A drain gives its reads the end. */
void relay_on_end(struct conn *c);
/** It is ending. */
void relay_break(struct conn *c);

#endif
