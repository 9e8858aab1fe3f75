/* A client of the admin socket, as the files of the server know it. */
#ifndef SUPERVISOR_ADMIN_CLIENT_H
#define SUPERVISOR_ADMIN_CLIENT_H

#include <event2/bufferevent.h>

#include "base/log.h"
#include "supervisor/admin_call.h"

struct admin {
	struct event_base *base; /* borrowed */
	struct admin_socket socket;
	const struct admin_host *host; /* borrowed */
	void *host_arg;
	struct event *accept, *retry, *tick; /* owned */
	struct admin_client *clients;        /* owned */
	unsigned client_count;
	unsigned ticks;
	uint64_t steps_told;
	struct log_repeat denied;
};

struct admin_client {
	struct admin_client *next, **link;
	struct admin *admin;     /* borrowed */
	struct bufferevent *bev; /* owned, with its descriptor */
	struct event *again;     /* owned */
	struct admin_call *call; /* the one that runs, or NULL */
	bool waits_for_end;
	bool closing;         /* nothing more is read: close once all is said and sent */
	bool awaits_takeover; /* it came with a takeover, and has asked for it */
};

/** A client behind @p fd, which moves; nothing is read from it yet. NULL: no memory, and it is closed. */
struct admin_client *admin_client_new(struct admin *a, int fd);
/** Read what it says. */
void admin_client_begin(struct admin_client *c);

/** Send a line {kind: value}. @p value is borrowed; NULL: there was no memory for it, which is said instead.
 */
void admin_client_say(struct admin_client *c, const char *kind, json_t *value);

/** Look again what has come, from the event base: a client with many short requests must not make a deep
 * stack. */
void admin_client_look_again(struct admin_client *c);

/** Report progress, of a drain or of the steps of a reload, to whoever waits, from now on. */
void admin_watch_progress(struct admin *a);

/** Free the call if it is over and nobody holds it. */
void admin_call_unref(struct admin_call *call);

#endif
