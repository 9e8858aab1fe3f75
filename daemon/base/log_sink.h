/* The descriptor at the end of the log, and the messages on their way to it. Nothing here waits, whatever the
 * descriptor is: what is not taken stays. Thread: the log thread. */
#ifndef BASE_LOG_SINK_H
#define BASE_LOG_SINK_H

#include <sys/socket.h>

#include "base/log.h"
#include "base/strbuf.h"

enum {
	LOG_SINK_BYTES = 64 * 1024, /* a batch is full when it has reached so much */
	LOG_SINK_MESSAGES = 512,    /* or so many */
};

struct log_sink {
	int fd; /* owned */
	enum log_protocol protocol;
	enum { LOG_SINK_FILE, LOG_SINK_SOCKET, LOG_SINK_PIPE } kind;
	struct strbuf out;              /* owned; whole messages, in order */
	size_t ends[LOG_SINK_MESSAGES]; /* where each one ends in out */
	size_t count, sent, done;       /* messages in out, those written, bytes written */
	uint64_t refused;               /* datagrams that no waiting would help: too large */
	struct sockaddr_storage
		peer; /* of a datagram socket, to find it again after its owner was restarted */
	socklen_t peer_size;
};

/** @p fd moves. */
void log_sink_init(struct log_sink *k, int fd, enum log_protocol protocol);
void log_sink_fini(struct log_sink *k);

static inline bool
log_sink_has_room(const struct log_sink *k)
{
	return k->out.size < LOG_SINK_BYTES && k->count < LOG_SINK_MESSAGES;
}

static inline bool
log_sink_is_empty(const struct log_sink *k)
{
	return k->sent == k->count;
}

/** A whole message was appended to k->out. @return false if memory ran out meanwhile: the message is gone */
bool log_sink_end_message(struct log_sink *k);

/** Write what there is. @return 0: all of it; -EAGAIN: wait for POLLOUT; or what went wrong. Then the rest
 * stays. */
must_check int log_sink_write(struct log_sink *k);

/** Go on with another descriptor, which moves. A line that the old one took in part is written again as a
 * whole. */
void log_sink_replace(struct log_sink *k, int fd);

/** Wait until writing may succeed, at most @p timeout_ms. */
void log_sink_wait(const struct log_sink *k, int timeout_ms);

#endif
