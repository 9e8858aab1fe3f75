/* limits.bandwidth: how fast the bytes of a connection may move, by its own limit and by its share of its
 * listener's. It stands beneath the pump: stream.c asks before it reads or writes. A connection without
 * limits has no pace at all, and costs one look at a pointer. */
#ifndef ENGINE_PACE_H
#define ENGINE_PACE_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "engine/conn.h"

struct pace;
struct pace_scope;

/** Give @p c a pace if its listener limits bandwidth. @return 0 or -ENOMEM */
must_check int pace_begin(struct conn *c);
/** Take it away; NULL is fine. */
void pace_end(struct conn *c);

/** How many bytes may be read now, at most @p want; 0: later, and stream_resume() follows. */
size_t pace_may_read(struct conn *c, size_t want);
/** So many of the allowed were read. */
void pace_has_read(struct conn *c, size_t allowed, size_t bytes);
/** Reading waits for its turn. */
bool pace_holds_input(const struct conn *c);

/** Send what may be sent now. @return bytes, perhaps 0, or a negative errno; the caller queues the rest */
ssize_t pace_send(struct conn *c, const struct iovec *iov, int count);
/** The output holds bytes: they leave as the pace allows, and stream_make_room() is called as they do. */
void pace_output(struct conn *c);

/** What a listener keeps of it on one loop; freed with the listener. */
void pace_scope_free(struct pace_scope *p);

#endif
