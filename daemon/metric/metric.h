/* Metrics: one row a metric in a table, one row of cells for each loop and listener in one block of memory.
 *
 * The memory holds numbers and nothing else, so that it can be shared between processes and the reader of a
 * block that a less trusted process writes has nothing in it to believe: the dimensions are in struct
 * metric_block, which each process keeps for itself. A gauge may be raised on one loop and lowered on
 * another: only the sum means anything, and the sum is exact. */
#ifndef METRIC_METRIC_H
#define METRIC_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

/** One metric: X(ID, kind, family, label, unit, help). Rows of one family stand together; their labels tell
 * them apart. Adding a metric is adding a row. The closed connections have the order and the words of enum
 * sockd_reason. */
#define METRIC_ROWS(X)                                                                                     \
	X(CONNECTIONS_ACCEPTED, COUNTER, "connections_accepted", NULL, "connections",                      \
		"Stream connections accepted")                                                             \
	X(CONNECTIONS_OPEN, GAUGE, "connections_open", NULL, "connections", "Stream connections open now") \
	METRIC_ROWS_CLOSED(X)                                                                              \
	METRIC_ROWS_REFUSED(X)                                                                             \
	X(CONNECTIONS_DELAYED, COUNTER, "connections_delayed", NULL, "connections",                        \
		"Connections that had to wait for their turn")                                             \
	X(BYTES_READ, COUNTER, "read_bytes", NULL, "bytes", "Bytes read from streams")                     \
	X(BYTES_WRITTEN, COUNTER, "written_bytes", NULL, "bytes", "Bytes written to streams")              \
	X(BANDWIDTH_WAITS, COUNTER, "bandwidth_waits", NULL, "waits",                                      \
		"Times a connection waited for its share of limits.bandwidth")                             \
	X(DATAGRAMS_READ, COUNTER, "datagrams_read", NULL, "datagrams", "Datagrams received")              \
	X(DATAGRAMS_WRITTEN, COUNTER, "datagrams_written", NULL, "datagrams", "Datagrams sent")            \
	X(DATAGRAMS_TRUNCATED, COUNTER, "datagrams_truncated", NULL, "datagrams",                          \
		"Datagrams dropped because they did not fit buffers.read")                                 \
	X(DATAGRAMS_DROPPED_SEND, COUNTER, "datagrams_dropped", "cause=\"send\"", "datagrams",             \
		"Datagrams that were not delivered")                                                       \
	X(DATAGRAMS_DROPPED_UNNAMED, COUNTER, "datagrams_dropped", "cause=\"unnamed\"", "datagrams",       \
		"Datagrams that were not delivered")                                                       \
	X(DATAGRAMS_DROPPED_DENIED, COUNTER, "datagrams_dropped", "cause=\"denied\"", "datagrams",         \
		"Datagrams that were not delivered")                                                       \
	X(DATAGRAMS_DROPPED_LIMIT, COUNTER, "datagrams_dropped", "cause=\"limit\"", "datagrams",           \
		"Datagrams that were not delivered")                                                       \
	X(DATAGRAMS_DROPPED_OVERSIZE, COUNTER, "datagrams_dropped", "cause=\"oversize\"", "datagrams",     \
		"Datagrams that were not delivered")                                                       \
	X(CONNECTIONS_DIALLED, COUNTER, "connections_dialled", NULL, "connections",                        \
		"Connections that plugins began to make")                                                  \
	X(DIALLED_OPEN, GAUGE, "connections_dialled_open", NULL, "connections",                            \
		"Connections that plugins made, open or being made now")                                   \
	X(DIAL_ERRORS, COUNTER, "dial_errors", NULL, "connections",                                        \
		"Connections that plugins could not make")                                                 \
	X(DIALLED_BYTES_READ, COUNTER, "dialled_read_bytes", NULL, "bytes",                                \
		"Bytes read from connections that plugins made")                                           \
	X(DIALLED_BYTES_WRITTEN, COUNTER, "dialled_written_bytes", NULL, "bytes",                          \
		"Bytes written to connections that plugins made")                                          \
	X(ACCEPT_ERRORS, COUNTER, "accept_errors", NULL, "errors", "Calls of accept() that failed")        \
	X(ACCEPT_PAUSED, COUNTER, "accept_paused", NULL, "pauses",                                         \
		"Times accepting stopped for want of descriptors")

/** What refused a client before its connection began; each is a closed one too, denied or limit. */
#define METRIC_REFUSED(X, ID, word)                                                          \
	X(REFUSED_##ID, COUNTER, "connections_refused", "cause=\"" word "\"", "connections", \
		"Clients refused by rules and limits of their source")
#define METRIC_ROWS_REFUSED(X)                                      \
	METRIC_REFUSED(X, BAN, "ban")                               \
	METRIC_REFUSED(X, NETWORK, "network")                       \
	METRIC_REFUSED(X, ACCOUNT, "account")                       \
	METRIC_REFUSED(X, SOURCE_CONNECTIONS, "source_connections") \
	METRIC_REFUSED(X, SOURCE_RATE, "source_rate")               \
	METRIC_REFUSED(X, PROXY_UNTRUSTED, "proxy_untrusted")       \
	METRIC_REFUSED(X, PROXY_HEADER, "proxy_header")             \
	METRIC_REFUSED(X, PROXY_TIMEOUT, "proxy_timeout")

#define METRIC_CLOSED(X, ID, word)                                                          \
	X(CLOSED_##ID, COUNTER, "connections_closed", "reason=\"" word "\"", "connections", \
		"Stream connections ended")
#define METRIC_ROWS_CLOSED(X)                                      \
	METRIC_CLOSED(X, EOF, "eof")                               \
	METRIC_CLOSED(X, HANDLER, "handler")                       \
	METRIC_CLOSED(X, ERROR, "error")                           \
	METRIC_CLOSED(X, IDLE_TIMEOUT, "idle_timeout")             \
	METRIC_CLOSED(X, FIRST_BYTE_TIMEOUT, "first_byte_timeout") \
	METRIC_CLOSED(X, WRITE_TIMEOUT, "write_timeout")           \
	METRIC_CLOSED(X, HANDSHAKE_FAILED, "handshake_failed")     \
	METRIC_CLOSED(X, LIMIT, "limit")                           \
	METRIC_CLOSED(X, DENIED, "denied")                         \
	METRIC_CLOSED(X, DRAIN, "drain")                           \
	METRIC_CLOSED(X, DRAIN_FORCED, "drain_forced")             \
	METRIC_CLOSED(X, KILLED, "killed")                         \
	METRIC_CLOSED(X, RESET, "reset")                           \
	METRIC_CLOSED(X, SHUTDOWN, "shutdown")                     \
	METRIC_CLOSED(X, LIFETIME_TIMEOUT, "lifetime_timeout")     \
	METRIC_CLOSED(X, TLS_TRUNCATED, "tls_truncated")

#define METRIC_ID_(id, kind, family, label, unit, help) METRIC_##id,
enum metric_id { METRIC_ROWS(METRIC_ID_) METRIC_COUNT };
#undef METRIC_ID_

/** The counter of connections that ended by enum sockd_reason @p reason (1 ... 16). */
static inline enum metric_id
metric_closed(int reason)
{
	return (enum metric_id)(METRIC_CLOSED_EOF + (reason - 1));
}

/** Room for metrics that later versions bring: the memory is shared by processes of two versions during an
 * upgrade, so a row of the table never changes its number, and new ones come last. */
enum { METRIC_CAPACITY = 64 };

/** The cells of one loop and listener. Whole cache lines, so that loops do not disturb each other. */
struct metric_cells {
	_Alignas(64) _Atomic uint64_t value[METRIC_CAPACITY];
};

/** Count. Thread: any; by contract only the loop that the cells belong to does it often. Never blocks. */
static inline void
metric_add(struct metric_cells *cells, enum metric_id id, uint64_t n)
{
	atomic_fetch_add_explicit(&cells->value[id], n, memory_order_relaxed);
}

/** Lower a gauge. One row may fall below zero when others stand above it. Thread: any. */
static inline void
metric_sub(struct metric_cells *cells, enum metric_id id, uint64_t n)
{
	atomic_fetch_sub_explicit(&cells->value[id], n, memory_order_relaxed);
}

/** Set a gauge that only one row holds. Thread: any. */
static inline void
metric_set(struct metric_cells *cells, enum metric_id id, uint64_t n)
{
	atomic_store_explicit(&cells->value[id], n, memory_order_relaxed);
}

static inline uint64_t
metric_get(const struct metric_cells *cells, enum metric_id id)
{
	return atomic_load_explicit(&cells->value[id], memory_order_relaxed);
}

/** One process's view of the cells. */
struct metric_block {
	struct metric_cells *cells; /* borrowed */
	unsigned loops, listeners;
};

/** Bytes that a block needs; 0 if the product does not fit a size_t. */
size_t metric_block_size(unsigned loops, unsigned listeners);

/** View @p memory as a block: at least metric_block_size() bytes, aligned to 64 (aligned_alloc() or mmap()).
 * The memory is not touched: zero it once, where it is made. */
void metric_block_init(struct metric_block *b, void *memory, unsigned loops, unsigned listeners);

/** A block in zeroed memory of its own, for a process that shares it with nobody. metric_block_free() ends
 * it; NULL is fine there, NULL is given without memory. */
struct metric_block *metric_block_new(unsigned loops, unsigned listeners);
void metric_block_free(struct metric_block *b);

/** The row of one loop and listener; both must be below the block's dimensions. */
static inline struct metric_cells *
metric_cells(const struct metric_block *b, unsigned loop, unsigned listener)
{
	return &b->cells[(size_t)loop * b->listeners + listener];
}

enum { METRIC_ALL = -1 };

/** Over all loops, of one listener or of all (METRIC_ALL). A gauge that was caught between its raise on one
 * loop and its fall on another is told as 0, never below. Thread: any. */
uint64_t metric_sum(const struct metric_block *b, int listener, enum metric_id id);

/** What the table says of a metric. */
struct metric_info {
	const char *family; /* without `sockd_` and `_total` */
	const char *label;  /* `name="value"`, or NULL */
	const char *unit, *help;
	enum metric_kind kind;
};
const struct metric_info *metric_info(enum metric_id id);

/** Append all of it in the Prometheus text format (0.0.4). @p names: one for each listener, any
 * bytes; NULL: nobody has that row, and it is left out.
 * Thread: any. */
void metric_expose(struct strbuf *s, const struct metric_block *b, const char *const *names);

/** Append the value of a label, escaped. */
void metric_label_value(struct strbuf *s, const char *value);

#endif
