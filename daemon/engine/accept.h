/* Accepting: one descriptor a stream socket, watched by one home loop, which hands each connection to the
 * least loaded loop. A SO_REUSEPORT group would lose what is queued on a member that closes, and spreads
 * unevenly. */
#ifndef ENGINE_ACCEPT_H
#define ENGINE_ACCEPT_H

#include "control/snapshot.h"
#include "engine/listener.h"
#include "engine/loop.h"

struct acceptor {
	struct listener *listener;
	enum cfg_transport transport;
	struct snapshot_socket *socket; /* borrowed; its descriptor is closed when accepting ends for good */
	struct loop *home;
	struct event event;
	struct loop_timer retry; /* out of descriptors: tries again */
	int64_t retry_ms;
	uint64_t refused; /* since the last log line */
	int64_t told_ms;  /* when the log was last told of refusals */
	bool open;
};

/** On the home loop: begin to accept. */
must_check int acceptor_open(struct acceptor *a, struct err *e);

/** On the home loop: take what the kernel has queued, then stop for good. Idempotent. */
void acceptor_close(struct acceptor *a);

/** On the home loop: stop at once, and leave what is queued to whoever has the socket next. Idempotent. */
void acceptor_abandon(struct acceptor *a);

#endif
