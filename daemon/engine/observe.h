/* Observers: plugins that are told of states and errors. A handler that sets on_connection or on_error sees
 * its own connections, a plugin under daemon.observers those of every listener. */
#ifndef ENGINE_OBSERVE_H
#define ENGINE_OBSERVE_H

#include "engine/conn.h"

/** On the connection's loop. One comparison when nobody observes @p state. */
void observe_state(struct conn *c, int state);
/** @p text is for people; @p error an errno. */
void observe_error(struct conn *c, int error, const char *text);

#endif
