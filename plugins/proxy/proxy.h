/* What the files of the proxy share. */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <sockd/plugin.h>

#include "upstream.h"

/** An instance; its settings do not change. */
struct proxy {
	struct upstreams streams, datagrams; /* tcp and unix; udp */
	const char *tls, *server_name;       /* lent by the settings until stop(); tls NULL: plain */
	int32_t connect_ms;
	int64_t session_idle_ms, sessions_max;
	bool send_header;
	uint64_t failures, refused, dropped; /* metrics */
};

struct sessions;

/** What a loop keeps. */
struct loop {
	struct sockd_host host;
	struct sessions *sessions; /* owned */
};

/** Connect to one of @p of after the other until one answers. It waits. @param from  for BALANCE_SOURCE, else
 * NULL
 * @return the connection, and the upstream that upstream_done() is owed to; a null handle: none answers, and
 * that is told
 */
struct sockd_conn proxy_connect(struct sockd_host h, struct proxy *p, struct upstreams *of,
	const struct sockd_addr *from, struct upstream **ret_upstream);

/** One of @p of has failed, and is told of if that is news. */
void proxy_failed(
	struct sockd_host h, const struct proxy *p, struct upstreams *of, struct upstream *one, int error);
/** It has answered. */
void proxy_works(struct sockd_host h, struct upstream *one);

/* ---- sessions.c: datagrams, each client its own connection to an upstream ---- */

struct sessions *sessions_new(void);    /* NULL: no memory */
void sessions_free(struct sessions *s); /* NULL is fine */

/** Hand on a datagram; a client that is new gets a session first. EVENT. */
void session_datagram(struct sockd_conn c, struct sockd_reader r);

#endif
