/* A bound socket inside the engine. It is the kernel's object that counts, not the listener that it serves
 * today: a reload hands it over. Who still sends through it keeps it open. */
#ifndef ENGINE_BOUND_H
#define ENGINE_BOUND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/config.h"
#include "control/snapshot.h"

struct acceptor;
struct endpoint;
struct listener;

struct bound {
	_Atomic unsigned references;
	int fd; /* owned; -1: closed before the rest of it */
	enum cfg_transport transport;
	bool passed; /* another process holds it too: never shut down */
	unsigned member;
	struct sockaddr_storage local;
	socklen_t local_size;
	dev_t device; /* with the inode the kernel's name of the socket, */
	ino_t inode;  /* whatever descriptor leads to it */

	/* The main thread's: whom it serves, on which loop, by what. */
	struct listener *listener; /* borrowed */
	unsigned loop;
	struct acceptor *acceptor; /* the loop's: one of the two */
	struct endpoint *endpoint;
	bool wanted; /* the configuration that is being applied has it */
	struct bound *next;
};

/** Take the descriptor out of @p socket. @return 0 with one reference; a negative errno */
must_check int bound_new(struct snapshot_socket *socket, bool passed, struct bound **ret);
/** Thread: any. */
struct bound *bound_ref(struct bound *b);
void bound_unref(struct bound *b); /* NULL is fine */

/** The one of a list (by next) that @p socket leads to, or NULL. */
struct bound *bound_find(struct bound *list, const struct snapshot_socket *socket);

/** Let the kernel refuse who comes, whoever else has a descriptor of it. */
void bound_shut(struct bound *b);

#endif
