/* TLS on a stream connection: what stands between its socket and output on one side and its plaintext on the
 * other. stream.c asks here wherever a connection has a struct tls_stream. */
#ifndef ENGINE_TLS_STREAM_H
#define ENGINE_TLS_STREAM_H

#include <sys/uio.h>

#include "engine/conn.h"

/** Begin, as the context's role says. The state is CONN_HANDSHAKE; when the handshake is
 * done conn_shaken() is called, when it fails the connection ends.
 * @param server_name  as for tls_session_new()
 * @param by_ms  when it has to be done; CLOCK_NEVER
 * @return 0 or -ENOMEM */
must_check int tls_stream_begin(
	struct conn *c, struct tls_context *context, const char *server_name, int64_t by_ms);
void tls_stream_free(struct tls_stream *t); /* NULL is fine */

/** The socket has something, in the handshake. */
void tls_stream_shake(struct conn *c);
/** The time of the handshake is up. */
void tls_stream_time_out(struct conn *c);
int64_t tls_stream_deadline_ms(const struct conn *c);
/** In the handshake: the peer has said nothing yet. */
bool tls_stream_is_silent(const struct conn *c);

/** Decrypted bytes, as stream_recv() without its accounting. -ECONNRESET: truncated, or failed. */
must_check ssize_t tls_stream_recv(struct conn *c, void *buf, size_t size);
/** There is more to read than what the socket has. */
bool tls_stream_has_pending(const struct conn *c);

/** Encrypt and write. @return 0 or a negative errno */
must_check int tls_stream_write(struct conn *c, const struct iovec *iov, int count);
/** Plaintext that waits for more, so that records are full while the socket takes nothing. */
size_t tls_stream_staged(const struct conn *c);
/** The output has room: encrypt what waits. */
void tls_stream_on_written(struct conn *c);
/** Send close_notify behind everything; once. */
void tls_stream_end(struct conn *c);
/** Ciphertext handed to socket and output so far. */
uint64_t tls_stream_wire_bytes(const struct conn *c);

/** Why TLS failed, for people; NULL. */
const char *tls_stream_failure(const struct conn *c);

struct tls_session *tls_stream_session(const struct conn *c);

#endif
