/* Descriptors along with the bytes of a unix stream. */
#ifndef ENGINE_STREAM_RIGHTS_H
#define ENGINE_STREAM_RIGHTS_H

#include "engine/conn.h"

/** As recv(), from a unix socket. Descriptors that come along are kept if somebody may want them.
 * @param ret_cut  descriptors ended this read: it says nothing about what lies behind
 * @return bytes or a negative errno */
ssize_t stream_recv_unix(struct conn *c, void *buf, size_t size, bool *ret_cut);
/** Hand over those that came with what is being read: at most @p room, the others are closed. @return how
 * many */
size_t stream_take_rights(struct conn *c, int *fds, size_t room);
/** Close those that are kept, and wait for nothing. While the connection's own descriptor is open. */
void stream_rights_end(struct conn *c);

/** Send all of @p size bytes with the descriptors at their first one. @return @p size or a negative errno; in
 * event style -EAGAIN while anything is pending, and writable() follows */
ssize_t stream_send_rights(struct conn *c, const void *buf, size_t size, const int *fds, size_t count);

#endif
