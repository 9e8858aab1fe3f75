/* The one call that hands a stream's bytes to its socket, with a pace and without. */
#include <errno.h>
#include <sys/socket.h>

#include "engine/stream.h"

/* Give the socket what it takes now. send() says the same as sendmsg() of one piece, but the kernel has no
 * message header and no list to copy and to check: a fiftieth of a small message's whole way.
 * @return bytes, perhaps 0, or a negative errno. */
ssize_t
stream_send(struct conn *c, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };
	ssize_t n;

	do
		n = count == 1 ? send(c->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
			       : sendmsg(c->fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
		return 0;
	return n < 0 ? -errno : n;
}
