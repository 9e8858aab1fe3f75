/* splice(2) needs a pipe between two sockets. One for each loop is enough, since it is empty again before
 * anything else runs: what the receiver does not take is read out of it into the output, so that nothing but
 * the output ever holds bytes, and timeouts, bounds and drain need not know of pipes. */
#include "engine/stream_splice.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/stream_private.h"

enum { PIPE_SIZE = 256 * 1024 };

bool
stream_can_splice(const struct conn *to, const struct conn *from)
{
	return to->tls == NULL && from->tls == NULL && to->pace == NULL && from->pace == NULL &&
	       !from->keeps_rights && to->state == CONN_OPEN && from->state == CONN_OPEN && !from->fin_read &&
	       !from->read_closed && stream_unread(from) == 0 && stream_pending(to) == 0;
}

static bool
have_pipe(struct loop *loop)
{
	if (loop->pipe[0] >= 0)
		return true;
	if (pipe2(loop->pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
		loop->pipe[0] = loop->pipe[1] = -1;
		return false;
	}
	(void)fcntl(loop->pipe[1], F_SETPIPE_SZ, PIPE_SIZE); /* without it the pipe takes 64 KiB a turn */
	return true;
}

void
stream_splice_close(struct loop *loop)
{
	if (loop->pipe[0] < 0)
		return;
	close(loop->pipe[0]);
	close(loop->pipe[1]);
	loop->pipe[0] = loop->pipe[1] = -1;
}

static ssize_t
splice_some(int from, int to, size_t size)
{
	ssize_t n;

	do
		n = splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : -errno;
}

/* Out of the pipe into the output: what the socket does not take now. */
static int
queue_rest(struct conn *to, size_t left)
{
	struct loop *loop = conn_loop(to);
	struct evbuffer *output = stream_output(to);

	while (left > 0) {
		ssize_t n =
			read(loop->pipe[0], loop->buffer, left < LOOP_BUFFER_SIZE ? left : LOOP_BUFFER_SIZE);

		if (n <= 0 || output == NULL || evbuffer_add(output, loop->buffer, (size_t)n) < 0)
			return -ENOMEM;
		left -= (size_t)n;
	}
	stream_watch_output(to);
	return 0;
}

static int
give(struct conn *to, size_t size)
{
	struct loop *loop = conn_loop(to);
	size_t left = size;
	int r = 0;

	while (left > 0) {
		ssize_t n = splice_some(loop->pipe[0], to->fd, left);

		if (n < 0 && n != -EAGAIN)
			r = (int)n;
		if (n <= 0)
			break;
		left -= (size_t)n;
	}
	stream_count_queued(to, r == 0 ? size : size - left);
	if (r == 0 && left > 0)
		r = queue_rest(to, left);
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
	ssize_t n = have_pipe(loop)
			    ? splice_some(from->fd, loop->pipe[1], most < PIPE_SIZE ? most : PIPE_SIZE)
			    : -ENOSYS;
	int r;

	if (n == -EINVAL)
		return -ENOSYS;
	from->drained = n < LOOP_BUFFER_SIZE;
	if (n == 0)
		from->fin_read = true;
	if (n < 0 && n != -EAGAIN && n != -ENOSYS)
		conn_fail(from, (int)-n);
	if (n <= 0)
		return n;
	stream_count_read(from, n);
	r = give(to, (size_t)n);
	return r < 0 ? r : n;
}
