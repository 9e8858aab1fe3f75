/* The kernel ends a read after the bytes that descriptors came with, so those that are kept belong to what
 * was read last; once all of that has been taken by somebody who did not want them, they are closed. */
#include "engine/stream_rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/conn_wait.h"
#include "engine/rights.h"
#include "engine/strand.h"
#include "engine/stream.h"

enum { RETRY_MS = 5 };

struct conn_rights {
	size_t count;
	int fds[RIGHTS_MAX];
};

void
stream_drop_rights(struct conn *c)
{
	if (c->rights == NULL)
		return;
	for (size_t i = 0; i < c->rights->count; i++)
		close(c->rights->fds[i]);
	free(c->rights);
	c->rights = NULL;
}

/* Put them behind those that are kept already. */
static void
keep_rights(struct conn *c, struct msghdr *m)
{
	if (c->rights == NULL)
		c->rights = mem_new(*c->rights);
	if (c->rights != NULL)
		c->rights->count +=
			rights_take(m, c->rights->fds + c->rights->count, RIGHTS_MAX - c->rights->count);
	rights_drop(m);
}

ssize_t
stream_recv_rights(struct conn *c, void *buf, size_t size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	_Alignas(struct cmsghdr) unsigned char control[RIGHTS_SPACE];
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	ssize_t n;

	if (c->rights != NULL && stream_unread(c) == 0)
		stream_drop_rights(c);
	do
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (m.msg_controllen > 0)
		keep_rights(c, &m);
	return n;
}

size_t
stream_take_rights(struct conn *c, int *fds, size_t room)
{
	size_t count = c->rights != NULL ? c->rights->count : 0;

	if (count > room)
		count = room;
	if (c->rights == NULL)
		return 0;
	memcpy(fds, c->rights->fds, count * sizeof *fds);
	memmove(c->rights->fds, c->rights->fds + count, (c->rights->count - count) * sizeof *fds);
	c->rights->count -= count;
	stream_drop_rights(c);
	return count;
}

static ssize_t
send_now(struct conn *c, const void *buf, size_t size, const int *fds, size_t count)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = size };
	_Alignas(struct cmsghdr) unsigned char control[RIGHTS_SPACE];
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;
	int r;

	if (count > 0)
		rights_put(&m, control, fds, count);
	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
	stream_count_queued(c, (size_t)n);
	if ((size_t)n == size)
		return n;
	iov = (struct iovec){ (char *)(uintptr_t)buf + n, size - (size_t)n };
	r = stream_write(c, &iov, 1, iov.iov_len);
	return r < 0 ? r : (ssize_t)size;
}

/* With the turn. Nothing tells when an empty output could send again, so it is tried again soon. */
static ssize_t
send_waiting(struct conn *c, const void *buf, size_t size, const int *fds, size_t count)
{
	struct strand *self = strand_here(conn_loop(c));

	for (;;) {
		int64_t soon_ms = clock_now_ms() + RETRY_MS;
		ssize_t n = -EAGAIN;
		int r;

		if (c->state != CONN_OPEN || c->write_closed)
			return c->state != CONN_OPEN ? conn_ending_error(c) : -EPIPE;
		if (stream_pending(c) == 0)
			n = send_now(c, buf, size, fds, count);
		if (n != -EAGAIN)
			return n;
		if (stream_pending(c) > 0) {
			r = conn_wait_output(c);
		} else {
			r = strand_wait(
				self, STRAND_WRITES, soon_ms < c->write_by_ms ? soon_ms : c->write_by_ms);
			if (r == -ETIMEDOUT && clock_now_ms() < c->write_by_ms)
				r = 0;
		}
		if (r < 0)
			return r;
	}
}

ssize_t
stream_send_rights(struct conn *c, const void *buf, size_t size, const int *fds, size_t count)
{
	ssize_t n;
	int r;

	if (strand_here(conn_loop(c)) == NULL) {
		if (size > (size_t)conn_cfg(c)->write_buffer)
			return -EMSGSIZE;
		n = c->writers == NULL && stream_pending(c) == 0 ? send_now(c, buf, size, fds, count)
								 : -EAGAIN;
		c->want_writable |= n == -EAGAIN;
		return n;
	}
	r = conn_take_turn(c);
	if (r < 0)
		return r;
	n = send_waiting(c, buf, size, fds, count);
	conn_end_turn(c);
	return n;
}
