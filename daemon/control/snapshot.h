/* What a worker is started from, and all that it is ever given: the configuration, open plugin files and
 * bound sockets. The supervisor's side makes a snapshot, the worker's side consumes it; between them nothing
 * opens a path. Today it crosses from one to the other as this struct; every part of it can be sent as bytes
 * and descriptors. */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include <stddef.h>
#include <sys/socket.h>

#include "config/config.h"

/** One plugin file, found, checked and copied by the supervisor. */
struct snapshot_plugin {
	char *name; /* owned; as the configuration says it */
	char *path; /* owned; where it was found, for messages */
	int fd;     /* owned: a sealed memfd with its content */
};

/** One bound (and, for streams, listening) socket. */
struct snapshot_socket {
	unsigned listener; /* index into config->listeners */
	unsigned address;  /* index into its addresses */
	unsigned member;   /* udp: place in its SO_REUSEPORT group, the loop that reads it; else 0 */
	enum cfg_transport transport; /* never CFG_PASSED */
	int fd;                       /* owned, non-blocking, close-on-exec */
	struct sockaddr_storage local;
	socklen_t local_size;
};

struct snapshot {
	struct config *config; /* ref */
	unsigned loops;        /* event loops of a worker, at least 1 */
	struct snapshot_plugin *plugins;
	size_t plugin_count;
	struct snapshot_socket *sockets;
	size_t socket_count;
};

/** The plugin of that name, or NULL. */
const struct snapshot_plugin *snapshot_plugin_find(const struct snapshot *s, const char *name);

/** Close every descriptor still in it and free it; NULL is fine. */
void snapshot_free(struct snapshot *s);

#endif
