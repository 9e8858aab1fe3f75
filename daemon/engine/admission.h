/* Who may come in: the engine's side of guard/. It asks the rules of the listener and the bans, and does what
 * they say: counts, logs, and lets wait. */
#ifndef ENGINE_ADMISSION_H
#define ENGINE_ADMISSION_H

#include "engine/listener.h"
#include "engine/loop.h"
#include "engine/newcomer.h"
#include "guard/guard.h"

struct endpoint;

/**
 * Judge a client by its peer address and, on a unix socket, its user.
 *
 * @param scope  the listener on the accepting loop
 * @param n      gets what it holds from now on
 * @return false: it was refused, counted and told; the descriptor is still the caller's to close
 */
bool admission_meet(struct scope *scope, struct newcomer *n);

/** Judge the client that its header named, or the balancer itself if it named none.
 * @param ret_reason  why it was refused @return false: it was refused, counted as such and told */
bool admission_meet_client(struct scope *scope, struct newcomer *n, int *ret_reason);

/** Count and tell a refusal of the peer that is decided elsewhere. @param why  a constant text, or NULL
 * @return the reason, for whoever closes it and counts that */
int admission_refuse(struct scope *scope, const struct newcomer *n, enum guard_cause cause, const char *why);

/** Give back what it holds; the descriptor stays the caller's. Thread: any. */
void admission_forget(const struct newcomer *n);

/** Close one that admission has counted and that has not become a connection; all of @p n moves. On the loop
 * of @p scope engine_check_idle() is to follow. Thread: any. */
void admission_give_up(struct scope *scope, const struct newcomer *n, int reason);

/** On the loop of @p scope: begin the connection, now or when its turn has come. Admission has counted it in
 * the listener and the loop; all of @p n moves. */
void admission_begin(struct scope *scope, const struct newcomer *n);

/** Judge the sender of a datagram. @return false: it is to be dropped; counted and told */
bool admission_hear(struct scope *scope, const struct msghdr *datagram, enum cfg_transport transport);

/** Whether there is anything to ask. */
static inline bool
admission_asks(const struct scope *scope)
{
	return scope->listener->guard != NULL || scope->loop->bans != NULL;
}

/** On a loop that begins a drain: nobody waits for a turn any more. */
void admission_drain(struct loop *loop);

/** On a loop: end those on their way in, reason @p reason. */
void admission_cut(struct loop *loop, int reason);

/** On its loop, at its end. */
void admission_fini(struct loop *loop);

#endif
