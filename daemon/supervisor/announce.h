/* Where sockd listens, told to people: one log line an address and, for those who try things out, a command
 * to try. */
#ifndef SUPERVISOR_ANNOUNCE_H
#define SUPERVISOR_ANNOUNCE_H

#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "config/config.h"

struct snapshot;
struct announce;

enum { ANNOUNCE_TRY_SIZE = 512 };

/** Take from a snapshot what is to be told once it is served; a snapshot moves to the worker before that.
 * NULL without memory. */
struct announce *announce_new(const struct snapshot *snapshot);
void announce_free(struct announce *a); /* NULL is fine */

/** One event "listening" for each address that @p before, which may be NULL, does not have; @p tell gets the
 * same as text. */
void announce_log(const struct announce *a, const struct announce *before,
	void (*tell)(void *arg, const char *event, const char *text), void *arg);

/** One line for each address: `listening tcp 127.0.0.1:7000 -> echo (try: socat - TCP:127.0.0.1:7000)`. */
void announce_print(const struct announce *a, FILE *out);

/** A command that talks to it. A wildcard address is reached over loopback. */
void announce_try(enum cfg_transport transport, const struct sockaddr_storage *local, socklen_t size,
	char text[ANNOUNCE_TRY_SIZE]);

/** The same for a stream listener that begins with TLS. */
void announce_try_tls(enum cfg_transport transport, const struct sockaddr_storage *local, socklen_t size,
	char text[ANNOUNCE_TRY_SIZE]);

#endif
