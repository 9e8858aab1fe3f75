/* What a loop waits with: an epoll of its own, which libevent watches as one descriptor among others.
 *
 * Streams are watched by edges. By level, as libevent would, the kernel looks at every socket that was ready
 * once more after each wait: an eighth of a small message's whole cost with 1,000 connections. libevent's own
 * edges won't do: all events of a descriptor would have to be edges, the bufferevent's too, and where a reset
 * came with the last bytes it tells of the bytes alone. Here a connection is watched from its first wait to
 * its end with one call; to read later needs none, and the kernel forgets it when its descriptor is closed.
 *
 * Listening sockets, sockets of datagrams and the mailbox are watched by level. So libevent has something to
 * wait for only while output is pending, or a connection is made; else loop_turn() asks the poller alone, as
 * two waits a turn would cost a proxy a twentieth. */
#ifndef ENGINE_POLLER_H
#define ENGINE_POLLER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/err.h"

struct conn;
struct loop;

struct poller {
	int fd;             /* owned; -1: none */
	struct event event; /* libevent's */
	bool due;           /* libevent has seen that something came */
	struct epoll_event *batch;
	int at, count; /* of the batch: what is being told of, and how many there are */
};

/** Input on a descriptor, by level. Embed it. */
struct poller_watch {
	int fd; /* borrowed */
	void (*ready)(struct poller_watch *w);
	bool watched;
};

must_check int poller_init(struct poller *p, struct loop *loop, struct err *e);
/** One that was never begun, all zero but its descriptor -1, is fine. */
void poller_fini(struct poller *p);

/** Wait until something comes, and tell of it. @param timeout_ms  0: not at all; -1: for ever */
void poller_wait(struct poller *p, struct loop *loop, int timeout_ms);

/** Whether @p fd can be watched, by somebody else already perhaps. @return 0 or a negative errno */
must_check int poller_try(struct poller *p, int fd);
/** From now on ready() is called once a turn while there is input. @return 0 or a negative errno */
must_check int poller_watch(struct poller *p, struct poller_watch *w);
/** No more, not even for what is known already. While the descriptor is open; idempotent. */
void poller_unwatch(struct poller *p, struct poller_watch *w);

/** From now on stream_on_edge() is called whenever something has come for @p c, and at once if something is
 * there already; until its descriptor is closed, or for as long as another process has that open. Once a
 * connection. @return 0 or a negative errno */
must_check int poller_watch_stream(struct poller *p, const struct conn *c);

#endif
