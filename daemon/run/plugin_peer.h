/* The client of `sockd plugin test`: one socket, driven step by step with a limit on each. */
#ifndef RUN_PLUGIN_PEER_H
#define RUN_PLUGIN_PEER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/strbuf.h"

/** Where it connects to, and how. */
struct peer_target {
	bool datagrams;
	struct sockaddr_storage address;
	socklen_t size;
	const char *folder; /* borrowed: where a unix datagram client puts its own name */
};

struct peer {
	const struct peer_target *target; /* borrowed */
	int fd;                           /* owned; -1: not connected */
	struct strbuf received; /* what has come and was not expected yet; of a datagram, that one */
	bool ended;             /* the other side has sent its last byte */
	int timeout_ms;         /* of a step */
};

/* Each returns 0, or a negative errno with a text that says what came instead. */
must_check int peer_connect(struct peer *p, struct err *e);
must_check int peer_send(struct peer *p, const char *bytes, size_t size, struct err *e);
must_check int peer_expect(struct peer *p, const char *bytes, size_t size, struct err *e);
must_check int peer_expect_end(struct peer *p, struct err *e);
must_check int peer_end(struct peer *p, struct err *e);

/** Close it, with RST if @p reset; it can connect again. */
void peer_close(struct peer *p, bool reset);

#endif
