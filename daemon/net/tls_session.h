/* One connection's TLS. It moves bytes through two functions of its owner's, so that what it wants to send
 * goes to the same socket and output as everything else: what lies in an output is always ciphertext. */
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct sockd_tls_info;
struct tls_context;
struct tls_session;

/** How bytes get in and out. */
struct tls_io {
	/** As recv(): bytes, 0 at the peer's FIN, -EAGAIN, or another negative errno. */
	ssize_t (*read)(void *arg, void *buf, size_t size);
	/** Send or keep all of it. @return 0 or a negative errno */
	int (*write)(void *arg, const void *bytes, size_t size);
};

/** Begin, as the context's role says.
 * @param io     borrowed: lives as long as the program
 * @param name   client: the name that the server's certificate has to carry; NULL as a server
 * @return 0 or -ENOMEM */
must_check int tls_session_new(struct tls_context *context, const struct tls_io *io, void *arg,
	const char *name, struct tls_session **ret);
void tls_session_free(struct tls_session *s); /* NULL is fine */

/** A client, before its handshake: come back with what an earlier session with @p peer left, and keep what
 * this one leaves. @param peer  the server's address @param name  as for tls_session_new(): a session is good
 * for the name alone that was verified when it began. @return 0 or -ENOMEM */
must_check int tls_session_resume(struct tls_session *s, const char *peer, const char *name);

/** Go on with the handshake. @return 1: it is done; -EAGAIN: it waits for bytes; -ECONNRESET: the peer is
 * gone; another negative errno: it failed, and an alert is on its way (tls_session_failure() says why). */
must_check int tls_session_handshake(struct tls_session *s);

/** Decrypted bytes. @return bytes; 0: the peer's close_notify; -EAGAIN; -EPIPE: its FIN without one; -EPROTO
 * (tls_session_failure()); another negative errno of the read function */
must_check ssize_t tls_session_read(struct tls_session *s, void *buf, size_t size);

/** Encrypt and write all of it, in records of at most @p record bytes. @return 0 or a negative errno */
must_check int tls_session_write(struct tls_session *s, const void *bytes, size_t size, size_t record);

/** Bytes lie in here that no event of the socket will tell of. */
bool tls_session_has_pending(const struct tls_session *s);

/** Say that nothing more comes from us; once. @return 0 or a negative errno */
must_check int tls_session_end(struct tls_session *s);

/** Why it failed, or NULL. */
const char *tls_session_failure(const struct tls_session *s);

/** What was agreed on, after the handshake; lives as long as the session. NULL: no memory. */
const struct sockd_tls_info *tls_session_info(struct tls_session *s);

/** Key material (RFC 5705). @p context NULL: none. @return 0, -EINVAL */
must_check int tls_session_export(struct tls_session *s, const char *label, const void *context,
	size_t context_size, void *out, size_t size);

/** The BIO between OpenSSL and the two functions; one for each context. NULL: no memory. */
BIO_METHOD *tls_session_bio_method(void);

#endif
