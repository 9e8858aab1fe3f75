/* Admitted clients that have to wait before their connection begins. They count as connections in every
 * limit; no plugin knows of them. */
#ifndef ENGINE_ARRIVAL_H
#define ENGINE_ARRIVAL_H

#include "engine/listener.h"
#include "engine/loop.h"
#include "engine/newcomer.h"

/** On the loop of @p scope: let it wait. @return false without memory: then @p n is still the caller's */
bool arrival_begin(struct scope *scope, const struct newcomer *n);

/** On a loop: those that wait for their turn need not wait any more. */
void arrivals_hurry(struct loop *loop);

/** On a loop: end all of them. */
void arrivals_cut(struct loop *loop, int reason);

#endif
