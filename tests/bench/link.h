/* A client's connection: a non-blocking socket, with TLS over it if the target asks for it. */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "target.h"

struct link {
	int fd; /* owned; -1: closed */
	SSL *ssl;
	bool established; /* the handshake is done; without TLS from the start */
};

/** What all links share; TLS only. @param resume  keep sessions, see link_open() */
void link_prepare(const struct target *t, bool resume);

/** Begin to connect.
 * @param number  spreads IP clients over source addresses, so that no run is out of ports
 * @param session  to resume, and replaced when the server sends a new one; NULL: none
 * @return 0 or a negative errno: -EAGAIN when the backlog of a unix socket is full */
int link_open(struct link *l, const struct target *t, unsigned number, SSL_SESSION **session);
void link_close(struct link *l);

/** Go on with the handshake. @return 1 done, 0 not yet, -1 failed */
int link_handshake(struct link *l);
bool link_was_resumed(const struct link *l);

/** @return bytes, 0 when it would block, -1 when it failed or ended */
ssize_t link_send(struct link *l, const void *bytes, size_t size);
/** The same. A plain TCP socket throws the bytes away unseen, which keeps the generator cheap. */
ssize_t link_receive(struct link *l, void *scratch, size_t size, bool is_tcp);

#endif
