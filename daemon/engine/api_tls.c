/* What a plugin may ask of TLS, and the beginning of TLS on a connection that spoke plain so far. */
#include "engine/api.h"

#include <errno.h>
#include <string.h>

#include "engine/conn_wait.h"
#include "engine/dial.h"
#include "engine/dial_tls.h"
#include "engine/stream.h"
#include "engine/strand.h"
#include "engine/tls_stream.h"
#include "net/tls.h"
#include "net/tls_session.h"

enum { CLIENT_HANDSHAKE_MS = 10000 };

const struct sockd_tls_info *
api_conn_tls(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_tls");
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
	const struct conn *c = api_find(h.ref, "sockd_conn_tls_export");

	if (c == NULL)
		return -1;
	if (c->tls == NULL || c->state == CONN_HANDSHAKE)
		return api_fail(-ENOTSUP);
	return api_fail(tls_session_export(tls_stream_session(c), label, context, context_size, out, size));
}

/* The certificate and the authorities are those of the plugin's own settings. */
static int
begin_as_client(struct conn *c, const char *server_name)
{
	struct dialled *out = c->dialled;
	char *name;

	if (!dial_tls_name_is_good(server_name))
		return -EINVAL;
	name = strdup(server_name);
	if (name == NULL)
		return -ENOMEM;
	free(out->server_name);
	out->server_name = name;
	tls_context_unref(out->tls);
	out->tls = dial_tls_own(c->scope->thread);
	out->by_ms = loop_now_ms(conn_loop(c)) + CLIENT_HANDSHAKE_MS;
	return out->tls != NULL ? conn_begin_tls_client(c) : -ENOTSUP;
}

/* Of what was dialled it is known why it failed. */
static int
wait_for_it(struct conn *c)
{
	int r = conn_wait_handshake(c);

	return r < 0 && c->dialled != NULL && c->dialled->error != 0 ? -c->dialled->error : r;
}

/* Plain bytes that came before the handshake and are read after it would be taken for what the encrypted peer
 * said: whoever can put bytes into the plain beginning could speak in the client's name (CVE-2011-0411). */
int
api_conn_start_tls(struct sockd_conn h, const char *server_name)
{
	struct conn *c = api_find(h.ref, "sockd_conn_start_tls");
	int r;

	if (c == NULL)
		return -1;
	if (server_name == NULL && c->scope->listener->tls == NULL)
		return api_fail(-ENOTSUP);
	if (server_name != NULL && (c->dialled == NULL || c->datagrams))
		return api_fail(-ENOTSUP);
	if (c->tls != NULL)
		return api_fail(-EALREADY);
	if (c->state != CONN_OPEN || c->write_closed || c->fin_read)
		return api_fail(-EPIPE);
	if (stream_unread(c) > 0 || c->reader != NULL || c->writers != NULL || c->relay != NULL)
		return api_fail(-EBUSY);
	if (c->straight && strand_here(conn_loop(c)) == NULL)
		return api_fail(-EDEADLK);
	r = server_name != NULL ? begin_as_client(c, server_name)
				: conn_begin_tls(c, conn_cfg(c)->timeouts.handshake_ms);
	if (r < 0)
		return api_fail(r);
	return c->straight ? api_fail(wait_for_it(c)) : 0;
}
