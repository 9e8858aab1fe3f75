/* What dialled connections speak TLS with. */
#ifndef ENGINE_DIAL_TLS_H
#define ENGINE_DIAL_TLS_H

#include "sockd/types.h"

#include "engine/engine_private.h"

struct tls_clients;
struct tls_context;

/** Put another table to use, which moves. Main thread. @return the one before, which is the caller's now */
struct tls_clients *dial_tls_replace(struct engine *engine, struct tls_clients *clients);

/** What sockd_dial() was told to use. @return 0 and a reference; -ENOENT: no setting of a plugin names it;
 * -EINVAL: not over this transport, or nothing says which name the certificate has to carry */
must_check int dial_tls_choose(const struct handler_thread *t, const struct cfg_address *a,
	const struct sockd_dial_options *o, struct tls_context **ret);

/** Keep it, and the name that goes with it, until it is connected. @p tls moves; it may be none. @return 0 or
 * -ENOMEM */
must_check int dial_tls_take(struct conn *c, struct tls_context **tls, const struct cfg_address *a,
	const struct sockd_dial_options *o);

/** What a connection of this thread begins TLS with by itself. @return a reference; NULL: no setting of the
 * plugin names any */
struct tls_context *dial_tls_own(const struct handler_thread *t);

/** It can stand in a certificate and in a handshake. */
bool dial_tls_name_is_good(const char *name);

#endif
