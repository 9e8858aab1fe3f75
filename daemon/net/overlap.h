/* A listener that moves to an address which overlaps with the one it had, as from 127.0.0.1:80 to 0.0.0.0:80.
 */
#ifndef NET_OVERLAP_H
#define NET_OVERLAP_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "control/snapshot.h"

/** The port of an internet address in the host's order; 0 for every other. */
unsigned overlap_port(const struct sockaddr_storage *a);

/** Let sockets that allow it too be bound beside this one, or no more. @return 0 or a negative errno */
must_check int overlap_allow(int fd, bool allow);
bool overlap_is_allowed(int fd);

/**
 * At the commit: have a socket that was bound beside one that is given up listen, and be alone again.
 * Idempotent, and nothing to those that listen already, or never do.
 *
 * @param l  the listener that the socket belongs to
 * @return 0 or a negative errno
 *
 * Thread: any.  Blocks: never.
 */
must_check int overlap_listen(const struct cfg_listener *l, enum cfg_transport transport, int fd);

/**
 * Have the kernel give what comes from now on to the socket that overlaps with this one. What is queued here
 * stays, handshakes that have begun come to their end, and datagrams can still be sent.
 *
 * @return 0; -EPERM for a stream socket that is bound to an interface, without CAP_NET_RAW; -ENOPROTOOPT
 * before Linux 5.1
 *
 * Thread: any.  Blocks: never.
 */
must_check int overlap_step_aside(enum cfg_transport transport, int fd);

#endif
