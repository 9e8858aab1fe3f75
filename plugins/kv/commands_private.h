/* What the functions of commands are given, and those that stand in a file of their own. */
#ifndef KV_COMMANDS_PRIVATE_H
#define KV_COMMANDS_PRIVATE_H

#include <string.h>
#include <strings.h>

#include "commands.h"

struct call {
	struct session *s;
	const struct bytes *words; /* with the command's name */
	size_t count;
	struct reply *out;
};

/** In any mixture of large and small letters. */
static inline bool
call_is_word(struct bytes b, const char *word)
{
	return strlen(word) == b.size && strncasecmp(b.at, word, b.size) == 0;
}

/* session.c */
void session_auth(struct call *c);
void session_hello(struct call *c);
void session_client(struct call *c);
void session_select(struct call *c);
void session_quit(struct call *c);
void session_nothing_known(struct call *c);

#endif
