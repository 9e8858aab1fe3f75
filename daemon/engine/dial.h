/* Connections that plugins make: resolved off the loop, raced over IPv6 and IPv4, and from then on
 * connections as those that clients made, but that they end with the scope in which they were dialled. */
#ifndef ENGINE_DIAL_H
#define ENGINE_DIAL_H

#include "engine/conn.h"
#include "engine/estate.h"

struct dial;
struct dial_wait;

struct dialled {
	struct conn *conn;     /* borrowed: ends with us */
	struct estate *estate; /* borrowed: the scope's, which waits for us */
	struct dialled *next, **link;
	struct conn_entries entries;
	struct dial *dial;       /* owned, while it connects */
	struct dial_wait *wait;  /* straight-line code that waits for it */
	int error;               /* why it failed, as errno */
	struct tls_context *tls; /* ref; NULL: it stays plain, or is TLS already */
	char *server;            /* owned; where it was dialled to, for TLS; NULL: nobody knows */
	char *server_name;       /* owned; what its certificate has to say; NULL: anything */
	int64_t by_ms;           /* when the handshake has to be done; CLOCK_NEVER */
	int ready_fd;            /* owned: connected, and not yet open; -1 */
	bool settled;            /* connected or failed: the loop's frame goes on */
};

/** @return the connection, or a null handle with errno */
struct sockd_conn dial(struct estate *e, const char *url, const struct sockd_dial_options *o);

/** From the loop's frame: open it or end it, once it is known which. */
void dial_settle(struct conn *c);
/** Its handshake is done, or failed with @p error (an errno): tell straight-line code that waits. */
void dial_shaken(struct conn *c);
void dial_shake_failed(struct conn *c, int error);
/** It ends: stop connecting, tell who waits. */
void dial_give_up(struct conn *c);
/** It has ended. */
void dialled_free(struct conn *c);

#endif
