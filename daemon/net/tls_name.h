/* Names in certificates: which name a certificate is for, and whether a pattern of the configuration fits
 * one. Plain text in, yes or no out; nothing here knows OpenSSL. */
#ifndef NET_TLS_NAME_H
#define NET_TLS_NAME_H

#include <stdbool.h>

/** Whether @p name of a certificate ("example.org", "*.example.org") is for @p host, as a client judges it
 * (RFC 6125): letters in either case, `*` only as the whole first label and for exactly one. */
bool tls_name_covers(const char *name, const char *host);

/** Whether a DNS name fits a pattern: letters in either case, each `*` any run of characters but dots. */
bool tls_name_fits_dns(const char *pattern, const char *name);

/** The same for a URI or an e-mail address: letters as they are, each `*` any run of characters. */
bool tls_name_fits(const char *pattern, const char *name);

#endif
