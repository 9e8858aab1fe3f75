/* One question to the daemon, and its answer, line by line. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>

#include "base/cleanup.h"
#include "base/err.h"

struct client;

/**
 * Connect.
 *
 * @param path  a path, or @NAME
 * @return 0; -ENOENT or -ECONNREFUSED: nobody listens there; -EACCES; another negative errno, with text
 *
 * Blocks: at most @p timeout_ms, here and in each of the calls below.
 */
must_check int client_open(const char *path, int timeout_ms, struct client **ret, struct err *e);

/** Send a request. @return 0 or a negative errno, with text */
must_check int client_send(struct client *c, json_t *request, struct err *e);

/** The next line of the answer, a new object. @return 0; -EPIPE when the daemon has closed the connection;
 * -ETIMEDOUT; -EPROTO; or another negative errno; with text */
must_check int client_receive(struct client *c, json_t **ret, struct err *e);

/** Wait until the process that was connected to is gone: with its last answer it still has files to remove,
 * and who starts the next one wants them removed. Its end is not waited for where it cannot be seen. */
void client_wait_end(const struct client *c);

/** NULL is fine. */
void client_close(struct client *c);

#endif
