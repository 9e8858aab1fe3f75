/* The strand that runs a plugin's serve() on a stream connection. */
#ifndef ENGINE_SERVE_H
#define ENGINE_SERVE_H

#include "engine/conn.h"

/** Start the plugin's serve() on a fiber. When it returns, the connection is finished and what it left behind
 * is ended. @return 0, or a negative errno (logged) when there is no stack for it. */
must_check int serve_begin(struct conn *c);

#endif
