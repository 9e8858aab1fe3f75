/* sockd/io.h - reading and writing. SPDX-License-Identifier: MIT
 *
 * The same functions serve every transport. What differs is said where it does. Unless a comment says
 * otherwise a function runs on the loop of its handle only (EXDEV elsewhere), waits on a FIBER, and never
 * waits in EVENT style.
 *
 * A fiber that reads or writes without ever having to wait lets the other fibers and connections of its loop
 * have their turn within such a call, each time that it has moved its share, 256 KiB or so. What
 * sockd_readable() and sockd_writable() tell is had without that.
 *
 * Errors that any of them may give, beside those named: EBADF (gone, or a null handle), EXDEV (foreign
 * thread), EINVAL (arguments that make no sense, such as NULL for bytes), ENOSYS (not in this sockd), ENOMEM.
 * A call that waits may end with ETIMEDOUT (a timeout of the connection), ECONNRESET, or ECANCELED
 * (sockd_cancel(), or a drain at its deadline: for good). */
#ifndef SOCKD_IO_H
#define SOCKD_IO_H

#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reader ---- */

/* One fiber at a time may wait on a reader; a second gets EBUSY. So does whoever would look at input, take it
 * or drop it while sockd_relay() carries it; sockd_readable() is 0 then. During a drain a quiet read gives
 * the end of the stream once, at the connection's turn. */

/** Read what is there, at most @p size bytes; on a fiber wait until there is something.
 * Datagrams: one message. EVENT, stream: -1 EAGAIN when nothing is there.
 * @param size  0 gives 0 on a stream, and says nothing about its end
 * @return bytes; 0 at the end of the stream or for an empty datagram (sockd_receive() tells them apart); -1
 */
static inline ssize_t
sockd_read(struct sockd_reader r, void *buf, size_t size)
{
	SOCKD_CALL_(r, read, -1, (r, buf, size));
}

/** Read bytes of a stream, or one message of a datagram socket, with an answer that means the same on all of
 * them. A message larger than @p size is dropped and counted: FIBER waits for the next one, EVENT gets -1
 * EMSGSIZE (sockd_readable() tells its size beforehand). EVENT with nothing there: -1 EAGAIN.
 * @param size      not 0 on a stream (EINVAL), where no bytes would mean nothing
 * @param ret_size  bytes placed in @p buf, perhaps 0 for a datagram; untouched unless 1 is returned
 * @return 1 with data, 0 at the end, -1 */
static inline int
sockd_receive(struct sockd_reader r, void *buf, size_t size, size_t *ret_size)
{
	SOCKD_CALL_(r, receive, -1, (r, buf, size, ret_size));
}

/** Read exactly @p size bytes of a stream. EVENT: -1 EAGAIN, and nothing taken, until all of them are there.
 * @return 1 all of it; 0 the stream ended before the first byte; -1 (EPIPE: it ended in the middle, and what
 * there is stays to be read) */
static inline int
sockd_read_full(struct sockd_reader r, void *buf, size_t size)
{
	SOCKD_CALL_(r, read_full, -1, (r, buf, size));
}

/** Read a stream up to and including @p delimiter. What follows it stays to be read.
 * @return bytes, the delimiter among them; at the end of the stream what was left, without one; 0 at the end
 * with nothing left; -1 (EMSGSIZE: no delimiter within @p size bytes, nothing taken; EVENT: EAGAIN; ENOTSUP
 * with datagrams; EINVAL: an empty delimiter, no room) */
static inline ssize_t
sockd_read_until(struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size)
{
	SOCKD_CALL_(r, read_until, -1, (r, delimiter, delimiter_size, buf, size));
}

/** Read one framed message of a stream, without its mark (see struct sockd_framing).
 * @param ret_size  its length, perhaps 0; untouched unless 1 is returned
 * @return 1 with a message, 0 at the end between two messages, -1 (EMSGSIZE: longer than f->limit or @p size,
 * the stream can't be read on as frames; EBADMSG: no valid length; EPIPE: the stream ended within a message;
 * EVENT: EAGAIN). Datagrams: each is one message and has no mark, but for a delimiter at its end, which is
 * taken off as on a stream; one above the limit is dropped as by sockd_receive(). */
static inline int
sockd_read_frame(
	struct sockd_reader r, const struct sockd_framing *f, void *buf, size_t size, size_t *ret_size)
{
	SOCKD_CALL_(r, read_frame, -1, (r, f, buf, size, ret_size));
}

/** As sockd_read() on unix sockets, and take descriptors that came along. They are yours to close and have
 * CLOEXEC set; those beyond *@p io_fds are closed.
 * @param io_fds  in: room in @p fds; out: how many came, also 0; untouched on failure
 * @return as sockd_read(); -1 (ENOTSUP: not a unix socket; EPERM: the plugin's description lacks
 * `.wants = SOCKD_WANTS_FDS`) */
static inline ssize_t
sockd_receive_fds(struct sockd_reader r, void *buf, size_t size, int *fds, size_t *io_fds)
{
	SOCKD_CALL_(r, receive_fds, -1, (r, buf, size, fds, io_fds));
}

/** Look at all that is there, in one piece, without taking it; on a fiber wait until at least @p want bytes
 * are there or the stream ends. @p want above the read buffer is EMSGSIZE.
 * @param ret_data  borrowed: valid until the next call with this reader, or the next call that waits
 * @return bytes there, fewer than @p want only at the end; -1 (EVENT with fewer: EAGAIN). Datagrams: the next
 * one, whole, whatever @p want says. */
static inline ssize_t
sockd_peek(struct sockd_reader r, const void **ret_data, size_t want)
{
	SOCKD_CALL_(r, peek, -1, (r, ret_data, want));
}

/** Drop up to @p size bytes of those that are there (SIZE_MAX: all of them); a datagram goes whole. Never
 * waits.
 * @return bytes dropped, perhaps 0; -1 */
static inline ssize_t
sockd_discard(struct sockd_reader r, size_t size)
{
	SOCKD_CALL_(r, discard, -1, (r, size));
}

/** @return bytes that a read would give now without waiting; for a datagram its size. 0 also on failure. */
static inline size_t
sockd_readable(struct sockd_reader r)
{
	SOCKD_CALL_(r, readable, 0, (r));
}

/** EVENT: with @p paused no data(), eof() or datagram() comes, and nothing is read: what peers send waits in
 * the kernel and slows them down. Resuming may call data() from the loop, never from within this call.
 * @return 0 or -1 */
static inline int
sockd_pause(struct sockd_reader r, bool paused)
{
	SOCKD_CALL_(r, pause, -1, (r, paused));
}

/** Lose interest in input: what is there and what still comes is thrown away, reads give the end. Writing
 * goes on.
 * @return 0 or -1 (ENOTSUP on a datagram listener) */
static inline int
sockd_close_read(struct sockd_reader r)
{
	SOCKD_CALL_(r, close_read, -1, (r));
}

/* ---- writer ---- */

/* A write takes all of its bytes or none. FIBER: it waits for room, and concurrent writes of several fibers
 * go one after the other, never interleaved. EVENT: EAGAIN means that nothing was taken; writable() follows
 * when half of the buffer is free. EMSGSIZE: more than the write buffer can ever hold. Bytes are copied: @p
 * buf is yours again at return.
 *
 * Datagrams: a write answers the sender of the datagram read last and gives its size once it is queued. What
 * the kernel then refuses, and an answer to a sender without an address, is dropped and counted, not
 * reported. EMSGSIZE: above 65,507 bytes on udp, above buffers.write on unixgram. */

/** Send. @p size 0 sends an empty datagram, and nothing on a stream.
 * @return @p size, or -1 (EPIPE: after sockd_close_write()) */
static inline ssize_t
sockd_write(struct sockd_writer w, const void *buf, size_t size)
{
	SOCKD_CALL_(w, write, -1, (w, buf, size));
}

/** As sockd_write() with the bytes in @p count pieces, which together are one write and one datagram.
 * @return their sum, or -1 */
static inline ssize_t
sockd_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	SOCKD_CALL_(w, writev, -1, (w, iov, count));
}

/** As sockd_write() with text made as by printf(3), without its NUL. @return bytes, or -1 */
static inline int sockd_printf(struct sockd_writer w, const char *format, ...) SOCKD_FORMAT_(2, 3);
static inline int
sockd_printf(struct sockd_writer w, const char *format, ...)
{
	int result;
	va_list args;

	if (sockd_null(w) || !SOCKD_HAS(w, vprintf)) {
		sockd_refuse_(sockd_null(w));
		return -1;
	}
	va_start(args, format);
	result = w.ops->vprintf(w, format, args);
	va_end(args);
	return result;
}

/** Send a datagram to somebody, any time after having read from them.
 * @param to    whom: a copy of sockd_conn_remote(); length 0 is EDESTADDRREQ
 * @param from  the local address to send from: a copy of sockd_conn_local(); NULL: the kernel chooses
 * @return as sockd_write(); -1 ENOTSUP on a stream */
static inline ssize_t
sockd_write_to(struct sockd_writer w, const struct sockd_addr *to, const struct sockd_addr *from,
	const void *buf, size_t size)
{
	SOCKD_CALL_(w, write_to, -1, (w, to, from, buf, size));
}

/** Send one message with its mark (see struct sockd_framing), as one write. A datagram needs no mark and gets
 * none.
 * @return @p size, or -1 (EMSGSIZE: longer than f->limit, or than f->width can say; EINVAL: a delimiter
 * within it) */
static inline ssize_t
sockd_write_frame(struct sockd_writer w, const struct sockd_framing *f, const void *buf, size_t size)
{
	SOCKD_CALL_(w, write_frame, -1, (w, f, buf, size));
}

/** As sockd_write() on unix sockets, with descriptors along. They stay yours; duplicates travel. @p size is
 * at least 1.
 * @return @p size, or -1 (ENOTSUP on other transports) */
static inline ssize_t
sockd_send_fds(struct sockd_writer w, const void *buf, size_t size, const int *fds, size_t count)
{
	SOCKD_CALL_(w, send_fds, -1, (w, buf, size, fds, count));
}

/** Wait until the kernel has taken all that was written so far. Fiber only (EDEADLK). @return 0 or -1 */
static inline int
sockd_flush(struct sockd_writer w)
{
	SOCKD_CALL_(w, flush, -1, (w));
}

/** Send a part of a file on a stream. FIBER: returns when it is queued to the kernel. EVENT: queued behind
 * what was written before; the descriptor is duplicated, so close yours when you like.
 * @param fd     a regular file (else EINVAL)
 * @param count  bytes; -1: to the end of the file. What the file does not have is not sent
 * @return bytes sent or queued, or -1 (ENOTSUP with datagrams) */
static inline int64_t
sockd_sendfile(struct sockd_writer w, int fd, int64_t offset, int64_t count)
{
	SOCKD_CALL_(w, sendfile, -1, (w, fd, offset, count));
}

/** @return bytes that a write would take now without waiting. 0 also on failure. */
static inline size_t
sockd_writable(struct sockd_writer w)
{
	SOCKD_CALL_(w, writable, 0, (w));
}

/** Send FIN once all that is queued has gone; later writes fail with EPIPE. Reading goes on. Never waits.
 * @return 0 (also when done before) or -1 (ENOTSUP with datagrams) */
static inline int
sockd_close_write(struct sockd_writer w)
{
	SOCKD_CALL_(w, close_write, -1, (w));
}

/** Copy from @p r to @p w until @p r ends: any reader with any writer of the same loop. Holds no buffer while
 * it waits. Between datagrams, message by message. Fiber only (EDEADLK). @return bytes copied, or -1 */
static inline int64_t
sockd_copy(struct sockd_writer w, struct sockd_reader r)
{
	SOCKD_CALL_(w, copy, -1, (w, r));
}

/** Move what is there in @p r and fits into @p w, now, without copying where that can be. What does not fit
 * stays to be read: data() comes again when there is room. A datagram moves whole, an empty one too. Never
 * waits.
 * @return bytes moved; 0 means none now, neither end nor error; -1 */
static inline ssize_t
sockd_move(struct sockd_writer w, struct sockd_reader r)
{
	SOCKD_CALL_(w, move, -1, (w, r));
}

#ifdef __cplusplus
}
#endif

#endif
