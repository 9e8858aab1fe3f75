/* The header of each packet is six numbers of 32 bits. A large body is the first descriptor of its message, a
 * sealed memfd. */
#include "control/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/pack.h"

#define WIRE_MAGIC 0x736b6431U /* "1dks" on the wire */

enum { RETRY_MS = 100 };
enum { HEADER_SIZE = 24, FLAG_MORE = 1, FLAG_MEMFD = 2, PACKET_MAX = HEADER_SIZE + WIRE_INLINE };

struct header {
	uint32_t flags, type, number, size, fd_count;
};

/* A packet that waits to be sent. */
struct packet {
	struct packet *next;
	size_t size, fd_count;
	int fds[WIRE_FDS]; /* owned */
	unsigned char bytes[];
};

struct wire {
	int fd;                               /* owned */
	struct packet *first, **end;          /* owned: to be sent */
	bool starved;                         /* the first was refused, though there may be room */
	struct wire_message partial;          /* of a message whose last packet has not come */
	unsigned char buffer[PACKET_MAX + 1]; /* one more, to tell a packet that is too long */
};

/* ---- messages ---- */

static void
close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int
wire_message_take_fd(struct wire_message *m, size_t i)
{
	return i < m->fd_count ? fd_take(&m->fds[i]) : -1;
}

void
wire_message_fini(struct wire_message *m)
{
	close_all(m->fds, m->fd_count);
	free(m->fds);
	if (m->body != NULL)
		explicit_bzero(m->body, m->size);
	free(m->body);
	*m = (struct wire_message){ 0 };
}

/* ---- life ---- */

int
wire_pair(int ret_fds[2], struct err *e)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return err_errno(e, "cannot make a control socket");
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

int
wire_new(int fd, struct wire **ret)
{
	struct wire *w = mem_new(*w);

	if (w == NULL)
		return -ENOMEM;
	w->fd = fd;
	w->end = &w->first;
	*ret = w;
	return 0;
}

static void
packet_free(struct packet *p)
{
	if (p == NULL)
		return;
	close_all(p->fds, p->fd_count);
	explicit_bzero(p->bytes, p->size);
	free(p);
}

void
wire_free(struct wire *w)
{
	if (w == NULL)
		return;
	while (w->first != NULL) {
		struct packet *p = w->first;

		w->first = p->next;
		packet_free(p);
	}
	wire_message_fini(&w->partial);
	close(w->fd);
	free(w);
}

int
wire_fd(const struct wire *w)
{
	return w->fd;
}

bool
wire_is_waiting(const struct wire *w)
{
	return w->first != NULL;
}

bool
wire_wants_write(const struct wire *w)
{
	return w->first != NULL && !w->starved;
}

int
wire_retry_ms(const struct wire *w)
{
	return w->first != NULL && w->starved ? RETRY_MS : -1;
}

/* ---- sending ---- */

static void
pack_header(const struct header *h, unsigned char to[HEADER_SIZE])
{
	const uint32_t words[] = { WIRE_MAGIC, h->flags, h->type, h->number, h->size, h->fd_count };

	for (size_t i = 0; i < array_len(words); i++)
		for (int b = 0; b < 4; b++)
			to[4 * i + (size_t)b] = (unsigned char)(words[i] >> 8 * b);
}

/* @return NULL: no memory, or no descriptor left: errno says which */
static struct packet *
packet_new(const struct header *h, const void *body, const int *fds)
{
	size_t size = (h->flags & FLAG_MEMFD) == 0 ? h->size : 0;
	struct packet *p = calloc(1, sizeof *p + HEADER_SIZE + size);

	if (p == NULL)
		return NULL;
	p->size = HEADER_SIZE + size;
	pack_header(h, p->bytes);
	if (size > 0)
		memcpy(p->bytes + HEADER_SIZE, body, size);
	for (size_t i = 0; i < h->fd_count; i++) {
		p->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (p->fds[i] < 0) {
			int error = errno;

			packet_free(p);
			errno = error;
			return NULL;
		}
		p->fd_count = i + 1;
	}
	return p;
}

static ssize_t
packet_send(int fd, struct packet *p)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS)];
	} control = { 0 };
	struct iovec iov = { .iov_base = p->bytes, .iov_len = p->size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (p->fd_count > 0) {
		struct cmsghdr *c = &control.align;

		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * p->fd_count);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * p->fd_count);
		memcpy(CMSG_DATA(c), p->fds, sizeof(int) * p->fd_count);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ETOOMANYREFS: too many descriptors are on their way; they get fewer as those who are sent them read. The
 * socket is writable all the while, so whoever waited for that would spin. */
static bool
passes(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

int
wire_flush(struct wire *w)
{
	while (w->first != NULL) {
		struct packet *p = w->first;

		if (packet_send(w->fd, p) < 0) {
			if (errno == EINTR)
				continue;
			w->starved = passes(errno);
			if (errno == EAGAIN || w->starved)
				return 0;
			return errno == ECONNRESET ? -EPIPE : -errno;
		}
		w->first = p->next;
		if (w->first == NULL)
			w->end = &w->first;
		packet_free(p);
	}
	return 0;
}

/* All packets of a message, in order. @return 0 or a negative errno, and none of them */
static int
make_packets(struct header h, const void *body, const int *fds, size_t fd_count, struct packet **ret)
{
	struct packet *first = NULL, **end = &first;

	do {
		size_t some = fd_count < WIRE_FDS ? fd_count : WIRE_FDS;
		struct header this = h;

		this.fd_count = (uint32_t)some;
		if (fd_count > some) {
			this.flags = FLAG_MORE;
			this.size = 0;
		}
		*end = packet_new(&this, body, fds);
		if (*end == NULL) {
			int code = -errno;

			while (first != NULL) {
				struct packet *p = first;

				first = p->next;
				packet_free(p);
			}
			return code;
		}
		end = &(*end)->next;
		fds += some;
		fd_count -= some;
	} while (fd_count > 0);
	*ret = first;
	return 0;
}

int
wire_send(struct wire *w, uint32_t type, uint32_t number, const void *body, size_t size, const int *fds,
	size_t fd_count)
{
	struct header h = { .type = type, .number = number, .size = (uint32_t)size };
	auto_of(mem) int *all = NULL;
	auto_of(fd) int memfd = -1;
	struct packet *packets = NULL;
	int code = 0;

	if (size > WIRE_BODY_MAX || fd_count >= WIRE_FDS_MAX)
		return -E2BIG;
	all = calloc(fd_count + 1, sizeof *all);
	if (all == NULL)
		return -ENOMEM;
	if (size > WIRE_INLINE) {
		h.flags |= FLAG_MEMFD;
		code = fd_memfd("sockd-message", body, size, &memfd);
		all[0] = memfd;
	}
	if (code < 0)
		return code;
	if (fd_count > 0)
		memcpy(all + (memfd >= 0), fds, fd_count * sizeof *fds);
	code = make_packets(h, body, all, fd_count + (memfd >= 0), &packets);
	if (code < 0)
		return code;
	*w->end = packets;
	while (*w->end != NULL)
		w->end = &(*w->end)->next;
	return wire_flush(w);
}

/* ---- receiving ---- */

static bool
unpack_header(const unsigned char *bytes, size_t size, struct header *ret)
{
	struct unpack u = UNPACK(bytes, size);

	if (unpack_u32(&u) != WIRE_MAGIC)
		return false;
	ret->flags = unpack_u32(&u);
	ret->type = unpack_u32(&u);
	ret->number = unpack_u32(&u);
	ret->size = unpack_u32(&u);
	ret->fd_count = unpack_u32(&u);
	return !u.failed;
}

/* Take the descriptors of a packet into the message, whatever else is wrong with it. */
static int
take_fds(struct msghdr *m, struct wire_message *to, size_t *ret_count)
{
	int code = (m->msg_flags & MSG_CTRUNC) != 0 ? -EBADMSG : 0;

	*ret_count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int *fds;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		fds = reallocarray(to->fds, to->fd_count + count, sizeof *fds);
		if (fds == NULL || to->fd_count + count > WIRE_FDS_MAX) {
			int unwanted[WIRE_FDS + 53];

			memcpy(unwanted, CMSG_DATA(c), count * sizeof(int));
			close_all(unwanted, count);
			code = fds == NULL ? -ENOMEM : -EBADMSG;
			to->fds = fds != NULL ? fds : to->fds;
			continue;
		}
		memcpy(fds + to->fd_count, CMSG_DATA(c), count * sizeof(int));
		to->fds = fds;
		to->fd_count += count;
		*ret_count += count;
	}
	return code;
}

/* A body that lies in the first descriptor. Only sealed memory is read: a read of another file could take as
 * long as a disk, a network or a FUSE server likes, and its bytes could change meanwhile. */
static int
read_memfd(struct wire_message *m, uint32_t size)
{
	auto_of(fd) int fd = wire_message_take_fd(m, 0);
	struct stat st;
	ssize_t n;

	if (!fd_is_sealed(fd, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) || fstat(fd, &st) < 0 ||
		st.st_size != (off_t)size)
		return -EBADMSG;
	m->body = malloc(size);
	if (m->body == NULL)
		return -ENOMEM;
	m->size = size;
	for (size_t at = 0; at < size; at += (size_t)n) {
		n = pread(fd, m->body + at, size - at, (off_t)at);
		if (n <= 0)
			return -EBADMSG;
	}
	m->fd_count--;
	memmove(m->fds, m->fds + 1, m->fd_count * sizeof *m->fds);
	return 0;
}

static int
take_body(struct wire_message *m, const struct header *h, const unsigned char *bytes, size_t size)
{
	if ((h->flags & FLAG_MEMFD) != 0)
		return size == 0 && h->size > 0 && h->size <= WIRE_BODY_MAX ? read_memfd(m, h->size)
									    : -EBADMSG;
	if (size != h->size)
		return -EBADMSG;
	if (size == 0)
		return 0;
	m->body = malloc(size);
	if (m->body == NULL)
		return -ENOMEM;
	memcpy(m->body, bytes, size);
	m->size = size;
	return 0;
}

/* One packet. @return 1: it completes a message; 0: it does not */
static int
take_packet(struct wire *w, size_t size, struct msghdr *msg)
{
	struct wire_message *m = &w->partial;
	struct header h = { 0 };
	size_t came;
	int code = take_fds(msg, m, &came);

	if (code < 0)
		return code;
	if ((msg->msg_flags & MSG_TRUNC) != 0 || !unpack_header(w->buffer, size, &h) || h.fd_count != came)
		return -EBADMSG;
	if ((h.flags & FLAG_MORE) != 0)
		return size == HEADER_SIZE && came == WIRE_FDS ? 0 : -EBADMSG;
	m->type = h.type;
	m->number = h.number;
	code = take_body(m, &h, w->buffer + HEADER_SIZE, size - HEADER_SIZE);
	return code < 0 ? code : 1;
}

int
wire_receive(struct wire *w, struct wire_message *ret)
{
	for (;;) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(sizeof(int) * (WIRE_FDS + 53))];
		} control;
		struct iovec iov = { .iov_base = w->buffer, .iov_len = sizeof w->buffer };
		struct msghdr m = { .msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof control.bytes };
		ssize_t n = recvmsg(w->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		int code;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
		if (n == 0 && m.msg_controllen == 0) /* with descriptors it is a packet, and an empty one */
			return -EPIPE;
		code = take_packet(w, (size_t)n, &m);
		if (code == 0)
			continue;
		if (code == 1) {
			*ret = w->partial;
			w->partial = (struct wire_message){ 0 };
		}
		return code;
	}
}
