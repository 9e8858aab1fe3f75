/* Going over to another program, the one that now lies where this one was started from, without losing
 * anything: see the steps in upgrade.c. */
#ifndef SUPERVISOR_UPGRADE_H
#define SUPERVISOR_UPGRADE_H

#include "supervisor/service.h"

struct admin;
struct snapshot_sockets;
struct identity;
struct upgrade;

struct upgrade_options {
	struct event_base *base;                            /* borrowed */
	struct service *service;                            /* borrowed */
	const struct supervisor_surroundings *surroundings; /* borrowed */
	struct identity *identity; /* borrowed: who workers are; another one with another worker */
	const struct snapshot_sockets *sockets; /* borrowed */
	const struct admin *const *admin;       /* borrowed: where it stands once it is there */
	const char *exe_path;                   /* borrowed: where this program was started from */
	int64_t started_ms;
	int log_level; /* the command line's, or -1 */
};

must_check int upgrade_new(const struct upgrade_options *options, struct upgrade **ret, struct err *e);
void upgrade_free(struct upgrade *u); /* NULL is fine */

/** @p code: a negative errno, and why the other program does not take over; or 0, with a JSON object, when it
 * does and cannot tell that itself. */
typedef void upgrade_reply_fn(void *arg, int code, const char *text);

/** Begin; the reply (may be NULL) comes once, perhaps at once, or not at all: then this process has become
 * the other program, which answers (admin_takeover.c). */
void upgrade_request(struct upgrade *u, const char *reason, upgrade_reply_fn *reply, void *arg);

/** One that is under way, if any, fails; its worker drains. NULL is fine. */
void upgrade_abandon(struct upgrade *u, const char *why);

/** How many steps all of them have taken: it grows as long as one goes on. */
uint64_t upgrade_steps(const struct upgrade *u);

/** Of any generation. @return whether it was the one that the upgrade waits for */
bool upgrade_on_ready(struct upgrade *u, const struct generation *g);
bool upgrade_on_ended(struct upgrade *u, const struct generation *g, const struct err *e);

#endif
