/* Tells a loop when sockets of streams have something to read: an epoll of our own, edge-triggered, which
 * libevent watches as one descriptor.
 *
 * libevent would watch each by level, which has the kernel look at every socket that was ready once more
 * after each wait: an eighth of a small message's whole cost with 1,000 connections. Its own edges won't do:
 * all events of a descriptor would have to be edges, the bufferevent's too, and where a reset came with the
 * last bytes it tells of the bytes alone. Here a connection is watched from its first wait to its end with
 * one call; to read later needs none, and the kernel forgets it when its descriptor is closed. */
#ifndef ENGINE_POLLER_H
#define ENGINE_POLLER_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/cleanup.h"
#include "base/err.h"

struct conn;
struct loop;

struct poller {
	int fd; /* owned; -1: none */
	struct event event;
};

must_check int poller_init(struct poller *p, struct loop *loop, struct err *e);
/** One that was never begun, all zero but its descriptor -1, is fine. */
void poller_fini(struct poller *p);

/** From now on stream_on_edge() is called whenever something has come for @p c, and at once if something is
 * there already; until its descriptor is closed, or for as long as another process has that open. Once a
 * connection. @return 0 or a negative errno */
must_check int poller_watch(struct poller *p, const struct conn *c);

#endif
