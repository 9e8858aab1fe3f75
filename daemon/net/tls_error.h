/* OpenSSL's errors as text. */
#ifndef NET_TLS_ERROR_H
#define NET_TLS_ERROR_H

#include <stddef.h>

enum { TLS_ERROR_SIZE = 160 };

/** What the thread's error queue tells last, in OpenSSL's words; the queue is emptied. */
const char *tls_error_take(char text[TLS_ERROR_SIZE]);

#endif
