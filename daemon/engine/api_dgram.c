/* What a plugin may do with datagrams. One reference stands for the endpoint; connection, reader and writer
 * of it speak of the datagram that was read last. Writes never wait: they queue for the end of the batch, and
 * only what could never be sent fails. */
#include "engine/dgram.h"

#include <errno.h>
#include <string.h>

#include "engine/api.h"
#include "engine/api_frame.h"
#include "engine/arguments.h"
#include "engine/frame.h"
#include "engine/misuse.h"
#include "engine/rights.h"
#include "engine/strand.h"

struct endpoint *
endpoint_find(uint64_t ref, const char *who)
{
	struct loop *loop = loop_here();
	struct endpoint *ep;

	if (loop == NULL || ref_loop(ref) != loop->index) {
		misuse_foreign_thread(who);
		errno = EXDEV;
		return NULL;
	}
	ep = ref_kind(ref) == REF_ENDPOINT ? slab_find(&loop->endpoints, ref) : NULL;
	if (ep == NULL || ep->state == ENDPOINT_ENDED) {
		errno = EBADF;
		return NULL;
	}
	return ep;
}

static bool
on_fiber(const struct endpoint *ep)
{
	return strand_here(endpoint_loop(ep)) != NULL;
}

/* ---- reader ---- */

/* Wait for a datagram that fits @p size; what does not is dropped on a fiber, and stays in event style. */
static int
await_fitting(struct endpoint *ep, size_t size)
{
	for (;;) {
		int r = endpoint_await(ep);
		const struct mmsghdr *m = r > 0 ? endpoint_present(ep) : NULL;

		if (m == NULL || m->msg_len <= size)
			return r;
		if (endpoint_is_event(ep)) {
			ep->refused = true;
			return -EMSGSIZE;
		}
		endpoint_skip(ep, METRIC_DATAGRAMS_DROPPED_OVERSIZE);
	}
}

/* @return 1, 0 at the end, or a negative errno */
static int
receive(struct endpoint *ep, void *buf, size_t size, size_t *ret_size)
{
	const struct mmsghdr *m;
	int r;

	if (!arguments_can_receive(buf, size, ret_size))
		return -EINVAL;
	r = await_fitting(ep, size);
	if (r <= 0)
		return r;
	m = endpoint_present(ep);
	*ret_size = m->msg_len;
	if (m->msg_len > 0)
		memcpy(buf, m->msg_hdr.msg_iov->iov_base, m->msg_len);
	endpoint_take(ep);
	return 1;
}

static int
reader_receive(struct sockd_reader r, void *buf, size_t size, size_t *ret_size)
{
	struct endpoint *ep = endpoint_find(r.ref, "sockd_receive");
	int got;

	if (ep == NULL)
		return -1;
	got = receive(ep, buf, size, ret_size);
	return got < 0 ? api_fail(got) : got;
}

static ssize_t
reader_read(struct sockd_reader r, void *buf, size_t size)
{
	size_t got = 0;

	return reader_receive(r, buf, size, &got) < 0 ? -1 : (ssize_t)got;
}

/* The descriptors are claimed before the datagram is taken, which closes the others. */
static ssize_t
reader_receive_fds(struct sockd_reader r, void *buf, size_t size, int *fds, size_t *io_fds)
{
	struct endpoint *ep = endpoint_find(r.ref, "sockd_receive_fds");
	int got;
	size_t n = 0;

	if (ep == NULL)
		return -1;
	got = api_check_fds(ep->scope->listener, ep->transport == CFG_UNIXGRAM, fds, io_fds);
	if (got == 0)
		got = arguments_can_receive(buf, size, &n) ? await_fitting(ep, size) : -EINVAL;
	if (got <= 0)
		return api_fail(got);
	*io_fds = rights_take(&ep->io->in_msgs[ep->io->in_next].msg_hdr, fds, *io_fds);
	return reader_receive(r, buf, size, &n) < 0 ? -1 : (ssize_t)n;
}

/* One datagram has to fill the buffer; two never make up one message. */
static int
reader_read_full(struct sockd_reader r, void *buf, size_t size)
{
	size_t got = 0;
	int result = reader_receive(r, buf, size, &got);

	return result == 1 && got < size ? api_fail(-EPIPE) : result;
}

static ssize_t
reader_discard(struct sockd_reader r, size_t size)
{
	struct endpoint *ep = endpoint_find(r.ref, "sockd_discard");
	const struct mmsghdr *m;
	size_t length;

	(void)size; /* half a datagram is nothing */
	if (ep == NULL)
		return -1;
	m = endpoint_present(ep);
	if (m == NULL)
		return 0;
	length = m->msg_len;
	endpoint_take(ep);
	return (ssize_t)length;
}

static size_t
reader_readable(struct sockd_reader r)
{
	struct endpoint *ep = endpoint_find(r.ref, "sockd_readable");
	const struct mmsghdr *m = ep != NULL ? endpoint_present(ep) : NULL;

	return m != NULL ? m->msg_len : 0;
}

/* Each datagram is a message; a delimiter at its end is its mark here too. */
static int
reader_read_frame(
	struct sockd_reader r, const struct sockd_framing *f, void *buf, size_t size, size_t *ret_size)
{
	size_t got = 0;
	int result;

	if (endpoint_find(r.ref, "sockd_read_frame") == NULL)
		return -1;
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
	struct endpoint *ep = endpoint_find(r.ref, "sockd_peek");
	const struct mmsghdr *m;
	int result;

	if (ep == NULL)
		return -1;
	if (ret_data == NULL || want > ep->io->in_size)
		return api_fail(ret_data == NULL ? -EINVAL : -EMSGSIZE);
	result = endpoint_await(ep);
	if (result <= 0)
		return api_fail(result);
	m = endpoint_present(ep);
	*ret_data = m->msg_hdr.msg_iov->iov_base;
	return (ssize_t)m->msg_len;
}

static int
reader_pause(struct sockd_reader r, bool paused)
{
	struct endpoint *ep = endpoint_find(r.ref, "sockd_pause");

	return ep != NULL ? api_fail(endpoint_mute(ep, paused)) : -1;
}

static ssize_t
reader_read_until(struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size)
{
	(void)delimiter, (void)delimiter_size, (void)buf, (void)size; /* datagrams make no stream to search */
	return endpoint_find(r.ref, "sockd_read_until") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
reader_not_supported(struct sockd_reader r)
{
	return endpoint_find(r.ref, "sockd_close_read") != NULL ? api_fail(-ENOTSUP) : -1;
}

const struct sockd_reader_ops endpoint_reader_ops = {
	.size = sizeof(struct sockd_reader_ops),
	.read = reader_read,
	.receive = reader_receive,
	.read_full = reader_read_full,
	.receive_fds = reader_receive_fds,
	.read_until = reader_read_until,
	.read_frame = reader_read_frame,
	.peek = reader_peek,
	.discard = reader_discard,
	.readable = reader_readable,
	.pause = reader_pause,
	.close_read = reader_not_supported,
};

/* ---- writer ---- */

/* Why nothing can be written now, or 0. */
static int
write_error(const struct endpoint *ep, size_t size)
{
	if (ep->cut)
		return -ECANCELED;
	return size > ep->write_limit ? -EMSGSIZE : 0;
}

/* Answer the sender of what was read last. */
static int
queue_answer(struct endpoint *ep, const void *bytes, size_t size)
{
	if (!ep->has_peer)
		return -EDESTADDRREQ;
	if (ep->remote.len == 0)
		metric_add(ep->scope->cells, METRIC_DATAGRAMS_DROPPED_UNNAMED, 1);
	else
		dgram_io_queue(ep->io, ep->fd, ep->scope->cells, &ep->remote,
			ep->asked_varies ? &ep->local : NULL, bytes, size);
	return 0;
}

static ssize_t
writer_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	struct endpoint *ep = endpoint_find(w.ref, "sockd_writev");
	size_t total;
	unsigned char *at, *bytes;
	int r;

	if (ep == NULL)
		return -1;
	r = arguments_sum(iov, count, &total);
	if (r == 0)
		r = write_error(ep, total);
	if (r < 0)
		return api_fail(r);
	at = bytes = dgram_io_reserve(ep->io, total);
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	r = queue_answer(ep, bytes, total);
	return r < 0 ? api_fail(r) : (ssize_t)total;
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
	struct endpoint *ep = endpoint_find(w.ref, "sockd_write_to");
	void *bytes;
	int r;

	if (ep == NULL)
		return -1;
	if (to == NULL || to->len == 0)
		return api_fail(-EDESTADDRREQ);
	if (to->len > sizeof to->sa || !arguments_are_there(buf, size))
		return api_fail(-EINVAL);
	r = write_error(ep, size);
	if (r < 0)
		return api_fail(r);
	bytes = dgram_io_reserve(ep->io, size);
	if (size > 0)
		memcpy(bytes, buf, size);
	dgram_io_queue(
		ep->io, ep->fd, ep->scope->cells, to, ep->transport == CFG_UDP ? from : NULL, bytes, size);
	return (ssize_t)size;
}

/* Sent at once, behind what was queued. */
static ssize_t
writer_send_fds(struct sockd_writer w, const void *buf, size_t size, const int *fds, size_t count)
{
	struct endpoint *ep = endpoint_find(w.ref, "sockd_send_fds");
	int r;

	if (ep == NULL)
		return -1;
	if (ep->transport != CFG_UNIXGRAM)
		return api_fail(-ENOTSUP);
	r = size == 0 || count > RIGHTS_MAX || (fds == NULL && count > 0) ? -EINVAL : write_error(ep, size);
	if (r == 0 && !ep->has_peer)
		r = -EDESTADDRREQ;
	if (r < 0)
		return api_fail(r);
	endpoint_send_rights(ep, buf, size, fds, count);
	return (ssize_t)size;
}

static int
writer_flush(struct sockd_writer w)
{
	struct endpoint *ep = endpoint_find(w.ref, "sockd_flush");

	if (ep == NULL)
		return -1;
	if (!on_fiber(ep))
		return api_fail(-EDEADLK);
	if (ep->cut)
		return api_fail(-ECANCELED);
	dgram_io_flush(ep->io);
	return 0;
}

static size_t
writer_writable(struct sockd_writer w)
{
	const struct endpoint *ep = endpoint_find(w.ref, "sockd_writable");

	return ep != NULL && !ep->cut ? ep->write_limit : 0;
}

static int
writer_not_supported(struct sockd_writer w)
{
	return endpoint_find(w.ref, "sockd_close_write") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int64_t
writer_sendfile(struct sockd_writer w, int fd, int64_t offset, int64_t count)
{
	(void)fd, (void)offset, (void)count; /* a file has no messages */
	return endpoint_find(w.ref, "sockd_sendfile") != NULL ? api_fail(-ENOTSUP) : -1;
}

/* Answer with the present datagram. From its own endpoint it is sent from where it lies. */
static ssize_t
move_datagram(struct endpoint *to, struct endpoint *from)
{
	const struct mmsghdr *m = endpoint_present(from);
	const void *bytes;
	size_t size;
	int r;

	if (m == NULL)
		return 0;
	size = m->msg_len;
	r = write_error(to, size);
	if (r == 0 && to != from && !to->has_peer)
		r = -EDESTADDRREQ;
	if (r < 0)
		return r;
	bytes = m->msg_hdr.msg_iov->iov_base;
	if (to != from) {
		void *copy = dgram_io_reserve(to->io, size);

		bytes = size > 0 ? memcpy(copy, bytes, size) : copy;
	}
	endpoint_take(from);
	r = queue_answer(to, bytes, size);
	return r < 0 ? r : (ssize_t)size;
}

static ssize_t
writer_move(struct sockd_writer w, struct sockd_reader r)
{
	struct endpoint *to = endpoint_find(w.ref, "sockd_move"), *from;
	size_t size;
	ssize_t n;

	if (to == NULL)
		return -1;
	if (r.ops == &endpoint_reader_ops) {
		from = endpoint_find(r.ref, "sockd_move");
		if (from == NULL)
			return -1;
		n = move_datagram(to, from);
		return n < 0 ? api_fail((int)n) : n;
	}
	if (sockd_null(r))
		return api_fail(-EBADF);
	if (to->cut || !to->has_peer)
		return api_fail(to->cut ? -ECANCELED : -EDESTADDRREQ);
	size = sockd_readable(r);
	if (size > to->write_limit)
		size = to->write_limit;
	if (!datagram_is_there(r))
		return 0;
	n = sockd_read(r, dgram_io_reserve(to->io, size), size);
	if (n < 0)
		return n;
	queue_answer(to, dgram_io_reserve(to->io, (size_t)n), (size_t)n);
	return n;
}

/* Datagrams to datagrams, without a buffer between. */
static int64_t
copy_datagrams(struct sockd_writer w, struct sockd_reader r)
{
	int64_t total = 0;

	for (;;) {
		struct endpoint *to = endpoint_find(w.ref, "sockd_copy"), *from;
		ssize_t n;

		if (to == NULL || (from = endpoint_find(r.ref, "sockd_copy")) == NULL)
			return -1;
		n = await_fitting(from, to->write_limit);
		if (n == 0)
			return total;
		if (n > 0 && endpoint_find(w.ref, "sockd_copy") != to)
			return api_fail(-EBADF); /* it ended while we waited */
		if (n > 0)
			n = move_datagram(to, from);
		if (n < 0)
			return api_fail((int)n);
		total += n;
	}
}

static int64_t
writer_copy(struct sockd_writer w, struct sockd_reader r)
{
	struct endpoint *ep = endpoint_find(w.ref, "sockd_copy");
	int64_t total = 0;

	if (ep == NULL)
		return -1;
	if (!on_fiber(ep))
		return api_fail(-EDEADLK);
	if (r.ops == &endpoint_reader_ops)
		return copy_datagrams(w, r);
	for (;;) {
		unsigned char *buffer =
			endpoint_loop(ep)->buffer; /* nobody else runs between filling and writing it */
		size_t got = 0;
		int n = sockd_receive(r, buffer,
			ep->write_limit < LOOP_BUFFER_SIZE ? ep->write_limit : LOOP_BUFFER_SIZE, &got);

		if (n <= 0)
			return n < 0 ? -1 : total;
		if (writer_write(w, buffer, got) < 0)
			return -1;
		total += (int64_t)got;
	}
}

const struct sockd_writer_ops endpoint_writer_ops = {
	.size = sizeof(struct sockd_writer_ops),
	.write = writer_write,
	.writev = writer_writev,
	.vprintf = any_vprintf,
	.write_to = writer_write_to,
	.send_fds = writer_send_fds,
	.write_frame = datagram_write_frame,
	.flush = writer_flush,
	.sendfile = writer_sendfile,
	.writable = writer_writable,
	.close_write = writer_not_supported,
	.copy = writer_copy,
	.move = writer_move,
};
