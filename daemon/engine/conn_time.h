/* The one timer of a connection; conn_rearm() in conn.h sets it. */
#ifndef ENGINE_CONN_TIME_H
#define ENGINE_CONN_TIME_H

#include "engine/conn.h"

/** Fires at the earliest deadline, and acts on those that have passed. */
void conn_on_timer(struct loop *loop, struct loop_timer *timer);

#endif
