/* Any packets with any descriptors on a control socket: what arrives is whole, what is refused leaves nothing
 * open. The input is a row of packets (seeds.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "control/wire.h"
#include "seeds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_AT = 16, BODY_MAX = 2 * WIRE_INLINE };

/* How large the packet says that its body is, which a descriptor that comes along has then. */
static size_t
said_size(const uint8_t *packet, size_t size)
{
	size_t said = 0;

	for (size_t i = 0; i < 4 && SIZE_AT + 4 <= size; i++)
		said |= (size_t)packet[SIZE_AT + i] << 8 * i;
	return said < BODY_MAX ? said : size;
}

/* A descriptor that a body may be read from, or not. */
static int
some_fd(enum seed_kind kind, size_t size)
{
	int fd = kind == SEED_NULL ? open("/dev/null", O_RDWR | O_CLOEXEC)
				   : memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || (kind != SEED_NULL && ftruncate(fd, (off_t)size) < 0) ||
		(kind == SEED_SEALED &&
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0))
		abort();
	return fd;
}

static void
send_packet(int to, uint8_t head, const uint8_t *data, size_t size)
{
	static char control[CMSG_SPACE(WIRE_FDS * sizeof(int))];
	struct iovec part = { (void *)(uintptr_t)data, size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	size_t fd_count = seed_fd_count(head);
	int fds[WIRE_FDS], kinds[SEED_KIND_COUNT];

	for (size_t i = 0; i < SEED_KIND_COUNT && i < fd_count; i++)
		kinds[i] = some_fd(seed_fd_kind(head, i), said_size(data, size));
	for (size_t i = 0; i < fd_count; i++)
		fds[i] = kinds[i % SEED_KIND_COUNT];
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
	for (size_t i = 0; i < SEED_KIND_COUNT && i < fd_count; i++)
		close(kinds[i]);
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
	int before = fd_count_open(), fds[2];
	struct wire *w = NULL;
	struct err e = { 0 };

	if (wire_pair(fds, &e) < 0 || wire_new(fds[0], &w) < 0)
		abort();
	while (size >= SEED_HEAD) {
		uint8_t head = data[0];
		size_t part = data[1] | (size_t)data[2] << 8;

		data += SEED_HEAD;
		size -= SEED_HEAD;
		if (part > size)
			part = size;
		send_packet(fds[1], head, data, part);
		data += part;
		size -= part;
		if (!hear(w))
			break;
	}
	wire_free(w);
	close(fds[1]);
	if (fd_count_open() != before)
		abort();
	return 0;
}
