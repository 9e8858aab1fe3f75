/* What a handshake agreed on, in the words of the plugin's header. */
#ifndef NET_TLS_INFO_H
#define NET_TLS_INFO_H

#include <openssl/ssl.h>

struct sockd_tls_info;

/** NULL: no memory. */
struct sockd_tls_info *tls_info_new(const SSL *ssl);
void tls_info_free(struct sockd_tls_info *info); /* NULL is fine */

#endif
