/* Which of our certificates a client gets. */
#ifndef NET_TLS_CHOOSE_H
#define NET_TLS_CHOOSE_H

#include "net/tls_private.h"

/** Give the default certificates to the SSL_CTX, and let others be chosen by the name that a client asks for.
 * @return 0; -EINVAL, told; -ENOMEM, told */
must_check int tls_choose_set_up(struct tls_context *c, struct cfg_report *report);

#endif
