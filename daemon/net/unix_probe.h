/* What lies at the path where a socket is to be: nothing, a socket that somebody serves, one that a dead
 * process left behind, or a file that is none of ours. */
#ifndef NET_UNIX_PROBE_H
#define NET_UNIX_PROBE_H

#include "base/cleanup.h"
#include "base/err.h"

enum unix_found {
	UNIX_FOUND_NOTHING,
	UNIX_FOUND_STALE,   /* a socket file that no socket is bound to */
	UNIX_FOUND_LIVE,    /* somebody has it open, whatever its type */
	UNIX_FOUND_FOREIGN, /* no socket: a file, a folder, a symbolic link */
	UNIX_FOUND_CLOSED,  /* a socket that we may not connect to, so nobody can tell */
};

/**
 * Look, and change nothing. A live stream server sees a client that connects and leaves.
 *
 * @param ret_pin_fd  for UNIX_FOUND_STALE an O_PATH descriptor of it, else -1
 * @param e           for LIVE, FOREIGN and CLOSED: what is there and what to do, for a person
 * @return one of the above, or a negative errno with text
 */
must_check int unix_probe(const char *path, int *ret_pin_fd, struct err *e);

#endif
