/* Messages between supervisor and worker over a SOCK_SEQPACKET pair: a type, a number, bytes, and descriptors
 * along. What a body holds is control/message.h's.
 *
 * One packet carries at most WIRE_FDS descriptors and WIRE_INLINE bytes; a larger body travels in a memfd,
 * more descriptors in packets of their own before the last. Sending never waits: what the socket does not
 * take is kept. The other side is not trusted: nothing that it sends costs more than WIRE_BODY_MAX bytes and
 * WIRE_FDS_MAX descriptors. */
#ifndef CONTROL_WIRE_H
#define CONTROL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	WIRE_FDS = 200, /* the kernel takes 253 */
	WIRE_FDS_MAX = 20000,
	WIRE_INLINE = 32 * 1024,
	WIRE_BODY_MAX = 64 * 1024 * 1024,
};

/** A message that came. Starts zeroed. */
struct wire_message {
	uint32_t type;
	uint32_t number; /* ties a reply to its request; 0: none */
	char *body;      /* owned; NULL if it is empty */
	size_t size;
	int *fds; /* owned, close-on-exec; -1 where wire_message_take_fd() has been */
	size_t fd_count;
};

/** Give a descriptor away; -1 when there is none at @p i. */
int wire_message_take_fd(struct wire_message *m, size_t i);
void wire_message_fini(struct wire_message *m);

struct wire;

/** @param fd  one end of the pair, non-blocking; moves on success */
must_check int wire_new(int fd, struct wire **ret);
void wire_free(struct wire *w); /* NULL is fine; closes the descriptor */

/** To wait on: for reading always, for writing while wire_wants_write(). */
int wire_fd(const struct wire *w);
/** Whether something is kept for wire_flush(). */
bool wire_is_waiting(const struct wire *w);
/** Whether it waits for room in the socket. */
bool wire_wants_write(const struct wire *w);
/** Or it waits for memory, or for descriptors on their way to be received, which no poll() tells of: after
 * how long to try again. -1: it does not. */
int wire_retry_ms(const struct wire *w);

/**
 * Send, or keep for wire_flush().
 *
 * @param fds  borrowed, duplicated
 * @return 0; -EPIPE when the other side has gone; -E2BIG; -ENOMEM, -EMFILE or another negative errno: nothing
 * of it is sent
 */
must_check int wire_send(struct wire *w, uint32_t type, uint32_t number, const void *body, size_t size,
	const int *fds, size_t fd_count);

/** Send what was kept. @return 0, also when some is still kept; or a negative errno */
must_check int wire_flush(struct wire *w);

/**
 * Take the next message.
 *
 * @param ret  set on 1; to be given to wire_message_fini()
 * @return 1; 0: none is there yet; -EPIPE: the other side has gone; -EBADMSG: it sent what no sockd sends; or
 * another negative errno
 */
must_check int wire_receive(struct wire *w, struct wire_message *ret);

/** Both ends of a new pair: non-blocking, close-on-exec. */
must_check int wire_pair(int ret_fds[2], struct err *e);

#endif
