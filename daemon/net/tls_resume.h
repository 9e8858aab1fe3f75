/* Sessions that servers have given us, kept to come back with: a handshake without certificates and
 * signatures costs a third. One store for each client context, so that a session never outlives the rules by
 * which its server was verified: new settings begin with an empty one. */
#ifndef NET_TLS_RESUME_H
#define NET_TLS_RESUME_H

#include <openssl/ssl.h>

#include "base/cleanup.h"

struct tls_resume;

struct tls_resume *tls_resume_new(void);    /* NULL: no memory */
void tls_resume_free(struct tls_resume *r); /* NULL is fine */

/** Keep @p session, which moves; the oldest goes when there are too many. Without memory it is lost.
 * @param peer  whom it is with: the address, and the name that was verified. Thread: any. */
void tls_resume_put(struct tls_resume *r, const char *peer, SSL_SESSION *session);

/** The youngest with this peer that may still be used; it is the caller's, and kept no longer: a ticket is
 * used once, or whoever watches could link its uses (RFC 8446 appendix C.4). NULL: none. Thread: any. */
SSL_SESSION *tls_resume_take(struct tls_resume *r, const char *peer);

#endif
