/* What the files of TLS know of each other. Nothing outside daemon/net includes this. */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "net/tls.h"
#include "net/tls_cert.h"
#include "net/tls_ticket.h"

enum { TLS_SID_SIZE = 32 };

struct tls_context {
	atomic_uint references;
	enum tls_role role;
	SSL_CTX *ssl;           /* owned; its app data is this */
	BIO_METHOD *bio;        /* owned */
	struct tls_cert *certs; /* owned; the first is the default */
	size_t cert_count;
	struct tls_cert_info *infos; /* owned, with its texts */
	struct tls_tickets *tickets; /* ref; NULL: none */
	struct tls_staple *staples;  /* owned */
	size_t staple_count;
	unsigned char *alpn; /* owned; as on the wire */
	size_t alpn_size;
	unsigned char files[TLS_SID_SIZE]; /* a digest of all that was read */
	struct tls_resume *resume;         /* owned; a client's: sessions to come back with; NULL: none */
	struct tls_rules *rules; /* owned; what a peer's certificate is held against; NULL: nothing */
};

struct tls_resume;
struct tls_session;

/** The session behind an SSL, for callbacks. */
struct tls_session *tls_session_of(const SSL *ssl);

/** For OpenSSL: a server gave @p session. @return 0: it stays OpenSSL's */
int tls_session_given(SSL *ssl, SSL_SESSION *session);

/** Note why the peer's certificate was refused; @p text is copied, and lost without memory. */
void tls_session_refuse(struct tls_session *s, const char *text);

#endif
