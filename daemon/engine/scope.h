/* Scopes as a plugin knows them (an instance, one loop of it, a connection): what waits in one, and where
 * operations from any thread find them. */
#ifndef ENGINE_SCOPE_H
#define ENGINE_SCOPE_H

#include "engine/listener.h"

/** Which engine [any] operations find their scopes in; NULL when it is gone. Called before and after all
 * threads. */
void scope_set_engine(struct engine *engine);

#endif
