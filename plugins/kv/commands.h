/* What a client may ask. */
#ifndef KV_COMMANDS_H
#define KV_COMMANDS_H

#include "resp.h"
#include "store.h"

/** What commands work on. */
struct session {
	struct store *store;
	const char *password;                /* NULL: none is asked for */
	int64_t now_ms, id;                  /* of the client */
	int64_t open_connections, uptime_ms; /* for INFO */
	bool authorised;
	bool quit; /* the client wants to go: send the replies, then close */
};

/** Carry out one command, and add its reply. An empty command has none. */
void command_run(struct session *s, const struct resp_command *c, struct reply *out);

#endif
