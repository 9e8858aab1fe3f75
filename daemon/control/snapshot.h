/* What a worker is started from, and all that it is ever given: the configuration with what it was loaded
 * from, the files that it names, open plugin files and bound sockets. The supervisor's side makes a snapshot
 * and keeps it; a worker gets a copy, within a process by snapshot_copy(), across processes as bytes and
 * descriptors. Once made, a snapshot opens no path. */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include <stddef.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/record.h"

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

/** What an operator has ordered for a listener, by name and not in the file. */
enum snapshot_hold {
	SNAPSHOT_SERVES,
	SNAPSHOT_PAUSED,  /* see engine_listener_pause() */
	SNAPSHOT_REFUSES, /* see engine_listener_drain() */
	SNAPSHOT_HOLD_COUNT
};

struct snapshot {
	struct config *config;     /* ref */
	struct cfg_record *record; /* ref; what it was loaded from; NULL: the disk is asked */
	char *config_path;         /* owned; NULL: it did not come from a file */
	unsigned loops;            /* event loops of a worker, at least 1 */
	unsigned *metric_rows;     /* owned; for each listener its row among the counters */
	unsigned metric_row_count; /* how many rows there are, whoever has them */
	unsigned char *holds;      /* owned; for each listener how a worker begins; NULL: all serve */
	char *bans;                /* owned; what a worker begins with (guard/bans.h); NULL: none */
	struct snapshot_plugin *plugins;
	size_t plugin_count;
	struct snapshot_socket *sockets;
	size_t socket_count;
};

/** The plugin of that name, or NULL. */
const struct snapshot_plugin *snapshot_plugin_find(const struct snapshot *s, const char *name);

/** What to read the files of settings from (@c record, or the disk). */
const struct cfg_source *snapshot_source(const struct snapshot *s);

/** Another one with the same content: every descriptor is duplicated, the configuration is shared.
 * @return 0; -EMFILE or another negative errno */
must_check int snapshot_copy(const struct snapshot *s, struct snapshot **ret);

/** Close the sockets and forget them; a worker that has copies goes on. */
void snapshot_close_sockets(struct snapshot *s);

/** Close every descriptor still in it and free it; NULL is fine. */
void snapshot_free(struct snapshot *s);

#endif
