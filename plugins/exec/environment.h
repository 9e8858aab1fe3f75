/* What a program learns of its client: variables as UCSPI tools set them (cr.yp.to/proto/ucspi.txt). */
#ifndef EXEC_ENVIRONMENT_H
#define EXEC_ENVIRONMENT_H

#include <sockd/plugin.h>

enum { ENVIRONMENT_MAX = 128, ENVIRONMENT_TEXT = 16384 };

struct environment {
	char *variables[ENVIRONMENT_MAX + 1]; /* NAME=VALUE, ends with NULL */
	size_t count, used;
	char text[ENVIRONMENT_TEXT];
};

/** PROTO and, over tcp, TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP, TCPLOCALPORT; over unix, UNIXLOCALPATH,
 * UNIXREMOTEPID, UNIXREMOTEEUID, UNIXREMOTEEGID; with TLS, SSL_PROTOCOL, SSL_CIPHER, SSL_TLS_SNI,
 * SSL_CLIENT_VERIFY and, of a verified client, SSL_CLIENT_S_DN and SSL_CLIENT_SAN_DNS_0 ... (Email, IP, URI).
 * @p path becomes PATH.
 * @p more: settings of the form NAME=VALUE, which come first. @return 0; -1: they do not fit (E2BIG) */
int environment_fill(struct environment *env, struct sockd_conn c, const char *path,
	const struct sockd_settings *s, const char *more);
/** One more. @return 0; -1: it does not fit (E2BIG) */
int environment_add(struct environment *env, const char *name, const char *value);

#endif
