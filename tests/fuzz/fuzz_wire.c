/* Any packets with any descriptors on a control socket: what arrives is whole, what is refused leaves nothing
 * open. The input is a row of packets: how many descriptors come along, two bytes of size, the bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FDS_MAX = 4 };

/* The number that the next descriptor gets: it moves when one was left open. */
static int
next_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* A descriptor that a body may be read from, or not. */
static int
some_fd(unsigned which, const uint8_t *data, size_t size)
{
	int fd = which % 2 == 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : memfd_create("body", MFD_CLOEXEC);

	if (fd < 0 || (which % 2 == 1 && write(fd, data, size) != (ssize_t)size))
		abort();
	return fd;
}

static void
send_packet(int to, const uint8_t *data, size_t size, unsigned fd_count)
{
	char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = { 0 };
	struct iovec part = { (void *)(uintptr_t)data, size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[FDS_MAX];

	for (unsigned i = 0; i < fd_count; i++)
		fds[i] = some_fd(i + (unsigned)size, data, size);
	if (fd_count > 0) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	(void)sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL); /* an empty or a late one is none */
	for (unsigned i = 0; i < fd_count; i++)
		close(fds[i]);
}

/* @return whether the wire is still good */
static int
hear(struct wire *w)
{
	struct wire_message m = { 0 };
	int code;

	while ((code = wire_receive(w, &m)) == 1) {
		if ((m.size > 0) != (m.body != NULL) || m.size > WIRE_BODY_MAX || m.fd_count > WIRE_FDS_MAX)
			abort();
		for (size_t i = 0; i < m.size; i++) /* every byte is there */
			if (m.body[i] == 0)
				m.body[i] = 1;
		for (size_t i = 0; i < m.fd_count; i++)
			if (fcntl(m.fds[i], F_GETFD) != FD_CLOEXEC)
				abort();
		wire_message_fini(&m);
	}
	return code == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before = next_fd(), fds[2];
	struct wire *w = NULL;
	struct err e = { 0 };

	if (wire_pair(fds, &e) < 0 || wire_new(fds[0], &w) < 0)
		abort();
	while (size >= 3) {
		unsigned fd_count = data[0] % (FDS_MAX + 1);
		size_t part = data[1] | (size_t)data[2] << 8;

		data += 3;
		size -= 3;
		if (part > size)
			part = size;
		send_packet(fds[1], data, part, fd_count);
		data += part;
		size -= part;
		if (!hear(w))
			break;
	}
	wire_free(w);
	close(fds[1]);
	if (next_fd() != before)
		abort();
	return 0;
}
