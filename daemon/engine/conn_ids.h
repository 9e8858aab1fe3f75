/* Connections of a loop by their id, for messages from other threads, which may come too late. */
#ifndef ENGINE_CONN_IDS_H
#define ENGINE_CONN_IDS_H

#include <stddef.h>
#include <stdint.h>

struct conn;

/** Starts zeroed. */
struct conn_ids {
	struct conn **buckets; /* owned; a power of two of lists */
	size_t size, count;
};

/** Without memory a connection is not entered, and not found. */
void conn_ids_add(struct conn_ids *ids, struct conn *c);
void conn_ids_remove(struct conn_ids *ids, struct conn *c);
struct conn *conn_ids_find(const struct conn_ids *ids, uint64_t id);
void conn_ids_fini(struct conn_ids *ids);

#endif
