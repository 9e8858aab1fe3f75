/* One member of the room, and what it is sent. What others say it misses if it does not read; the answers to
 * its own commands wait for it, and until it has taken one it is not heard again. */
#ifndef CHAT_MEMBER_H
#define CHAT_MEMBER_H

#include <stdbool.h>
#include <stddef.h>

#include <sockd/plugin.h>

#include "names.h"

struct member {
	struct member *prev, *next; /* of its loop */
	struct sockd_conn conn;
	char name[NAME_MAX_SIZE + 1];
	unsigned missed; /* messages, since it was last told */
	char *rest;      /* owned; an answer that is on its way; NULL: none */
	size_t rest_size, rest_sent;
	bool leaves; /* when it has taken its answer */
};

/* All of them run on the member's loop, and never wait. */

/** What somebody said. */
void member_tell(struct member *m, const char *text, size_t size);

/** The answer to what it asked. */
void member_answer(struct member *m, const char *format, ...) SOCKD_FORMAT_(2, 3);

/** The same, of any length. @param text  moves, to be freed; NULL, for want of memory, is missed */
void member_answer_take(struct member *m, char *text);

/** Close the connection, after the answer that is on its way. */
void member_leave(struct member *m);

/** Send what fits of an answer, and close if that was waited for. @return whether the next command may be
 * heard */
bool member_go_on(struct member *m);

/** There is room again: say what was missed, too. @return as member_go_on() */
bool member_on_room(struct member *m);

void member_free(struct member *m); /* NULL is fine */

#endif
