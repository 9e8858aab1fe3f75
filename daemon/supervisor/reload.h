/* Reloading: the files are read anew, checked, and put to use in place, all of it or nothing. */
#ifndef SUPERVISOR_RELOAD_H
#define SUPERVISOR_RELOAD_H

#include <event2/event.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "supervisor/checker.h"
#include "supervisor/reload_verdict.h"

struct certificates;
struct identity;
struct reload;
struct service;
struct snapshot_sockets;

struct reload_options {
	struct event_base *base;          /* borrowed, like all of them */
	struct service *service;          /* what is served, and by whom */
	struct snapshot_sockets *sockets; /* of what is served */
	const struct checker *checker;
	const struct identity *identity;   /* of the running workers */
	struct certificates *certificates; /* NULL: nobody keeps them */
	const char *config_path;           /* NULL: there is no file to be read again */
	int log_level;                     /* a level that outdoes the file's, or -1 */
	/** It is in use. @p next is what service_snapshot() gives now. */
	void (*committed)(void *arg, const struct snapshot *next);
	void *arg;
};

must_check int reload_new(const struct reload_options *options, struct reload **ret, struct err *e);

/** Given up where it is; who waits for a verdict gets none. NULL is fine. */
void reload_free(struct reload *r);

/** @p verdict is borrowed for the call. */
typedef void reload_reply_fn(void *arg, const struct reload_verdict *verdict);

/** How much of it is wanted. */
enum reload_depth {
	RELOAD_APPLY,
	RELOAD_CHECK /* only what would change: nothing is bound, and nothing is put to use */
};

/**
 * Reload. The verdict comes exactly once, later, from the event base; a request that comes while a reload
 * runs is carried out after it, together with all others that came meanwhile, because its files may be newer
 * than what was read.
 *
 * @param reason  a constant: who asks, for the log
 * @param reply   NULL: the log is enough
 * @return 0 or -ENOMEM, and then no verdict comes
 */
must_check int reload_request(
	struct reload *r, enum reload_depth depth, const char *reason, reload_reply_fn *reply, void *arg);

/** Begin none until reload_let_go(): those that are asked for wait. @return whether one runs, which goes on
 */
bool reload_hold(struct reload *r);
void reload_let_go(struct reload *r);

/** For the supervisor that takes over: which values hold that the configuration does not say any more. */
void reload_pack_held(const struct reload *r, struct strbuf *out);
/** What another packed. @param upgraded  there is a new worker, which has taken what needs no more than that
 * @return 0, -EBADMSG or -ENOMEM */
must_check int reload_unpack_held(struct reload *r, struct unpack *u, bool upgraded);
/** Keys that wait. @p ret is borrowed from what is served, for now. Memory that runs out shows in it */
void reload_waiting(const struct reload *r, struct cfg_changes *ret);

/** Whether one waits that nobody awaits the verdict of: whoever takes over has to carry it out. */
bool reload_is_due(const struct reload *r);

/** How many steps all of them have taken: it grows as long as one goes on. */
uint64_t reload_steps(const struct reload *r);

#endif
