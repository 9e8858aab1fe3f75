/* An accepted descriptor before it is a connection: what is known of it, and what it holds. It is a value
 * that moves from the accept path to the loop that will have the connection. */
#ifndef ENGINE_NEWCOMER_H
#define ENGINE_NEWCOMER_H

#include <sys/socket.h>

#include "config/config.h"
#include "guard/sources.h"

struct proxied;

struct newcomer {
	int fd; /* owned */
	enum cfg_transport transport;
	struct sockaddr_storage peer; /* as accept() told */
	socklen_t peer_size;
	struct source *source;   /* held: its source has one connection more; NULL: not counted */
	int64_t wait_ms;         /* it begins after so long */
	bool awaits_header;      /* a balancer: a PROXY header says who the client is */
	struct proxied *proxied; /* owned; what it said */
};

#endif
