/* The way out: at once to the socket from where the bytes lie, and what that does not take into the output.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <sys/socket.h>

#include "base/socket_call.h"
#include "control/watch.h"
#include "engine/api.h"
#include "engine/conn_wait.h"
#include "engine/observe.h"
#include "engine/pace.h"
#include "engine/relay.h"
#include "engine/stream_file.h"
#include "engine/stream_private.h"
#include "engine/tls_stream.h"

/* Give the socket what it takes now. send() says the same as sendmsg() of one piece, but the kernel has no
 * message header and no list to copy and to check: a fiftieth of a small message's whole way.
 * @return bytes, perhaps 0, or a negative errno. */
ssize_t
stream_send(struct conn *c, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };
	ssize_t n;

	do
		n = count == 1 ? socket_send(c->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
			       : sendmsg(c->fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
		return 0;
	return n < 0 ? -errno : n;
}

void
stream_count_queued(struct conn *c, size_t size)
{
	c->queued_bytes += size;
	loop_spend(conn_loop(c), size);
	metric_add(c->scope->cells, c->dialled != NULL ? METRIC_DIALLED_BYTES_WRITTEN : METRIC_BYTES_WRITTEN,
		size);
	conn_touch(c);
	if (!c->told_write) {
		c->told_write = true;
		observe_state(c, SOCKD_WRITE);
	}
}

void
stream_watch_output(struct conn *c)
{
	c->progress_ms = loop_now_ms(conn_loop(c));
	c->flushed_seen = stream_flushed(c);
	conn_rearm(c);
	if (c->pace != NULL)
		pace_output(c);
}

/* Append to the output what lies beyond the first @p skip bytes. */
static int
stream_queue_rest(struct conn *c, const struct iovec *iov, int count, size_t skip)
{
	struct evbuffer *output = stream_output(c);
	bool was_empty = stream_outgoing(c) == 0;

	if (output == NULL || stream_unsplice(c) < 0)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		size_t part = skip < iov[i].iov_len ? skip : iov[i].iov_len;

		skip -= part;
		if (iov[i].iov_len > part &&
			evbuffer_add(output, (const char *)iov[i].iov_base + part, iov[i].iov_len - part) < 0)
			return -ENOMEM;
	}
	if (was_empty)
		stream_watch_output(c);
	return 0;
}

int
stream_put(struct conn *c, const void *bytes, size_t size)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	ssize_t sent = 0;

	if (stream_outgoing(c) == 0)
		sent = c->pace == NULL ? stream_send(c, &iov, 1) : pace_send(c, &iov, 1);
	if (sent < 0)
		return (int)sent;
	return (size_t)sent < size ? stream_queue_rest(c, &iov, 1, (size_t)sent) : 0;
}

static int
stream_write_tls(struct conn *c, const struct iovec *iov, int count, size_t total)
{
	int r;

	stream_count_queued(c, total);
	r = tls_stream_write(c, iov, count);
	if (r < 0)
		conn_fail(c, -r);
	return r;
}

int
stream_write(struct conn *c, const struct iovec *iov, int count, size_t total)
{
	ssize_t sent = 0;
	int r = 0;

	if (c->tls != NULL)
		return stream_write_tls(c, iov, count, total);
	if (stream_pending_bytes(c) == 0)
		sent = c->pace == NULL ? stream_send(c, iov, count) : pace_send(c, iov, count);
	if (sent < 0)
		r = (int)sent;
	else {
		stream_count_queued(c, total);
		if ((size_t)sent < total)
			r = stream_queue_rest(c, iov, count, (size_t)sent);
	}
	if (r < 0)
		conn_fail(c, -r);
	return r == -EPIPE ? -ECONNRESET : r; /* EPIPE is for those who closed it themselves */
}

void
stream_make_room(struct conn *c)
{
	c->progress_ms = loop_now_ms(conn_loop(c));
	conn_touch(c);
	if (c->tls != NULL)
		tls_stream_on_written(c);
	conn_settle_later(c);
	if (c->file != NULL)
		stream_file_go_on(c);
	if (c->state != CONN_OPEN || c->file != NULL)
		return;
	conn_wake_writer(c);
	if (c->relay != NULL)
		relay_on_room(c);
	if (c->straight || c->relay != NULL)
		return;
	if (c->want_writable) {
		c->want_writable = false;
		if (c->entries->writable != NULL) {
			c->in_entry = true;
			WATCHED(c->scope->listener->watch, WATCH_WRITABLE, c->id,
				c->entries->writable(api_conn(c), api_reader(c), api_writer(c)));
			c->in_entry = false;
		}
	}
	stream_tell_unread(c);
	stream_resume(c);
}
