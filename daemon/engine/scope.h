/* Host handles: how a scope (an instance, one loop of it, a connection) is named towards a plugin. */
#ifndef ENGINE_SCOPE_H
#define ENGINE_SCOPE_H

#include "engine/listener.h"

/** The host handle of a listener's (or observer's) loop, and of its instance. */
struct sockd_host scope_host(struct scope *scope);
struct sockd_host listener_host(struct listener *listener);

/** Which engine [any] operations find their scopes in; NULL when it is gone. Called before and after all
 * threads. */
void scope_set_engine(struct engine *engine);

#endif
