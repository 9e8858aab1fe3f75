/* sockd/conn.h - a connection: who it is, how long it lives, what belongs to it. SPDX-License-Identifier: MIT
 *
 * Nothing here waits but sockd_relay() and, on a fiber, sockd_conn_start_tls(). Every function runs on the
 * connection's loop (EXDEV elsewhere); EBADF: the connection is gone.
 *
 * On a datagram listener a connection handle stands for the datagram that was read last: remote and local are
 * its addresses. What is left unread when datagram() returns is dropped. Its host is the thread's. Functions
 * about an id, data, close and timeouts fail with ENOTSUP there. */
#ifndef SOCKD_CONN_H
#define SOCKD_CONN_H

#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- who it is ---- */

/** @return a number that no other connection of this worker ever gets, for logs and sockd_post(); 0 on
 * failure */
static inline uint64_t
sockd_conn_id(struct sockd_conn c)
{
	SOCKD_CALL_(c, id, 0, (c));
}

/** @return the address that the client asked, also when the socket is bound to a wildcard; borrowed until the
 * connection ends or the next datagram is read; NULL on failure */
static inline const struct sockd_addr *
sockd_conn_local(struct sockd_conn c)
{
	SOCKD_CALL_(c, local, NULL, (c));
}

/** @return the client's address, behind a trusted PROXY header the one that the header gives; length 0 for an
 * unnamed unix peer, which a datagram can't answer; lifetime as sockd_conn_local() */
static inline const struct sockd_addr *
sockd_conn_remote(struct sockd_conn c)
{
	SOCKD_CALL_(c, remote, NULL, (c));
}

/** @return the client's address as text for messages, such as "192.0.2.7:4711", "[2001:db8::1]:53",
 * "unix:/run/x" or "unix:"; lifetime as sockd_conn_local() */
static inline const char *
sockd_conn_remote_text(struct sockd_conn c)
{
	SOCKD_CALL_(c, remote_text, NULL, (c));
}

/** @return the name of the listener in the configuration; lives as long as the connection */
static inline const char *
sockd_conn_listener(struct sockd_conn c)
{
	SOCKD_CALL_(c, listener, NULL, (c));
}

/** @return enum sockd_transport, or -1 */
static inline int
sockd_conn_transport(struct sockd_conn c)
{
	SOCKD_CALL_(c, transport, -1, (c));
}

/** @return what TLS agreed on; NULL with errno 0 for a plain connection, or NULL on failure. Lives as long as
 * the connection. */
static inline const struct sockd_tls_info *
sockd_conn_tls(struct sockd_conn c)
{
	SOCKD_CALL_(c, tls, NULL, (c));
}

/** @return who is behind a unix stream connection, as of its connect(), for as long as the connection lives;
 * or who sent the datagram of a unixgram listener that was read last, until the next one is read. NULL:
 * ENOTSUP on other transports, and for a datagram that was sent before sockd had asked for its sender. */
static inline const struct sockd_cred *
sockd_conn_cred(struct sockd_conn c)
{
	SOCKD_CALL_(c, cred, NULL, (c));
}

/** Key material bound to this TLS session (RFC 5705).
 * @param context  NULL: without a context
 * @return 0, or -1 (ENOTSUP: the connection is plain) */
static inline int
sockd_conn_tls_export(struct sockd_conn c, const char *label, const void *context, size_t context_size,
	void *out, size_t size)
{
	SOCKD_CALL_(c, tls_export, -1, (c, label, context, context_size, out, size));
}

/** @return the address of the balancer that sent a PROXY header; NULL: there was none. Lives as long as the
 * connection. */
static inline const struct sockd_addr *
sockd_conn_proxy(struct sockd_conn c)
{
	SOCKD_CALL_(c, proxy, NULL, (c));
}

/** Copy a TLV of the PROXY header of version 2; of a value longer than @p size the beginning.
 * @return its whole length; -1 ENOENT: the header has none of this type */
static inline ssize_t
sockd_conn_proxy_tlv(struct sockd_conn c, int type, void *buf, size_t size)
{
	SOCKD_CALL_(c, proxy_tlv, -1, (c, type, buf, size));
}

/* ---- its life ---- */

/** @return enum sockd_state, or -1 */
static inline int
sockd_conn_state(struct sockd_conn c)
{
	SOCKD_CALL_(c, state, -1, (c));
}

/** @return 0: no drain; else milliseconds left until the deadline, at least 1; -1 */
static inline int64_t
sockd_conn_draining(struct sockd_conn c)
{
	SOCKD_CALL_(c, draining, -1, (c));
}

/** Say whether a request is under way that no unread or unsent byte shows. In a drain a quiet connection
 * reads its end when its turn comes, a busy one may work on until the deadline. @return 0 or -1 */
static inline int
sockd_conn_set_busy(struct sockd_conn c, bool busy)
{
	SOCKD_CALL_(c, set_busy, -1, (c, busy));
}

/** Set a timeout of this connection, over what the configuration says.
 * @param which  enum sockd_timeout
 * @param ms     SOCKD_FOREVER: none
 * @return 0, or -1 */
static inline int
sockd_conn_set_timeout(struct sockd_conn c, int which, int64_t ms)
{
	SOCKD_CALL_(c, set_timeout, -1, (c, which, ms));
}

/** Throw the client out: close with reason SOCKD_BY_DENIED. What is queued to be sent is dropped. @return 0
 * or -1 */
static inline int
sockd_conn_deny(struct sockd_conn c)
{
	SOCKD_CALL_(c, deny, -1, (c));
}

/** Send what is queued, then close. No data() comes after it. Calling it again is fine. The close() entry
 * follows from the loop, never from within this call. @return 0 or -1 */
static inline int
sockd_conn_close(struct sockd_conn c)
{
	SOCKD_CALL_(c, close, -1, (c));
}

/** Reset the connection (RST) now; nothing more is sent. The close() entry follows from the loop. @return 0
 * or -1 */
static inline int
sockd_conn_abort(struct sockd_conn c)
{
	SOCKD_CALL_(c, abort, -1, (c));
}

/** Begin TLS on a connection that spoke plain so far. Refused with EBUSY while plain bytes are unread, since
 * these would be taken for encrypted ones, and within a relay. FIBER: waits for the handshake. EVENT: 0 means
 * begun, and open() comes again after it.
 * @param server_name  NULL: as the server; else as the client of a connection that was dialled, and the name
 * that the certificate has to carry; with the entry of tls: that the first setting of type SOCKD_T_TLS names
 * (ENOTSUP: there is none, or a client made the connection), within 10 seconds
 * @return 0 or -1 (EPROTO, ECONNRESET, ETIMEDOUT: as sockd_dial(); EALREADY; EINVAL: no such name can be) */
static inline int
sockd_conn_start_tls(struct sockd_conn c, const char *server_name)
{
	SOCKD_CALL_(c, start_tls, -1, (c, server_name));
}

/** Join two connections of one loop: carry bytes both ways, and each end of stream to the other side, until
 * both sides have ended. Fiber only (EDEADLK). Closes neither. A drain ends it once no byte has moved for a
 * second, five where the client spoke last; a client that has ended its side and waits has until the
 * deadline.
 * @return bytes carried in both directions, or -1 (ENOTSUP with datagrams; EINVAL: one and the same; EBUSY:
 * somebody waits for input of one of them, or relays it) */
static inline int64_t
sockd_relay(struct sockd_conn a, struct sockd_conn b)
{
	SOCKD_CALL_(a, relay, -1, (a, b));
}

/* ---- what belongs to it ---- */

/** Keep a pointer of yours with the connection. sockd never looks at it: free it in close(). @return 0 or -1
 */
static inline int
sockd_conn_set_data(struct sockd_conn c, void *data)
{
	SOCKD_CALL_(c, set_data, -1, (c, data));
}

/** @return what sockd_conn_set_data() was given, at first NULL */
static inline void *
sockd_conn_data(struct sockd_conn c)
{
	SOCKD_CALL_(c, data, NULL, (c));
}

/** @return what start() returned for the instance of this connection's listener */
static inline void *
sockd_conn_instance(struct sockd_conn c)
{
	SOCKD_CALL_(c, instance, NULL, (c));
}

/** @return what thread_start() returned for this connection's loop */
static inline void *
sockd_conn_thread_state(struct sockd_conn c)
{
	SOCKD_CALL_(c, thread_state, NULL, (c));
}

/** @return the receiving side; a null handle on failure */
static inline struct sockd_reader
sockd_conn_reader(struct sockd_conn c)
{
	struct sockd_reader none = { NULL, 0 };

	SOCKD_CALL_(c, reader, none, (c));
}

/** @return the sending side; a null handle on failure */
static inline struct sockd_writer
sockd_conn_writer(struct sockd_conn c)
{
	struct sockd_writer none = { NULL, 0 };

	SOCKD_CALL_(c, writer, none, (c));
}

/** @return the host in the scope of this connection: what is made through it ends with the connection. With
 * datagrams the scope is the loop's. A null handle on failure. */
static inline struct sockd_host
sockd_conn_host(struct sockd_conn c)
{
	struct sockd_host none = { NULL, 0 };

	SOCKD_CALL_(c, host, none, (c));
}

#ifdef __cplusplus
}
#endif

#endif
