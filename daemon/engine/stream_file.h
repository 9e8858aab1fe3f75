/* Parts of files on a stream. A fiber sends its own and waits; in event style the connection takes the part
 * over and sends it behind what was queued before, and no write has room until it has gone. */
#ifndef ENGINE_STREAM_FILE_H
#define ENGINE_STREAM_FILE_H

#include "engine/conn.h"

/** Send @p count bytes (-1: to the end) of a regular file.
 * @return bytes: sent and queued on a fiber, to be sent in event style (@p fd is duplicated then); or a
 * negative errno: -EINVAL (no regular file, offset), -EAGAIN (event style: another file is under way, or
 * there is no room), or that of the connection */
int64_t stream_file_send(struct conn *c, int fd, int64_t offset, int64_t count);

/** Bytes of the connection's own part that are still to go. */
int64_t stream_file_left(const struct conn *c);

/** The output has gone down: go on with the connection's own part. */
void stream_file_go_on(struct conn *c);
void stream_file_free(struct conn *c);

#endif
