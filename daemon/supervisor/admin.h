/* The admin socket's server: clients, their lines, and the orders that they give. The protocol is JSON lines,
 * told in full in sockd(8), section ADMIN SOCKET; the verbs are a table in admin_verbs.c. */
#ifndef SUPERVISOR_ADMIN_H
#define SUPERVISOR_ADMIN_H

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "control/snapshot.h"
#include "supervisor/admin_socket.h"
#include "supervisor/signals.h"

enum {
	ADMIN_CLIENTS_MAX = 32,
	ADMIN_LINE_MAX = 16 * 1024, /* bytes of a request */
	ADMIN_OUTPUT_MAX =
		256 * 1024,        /* bytes that may wait for a client before nothing more is asked for it */
	ADMIN_PATIENCE_MS = 60000, /* a client that says nothing, or takes nothing, for so long is dropped */
	ADMIN_WORKERS_MAX = 64
};

/** The answer to what was asked for: code 0 and a JSON object, or a negative errno and a sentence. */
typedef void admin_answer_fn(void *arg, int code, const char *text);

/** What the admin socket can look at and give orders to. Thread: the supervisor's; none may block. */
struct ban_list;

struct admin_host {
	/** A new object of what `status` tells; NULL without memory. */
	json_t *(*status)(void *arg);
	/** A new array of the listeners, {"name", "addresses": [URL, ...]}, in the order of the file; NULL
	 * without memory. */
	json_t *(*listeners)(void *arg);
	/** A new array of the certificates in use; NULL without memory. */
	json_t *(*certs)(void *arg);
	/** Append all counters in the Prometheus text format. */
	void (*metrics)(void *arg, struct strbuf *out);
	/** The bans, borrowed. */
	struct ban_list *(*bans)(void *arg);
	/** A worker has obeyed an order to a listener: others are to begin with it. */
	int (*hold)(void *arg, const char *listener, enum snapshot_hold hold);
	/** Do as at that signal. */
	void (*order)(void *arg, enum signal_order order, const char *by);
	/** How a drain goes on: still open, of how many, and how long it may take (below 0: no limit). False:
	 * there is none. */
	bool (*draining)(void *arg, int64_t *ret_open, int64_t *ret_at_start, int64_t *ret_left_ms);
	/** Generations of the workers that live, the newest first. @return how many */
	size_t (*workers)(void *arg, unsigned generations[ADMIN_WORKERS_MAX]);
	/** Ask a worker (see worker/ask.c); the answer comes later, exactly once. */
	void (*ask)(void *arg, unsigned generation, const char *request, admin_answer_fn *answer,
		void *answer_arg);
	/** The same, of the service itself. @p dry: only what a reload would do. */
	void (*reload)(void *arg, bool dry, admin_answer_fn *answer, void *answer_arg);
	void (*upgrade)(void *arg, admin_answer_fn *answer, void *answer_arg);
	/** How many steps reloads and upgrades have come so far. A step takes half a minute at most, unless a
	 * plugin holds it up. */
	uint64_t (*steps)(void *arg);
};

struct admin;

/**
 * Serve. Does nothing, and is fine, without a socket.
 *
 * @param socket  moves, also on failure
 * @param host    borrowed, with @p arg, until admin_free()
 */
must_check int admin_new(struct event_base *base, struct admin_socket *socket, const struct admin_host *host,
	void *arg, struct admin **ret, struct err *e);

/** Where it listens; borrowed. */
const struct admin_socket *admin_socket_of(const struct admin *a);

/** Log where it listens, if it does. */
void admin_announce(const struct admin *a);

struct state_reader;
struct state_writer;

/** Whether another program can take its clients over now: none is in the middle of an answer. */
bool admin_is_quiet(const struct admin *a);
/** Leave the clients to it, but for those that are in the middle of an answer. */
void admin_pack_clients(struct state_writer *w, const struct admin *a);
/** Take them over; nobody is heard or let in until admin_go_on(). @p a NULL: only read. @return 0; -EBADMSG,
 * -ENOMEM */
must_check int admin_adopt_clients(struct admin *a, struct state_reader *r);
/** The takeover is over: who asked for it is told, with @p done (borrowed), or why it failed. */
void admin_go_on(struct admin *a, json_t *done, const char *why);

/** The service has ended: tell those who wait for it, in as much as they take it at once. */
void admin_over(struct admin *a, uint64_t drained, uint64_t forced);

/** Drop the clients. Answers that are still on their way find nobody. NULL is fine. */
void admin_free(struct admin *a);

#endif
