/* OCSP responses that are stapled to our certificates. */
#ifndef NET_TLS_STAPLE_H
#define NET_TLS_STAPLE_H

#include "net/tls_private.h"

struct tls_staple {
	size_t cert;        /* which of the context's certificates it is about */
	unsigned char *der; /* owned */
	size_t size;
	int64_t until_s; /* unix time of its nextUpdate; 0: it says none. It is not sent after that */
};

/** Read the responses that @p cfg names, each about a certificate of @p c, and let @p c send them.
 * @return 0; -EINVAL, told; -ENOMEM, told */
must_check int tls_staple_set_up(
	struct tls_context *c, const struct tls_reader *r, const struct cfg_tls *cfg, int64_t now_s);
void tls_staple_free(struct tls_staple *staples, size_t count);

#endif
