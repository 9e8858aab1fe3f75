/* What a process holds: asked by `sockd plugin test` of the daemon under test, between rounds of clients. */
#ifndef RUN_PLUGIN_PROBE_H
#define RUN_PLUGIN_PROBE_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct probe_figures {
	int64_t memory;      /* bytes that malloc() has given out */
	int64_t descriptors; /* open, without those of connections */
	int64_t threads;
	int64_t connections; /* that clients made, still open */
};

/** In the process to be asked: answer by a thread of its own whatever comes over @p fd, which it owns from
 * now on. @return 0 or a negative errno */
must_check int probe_start(int fd);

/** Ask the process at the other end of @p fd.
 * @param address  where its listener is: a stream socket with this name is a connection
 * @return 0; -EPIPE: it has ended */
must_check int probe_ask(
	int fd, const struct sockaddr_storage *address, socklen_t size, struct probe_figures *ret);

#endif
