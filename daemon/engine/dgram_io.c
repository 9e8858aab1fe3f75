/* Batches. The send queue keeps pointers, so a datagram that is answered with its own bytes is never copied;
 * it is sent before the slots are used again. Whatever sendmmsg() stops at is dropped and counted: a full
 * queue of one unixgram peer says EAGAIN while poll() says writable, so waiting would let one peer stop all
 * the others. */
#include "engine/dgram_io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/rights.h"

enum {
	ARENA_BYTES = 8 << 20, /* address space for what is received */
	OUT_BYTES = 256 << 10,
	ASK_FIRST = 8,
	RECEIVE_TRIES = 16, /* errors that earlier datagrams left on the socket: each call takes one away */
};

static unsigned char *
map_bytes(size_t size)
{
	void *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

static void
dgram_io_free(struct dgram_io *io)
{
	if (io->in_bytes != NULL)
		munmap(io->in_bytes, io->in_max * io->in_size);
	if (io->out_bytes != NULL)
		munmap(io->out_bytes, io->out_size);
	free(io->in_msgs);
	free(io->in_iovs);
	free(io->in_slots);
	free(io->out_msgs);
	free(io->out_iovs);
	free(io->out_slots);
	free(io);
}

static void
flush_task_run(struct loop *loop, struct loop_task *task)
{
	(void)loop; /* io->loop */
	dgram_io_flush(container_of(task, struct dgram_io, flush_task));
}

static void
slot_prepare(struct dgram_io *io, unsigned i)
{
	io->in_iovs[i] = (struct iovec){ .iov_base = io->in_bytes + i * io->in_size, .iov_len = io->in_size };
	io->in_msgs[i].msg_hdr = (struct msghdr){
		.msg_name = &io->in_slots[i].name,
		.msg_namelen = sizeof io->in_slots[i].name,
		.msg_iov = &io->in_iovs[i],
		.msg_iovlen = 1,
		.msg_control = io->in_slots[i].control,
		.msg_controllen = sizeof io->in_slots[i].control,
	};
}

struct dgram_io *
dgram_io_new(struct loop *loop, unsigned slots, size_t in_size, size_t out_size)
{
	struct dgram_io *io = mem_new(*io);
	size_t fit = ARENA_BYTES / in_size;
	unsigned in_max = fit == 0 ? 1 : fit < slots ? (unsigned)fit : slots;

	if (io == NULL)
		return NULL;
	*io = (struct dgram_io){
		.refs = 1,
		.loop = loop,
		.flush_task.run = flush_task_run,
		.in_max = in_max,
		.in_ask = in_max < ASK_FIRST ? in_max : ASK_FIRST,
		.in_fd = -1,
		.in_size = in_size,
		.in_bytes = map_bytes(in_max * in_size),
		.in_msgs = calloc(in_max, sizeof *io->in_msgs),
		.in_iovs = calloc(in_max, sizeof *io->in_iovs),
		.in_slots = calloc(in_max, sizeof *io->in_slots),
		.out_max = slots,
		.out_size = out_size > OUT_BYTES ? out_size : OUT_BYTES,
		.out_msgs = calloc(slots, sizeof *io->out_msgs),
		.out_iovs = calloc(slots, sizeof *io->out_iovs),
		.out_slots = calloc(slots, sizeof *io->out_slots),
		.out_fd = -1,
	};
	io->out_bytes = map_bytes(io->out_size);
	if (io->in_bytes == NULL || io->in_msgs == NULL || io->in_iovs == NULL || io->in_slots == NULL ||
		io->out_bytes == NULL || io->out_msgs == NULL || io->out_iovs == NULL ||
		io->out_slots == NULL) {
		dgram_io_free(io);
		return NULL;
	}
	for (unsigned i = 0; i < in_max; i++)
		slot_prepare(io, i);
	return io;
}

void
dgram_io_unref(struct dgram_io *io)
{
	if (io == NULL || --io->refs > 0)
		return;
	for (; io->in_next < io->in_count; io->in_next++)
		rights_drop(&io->in_msgs[io->in_next].msg_hdr);
	dgram_io_flush(io);
	dgram_io_free(io);
}

/* A burst doubles what the next call asks for, a lull halves it, so that few pages and cache lines are in use
 * when there is little to do. */
static void
adapt(struct dgram_io *io, unsigned got)
{
	if (got == io->in_ask && io->in_ask < io->in_max)
		io->in_ask = io->in_ask * 2 < io->in_max ? io->in_ask * 2 : io->in_max;
	else if (got < io->in_ask / 4 && io->in_ask > ASK_FIRST)
		io->in_ask /= 2;
}

int
dgram_io_receive(struct dgram_io *io, int fd)
{
	int n = -1;

	dgram_io_flush(io);
	for (unsigned i = 0; i < io->in_count; i++)
		slot_prepare(io, i);
	io->in_count = io->in_next = io->in_judged = 0;
	io->in_fd = fd;
	for (int tries = 0; n < 0 && tries < RECEIVE_TRIES; tries++) {
		n = recvmmsg(fd, io->in_msgs, io->in_ask, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
			break;
	}
	if (n <= 0)
		return n == 0 ? -EAGAIN : -errno;
	io->in_count = (unsigned)n;
	io->in_short = io->in_count < io->in_ask;
	adapt(io, io->in_count);
	return n;
}

bool
dgram_io_is_short(const struct dgram_io *io)
{
	return io->in_short;
}

void *
dgram_io_reserve(struct dgram_io *io, size_t size)
{
	if (io->out_size - io->out_used < size)
		dgram_io_flush(io);
	return io->out_bytes + io->out_used;
}

/* @return the bytes of control data that make the datagram leave from @p from. Of a group only the interface
 * counts. */
static size_t
set_source(struct msghdr *msg, unsigned char *control, const struct sockd_addr *from)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)control;

	memset(control, 0, DGRAM_CONTROL_SIZE);
	if (from->sa.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&from->sa;
		struct in_pktinfo info = { .ipi_spec_dst = in->sin_addr };

		if (in->sin_addr.s_addr == INADDR_ANY || in->sin_addr.s_addr == INADDR_BROADCAST ||
			IN_MULTICAST(ntohl(in->sin_addr.s_addr)))
			return 0;
		*c = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO
		};
		memcpy(CMSG_DATA(c), &info, sizeof info);
		msg->msg_control = control;
		return CMSG_SPACE(sizeof info);
	}
	if (from->sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&from->sa;
		struct in6_pktinfo info = { .ipi6_addr = in6->sin6_addr, .ipi6_ifindex = in6->sin6_scope_id };

		if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
			return 0;
		if (IN6_IS_ADDR_MULTICAST(&in6->sin6_addr))
			info.ipi6_addr = in6addr_any;
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof info),
			.cmsg_level = IPPROTO_IPV6,
			.cmsg_type = IPV6_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof info);
		msg->msg_control = control;
		return CMSG_SPACE(sizeof info);
	}
	return 0;
}

void
dgram_io_queue(struct dgram_io *io, int fd, struct metric_cells *cells, const struct sockd_addr *to,
	const struct sockd_addr *from, const void *bytes, size_t size)
{
	struct dgram_slot *slot;
	struct msghdr *msg;
	unsigned i;

	if (io->out_count > 0 && (io->out_count == io->out_max || io->out_fd != fd)) {
		size_t reserved = bytes == io->out_bytes + io->out_used ? size : 0;

		dgram_io_flush(io);
		if (reserved > 0) /* built behind what has just left: move it to the front */
			bytes = memmove(io->out_bytes, bytes, size);
	}
	i = io->out_count++;
	slot = &io->out_slots[i];
	msg = &io->out_msgs[i].msg_hdr;
	io->out_fd = fd;
	io->out_cells = cells;
	if (bytes == io->out_bytes + io->out_used)
		io->out_used += size;
	memcpy(&slot->name, &to->sa, to->len);
	io->out_iovs[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	*msg = (struct msghdr){
		.msg_name = &slot->name, .msg_namelen = to->len, .msg_iov = &io->out_iovs[i], .msg_iovlen = 1
	};
	if (from != NULL && from->len > 0)
		msg->msg_controllen = set_source(msg, slot->control, from);
	if (!io->flush_follows)
		loop_defer(io->loop, &io->flush_task);
}

void
dgram_io_flush(struct dgram_io *io)
{
	unsigned done = 0, sent = 0;

	if (io->out_count == 0)
		return;
	while (done < io->out_count) {
		int n = sendmmsg(
			io->out_fd, io->out_msgs + done, io->out_count - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		sent += n > 0 ? (unsigned)n : 0;
		done += n > 0 ? (unsigned)n : 1; /* the first was refused: leave it, go on behind it */
	}
	if (sent > 0)
		metric_add(io->out_cells, METRIC_DATAGRAMS_WRITTEN, sent);
	if (sent < done)
		metric_add(io->out_cells, METRIC_DATAGRAMS_DROPPED_SEND, done - sent);
	io->out_count = 0;
	io->out_used = 0;
	loop_undefer(io->loop, &io->flush_task);
}

/* Wildcards, and groups, whose datagrams can't be answered from where they were sent to. */
static bool
stands_for_many(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

	if (address->ss_family == AF_INET)
		return in->sin_addr.s_addr == INADDR_ANY || in->sin_addr.s_addr == INADDR_BROADCAST ||
		       IN_MULTICAST(ntohl(in->sin_addr.s_addr));
	return IN6_IS_ADDR_UNSPECIFIED(in6) || IN6_IS_ADDR_MULTICAST(in6) || IN6_IS_ADDR_V4MAPPED(in6);
}

int
dgram_want_local(int fd, const struct sockaddr_storage *local)
{
	int on = stands_for_many(local), r = setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);

	if (r == 0 && local->ss_family == AF_INET6)
		r = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	return r < 0 ? -errno : on;
}

void
dgram_get_local(const struct msghdr *msg, struct sockd_addr *io_local)
{
	struct msghdr *m = (struct msghdr *)(uintptr_t)msg; /* CMSG_NXTHDR() takes no const */

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
			io_local->sa.ss_family == AF_INET) {
			struct sockaddr_in *in = (struct sockaddr_in *)&io_local->sa;
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof info);
			in->sin_addr = info.ipi_spec_dst; /* of a broadcast: our address that may answer it */
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO &&
			   io_local->sa.ss_family == AF_INET6) {
			struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&io_local->sa;
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof info);
			in6->sin6_addr = info.ipi6_addr;
			in6->sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ||
							     IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)
						     ? (uint32_t)info.ipi6_ifindex
						     : 0;
		}
	}
}
