/* The script of `sockd plugin test`: what a client does with a plugin, a step a line.
 *
 *     send "hello\n"      escapes as in C; on a datagram transport one datagram
 *     send 100000         so many bytes of a pattern
 *     expect "hello\n"    these bytes come next; on a datagram transport this very datagram
 *     expect 100000       so many bytes of the pattern
 *     end                 end our side and go on reading
 *     expect end          the plugin ends its side
 *     reset               break the connection
 *     connect             another connection (the first is there from the start)
 *     drain               stop the daemon; the plugin has to let go of all its connections
 *     stop                stop the daemon; connections that do not end soon are cut
 *
 * Empty lines and lines that begin with '#' are for people. */
#ifndef RUN_PLUGIN_SCRIPT_H
#define RUN_PLUGIN_SCRIPT_H

#include <stddef.h>

#include "base/err.h"

enum script_verb {
	SCRIPT_SEND,
	SCRIPT_EXPECT,
	SCRIPT_END,
	SCRIPT_EXPECT_END,
	SCRIPT_RESET,
	SCRIPT_CONNECT,
	SCRIPT_DRAIN,
	SCRIPT_STOP,
	SCRIPT_VERB_COUNT
};

struct script_step {
	enum script_verb verb;
	int line;
	char *bytes; /* owned; SEND and EXPECT */
	size_t size;
};

struct script {
	const char *name;          /* borrowed: the file, for messages */
	struct script_step *steps; /* owned */
	size_t count;
};

enum { SCRIPT_BYTES_MAX = 64 * 1024 * 1024 };

/** Understand @p text; script_fini() in any case.
 * @return 0; -EINVAL, the text beginning `NAME:LINE: `; -ENOMEM */
must_check int script_parse(struct script *s, const char *name, const char *text, struct err *e);

void script_fini(struct script *s);

static inline void
cleanup_script(struct script *s)
{
	script_fini(s);
}

#endif
