/* The keys that seal session tickets. Several threads use them at once. */
#ifndef NET_TLS_TICKET_H
#define NET_TLS_TICKET_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "net/tls_file.h"

struct tls_tickets;

enum {
	TLS_TICKET_KEY_SIZE = 80,         /* of a file: a name of 16 bytes, 32 for HMAC, 32 for AES */
	TLS_TICKET_LIFETIME_S = 2 * 3600, /* how long a session can be resumed */
	TLS_TICKET_ROTATE_S = 3600,       /* keys in memory: how long one seals */
};

/** Keys from files (the first seals, all open), or without files one made here that changes with time. One
 * reference. @return 0; -EINVAL, told; -ENOMEM or -EIO, told */
must_check int tls_tickets_new(
	const struct tls_reader *r, const struct cfg_tls *cfg, struct tls_tickets **ret);
struct tls_tickets *tls_tickets_ref(struct tls_tickets *t);
void tls_tickets_unref(struct tls_tickets *t); /* NULL is fine */

/** Whether they change by themselves, so that a reload may carry them on. */
bool tls_tickets_rotate(const struct tls_tickets *t);

/** Let @p ctx use those of the struct tls_context that is its app data. */
void tls_tickets_use(SSL_CTX *ctx);

#endif
