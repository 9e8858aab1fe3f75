/* While nothing is pending, sendfile() hands pages over without a copy. What the socket does not take then is
 * followed by one piece that is read and queued as any write is: so the bufferevent waits for the socket, and
 * calls back when the next round is worth while. */
#include "engine/stream_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "engine/conn_wait.h"
#include "engine/strand.h"
#include "engine/stream.h"

enum { ROUND_SIZE = 1024 * 1024 };

struct stream_file {
	int fd; /* owned in event style, borrowed from the plugin on a fiber */
	int64_t at, left;
};

static size_t
smaller(int64_t a, size_t b)
{
	return (uint64_t)a < b ? (size_t)a : b;
}

/* @return bytes that went, perhaps 0; -ENODATA: the file has become shorter; or another negative errno */
static ssize_t
send_pages(struct conn *c, struct stream_file *f)
{
	off_t at = f->at;
	ssize_t n;

	if (stream_pending_bytes(c) > 0 || !stream_is_plain(c) || c->pace != NULL)
		return 0;
	do
		n = sendfile(c->fd, f->fd, &at, smaller(f->left, ROUND_SIZE));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EINVAL || errno == ENOSYS ? 0 : -errno;
	if (n == 0)
		return -ENODATA;
	stream_count_queued(c, (size_t)n);
	return n;
}

static ssize_t
send_piece(struct conn *c, const struct stream_file *f, size_t room)
{
	unsigned char *buffer = conn_loop(c)->buffer;
	size_t size = smaller(f->left, room < LOOP_BUFFER_SIZE ? room : LOOP_BUFFER_SIZE);
	struct iovec iov = { .iov_base = buffer };
	ssize_t n;
	int r;

	do
		n = pread(f->fd, buffer, size, f->at);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	iov.iov_len = (size_t)n;
	r = stream_write(c, &iov, 1, iov.iov_len);
	return r < 0 ? r : n;
}

/* Send until the socket takes no more and half of the buffer is full, or others are to have their turn.
 * @return 0 or a negative errno */
static int
file_go_on(struct conn *c, struct stream_file *f)
{
	size_t most = (size_t)conn_cfg(c)->write_buffer / 2;

	while (f->left > 0 && stream_pending_bytes(c) <= most && !loop_share_is_spent(conn_loop(c))) {
		ssize_t n = send_pages(c, f);

		if (n == 0)
			n = send_piece(c, f, most > 0 ? most : 1);
		if (n < 0)
			return (int)n;
		f->at += n;
		f->left -= n;
	}
	return 0;
}

/* ---- on a fiber ---- */

static int64_t
file_send_and_wait(struct conn *c, struct stream_file *f)
{
	int64_t asked = f->left;
	int r = conn_take_turn(c);

	if (r < 0)
		return r;
	while (r == 0 && f->left > 0) {
		if (c->state != CONN_OPEN || c->write_closed)
			r = c->state != CONN_OPEN ? conn_ending_error(c) : -EPIPE;
		else if (c->file != NULL || stream_pending_bytes(c) > (size_t)conn_cfg(c)->write_buffer / 2)
			r = conn_wait_output(c);
		else if (loop_share_is_spent(conn_loop(c)))
			r = conn_yield_output(c);
		else
			r = file_go_on(c, f);
	}
	conn_end_turn(c);
	if (r == -ENODATA)
		return asked - f->left;
	if (r == -EPIPE && c->broken)
		r = -ECONNRESET;
	return r < 0 ? r : asked;
}

/* ---- in event style ---- */

void
stream_file_free(struct conn *c)
{
	if (c->file == NULL)
		return;
	close(c->file->fd);
	free(c->file);
	c->file = NULL;
}

int64_t
stream_file_left(const struct conn *c)
{
	return c->file->left;
}

void
stream_file_go_on(struct conn *c)
{
	int r;

	if (c->broken || c->state == CONN_ENDING)
		return;
	conn_loop(c)->spent_bytes = 0;
	r = file_go_on(c, c->file);
	if (r < 0) {
		conn_fail(c, r == -ENODATA ? EIO : -r); /* what was promised to be sent is gone */
		return;
	}
	if (c->file->left == 0) {
		stream_file_free(c);
		conn_settle_later(c);
	} else if (stream_pending_bytes(c) == 0) {
		conn_settle_later(c); /* no write comes to an end that would bring us back */
	}
}

static int64_t
file_take_over(struct conn *c, const struct stream_file *f)
{
	int64_t asked = f->left;
	struct stream_file *own;

	if (c->file != NULL || c->writers != NULL || stream_room(c) == 0) {
		c->want_writable = true;
		return -EAGAIN;
	}
	own = malloc(sizeof *own);
	if (own == NULL)
		return -ENOMEM;
	*own = *f;
	own->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
	if (own->fd < 0) {
		int error = errno;

		free(own);
		return -error;
	}
	c->file = own;
	stream_file_go_on(c);
	return asked;
}

int64_t
stream_file_send(struct conn *c, int fd, int64_t offset, int64_t count)
{
	struct stream_file f = { .fd = fd, .at = offset };
	struct stat st;

	if (offset < 0 || count < -1)
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	f.left = offset < st.st_size ? st.st_size - offset : 0;
	if (count >= 0 && count < f.left)
		f.left = count;
	if (f.left == 0)
		return 0;
	return strand_here(conn_loop(c)) != NULL ? file_send_and_wait(c, &f) : file_take_over(c, &f);
}
