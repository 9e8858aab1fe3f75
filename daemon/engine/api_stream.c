/* What a plugin may do with the bytes of a stream. Every operation looks its connection up first; on a fiber
 * it may wait, in an event entry it says EAGAIN. What a later version brings is a NULL slot: the header
 * answers ENOSYS. */
#include "engine/api.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/api_frame.h"
#include "engine/arguments.h"
#include "engine/conn_wait.h"
#include "engine/rights.h"
#include "engine/strand.h"
#include "engine/stream.h"
#include "engine/stream_ahead.h"
#include "engine/stream_file.h"
#include "engine/stream_rights.h"

static bool
on_fiber(const struct conn *c)
{
	return strand_here(conn_loop(c)) != NULL;
}

/* A fiber that has had its share lets others go first before it asks the kernel for more. */
static bool
must_give_way(const struct conn *c)
{
	return loop_share_is_spent(conn_loop(c)) && on_fiber(c);
}

/* ---- reader ---- */

/* Bytes, 0 at the end, or a negative errno; waits on a fiber. */
static ssize_t
read_some(struct conn *c, void *buf, size_t size)
{
	if (buf == NULL || size == 0)
		return size == 0 ? 0 : -EINVAL;
	for (;;) {
		ssize_t n = (ssize_t)stream_take(c, buf, size);
		int r;

		if (n > 0) {
			stream_resume(c);
			return n;
		}
		if (c->read_closed || c->fin_read)
			return c->truncated && !c->read_closed ? -ECONNRESET : 0;
		if (!on_fiber(c))
			return c->state <= CONN_OPEN ? -EAGAIN : -ECANCELED;
		if (c->reader != NULL)
			return -EBUSY;
		if (c->state == CONN_OPEN && loop_share_is_spent(conn_loop(c))) {
			r = conn_yield_input(c);
			if (r < 0)
				return r;
			continue;
		}
		if (c->state == CONN_OPEN && (stream_may_read(c) || c->end_given)) {
			n = stream_recv(c, buf, size);
			if (n != -EAGAIN)
				return n;
		}
		if (c->end_given && c->state == CONN_OPEN)
			return 0;
		r = conn_wait_input(c);
		if (r < 0)
			return r;
	}
}

static ssize_t
read_once(struct sockd_reader r, const char *who, void *buf, size_t size)
{
	struct conn *c = api_find_input(r.ref, who);
	ssize_t n;

	if (c == NULL)
		return -1;
	n = read_some(c, buf, size);
	return n < 0 ? api_fail((int)n) : n;
}

static ssize_t
reader_read(struct sockd_reader r, void *buf, size_t size)
{
	return read_once(r, "sockd_read", buf, size);
}

static int
reader_receive(struct sockd_reader r, void *buf, size_t size, size_t *ret_size)
{
	ssize_t n;

	if (ret_size == NULL || size == 0)
		return api_fail(-EINVAL); /* no bytes would read like the end */
	n = read_once(r, "sockd_receive", buf, size);
	if (n <= 0)
		return (int)n;
	*ret_size = (size_t)n;
	return 1;
}

static ssize_t
reader_receive_fds(struct sockd_reader r, void *buf, size_t size, int *fds, size_t *io_fds)
{
	struct conn *c = api_find_input(r.ref, "sockd_receive_fds");
	ssize_t n;

	if (c == NULL)
		return -1;
	n = api_check_fds(c->scope->listener, c->transport == CFG_UNIX && c->tls == NULL, fds, io_fds);
	if (n < 0)
		return api_fail((int)n);
	c->keeps_rights = true;
	n = read_some(c, buf, size);
	if (n < 0)
		return api_fail((int)n);
	*io_fds = stream_take_rights(c, fds, *io_fds);
	return n;
}

static int
reader_read_full(struct sockd_reader r, void *buf, size_t size)
{
	struct conn *c = api_find_input(r.ref, "sockd_read_full");
	int filled = 1;

	if (c == NULL)
		return -1;
	if (!arguments_are_there(buf, size))
		return api_fail(-EINVAL);
	if (stream_unread(c) < size)
		filled = stream_fill(c, size);
	if (filled < 0)
		return api_fail(filled);
	if (filled == 0)
		return stream_unread(c) == 0 ? 0 : api_fail(-EPIPE);
	stream_take(c, buf, size);
	stream_resume(c);
	return 1;
}

static ssize_t
reader_discard(struct sockd_reader r, size_t size)
{
	struct conn *c = api_find_input(r.ref, "sockd_discard");
	size_t n;

	if (c == NULL)
		return -1;
	n = stream_drop(c, size);
	stream_resume(c);
	return (ssize_t)n;
}

static size_t
reader_readable(struct sockd_reader r)
{
	const struct conn *c = api_find(r.ref, "sockd_readable");

	return c != NULL && c->relay == NULL ? stream_unread(c) : 0;
}

static int
reader_pause(struct sockd_reader r, bool paused)
{
	struct conn *c = api_find_open(r.ref, "sockd_pause");

	if (c == NULL)
		return -1;
	c->paused = paused;
	stream_resume(c);
	c->data_due = !paused; /* what is there is told from the loop */
	conn_settle_later(c);
	return 0;
}

static int
reader_close_read(struct sockd_reader r)
{
	struct conn *c = api_find_open(r.ref, "sockd_close_read");

	if (c == NULL)
		return -1;
	stream_close_read(c);
	return 0;
}

const struct sockd_reader_ops stream_reader_ops = {
	.size = sizeof(struct sockd_reader_ops),
	.read = reader_read,
	.receive = reader_receive,
	.read_full = reader_read_full,
	.receive_fds = reader_receive_fds,
	.read_until = stream_read_until,
	.read_frame = stream_read_frame,
	.peek = stream_peek,
	.discard = reader_discard,
	.readable = reader_readable,
	.pause = reader_pause,
	.close_read = reader_close_read,
};

/* ---- writer ---- */

static int
write_closed_error(const struct conn *c)
{
	if (c->state == CONN_DIALLING || (c->state == CONN_HANDSHAKE && !c->straight))
		return -EAGAIN; /* open() is still to come */
	return c->broken ? -ECONNRESET : c->state == CONN_ENDING ? -ECANCELED : -EPIPE;
}

/* With the turn: write in pieces what is larger than the room. */
static ssize_t
write_pieces(struct conn *c, const struct iovec *iov, int count)
{
	size_t total = 0;

	for (int i = 0; i < count; i++) {
		size_t done = 0;

		while (done < iov[i].iov_len) {
			size_t left = iov[i].iov_len - done, room = stream_room(c);
			struct iovec part = { (char *)iov[i].iov_base + done, left < room ? left : room };
			int r;

			if (c->state != CONN_OPEN || c->write_closed)
				return write_closed_error(c);
			if (room > 0 && !loop_share_is_spent(conn_loop(c))) {
				r = stream_write(c, &part, 1, part.iov_len);
				done += part.iov_len;
			} else {
				r = room > 0 ? conn_yield_output(c) : conn_wait_output(c);
			}
			if (r < 0)
				return r;
		}
		total += done;
	}
	return (ssize_t)total;
}

/* A fiber waits for its turn, and then for room. */
static ssize_t
write_on_fiber(struct conn *c, const struct iovec *iov, int count)
{
	ssize_t n;

	if (c->state != CONN_OPEN || c->write_closed)
		return write_closed_error(c);
	n = conn_take_turn(c);
	if (n < 0)
		return n;
	n = write_pieces(c, iov, count);
	conn_end_turn(c);
	return n;
}

static ssize_t
write_at_once(struct conn *c, const struct iovec *iov, int count, size_t total)
{
	int r;

	if (c->state != CONN_OPEN || c->write_closed)
		return write_closed_error(c);
	if (total > (size_t)conn_cfg(c)->write_buffer)
		return -EMSGSIZE;
	if (total > stream_room(c) || c->writers != NULL) {
		c->want_writable = c->blocked = true;
		return -EAGAIN;
	}
	r = stream_write(c, iov, count, total);
	return r < 0 ? r : (ssize_t)total;
}

static ssize_t
write_all(struct sockd_writer w, const char *who, const struct iovec *iov, int count)
{
	struct conn *c = api_find_open(w.ref, who);
	size_t total;
	ssize_t n;

	if (c == NULL)
		return -1;
	n = arguments_sum(iov, count, &total);
	if (n < 0)
		return api_fail((int)n);
	if (must_give_way(c) || ((total > stream_room(c) || c->writers != NULL) && on_fiber(c)))
		n = write_on_fiber(c, iov, count);
	else
		n = write_at_once(c, iov, count, total);
	return n < 0 ? api_fail((int)n) : n;
}

static ssize_t
writer_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	return write_all(w, "sockd_writev", iov, count);
}

static ssize_t
writer_write(struct sockd_writer w, const void *buf, size_t size)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = size };

	return write_all(w, "sockd_write", &iov, 1);
}

static ssize_t
writer_write_to(struct sockd_writer w, const struct sockd_addr *to, const struct sockd_addr *from,
	const void *buf, size_t size)
{
	(void)w, (void)to, (void)from, (void)buf, (void)size; /* a stream has one peer, whatever is asked */
	return api_fail(-ENOTSUP);
}

static ssize_t
writer_send_fds(struct sockd_writer w, const void *buf, size_t size, const int *fds, size_t count)
{
	struct conn *c = api_find_open(w.ref, "sockd_send_fds");
	ssize_t n;

	if (c == NULL)
		return -1;
	if (c->transport != CFG_UNIX || c->tls != NULL)
		return api_fail(-ENOTSUP);
	if (size == 0 || count > RIGHTS_MAX || (fds == NULL && count > 0))
		return api_fail(-EINVAL);
	if (c->state != CONN_OPEN || c->write_closed)
		return api_fail(write_closed_error(c));
	n = stream_send_rights(c, buf, size, fds, count);
	return n < 0 ? api_fail((int)n) : n;
}

static int
writer_flush(struct sockd_writer w)
{
	struct conn *c = api_find_open(w.ref, "sockd_flush");
	int r;

	if (c == NULL)
		return -1;
	if (!on_fiber(c))
		return api_fail(-EDEADLK);
	if (c->broken)
		return api_fail(-ECONNRESET);
	if (stream_pending(c) == 0 && c->writers == NULL && !must_give_way(c))
		return 0;
	r = conn_take_turn(c);
	if (r < 0)
		return api_fail(r);
	while (r == 0 && stream_pending(c) > 0)
		r = conn_wait_output(c);
	conn_end_turn(c);
	return api_fail(r);
}

static int64_t
writer_sendfile(struct sockd_writer w, int fd, int64_t offset, int64_t count)
{
	struct conn *c = api_find_open(w.ref, "sockd_sendfile");
	int64_t n;

	if (c == NULL)
		return -1;
	if (c->state != CONN_OPEN || c->write_closed)
		return api_fail(write_closed_error(c));
	n = stream_file_send(c, fd, offset, count);
	return n < 0 ? api_fail((int)n) : n;
}

static size_t
writer_writable(struct sockd_writer w)
{
	const struct conn *c = api_find(w.ref, "sockd_writable");

	return c != NULL && !must_give_way(c) ? stream_room(c) : 0;
}

static int
writer_close_write(struct sockd_writer w)
{
	struct conn *c = api_find_open(w.ref, "sockd_close_write");

	if (c == NULL)
		return -1;
	c->write_closed = true;
	conn_settle_later(c);
	return 0;
}

static ssize_t
writer_move(struct sockd_writer w, struct sockd_reader r)
{
	struct conn *to = api_find_open(w.ref, "sockd_move"), *from;
	ssize_t n;

	if (to == NULL)
		return -1;
	if (r.ops != &stream_reader_ops)
		return api_fail(sockd_null(r) ? -EBADF : -ENOTSUP);
	from = api_find_input(r.ref, "sockd_move");
	if (from == NULL)
		return -1;
	if (to->state != CONN_OPEN || to->write_closed)
		return api_fail(write_closed_error(to));
	n = stream_move(to, from);
	return n < 0 ? api_fail((int)n) : n;
}

/* The loop's buffer serves all fibers in turn: between filling and writing it nothing else runs. What can't
 * be taken at once, because others wrote meanwhile, is kept in memory of its own. */
static ssize_t
write_copied(struct sockd_writer w, struct conn *to, void *bytes, size_t size)
{
	auto_of(mem) void *kept = NULL;

	if (likely(to->writers == NULL && size <= stream_room(to))) {
		struct iovec iov = { .iov_base = bytes, .iov_len = size };
		int r = stream_write(to, &iov, 1, size);

		return r < 0 ? api_fail(r) : (ssize_t)size;
	}
	kept = malloc(size);
	if (kept == NULL)
		return api_fail(-ENOMEM);
	memcpy(kept, bytes, size);
	return writer_write(w, kept, size);
}

/* Wait until half of the buffer is free, so that a slow peer is not served in crumbs. */
static int
wait_for_room(struct conn *c)
{
	size_t wanted = (size_t)conn_cfg(c)->write_buffer / 2;
	int r;

	if (c->state != CONN_OPEN || c->write_closed)
		return write_closed_error(c);
	if (stream_room(c) > 0 && c->writers == NULL)
		return 0;
	r = conn_take_turn(c);
	if (r < 0)
		return r;
	while (r == 0 && stream_room(c) < wanted)
		r = c->write_closed ? -EPIPE : conn_wait_output(c);
	conn_end_turn(c);
	return r;
}

static int64_t
writer_copy(struct sockd_writer w, struct sockd_reader r)
{
	struct conn *to = api_find_open(w.ref, "sockd_copy");
	int64_t total = 0;

	if (to == NULL)
		return -1;
	if (!on_fiber(to))
		return api_fail(-EDEADLK);
	for (;;) {
		unsigned char *buffer = conn_loop(to)->buffer;
		size_t got = 0;
		int n = wait_for_room(to);

		if (n < 0)
			return api_fail(n);
		n = sockd_receive(r, buffer, LOOP_BUFFER_SIZE, &got);
		if (n <= 0)
			return n < 0 ? -1 : total;
		if (api_find_open(w.ref, "sockd_copy") == NULL ||
			(got > 0 && write_copied(w, to, buffer, got) < 0))
			return -1;
		total += (int64_t)got;
	}
}

const struct sockd_writer_ops stream_writer_ops = {
	.size = sizeof(struct sockd_writer_ops),
	.write = writer_write,
	.writev = writer_writev,
	.vprintf = any_vprintf,
	.write_to = writer_write_to,
	.send_fds = writer_send_fds,
	.write_frame = stream_write_frame,
	.flush = writer_flush,
	.sendfile = writer_sendfile,
	.writable = writer_writable,
	.close_write = writer_close_write,
	.copy = writer_copy,
	.move = writer_move,
};
