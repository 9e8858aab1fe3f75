/* One peer, so no addresses; and no batches, since a client of a service waits for its answer rather than for
 * throughput. In event style a datagram lies in the loop's buffer while data() runs, and is dropped after it.
 * On a fiber it is read from the kernel when it is asked for. What the kernel refuses to send is dropped and
 * counted; what it says of the peer (ECONNREFUSED) is told to whoever reads. */
#include "engine/dial_dgram.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "control/watch.h"
#include "engine/api.h"
#include "engine/api_frame.h"
#include "engine/arguments.h"
#include "engine/conn_wait.h"
#include "engine/dgram.h"
#include "engine/dgram_io.h"
#include "engine/frame.h"
#include "engine/strand.h"
#include "engine/stream.h"

enum { PUMP_MOST = 16 };

static bool
on_fiber(const struct conn *c)
{
	return strand_here(conn_loop(c)) != NULL;
}

static bool
in_view(const struct conn *c)
{
	return conn_loop(c)->view_owner == c;
}

/* From the kernel. @return its size, perhaps above @p size, or a negative errno */
static ssize_t
take(struct conn *c, void *buf, size_t size, int flags)
{
	ssize_t n;

	do
		n = recv(c->fd, buf, size, MSG_TRUNC | MSG_DONTWAIT | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EWOULDBLOCK) {
		c->ready = false;
		return -EAGAIN;
	}
	if (n < 0)
		return -errno;
	if ((flags & MSG_PEEK) == 0) {
		c->read_bytes += (uint64_t)n;
		loop_spend(conn_loop(c), (size_t)n);
		metric_add(c->scope->cells, METRIC_DIALLED_BYTES_READ, (uint64_t)n);
		conn_touch(c);
	}
	return n;
}

/* ---- event style ---- */

/* A fiber takes for itself, and what is there waits for it; behind a closed reader all is thrown away. */
static bool
wants_pump(const struct conn *c)
{
	return c->read_closed || (!c->straight && !c->paused && !conn_has_reader(c));
}

void
dialled_datagram_pump(struct conn *c)
{
	struct loop *loop = conn_loop(c);

	for (int i = 0; i < PUMP_MOST && c->state == CONN_OPEN && wants_pump(c); i++) {
		ssize_t n = take(c, loop->buffer, LOOP_BUFFER_SIZE, 0);

		if (n == -EAGAIN)
			return;
		if (n < 0 || n > LOOP_BUFFER_SIZE || c->read_closed)
			continue; /* a refusal of what was sent earlier; nobody waits for its answer here */
		loop->view_owner = c;
		loop->view = loop->buffer;
		loop->view_size = (size_t)n;
		c->has_datagram = c->in_entry = true;
		WATCHED(c->scope->listener->watch, WATCH_DATA, c->id,
			c->entries->data(api_conn(c), api_reader(c), api_writer(c)));
		c->has_datagram = c->in_entry = false;
		loop->view_owner = NULL;
		loop->view_size = 0;
	}
}

/* ---- reader ---- */

/* @return size, 0 with *ret_end at the end, or a negative errno */
static ssize_t
receive_waiting(struct conn *c, void *buf, size_t size, int flags, bool *ret_end)
{
	*ret_end = false;
	for (;;) {
		ssize_t n = -EAGAIN;
		int r;

		if (c->read_closed || (c->end_given && c->state == CONN_OPEN)) {
			*ret_end = true;
			return 0;
		}
		if (!on_fiber(c))
			return -EAGAIN;
		if (c->reader != NULL)
			return -EBUSY;
		if (c->state == CONN_OPEN && loop_share_is_spent(conn_loop(c))) {
			r = conn_yield_input(c);
			if (r < 0)
				return r;
			continue;
		}
		if (c->state == CONN_OPEN)
			n = take(c, buf, size, flags);
		if (n > (ssize_t)size && (flags & MSG_PEEK) == 0) {
			metric_add(c->scope->cells, METRIC_DATAGRAMS_DROPPED_OVERSIZE, 1);
			continue;
		}
		if (n != -EAGAIN)
			return n;
		r = conn_wait_input(c);
		if (r < 0)
			return r;
	}
}

static int
receive_view(struct conn *c, void *buf, size_t size, size_t *ret_size)
{
	struct loop *loop = conn_loop(c);

	if (!c->has_datagram)
		return -EAGAIN;
	if (loop->view_size > size)
		return -EMSGSIZE;
	if (loop->view_size > 0)
		memcpy(buf, loop->view, loop->view_size);
	*ret_size = loop->view_size;
	loop->view_size = 0;
	c->has_datagram = false;
	return 1;
}

static int
reader_receive(struct sockd_reader r, void *buf, size_t size, size_t *ret_size)
{
	struct conn *c = api_find_open(r.ref, "sockd_receive");
	bool end;
	ssize_t n;

	if (c == NULL)
		return -1;
	if (!arguments_can_receive(buf, size, ret_size))
		return api_fail(-EINVAL);
	if (in_view(c)) {
		int got = receive_view(c, buf, size, ret_size);

		return got < 0 ? api_fail(got) : got;
	}
	n = receive_waiting(c, buf, size, 0, &end);
	if (n < 0 || end)
		return api_fail((int)n);
	*ret_size = (size_t)n;
	return 1;
}

static ssize_t
reader_read(struct sockd_reader r, void *buf, size_t size)
{
	size_t got = 0;
	int result = reader_receive(r, buf, size, &got);

	return result < 0 ? -1 : (ssize_t)got;
}

static int
reader_read_full(struct sockd_reader r, void *buf, size_t size)
{
	size_t got = 0;
	int result = reader_receive(r, buf, size, &got);

	return result == 1 && got < size ? api_fail(-EPIPE) : result;
}

static ssize_t
reader_read_until(struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size)
{
	(void)delimiter, (void)delimiter_size, (void)buf, (void)size; /* datagrams make no stream to search */
	return api_find_open(r.ref, "sockd_read_until") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
reader_read_frame(
	struct sockd_reader r, const struct sockd_framing *f, void *buf, size_t size, size_t *ret_size)
{
	size_t got = 0;
	int result;

	if (frame_check(f) < 0 || ret_size == NULL)
		return api_fail(-EINVAL);
	result = reader_receive(r, buf, frame_most(f, size), &got);
	if (result <= 0)
		return result;
	if (f->kind == SOCKD_FRAME_DELIMITER && !f->include_delimiter && got > 0 &&
		((const unsigned char *)buf)[got - 1] == f->delimiter)
		got--;
	*ret_size = got;
	return 1;
}

static ssize_t
reader_peek(struct sockd_reader r, const void **ret_data, size_t want)
{
	struct conn *c = api_find_open(r.ref, "sockd_peek");
	bool end;
	ssize_t n;

	if (c == NULL)
		return -1;
	if (ret_data == NULL || want > LOOP_BUFFER_SIZE)
		return api_fail(ret_data == NULL ? -EINVAL : -EMSGSIZE);
	if (in_view(c)) {
		*ret_data = conn_loop(c)->view;
		return c->has_datagram ? (ssize_t)conn_loop(c)->view_size : api_fail(-EAGAIN);
	}
	n = receive_waiting(c, conn_loop(c)->buffer, LOOP_BUFFER_SIZE, MSG_PEEK, &end);
	*ret_data = conn_loop(c)->buffer;
	return n < 0 ? api_fail((int)n) : n;
}

static size_t
reader_readable(struct sockd_reader r)
{
	struct conn *c = api_find_open(r.ref, "sockd_readable");
	ssize_t n;

	if (c == NULL || c->state != CONN_OPEN)
		return 0;
	if (in_view(c))
		return c->has_datagram ? conn_loop(c)->view_size : 0;
	n = take(c, NULL, 0, MSG_PEEK);
	return n > 0 ? (size_t)n : 0;
}

static ssize_t
reader_discard(struct sockd_reader r, size_t size)
{
	struct conn *c = api_find_open(r.ref, "sockd_discard");
	ssize_t n;

	(void)size; /* half a datagram is nothing */
	if (c == NULL)
		return -1;
	if (in_view(c)) {
		n = c->has_datagram ? (ssize_t)conn_loop(c)->view_size : 0;
		conn_loop(c)->view_size = 0;
		c->has_datagram = false;
		return n;
	}
	n = c->state == CONN_OPEN ? take(c, NULL, 0, 0) : 0;
	return n > 0 ? n : 0;
}

static int
reader_pause(struct sockd_reader r, bool paused)
{
	struct conn *c = api_find_open(r.ref, "sockd_pause");

	if (c == NULL)
		return -1;
	c->paused = paused;
	stream_resume(c);
	return 0;
}

static int
reader_close_read(struct sockd_reader r)
{
	struct conn *c = api_find_open(r.ref, "sockd_close_read");

	if (c == NULL)
		return -1;
	c->read_closed = true;
	stream_resume(c); /* what still comes is thrown away */
	conn_wake_reader(c);
	return 0;
}

const struct sockd_reader_ops dialled_datagram_reader_ops = {
	.size = sizeof(struct sockd_reader_ops),
	.read = reader_read,
	.receive = reader_receive,
	.read_full = reader_read_full,
	.read_until = reader_read_until,
	.read_frame = reader_read_frame,
	.peek = reader_peek,
	.discard = reader_discard,
	.readable = reader_readable,
	.pause = reader_pause,
	.close_read = reader_close_read,
};

bool
datagram_is_there(struct sockd_reader r)
{
	struct endpoint *ep;
	struct conn *c;

	if (sockd_readable(r) > 0)
		return true;
	if (r.ops == &endpoint_reader_ops) {
		ep = endpoint_find(r.ref, "sockd_move");
		return ep != NULL && endpoint_present(ep) != NULL;
	}
	c = r.ops == &dialled_datagram_reader_ops ? api_find_open(r.ref, "sockd_move") : NULL;
	if (c == NULL || c->state != CONN_OPEN)
		return false;
	return in_view(c) ? c->has_datagram : take(c, NULL, 0, MSG_PEEK) >= 0;
}

/* ---- writer ---- */

static ssize_t
writer_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	struct conn *c = api_find_open(w.ref, "sockd_writev");
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)iov };
	size_t total;
	ssize_t n;

	if (c == NULL)
		return -1;
	n = arguments_sum(iov, count, &total);
	if (n < 0)
		return api_fail((int)n);
	if (c->state != CONN_OPEN)
		return api_fail(c->state == CONN_DIALLING ? -EAGAIN : conn_ending_error(c));
	if (total > DGRAM_UDP_MAX)
		return api_fail(-EMSGSIZE);
	message.msg_iovlen = (size_t)count;
	do
		n = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		metric_add(c->scope->cells, METRIC_DATAGRAMS_DROPPED_SEND, 1);
	} else {
		c->queued_bytes += total;
		metric_add(c->scope->cells, METRIC_DIALLED_BYTES_WRITTEN, total);
		conn_touch(c);
	}
	return (ssize_t)total;
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
	(void)to, (void)from, (void)buf, (void)size; /* it has one peer, whatever is asked */
	return api_find_open(w.ref, "sockd_write_to") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
writer_flush(struct sockd_writer w)
{
	const struct conn *c = api_find_open(w.ref, "sockd_flush");

	if (c == NULL)
		return -1;
	return on_fiber(c) ? 0 : api_fail(-EDEADLK); /* nothing ever waits to be sent */
}

static int64_t
writer_sendfile(struct sockd_writer w, int fd, int64_t offset, int64_t count)
{
	(void)fd, (void)offset, (void)count; /* a file has no messages */
	return api_find_open(w.ref, "sockd_sendfile") != NULL ? api_fail(-ENOTSUP) : -1;
}

static size_t
writer_writable(struct sockd_writer w)
{
	const struct conn *c = api_find_open(w.ref, "sockd_writable");

	return c != NULL && c->state == CONN_OPEN ? DGRAM_UDP_MAX : 0;
}

static int
writer_close_write(struct sockd_writer w)
{
	return api_find_open(w.ref, "sockd_close_write") != NULL ? api_fail(-ENOTSUP) : -1;
}

/* What is there goes as one datagram; one that is there goes whole. */
static ssize_t
writer_move(struct sockd_writer w, struct sockd_reader r)
{
	const void *seen;
	ssize_t size;

	if (api_find_open(w.ref, "sockd_move") == NULL)
		return -1;
	if (sockd_null(r))
		return api_fail(-EBADF);
	if (!datagram_is_there(r))
		return 0;
	size = sockd_peek(r, &seen, 0);
	if (size < 0)
		return -1;
	if (size > DGRAM_UDP_MAX)
		return api_fail(-EMSGSIZE);
	if (writer_write(w, seen, (size_t)size) < 0)
		return -1;
	return sockd_discard(r, (size_t)size) < 0 ? -1 : size;
}

static int64_t
writer_copy(struct sockd_writer w, struct sockd_reader r)
{
	int64_t total = 0;

	for (;;) {
		const struct conn *c = api_find_open(w.ref, "sockd_copy");
		size_t got = 0;
		int n;

		if (c == NULL)
			return -1;
		if (!on_fiber(c))
			return api_fail(-EDEADLK);
		n = sockd_receive(r, conn_loop(c)->buffer, DGRAM_UDP_MAX, &got);
		if (n <= 0)
			return n < 0 ? -1 : total;
		if (writer_write(w, conn_loop(c)->buffer, got) < 0)
			return -1;
		total += (int64_t)got;
	}
}

const struct sockd_writer_ops dialled_datagram_writer_ops = {
	.size = sizeof(struct sockd_writer_ops),
	.write = writer_write,
	.writev = writer_writev,
	.vprintf = any_vprintf,
	.write_to = writer_write_to,
	.write_frame = datagram_write_frame,
	.flush = writer_flush,
	.sendfile = writer_sendfile,
	.writable = writer_writable,
	.close_write = writer_close_write,
	.copy = writer_copy,
	.move = writer_move,
};
