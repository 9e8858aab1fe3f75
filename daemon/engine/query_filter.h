/* Which connections somebody asks for: by listener, peer, age, idle time or id. */
#ifndef ENGINE_QUERY_FILTER_H
#define ENGINE_QUERY_FILTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"

enum { QUERY_LISTENER_SIZE = 65, QUERY_PATH_SIZE = 110 };

/** Peers: a network, with a port or without; or a unix path or abstract name. Starts zeroed: any peer. */
struct query_peer {
	int family; /* AF_UNSPEC: any; AF_INET6 for both, IPv4 as its mapped address; AF_UNIX */
	unsigned char address[16];
	unsigned bits;
	uint16_t port;              /* host order; 0: any */
	char path[QUERY_PATH_SIZE]; /* an abstract name with its '@'; "": every unix peer */
};

/** Starts zeroed, which lets everything through. */
struct query_filter {
	char listener[QUERY_LISTENER_SIZE]; /* "": any */
	struct query_peer peer;
	int64_t older_than_ms, idle_for_ms;
	uint64_t id; /* 0: any */
};

/**
 * Take a peer as a person writes it: `192.0.2.7`, `192.0.2.7:4711`, `192.0.2.0/24`, `2001:db8::/32`,
 * `[2001:db8::1]:4711`, `/run/app.sock`, `@name`, or `unix` for every unix peer.
 *
 * @return 0, or -EINVAL with what to write instead
 */
must_check int query_peer_parse(const char *text, struct query_peer *ret, struct err *e);

/** @param size  0: a unix peer without a name */
bool query_peer_matches(
	const struct query_peer *peer, const struct sockaddr_storage *address, socklen_t size);

#endif
