/* The newest entry of the queue is usually the one that a person understands: what lies below tells where in
 * OpenSSL it came from. */
#include "net/tls_error.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

const char *
tls_error_take(char text[TLS_ERROR_SIZE])
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	if (code == 0)
		snprintf(text, TLS_ERROR_SIZE, "unknown");
	else if (ERR_SYSTEM_ERROR(code))
		snprintf(text, TLS_ERROR_SIZE, "%s", strerror(ERR_GET_REASON(code)));
	else if (reason != NULL)
		snprintf(text, TLS_ERROR_SIZE, "%s", reason);
	else
		snprintf(text, TLS_ERROR_SIZE, "error %08lx of OpenSSL", code);
	ERR_clear_error();
	return text;
}
