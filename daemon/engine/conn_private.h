/* What the files of a connection's life know of each other. Nothing but conn*.c includes this. */
#ifndef ENGINE_CONN_PRIVATE_H
#define ENGINE_CONN_PRIVATE_H

#include "engine/conn.h"

/** The task that asks what next. */
void conn_settle(struct loop *loop, struct loop_task *task);
/** Tell the plugin of a drain, if it has the connection and wants to know. */
void conn_tell_draining(struct conn *c);
/** One that came while its listener, or all of them, drain. */
void conn_drain_newcomer(struct conn *c);

#endif
