/* Writing without waiting, and without touching the flags of a descriptor that other processes may share:
 * standard error is often the terminal of a shell or the pipe of a service manager, and O_NONBLOCK would be
 * seen by all of them. So sockets are sent to with MSG_DONTWAIT, and a pipe or terminal is written to only
 * when it is ready, by at most as much as a ready one takes at once (PIPE_BUF). Regular files are simply
 * written to: they have no other way.
 *
 * A journal entry above what a datagram may carry goes as a sealed memfd, as the native protocol asks.
 * Entries are bounded, so this happens only with unusually small socket buffers. */
#include "base/log_sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdutil.h"

static void
use_fd(struct log_sink *k, int fd)
{
	struct stat st;

	k->fd = fd;
	k->kind = LOG_SINK_PIPE;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		k->kind = LOG_SINK_FILE;
	else if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		k->kind = LOG_SINK_SOCKET;
	k->peer_size = sizeof k->peer;
	if (getpeername(fd, (struct sockaddr *)&k->peer, &k->peer_size) < 0)
		k->peer_size = 0;
}

void
log_sink_init(struct log_sink *k, int fd, enum log_protocol protocol)
{
	*k = (struct log_sink){ .protocol = protocol };
	use_fd(k, fd);
}

void
log_sink_fini(struct log_sink *k)
{
	strbuf_fini(&k->out);
	cleanup_fd(&k->fd);
}

bool
log_sink_end_message(struct log_sink *k)
{
	size_t start = k->count > 0 ? k->ends[k->count - 1] : 0;

	if (k->out.failed) {
		k->out.failed = false;
		k->out.size = start;
		return false;
	}
	k->ends[k->count++] = k->out.size;
	return true;
}

static void
empty(struct log_sink *k)
{
	strbuf_reset(&k->out);
	k->count = k->sent = k->done = 0;
}

/* What a ready pipe takes at once; whole lines if there is a choice, since others may write to the same pipe.
 */
static size_t
pipe_share(const struct log_sink *k, size_t size)
{
	size_t share = 0;

	for (size_t i = k->sent; i < k->count && k->ends[i] - k->done <= PIPE_BUF; i++)
		share = k->ends[i] - k->done;
	if (share > 0)
		return share;
	return size < PIPE_BUF ? size : PIPE_BUF;
}

static ssize_t
write_some(struct log_sink *k, const char *bytes, size_t size)
{
	struct pollfd p = { .fd = k->fd, .events = POLLOUT };

	if (k->kind == LOG_SINK_SOCKET)
		return send(k->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (k->kind == LOG_SINK_FILE)
		return write(k->fd, bytes, size);
	if (poll(&p, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(k->fd, bytes, pipe_share(k, size));
}

static int
write_stream(struct log_sink *k)
{
	while (k->done < k->out.size) {
		ssize_t n = write_some(k, k->out.data + k->done, k->out.size - k->done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		k->done += (size_t)n;
		while (k->sent < k->count && k->ends[k->sent] <= k->done)
			k->sent++;
	}
	return 0;
}

static int
send_as_memfd(int fd, const char *bytes, size_t size)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	auto_of(fd) int content = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int r = fd_memfd("journal-entry", bytes, size, &content);

	if (r < 0)
		return r;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &content, sizeof content);
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int
send_datagram(struct log_sink *k, const char *bytes, size_t size)
{
	for (bool again = false;; again = true) {
		if (send(k->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EMSGSIZE && k->protocol == LOG_TO_JOURNAL)
			return send_as_memfd(k->fd, bytes, size);
		/* The reader was restarted: its name is the same, the socket behind it is another. */
		if (again || k->peer_size == 0 ||
			(errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET))
			return -errno;
		if (connect(k->fd, (const struct sockaddr *)&k->peer, k->peer_size) < 0)
			return -errno;
	}
}

static int
write_datagrams(struct log_sink *k)
{
	for (; k->sent < k->count; k->sent++) {
		size_t start = k->sent > 0 ? k->ends[k->sent - 1] : 0;
		int r = send_datagram(k, k->out.data + start, k->ends[k->sent] - start);

		if (r == -EMSGSIZE)
			k->refused++; /* or it would hold up all others for ever */
		else if (r < 0)
			return r;
	}
	return 0;
}

int
log_sink_write(struct log_sink *k)
{
	int r = k->protocol == LOG_TO_STREAM ? write_stream(k) : write_datagrams(k);

	if (r == 0)
		empty(k);
	return r;
}

void
log_sink_replace(struct log_sink *k, int fd)
{
	k->done = k->sent > 0 ? k->ends[k->sent - 1] : 0;
	cleanup_fd(&k->fd);
	use_fd(k, fd);
}

void
log_sink_wait(const struct log_sink *k, int timeout_ms)
{
	struct pollfd p = { .fd = k->fd, .events = POLLOUT };

	poll(&p, 1, timeout_ms);
}
