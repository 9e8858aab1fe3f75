/* Accepting: one descriptor a stream socket, watched by one home loop, which hands each connection to the
 * least loaded loop. A SO_REUSEPORT group would lose what is queued on a member that closes, and spreads
 * unevenly. */
#ifndef ENGINE_ACCEPT_H
#define ENGINE_ACCEPT_H

#include "engine/bound.h"
#include "engine/listener.h"
#include "engine/loop.h"

struct acceptor {
	struct scope *scope; /* the listener that it accepts for, on the home loop; held */
	struct bound *bound; /* ref */
	struct loop *home;
	struct acceptor *before, *after; /* of the home loop */
	struct poller_watch watch;
	struct loop_timer retry; /* out of descriptors: tries again */
	struct loop_timer fade;  /* its socket has stepped aside: the end */
	int64_t retry_ms;
	unsigned failures; /* of accept4() in a row */
	uint64_t refused;  /* since the last log line */
	int64_t told_ms;   /* when the log was last told of refusals */
	uint64_t pauses;   /* as refused, told_ms: for want of descriptors */
	int64_t pause_told_ms;
	bool watching; /* it is watched, or the timer will see to it */
	bool paused;   /* clients wait in the backlog */
	bool fades;    /* its socket has stepped aside; those who come late stay at home */
	bool refusing; /* clients are accepted and closed at once: the listener was drained */
};

/** On the home loop: make one that does not accept yet, and see that its socket can be watched. */
must_check int acceptor_new(struct scope *scope, struct bound *bound, struct acceptor **ret, struct err *e);

/** On the home loop: accept from now on. Never fails: without memory it tries again later. */
void acceptor_start(struct acceptor *a);

/** On the home loop: let clients wait, or no more. */
void acceptor_pause(struct acceptor *a, bool paused);

/** On the home loop: accept for another version of the listener, or for another listener. */
void acceptor_hand_over(struct acceptor *a, struct scope *to);

/** On the home loop: take what the kernel has queued, for a second at most: those who come without end must
 * not keep the loop from ending. */
void acceptor_take_all(struct acceptor *a);

/** On the home loop: take what the kernel has queued, then stop for good and close the socket, so that the
 * kernel refuses who comes now, rather than let them wait. Idempotent. */
void acceptor_close(struct acceptor *a);

/** On the home loop, when the socket has stepped aside (net/overlap.h): go on for as long as a handshake may
 * take, then shut the socket and free this. */
void acceptor_fade(struct acceptor *a);

/** On the home loop: stop at once, leave what is queued to whoever has the socket next, and free. NULL is
 * fine. */
void acceptor_free(struct acceptor *a);

#endif
