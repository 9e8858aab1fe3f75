/* Reading a stream ahead of what was asked for: a frame, a line, a look at what is there. */
#ifndef ENGINE_STREAM_AHEAD_H
#define ENGINE_STREAM_AHEAD_H

#include "engine/conn.h"

/** Let at least @p want bytes be there to read; a fiber waits for them.
 * @return 1; 0: the stream ended before; in event style -EAGAIN, or -EMSGSIZE when the read buffer never
 * holds so many; or as conn_wait_input() */
must_check int stream_fill(struct conn *c, size_t want);

/** The first @p size bytes that are unread (no more than there are), in one piece; valid until they are taken
 * or more is read. @return NULL without memory, or when there are none */
const void *stream_look(struct conn *c, size_t size);

#endif
