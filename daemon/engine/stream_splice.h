/* Bytes from one socket to another without a copy, for flows that are worth it. */
#ifndef ENGINE_STREAM_SPLICE_H
#define ENGINE_STREAM_SPLICE_H

#include <sys/types.h>

#include "engine/conn.h"

/** Whether it can be done now: both plain and without a pace, nothing unread and nothing pending. */
bool stream_can_splice(const struct conn *to, const struct conn *from);

/** Take up to @p most bytes that @p from has ready, and give them to @p to; what its socket does not take now
 * is pending afterwards as after any write, and no other has room until it has gone. @return bytes, or
 * a negative errno: -EAGAIN; -ENOSYS: not these sockets, or not now, use stream_recv(); others after which
 * one of both has failed */
ssize_t stream_splice(struct conn *to, struct conn *from, size_t most);

/** Bytes that are pending in the pipe that @p c has. */
size_t stream_spliced(const struct conn *c);

/** What is pending in a pipe goes into the output, where others may follow. @return 0 or a negative errno
 * after which the connection has failed */
int stream_unsplice(struct conn *c);

/** What is pending in a pipe is lost. */
void stream_splice_drop(struct conn *c);

/** The loop's own pipe. */
void stream_splice_close(struct loop *loop);

#endif
