/* The time between start and stopped: signals become orders to the workers, and their numbers become status.
 */
#ifndef SUPERVISOR_SERVICE_H
#define SUPERVISOR_SERVICE_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "supervisor/generations.h"
#include "supervisor/signals.h"

struct ban_list;
struct certificates;
struct holds;
struct cfg_report;
struct reload;
struct service;
struct snapshot;
struct state_reader;
struct state_writer;
struct upgrade;

struct service_options {
	struct event_base *base;                 /* borrowed */
	const struct supervisor_worker_ops *ops; /* borrowed */
	struct supervisor_surroundings
		*surroundings;     /* borrowed: the log's target changes when it is reopened */
	struct snapshot *snapshot; /* moves on success: what the first worker serves */
	struct cfg_report *report; /* borrowed: what is wrong with plugins and settings of the first worker */
	int64_t grace_ms;          /* what loops may take to end after the deadline or the order to stop */
	/** Called once, when the first worker serves and nobody was told yet. @p serves as in struct
	 * supervisor_worker_events. */
	void (*ready)(void *arg, const bool *serves);
	/** A drain or a stop begins, and nobody is to queue for us. @p may_return: another one may be started
	 * after us. May come more than once. */
	void (*ending)(void *arg, bool may_return);
	/** An adoption is over: the new program's worker, @p generation, obeys; 0: it is this one that came
	 * back, or there is no way back. */
	void (*adopted)(void *arg, unsigned generation);
	/** That worker has died before: go back, if there is a way. */
	void (*lost)(void *arg, const char *why);
	void *arg;
};

/** Nothing runs, and nothing is told to anybody yet. */
must_check int service_new(const struct service_options *options, struct service **ret, struct err *e);

/** Carry out what a signal asks for. @p name is for the log. */
void service_order(struct service *s, enum signal_order order, const char *name);

/** Whoever ends us from here on does so for good: no manager starts another one. */
void service_end_for_good(struct service *s);

/**
 * Start a worker, say READY when it serves, and serve until a drain or a stop is over.
 *
 * A worker that dies is replaced, at once or after a growing wait.
 *
 * @return 0; -ECANCELED when a worker did not end in time and was killed; -ETIMEDOUT when loops in this
 * process did not end seconds after they had to: a plugin holds one, and the only way left is to end the
 * process without joining its threads; another negative errno when the first worker did not come to serve,
 * with @p e filled, or -EINVAL with errors in the report
 */
must_check int service_run(struct service *s, struct err *e);

/** As service_run(), for one whose generations were adopted and serve: nobody is told READY. @p roll_back:
 * the youngest is unwanted, and the one before it goes on. */
must_check int service_go_on(struct service *s, int64_t started_ms, bool roll_back, struct err *e);

/** What is served now; valid until the next service_commit(). */
const struct snapshot *service_snapshot(const struct service *s);

/** From here on @p snapshot, which moves, is what is served, and what a worker that replaces a crashed one
 * gets. */
void service_commit(struct service *s, struct snapshot *snapshot);

/** It serves: it has started and is not ending. */
bool service_serves(const struct service *s);

/** A remark that stands in the status until the next one; "": none. */
void service_note(struct service *s, const char *text);

/** What carries out reloads; borrowed. NULL until then. */
void service_use_reload(struct service *s, struct reload *reload);
struct reload *service_reload(const struct service *s);

/** The certificates in use; borrowed. NULL until then. */
void service_use_certificates(struct service *s, struct certificates *certificates);
struct certificates *service_certificates(const struct service *s);

/** What carries out upgrades; borrowed. NULL until then. */
void service_use_upgrade(struct service *s, struct upgrade *upgrade);
struct upgrade *service_upgrade(const struct service *s);

/** The bans that every worker is given when it is ready; borrowed. */
struct ban_list *service_bans(struct service *s);
/** The listeners that were paused or drained, the same. */
struct holds *service_holds(struct service *s);
/** Both, from one supervisor to the next. @return 0; -EBADMSG or -ENOMEM, with text */
void service_pack_orders(struct state_writer *w, struct service *s);
must_check int service_unpack_orders(struct state_reader *r, struct service *s, struct err *e);
/** What a worker that starts from @p snapshot is to begin with, beside what the file says. @return 0, or
 * -ENOMEM with text */
must_check int service_prepare(struct service *s, struct snapshot *snapshot, struct err *e);

struct generations *service_generations(const struct service *s);
const struct supervisor_worker_ops *service_ops(const struct service *s);

/** How it stands, for those who ask. */
struct service_view {
	const char *state; /* a constant: starting, serving, draining, stopping */
	int64_t started_ms;
	bool is_ending;                 /* draining or stopping; then: */
	int64_t open_at_drain, left_ms; /* below 0: no limit */
};
struct service_view service_look(const struct service *s);

/** NULL is fine. */
void service_free(struct service *s);

#endif
