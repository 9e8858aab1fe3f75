/* Ciphers, groups and protocols: what the settings say in OpenSSL's words, checked word by word. */
#ifndef NET_TLS_WORDS_H
#define NET_TLS_WORDS_H

#include "net/tls_private.h"

/** Versions, ciphers, groups and ALPN of @p cfg, set in @p c. @return 0; -EINVAL, told; -ENOMEM, told */
must_check int tls_words_set(struct tls_context *c, const struct cfg_tls *cfg, struct cfg_report *report);

#endif
