/* splice(2) needs a pipe between two sockets. A loop keeps one that is empty for all of its relays. What the
 * receiver does not take stays in that pipe, which is the receiver's from then on until its socket has taken
 * the rest, and the loop gets another: so no byte of a large flow is copied. No write has room meanwhile, so
 * a pipe and an output never both grow, and what the pipe holds counts as pending wherever the output does.
 *
 * A pipe is two descriptors and the kernel's memory, so only PIPES_MAX are out at a time; beyond them, and
 * where somebody writes past the relay or the relay ends, the rest is read out of the pipe into the output.
 */
#include "engine/stream_splice.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/stream_private.h"

enum { PIPE_SIZE = 256 * 1024, PIPES_MAX = 64 };

struct stream_pipe {
	int fd[2];             /* owned: read from, written to */
	size_t left;           /* bytes in it */
	struct event writable; /* of the connection that has it */
};

bool
stream_can_splice(const struct conn *to, const struct conn *from)
{
	return to->tls == NULL && from->tls == NULL && to->pace == NULL && from->pace == NULL &&
	       !from->keeps_rights && !from->cut_short && to->state == CONN_OPEN &&
	       from->state == CONN_OPEN && !from->fin_read && !from->read_closed &&
	       stream_unread(from) == 0 && stream_pending(to) == 0;
}

/* ---- pipes ---- */

static struct stream_pipe *
pipe_new(void)
{
	struct stream_pipe *p = mem_new(*p);

	if (p == NULL)
		return NULL;
	if (pipe2(p->fd, O_NONBLOCK | O_CLOEXEC) < 0) {
		free(p);
		return NULL;
	}
	(void)fcntl(p->fd[1], F_SETPIPE_SZ, PIPE_SIZE); /* without it the pipe takes 64 KiB a turn */
	return p;
}

static void
pipe_free(struct stream_pipe *p)
{
	close(p->fd[0]);
	close(p->fd[1]);
	free(p);
}

void
stream_splice_close(struct loop *loop)
{
	if (loop->pipe != NULL)
		pipe_free(loop->pipe);
	loop->pipe = NULL;
}

static void
pipe_hold(struct conn *to)
{
	struct loop *loop = conn_loop(to);

	to->pipe = loop->pipe;
	loop->pipe = NULL;
	loop->pipes_held++;
}

/* It is empty: the loop's again, if it has none. */
static void
pipe_release(struct conn *to)
{
	struct loop *loop = conn_loop(to);

	event_del(&to->pipe->writable);
	if (loop->pipe == NULL)
		loop->pipe = to->pipe;
	else
		pipe_free(to->pipe);
	to->pipe = NULL;
	loop->pipes_held--;
}

void
stream_splice_drop(struct conn *c)
{
	if (c->pipe == NULL)
		return;
	event_del(&c->pipe->writable);
	pipe_free(c->pipe);
	c->pipe = NULL;
	conn_loop(c)->pipes_held--;
}

size_t
stream_spliced(const struct conn *c)
{
	return c->pipe->left;
}

/* ---- out of a pipe ---- */

static ssize_t
splice_some(int from, int to, size_t size)
{
	ssize_t n;

	do
		n = splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : -errno;
}

/* As much as the socket takes. @return 0 or a negative errno */
static int
pipe_send(struct stream_pipe *p, int fd)
{
	while (p->left > 0) {
		ssize_t n = splice_some(p->fd[0], fd, p->left);

		if (n <= 0)
			return n == -EAGAIN ? 0 : (int)n;
		p->left -= (size_t)n;
	}
	return 0;
}

/* The loop's buffer may be in use above us, so it is read to where it will lie. */
static int
pipe_queue(struct stream_pipe *p, struct evbuffer *output)
{
	if (output == NULL)
		return -ENOMEM;
	while (p->left > 0) {
		struct evbuffer_iovec space;
		ssize_t n;

		if (evbuffer_reserve_space(output, (ev_ssize_t)p->left, &space, 1) < 1)
			return -ENOMEM;
		n = read(p->fd[0], space.iov_base, space.iov_len < p->left ? space.iov_len : p->left);
		if (n <= 0)
			return -EIO;
		space.iov_len = (size_t)n;
		if (evbuffer_commit_space(output, &space, 1) < 0)
			return -ENOMEM;
		p->left -= (size_t)n;
	}
	return 0;
}

int
stream_unsplice(struct conn *c)
{
	int r;

	if (c->pipe == NULL)
		return 0;
	event_del(&c->pipe->writable);
	r = pipe_queue(c->pipe, stream_output(c));
	if (r < 0)
		conn_fail(c, -r);
	else
		pipe_release(c);
	return r;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	int r = pipe_send(c->pipe, fd);

	(void)what; /* only EV_WRITE is asked for */
	if (r < 0) {
		event_del(&c->pipe->writable);
		conn_fail(c, -r);
	} else if (c->pipe->left == 0) {
		pipe_release(c);
		stream_make_room(c);
	}
}

/* ---- from socket to socket ---- */

/* The socket takes no more now. @return 0 or a negative errno */
static int
keep_rest(struct conn *to)
{
	struct loop *loop = conn_loop(to);
	struct stream_pipe *p = loop->pipe;
	int r = 0;

	event_assign(&p->writable, loop->base, to->fd, EV_WRITE | EV_PERSIST, on_writable, to);
	if (loop->pipes_held < PIPES_MAX && event_add(&p->writable, NULL) == 0)
		pipe_hold(to);
	else
		r = pipe_queue(p, stream_output(to));
	if (r == 0)
		stream_watch_output(to);
	return r;
}

static int
give(struct conn *to, size_t size)
{
	struct loop *loop = conn_loop(to);
	struct stream_pipe *p = loop->pipe;
	int r;

	p->left = size;
	r = pipe_send(p, to->fd);
	stream_count_queued(to, r == 0 ? size : size - p->left);
	if (r == 0 && p->left > 0)
		r = keep_rest(to);
	if (r < 0) {
		stream_splice_close(loop); /* with what is left in it */
		conn_fail(to, -r);
	}
	return r;
}

ssize_t
stream_splice(struct conn *to, struct conn *from, size_t most)
{
	struct loop *loop = conn_loop(from);
	ssize_t n = -ENOSYS;
	int r;

	if (loop->pipe == NULL)
		loop->pipe = pipe_new();
	if (loop->pipe != NULL)
		n = splice_some(from->fd, loop->pipe->fd[1], most < PIPE_SIZE ? most : PIPE_SIZE);
	if (n == -EINVAL || n == 0)
		return -ENOSYS; /* nothing is the end, or urgent data at which it has stopped: a read knows */
	if (n == -EAGAIN)
		from->ready = false; /* less than was asked for can also mean a pipe full of small pieces */
	if (n < 0 && n != -EAGAIN && n != -ENOSYS)
		conn_fail(from, (int)-n);
	if (n <= 0)
		return n;
	stream_count_read(from, n);
	r = give(to, (size_t)n);
	return r < 0 ? r : n;
}
