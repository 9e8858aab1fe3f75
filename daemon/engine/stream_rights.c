/* The kernel ends a read after the bytes that descriptors came with, so those that are kept belong to what
 * was read last; once all of that has been taken by somebody who did not want them, they are closed. */
#include "engine/stream_rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/socket_call.h"
#include "engine/conn_wait.h"
#include "engine/rights.h"
#include "engine/strand.h"
#include "engine/stream.h"

struct conn_rights {
	size_t count;
	int fds[RIGHTS_MAX];
};

static void
drop(struct conn *c)
{
	if (c->rights == NULL)
		return;
	for (size_t i = 0; i < c->rights->count; i++)
		close(c->rights->fds[i]);
	free(c->rights);
	c->rights = NULL;
}

void
stream_rights_end(struct conn *c)
{
	drop(c);
	if (c->sendable != NULL)
		event_free(c->sendable);
	c->sendable = NULL;
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

/* Without room for them the kernel closes descriptors at once, says so, and is faster at everything else. */
ssize_t
stream_recv_unix(struct conn *c, void *buf, size_t size, bool *ret_cut)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	_Alignas(struct cmsghdr) unsigned char control[RIGHTS_SPACE];
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (c->keeps_rights) {
		m.msg_control = control;
		m.msg_controllen = sizeof control;
	}
	if (c->rights != NULL && stream_unread(c) == 0)
		drop(c);
	do
		n = socket_recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	*ret_cut = m.msg_controllen > 0 || (m.msg_flags & MSG_CTRUNC) != 0;
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
	drop(c);
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

static void
on_sendable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* the connection's, which can be written to */
	stream_make_room(arg);
}

/* Nothing is pending, so no write of the bufferevent will tell when the socket takes more. */
static int
watch_socket(struct conn *c)
{
	if (c->sendable == NULL)
		c->sendable = event_new(conn_loop(c)->base, c->fd, EV_WRITE, on_sendable, c);
	return c->sendable != NULL && event_add(c->sendable, NULL) == 0 ? 0 : -ENOMEM;
}

/* With the turn. */
static ssize_t
send_waiting(struct conn *c, const void *buf, size_t size, const int *fds, size_t count)
{
	for (;;) {
		ssize_t n = -EAGAIN;
		int r = 0;

		if (c->state != CONN_OPEN || c->write_closed)
			return c->state != CONN_OPEN ? conn_ending_error(c) : -EPIPE;
		if (stream_pending(c) == 0) {
			n = send_now(c, buf, size, fds, count);
			if (n != -EAGAIN)
				return n;
			r = watch_socket(c);
		}
		if (r == 0)
			r = conn_wait_output(c);
		if (r < 0)
			return r;
	}
}

static ssize_t
send_at_once(struct conn *c, const void *buf, size_t size, const int *fds, size_t count)
{
	ssize_t n = -EAGAIN;

	if (size > (size_t)conn_cfg(c)->write_buffer)
		return -EMSGSIZE;
	if (c->writers == NULL && stream_pending(c) == 0) {
		n = send_now(c, buf, size, fds, count);
		if (n == -EAGAIN && watch_socket(c) < 0)
			return -ENOMEM;
	}
	c->want_writable |= n == -EAGAIN;
	return n;
}

ssize_t
stream_send_rights(struct conn *c, const void *buf, size_t size, const int *fds, size_t count)
{
	ssize_t n;
	int r;

	if (strand_here(conn_loop(c)) == NULL)
		return send_at_once(c, buf, size, fds, count);
	r = conn_take_turn(c);
	if (r < 0)
		return r;
	n = send_waiting(c, buf, size, fds, count);
	conn_end_turn(c);
	return n;
}
