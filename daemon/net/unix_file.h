/* Binding a unix socket to a name, so that nobody ever reaches it with wider rights than asked. */
#ifndef NET_UNIX_FILE_H
#define NET_UNIX_FILE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "net/resolve.h"
#include "net/transport.h"

/** Everything short of binding, for a path or an abstract name. @return 0 or a negative errno, with text */
must_check int unix_file_check(const struct net_request *q, struct err *e);

/**
 * Create a socket of that type, bind it, give it owner and mode, and, for a stream, listen. The file, if
 * there is one, is remembered in the request's list, also when a later step fails.
 *
 * A name that is taken: a stale socket is replaced; a live one, or another kind of file, is an error and
 * stays.
 *
 * @param type  SOCK_STREAM or SOCK_DGRAM
 * @return 0; -EADDRINUSE, -EEXIST, -EACCES, -EPERM or another negative errno, with text
 *
 * Blocks: while another sockd starts in the same folder, at most some seconds.
 */
must_check int unix_file_open(const struct net_request *q, int type, int *ret_fd, struct err *e);

/** The address as the kernel knows it. @return 0 or -ENAMETOOLONG */
must_check int unix_file_name(const struct cfg_address *a, struct endpoint *ret);

/** Take the socket that is bound to the address already, under another spelling or by a sockd before us.
 * @return as net_reuse_take_at() */
must_check int unix_file_reuse(const struct net_request *q, struct err *e);

/** Give the file behind @p pin_fd, an O_PATH descriptor, the request's owner, group and mode. @return 0 or a
 * negative errno, with text */
must_check int unix_file_give_rights(const struct net_request *q, int pin_fd, struct err *e);

#endif
