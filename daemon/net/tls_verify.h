/* What a peer's certificate is held against: authorities, lists of revoked ones, names, fingerprints. */
#ifndef NET_TLS_VERIFY_H
#define NET_TLS_VERIFY_H

#include "net/tls_private.h"

struct tls_rules;

/** Read what the settings name and let @p c verify by it; nothing if they say that nobody is verified.
 * @return 0; -EINVAL, told; -ENOMEM, told */
must_check int tls_verify_set_up(
	struct tls_context *c, const struct tls_reader *r, const struct cfg_tls *cfg, int64_t now_s);
void tls_rules_free(struct tls_rules *rules); /* NULL is fine */

#endif
