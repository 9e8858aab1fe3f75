/* How the bytes of a stream connection move: the pump between socket and bufferevent.
 *
 * Reading: the loop's poller tells when something has come, one recv() takes up to LOOP_BUFFER_SIZE into the
 * loop's buffer, the plugin is given that as a view, and only what it leaves unread is copied into the
 * bufferevent's input. It tells once: whoever stops reading before the socket is empty calls stream_resume().
 *
 * Writing: at once from where the bytes lie; only what the socket does not take goes to the bufferevent's
 * output, which flushes it by itself. Nothing is read while the input holds buffers.read or the output
 * buffers.write, so a peer that never reads costs that much. */
#ifndef ENGINE_STREAM_H
#define ENGINE_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "engine/conn.h"

/** With what is pending in them. */
void stream_free_buffers(struct conn *c);

/** Read on, from the loop's frame, if the state, the buffers and the plugin allow it and something may be
 * there; and see that it is told of what is not there yet. Call after anything that may allow it. */
void stream_resume(struct conn *c);
/** That turn of the loop: the task `again`. */
void stream_read_again(struct loop *loop, struct loop_task *task);
/** The poller: something came. @param cuts  an end, a failure or urgent data is among it, at which reads end
 */
void stream_on_edge(struct conn *c, bool cuts);
/** A read may give something. Where not, an edge will tell. */
bool stream_may_read(const struct conn *c);

/** Bytes that the kernel has not taken yet, those of a file under way among them; with TLS encrypted ones,
 * and what waits to be. */
size_t stream_pending(const struct conn *c);
/** The same without the file: those that count as queued. */
size_t stream_pending_bytes(const struct conn *c);
/** Bytes of the plugin's that the kernel has taken; with TLS at least so many. */
uint64_t stream_written(const struct conn *c);
/** Bytes that have left, of whatever kind: whether it grows tells whether the peer takes any. */
uint64_t stream_flushed(const struct conn *c);
/** Bytes read that the plugin has not taken yet. */
size_t stream_unread(const struct conn *c);
/** Bytes a write would take now. */
size_t stream_room(const struct conn *c);

/** The kernel has bytes of the peer's that are still to be read, if perhaps at a pace: a drain waits for
 * them. */
bool stream_owes_input(const struct conn *c);

/** recv() with accounting. @return bytes, 0 at the peer's FIN, -EAGAIN, or another negative errno after which
 * the connection has failed. */
ssize_t stream_recv(struct conn *c, void *buf, size_t size);

/** Put bytes that were just read behind those that are unread. @return 0 or -1 */
int stream_keep(struct conn *c, const void *bytes, size_t size);

/** recv() on the socket itself. @return bytes, 0, or a negative errno */
ssize_t stream_recv_socket(struct conn *c, void *buf, size_t size);
/** Send these bytes as they are, or keep them in the output. @return 0 or a negative errno */
must_check int stream_put(struct conn *c, const void *bytes, size_t size);

/** Take unread bytes. @return how many, perhaps 0. */
size_t stream_take(struct conn *c, void *buf, size_t size);
/** Throw unread bytes away. @return how many. */
size_t stream_drop(struct conn *c, size_t size);
void stream_forget_unread(struct conn *c);
/** All that comes is thrown away from now on; who waits for it has the end. */
void stream_close_read(struct conn *c);

/** Give the socket what it takes now. @return bytes, perhaps 0, or a negative errno */
ssize_t stream_send(struct conn *c, const struct iovec *iov, int count);

/** Output fell to half its limit or below: goes on with whoever waited for room. */
void stream_make_room(struct conn *c);

/** Send or queue all of it. The caller has seen that it fits stream_room().
 * @return 0 or a negative errno after which the connection has failed */
int stream_write(struct conn *c, const struct iovec *iov, int count, size_t total);

/** Count what was handed to the kernel past stream_write(). */
void stream_count_queued(struct conn *c, size_t size);
/** Its bytes go over the wire as they are. */
bool stream_is_plain(const struct conn *c);

/** Move unread bytes of @p from to @p to as far as there is room. @return bytes or a negative errno of @p to.
 */
ssize_t stream_move(struct conn *to, struct conn *from);

/** Event style: call data() if bytes are unread and nothing stands against it. From the loop's frame only. */
void stream_tell_unread(struct conn *c);

/** Event style, at the drain: read and deliver until the socket is empty. */
void stream_read_all(struct conn *c);

#endif
