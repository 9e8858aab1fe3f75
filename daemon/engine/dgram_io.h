/* Datagrams in batches: recvmmsg() into slots of one arena, sendmmsg() out of a queue. Nothing here waits,
 * and nothing knows of plugins. Arenas are mapped, not allocated: a page exists once a datagram has lain in
 * it. */
#ifndef ENGINE_DGRAM_IO_H
#define ENGINE_DGRAM_IO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "engine/loop.h"
#include "metric/metric.h"
#include "sockd/types.h"

/** The largest payload of a datagram over IPv4. */
enum { DGRAM_UDP_MAX = 65507 };
enum { DGRAM_CONTROL_SIZE = 96 }; /* of addresses: 40 bytes; or of a sender: 32, and twelve descriptors: 64 */

/** What a datagram came with, and what its answer leaves with. */
struct dgram_slot {
	struct sockaddr_storage name;
	_Alignas(struct cmsghdr) unsigned char control[DGRAM_CONTROL_SIZE];
};

/** Input and output of an endpoint that serves on a fiber, or of all endpoints of a loop in event style,
 * which take turns: nothing of one remains when the next begins. */
struct dgram_io {
	unsigned refs;     /* endpoints that use it */
	struct loop *loop; /* borrowed */
	struct loop_task flush_task;
	bool flush_follows; /* the user flushes at its batch's end: no task is needed */

	unsigned in_max, in_ask;    /* slots; how many the next call asks for */
	unsigned in_count, in_next; /* datagrams of the last call, and the first that nobody took */
	unsigned in_judged;         /* those before it may be read, as far as their senders go */
	bool in_short;              /* the last call found fewer than it asked for */
	int in_fd;                  /* whose socket they came from */
	size_t in_size;             /* bytes of a slot */
	unsigned char *in_bytes;    /* owned mapping */
	struct mmsghdr *in_msgs;    /* owned arrays, one element a slot */
	struct iovec *in_iovs;
	struct dgram_slot *in_slots;

	unsigned out_max, out_count;
	size_t out_size, out_used;
	unsigned char *out_bytes; /* owned mapping, for what cannot be sent from where it lies */
	struct mmsghdr *out_msgs;
	struct iovec *out_iovs;
	struct dgram_slot *out_slots;
	int out_fd; /* whom the queue belongs to while it is not empty */
	struct metric_cells *out_cells;
};

/** @param slots  at most so many datagrams a call; fewer when they are huge
 *  @param in_size  the largest datagram to take   @param out_size  the largest to send
 *  @return NULL without memory */
struct dgram_io *dgram_io_new(struct loop *loop, unsigned slots, size_t in_size, size_t out_size);
/** Give up one reference; the last flushes and frees. NULL is fine. */
void dgram_io_unref(struct dgram_io *io);

/** Send what is queued, then receive. All that was received before must have been dealt with.
 * @return how many datagrams lie in the slots (at least 1), or a negative errno: -EAGAIN when there is none
 */
int dgram_io_receive(struct dgram_io *io, int fd);
/** It asked for more than there was: the socket was empty a moment ago. */
bool dgram_io_is_short(const struct dgram_io *io);

/** Where @p size bytes (at most out_size) of the next datagram may be built; valid until the next call. */
void *dgram_io_reserve(struct dgram_io *io, size_t size);

/** Queue a datagram. @p bytes: from dgram_io_reserve(), or in a slot of this very io.
 * @param from  the local address that it leaves from; NULL or without an address: the kernel's choice */
void dgram_io_queue(struct dgram_io *io, int fd, struct metric_cells *cells, const struct sockd_addr *to,
	const struct sockd_addr *from, const void *bytes, size_t size);

/** Send what is queued. What the kernel refuses is dropped and counted, and stops nothing behind it. */
void dgram_io_flush(struct dgram_io *io);

/** Have the kernel tell which address each datagram of an IP socket was sent to, if that may be one of many.
 * A socket that is bound to a single one answers from there in any case, and is spared the control messages:
 * a tenth of a small datagram's whole way.
 * @return 1 if it will be told, 0 if it is always @p local, or a negative errno */
must_check int dgram_want_local(int fd, const struct sockaddr_storage *local);

/** Replace the address in @p io_local, keeping the port, by the one that the datagram was sent to, if it says
 * so. */
void dgram_get_local(const struct msghdr *msg, struct sockd_addr *io_local);

#endif
