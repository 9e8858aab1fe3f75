/* What a plugin may ask of TLS, and the beginning of TLS on a connection that spoke plain so far. */
#include "engine/api.h"

#include <errno.h>

#include "engine/conn_wait.h"
#include "engine/stream.h"
#include "engine/strand.h"
#include "engine/tls_stream.h"
#include "net/tls_session.h"

const struct sockd_tls_info *
api_conn_tls(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref);
	const struct sockd_tls_info *info;

	if (c == NULL)
		return NULL;
	errno = 0;
	if (c->tls == NULL || c->state == CONN_HANDSHAKE)
		return NULL;
	info = tls_session_info(tls_stream_session(c));
	if (info == NULL)
		errno = ENOMEM;
	return info;
}

int
api_conn_tls_export(struct sockd_conn h, const char *label, const void *context, size_t context_size,
	void *out, size_t size)
{
	const struct conn *c = api_find(h.ref);

	if (c == NULL)
		return -1;
	if (c->tls == NULL || c->state == CONN_HANDSHAKE)
		return api_fail(-ENOTSUP);
	return api_fail(tls_session_export(tls_stream_session(c), label, context, context_size, out, size));
}

/* Plain bytes that came before the handshake and are read after it would be taken for what the encrypted peer
 * said: whoever can put bytes into the plain beginning could speak in the client's name (CVE-2011-0411). */
int
api_conn_start_tls(struct sockd_conn h, const char *server_name)
{
	struct conn *c = api_find(h.ref);
	int r;

	if (c == NULL)
		return -1;
	if (server_name != NULL || c->scope->listener->tls == NULL)
		return api_fail(-ENOTSUP);
	if (c->tls != NULL)
		return api_fail(-EALREADY);
	if (c->state != CONN_OPEN || c->write_closed || c->fin_read)
		return api_fail(-EPIPE);
	if (stream_unread(c) > 0 || c->reader != NULL || c->writers != NULL)
		return api_fail(-EBUSY);
	r = conn_begin_tls(c, conn_cfg(c)->timeouts.handshake_ms);
	if (r < 0)
		return api_fail(r);
	return c->straight ? api_fail(conn_wait_handshake(c)) : 0;
}
