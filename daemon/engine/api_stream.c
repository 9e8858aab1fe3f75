/* What a plugin may do with the bytes of a stream. Every operation looks its connection up first; on a fiber
 * it may wait, in an event entry it says EAGAIN. What a later version brings is a NULL slot: the header
 * answers ENOSYS. */
#include "engine/api.h"

#include <errno.h>
#include <sys/socket.h>

#include "engine/serve.h"
#include "engine/stream.h"

static bool
on_fiber(const struct conn *c)
{
	return fiber_current(conn_loop(c)->fibers) != NULL;
}

/* ---- reader ---- */

/* Bytes, 0 at the end, or a negative errno; waits on a fiber. */
static ssize_t
read_some(struct conn *c, void *buf, size_t size)
{
	if (size == 0)
		return 0;
	for (;;) {
		ssize_t n = (ssize_t)stream_take(c, buf, size);
		int r;

		if (n > 0) {
			stream_arm(c);
			return n;
		}
		if (c->read_closed || c->fin_read)
			return 0;
		if (c->serve == NULL || !on_fiber(c))
			return c->state == CONN_OPEN ? -EAGAIN : -ECANCELED;
		if (c->state == CONN_OPEN && (!c->drained || c->end_given)) {
			n = stream_recv(c, buf, size);
			if (n != -EAGAIN)
				return n;
		}
		if (c->end_given && c->state == CONN_OPEN)
			return 0;
		r = serve_wait(c, SERVE_READS, c->read_by_ms);
		if (r < 0)
			return r;
	}
}

static ssize_t
reader_read(struct sockd_reader r, void *buf, size_t size)
{
	struct conn *c = api_find(r.ref);
	ssize_t n;

	if (c == NULL)
		return -1;
	n = read_some(c, buf, size);
	return n < 0 ? api_fail((int)n) : n;
}

static int
reader_receive(struct sockd_reader r, void *buf, size_t size, size_t *ret_size)
{
	ssize_t n = reader_read(r, buf, size);

	*ret_size = n > 0 ? (size_t)n : 0;
	return n > 0 ? 1 : (int)n;
}

static int
reader_read_full(struct sockd_reader r, void *buf, size_t size)
{
	struct conn *c = api_find(r.ref);
	size_t done = 0;

	if (c == NULL)
		return -1;
	if (!on_fiber(c) && stream_unread(c) < size)
		return api_fail(!c->fin_read ? -EAGAIN : stream_unread(c) > 0 ? -EPIPE : 0);
	while (done < size) {
		ssize_t n = read_some(c, (char *)buf + done, size - done);

		if (n < 0)
			return api_fail((int)n);
		if (n == 0)
			return done == 0 ? 0 : api_fail(-EPIPE);
		done += (size_t)n;
	}
	return 1;
}

static ssize_t
reader_discard(struct sockd_reader r, size_t size)
{
	struct conn *c = api_find(r.ref);
	size_t n;

	if (c == NULL)
		return -1;
	n = stream_drop(c, size);
	stream_arm(c);
	return (ssize_t)n;
}

static size_t
reader_readable(struct sockd_reader r)
{
	const struct conn *c = api_find(r.ref);

	return c != NULL ? stream_unread(c) : 0;
}

static int
reader_close_read(struct sockd_reader r)
{
	struct conn *c = api_find(r.ref);

	if (c == NULL)
		return -1;
	c->read_closed = true;
	stream_forget_unread(c);
	stream_arm(c);
	return 0;
}

const struct sockd_reader_ops stream_reader_ops = {
	.size = sizeof(struct sockd_reader_ops),
	.read = reader_read,
	.receive = reader_receive,
	.read_full = reader_read_full,
	.discard = reader_discard,
	.readable = reader_readable,
	.close_read = reader_close_read,
};

/* ---- writer ---- */

static int
write_closed_error(const struct conn *c)
{
	return c->broken ? -ECONNRESET : c->state == CONN_ENDING ? -ECANCELED : -EPIPE;
}

/* A fiber waits for its turn and for room, and writes in pieces what is larger than the buffer. */
static ssize_t
write_on_fiber(struct conn *c, const struct iovec *iov, int count)
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
			r = room == 0 ? serve_wait(c, SERVE_WRITES, c->write_by_ms)
				      : stream_write(c, &part, 1, part.iov_len);
			if (r < 0)
				return r == -EPIPE ? -ECONNRESET : r;
			done += room == 0 ? 0 : part.iov_len;
		}
		total += done;
	}
	return (ssize_t)total;
}

static ssize_t
write_in_entry(struct conn *c, const struct iovec *iov, int count, size_t total)
{
	int r;

	if (c->state != CONN_OPEN || c->write_closed)
		return write_closed_error(c);
	if (total > (size_t)conn_cfg(c)->write_buffer)
		return -EMSGSIZE;
	if (total > stream_room(c)) {
		c->want_writable = c->blocked = true;
		return -EAGAIN;
	}
	r = stream_write(c, iov, count, total);
	return r < 0 ? r : (ssize_t)total;
}

static ssize_t
writer_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	struct conn *c = api_find(w.ref);
	size_t total = 0;
	ssize_t n;

	if (c == NULL)
		return -1;
	if (count < 0 || count > 1024)
		return api_fail(-EINVAL);
	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	if (total > stream_room(c) && on_fiber(c) && c->serve != NULL)
		n = write_on_fiber(c, iov, count);
	else
		n = write_in_entry(c, iov, count, total);
	return n < 0 ? api_fail((int)n) : n;
}

static ssize_t
writer_write(struct sockd_writer w, const void *buf, size_t size)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = size };

	return writer_writev(w, &iov, 1);
}

static ssize_t
writer_write_to(struct sockd_writer w, const struct sockd_addr *to, const struct sockd_addr *from,
	const void *buf, size_t size)
{
	(void)w, (void)to, (void)from, (void)buf, (void)size; /* a stream has one peer, whatever is asked */
	return api_fail(-ENOTSUP);
}

static int
writer_flush(struct sockd_writer w)
{
	struct conn *c = api_find(w.ref);

	if (c == NULL)
		return -1;
	if (!on_fiber(c))
		return api_fail(-EDEADLK);
	while (stream_pending(c) > 0 && !c->broken) {
		int r = serve_wait(c, SERVE_WRITES, c->write_by_ms);

		if (r < 0)
			return api_fail(r);
	}
	return c->broken ? api_fail(-ECONNRESET) : 0;
}

static size_t
writer_writable(struct sockd_writer w)
{
	const struct conn *c = api_find(w.ref);

	return c != NULL ? stream_room(c) : 0;
}

static int
writer_close_write(struct sockd_writer w)
{
	struct conn *c = api_find(w.ref);

	if (c == NULL)
		return -1;
	c->write_closed = true;
	conn_settle_later(c);
	return 0;
}

static ssize_t
writer_move(struct sockd_writer w, struct sockd_reader r)
{
	struct conn *to = api_find(w.ref), *from;
	ssize_t n;

	if (to == NULL)
		return -1;
	if (r.ops != &stream_reader_ops)
		return api_fail(-ENOTSUP);
	from = api_find(r.ref);
	if (from == NULL)
		return -1;
	if (to->state != CONN_OPEN || to->write_closed)
		return api_fail(write_closed_error(to));
	n = stream_move(to, from);
	return n < 0 ? api_fail((int)n) : n;
}

/* The loop's buffer serves all fibers in turn: between filling and writing it nothing else runs, since what
 * does not fit the socket goes to the output, and only then this fiber waits for room. */
static int64_t
writer_copy(struct sockd_writer w, struct sockd_reader r)
{
	struct conn *to = api_find(w.ref);
	int64_t total = 0;

	if (to == NULL)
		return -1;
	if (!on_fiber(to))
		return api_fail(-EDEADLK);
	for (;;) {
		unsigned char *buffer = conn_loop(to)->buffer;
		size_t room = stream_room(to), got = 0;
		int n;

		if (room == 0) {
			n = to->state != CONN_OPEN || to->write_closed
				    ? write_closed_error(to)
				    : serve_wait(to, SERVE_WRITES, to->write_by_ms);
			if (n < 0)
				return api_fail(n);
			continue;
		}
		n = sockd_receive(r, buffer, room < LOOP_BUFFER_SIZE ? room : LOOP_BUFFER_SIZE, &got);
		if (n <= 0)
			return n < 0 ? -1 : total;
		if (writer_write(w, buffer, got) < 0)
			return -1;
		total += (int64_t)got;
	}
}

const struct sockd_writer_ops stream_writer_ops = {
	.size = sizeof(struct sockd_writer_ops),
	.write = writer_write,
	.writev = writer_writev,
	.write_to = writer_write_to,
	.flush = writer_flush,
	.writable = writer_writable,
	.close_write = writer_close_write,
	.copy = writer_copy,
	.move = writer_move,
};
