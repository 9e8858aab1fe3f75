/* The operation tables behind a plugin's handles, and the handles of what the engine holds. The tables are
 * split by what they act on: api_conn.c, api_stream.c (readers and writers of streams), api_host.c, dgram's
 * own. */
#ifndef ENGINE_API_H
#define ENGINE_API_H

#include <errno.h>

#include "sockd/plugin.h"

#include "engine/conn.h"
#include "engine/dial_dgram.h"

extern const struct sockd_conn_ops stream_conn_ops;
extern const struct sockd_reader_ops stream_reader_ops;
extern const struct sockd_writer_ops stream_writer_ops;
extern const struct sockd_host_ops host_ops;

static inline uint64_t
api_ref(const struct conn *c)
{
	return ref_make(conn_loop(c)->index, REF_CONN, c->slot.index, c->slot.generation);
}

static inline struct sockd_conn
api_conn(const struct conn *c)
{
	return (struct sockd_conn){ .ops = &stream_conn_ops, .ref = api_ref(c) };
}

static inline struct sockd_reader
api_reader(const struct conn *c)
{
	return (struct sockd_reader){ .ops = c->datagrams ? &dialled_datagram_reader_ops : &stream_reader_ops,
		.ref = api_ref(c) };
}

static inline struct sockd_writer
api_writer(const struct conn *c)
{
	return (struct sockd_writer){ .ops = c->datagrams ? &dialled_datagram_writer_ops : &stream_writer_ops,
		.ref = api_ref(c) };
}

/** The host in the scope of a connection. */
static inline struct sockd_host
api_host(const struct conn *c)
{
	return (struct sockd_host){ .ops = &host_ops, .ref = api_ref(c) };
}

/** The connection that a reference names, if it lives on this thread; NULL with errno EBADF or EXDEV.
 * @param who  the function that was called, for misuse_foreign_thread() */
struct conn *api_find(uint64_t ref, const char *who);

/** As api_find(), for what moves bytes: NULL with EBADF within close(), with ECANCELED on a strand that was
 * cancelled. */
struct conn *api_find_open(uint64_t ref, const char *who);

/** As api_find_open(), for what looks at input or takes it: NULL with EBUSY while that is a relay's. */
struct conn *api_find_input(uint64_t ref, const char *who);

/** The operations of TLS, for the table in api_conn.c. */
const struct sockd_tls_info *api_conn_tls(struct sockd_conn h);
int api_conn_tls_export(struct sockd_conn h, const char *label, const void *context, size_t context_size,
	void *out, size_t size);
int api_conn_start_tls(struct sockd_conn h, const char *server_name);

/** Set errno to -@p error and return -1, for the end of an operation. */
int api_fail(int error);

/** Judge a call of sockd_receive_fds(). @p carries: the socket can bring any. @return 0 or a negative errno
 */
static inline int
api_check_fds(const struct listener *l, bool carries, const int *fds, const size_t *io_fds)
{
	if (!carries)
		return -ENOTSUP;
	if (io_fds == NULL || (fds == NULL && *io_fds > 0))
		return -EINVAL;
	return listener_takes_fds(l) ? 0 : -EPERM;
}

/** "eof", "handler", ...: the words of logs and metrics. */
const char *api_reason_name(int reason);

/** Fill in addresses and credentials without keeping them. */
void conn_text_fill(const struct conn *c, struct conn_text *ret);

#endif
