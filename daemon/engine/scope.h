/* Scopes as a plugin knows them (an instance, one loop of it, a connection): what waits in one, and where
 * operations from any thread find them. */
#ifndef ENGINE_SCOPE_H
#define ENGINE_SCOPE_H

#include "engine/listener.h"

/** Why a parked fiber goes on; the code of fiber_wake(). */
enum wake {
	WAKE_READY = 1,
	WAKE_TIMEOUT,
	WAKE_CANCEL /* for good: ECANCELED */,
	WAKE_END /* drain: the end, ESHUTDOWN */
};

/** Which engine [any] operations find their scopes in; NULL when it is gone. Called before and after all
 * threads. */
void scope_set_engine(struct engine *engine);

/** Park the running fiber of @p loop until woken or @p deadline_ms. @return enum wake. */
int scope_park(struct loop *loop, int64_t deadline_ms);

#endif
