/* The engine has one table of client contexts, the newest: whoever dials after a reload dials with the new
 * settings, also an instance that the reload did not touch. A lock is enough, since a handshake costs a
 * thousand times what it does. */
#include "engine/dial_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/dial.h"
#include "net/tls.h"
#include "net/tls_clients.h"
#include "plugin/instance.h"

enum { NAME_MAX_BYTES = 253 /* of a host (RFC 1035); OpenSSL and the handshake take a little more */ };

struct tls_clients *
dial_tls_replace(struct engine *engine, struct tls_clients *clients)
{
	struct tls_clients *before;

	pthread_mutex_lock(&engine->clients_lock);
	before = engine->clients;
	engine->clients = clients;
	pthread_mutex_unlock(&engine->clients_lock);
	return before;
}

static struct tls_context *
find(const struct handler_thread *t, const char *name)
{
	struct engine *engine = t->loop->engine;
	struct tls_context *found;

	pthread_mutex_lock(&engine->clients_lock);
	found = tls_clients_find(engine->clients, name);
	pthread_mutex_unlock(&engine->clients_lock);
	return found;
}

bool
dial_tls_name_is_good(const char *name)
{
	return *name != '\0' && strlen(name) <= NAME_MAX_BYTES;
}

int
dial_tls_choose(const struct handler_thread *t, const struct cfg_address *a,
	const struct sockd_dial_options *o, struct tls_context **ret)
{
	const char *name = o->server_name != NULL ? o->server_name : a->host;
	struct tls_context *found;

	if (a->transport == CFG_UDP || (name != NULL && !dial_tls_name_is_good(name)))
		return -EINVAL;
	found = find(t, o->tls);
	if (found == NULL)
		return -ENOENT;
	if (name == NULL && tls_context_verifies(found)) {
		tls_context_unref(found);
		return -EINVAL;
	}
	*ret = found;
	return 0;
}

struct tls_context *
dial_tls_own(const struct handler_thread *t)
{
	const char *name = instance_first_tls(t->handler->instance);

	return name != NULL ? find(t, name) : NULL;
}

int
dial_tls_take(struct conn *c, struct tls_context **tls, const struct cfg_address *a,
	const struct sockd_dial_options *o)
{
	const char *name = o->server_name != NULL ? o->server_name : a->host;

	if (*tls == NULL)
		return 0;
	c->dialled->tls = *tls;
	*tls = NULL;
	if ((a->host != NULL || a->path != NULL) &&
		asprintf(&c->dialled->server, "%s:%u", a->host != NULL ? a->host : a->path, a->port) < 0) {
		c->dialled->server = NULL;
		return -ENOMEM;
	}
	if (name == NULL)
		return 0;
	c->dialled->server_name = strdup(name);
	return c->dialled->server_name != NULL ? 0 : -ENOMEM;
}
