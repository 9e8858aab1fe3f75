/* The command line of sockctl, understood by the table of verbs. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/verb.h"

struct command {
	const struct ctl_verb *verb; /* NULL: none was given (only with help or version) */
	json_t *request;             /* owned: what is sent */
	bool json, help, version;
	const char *socket, *config; /* borrowed from argv; NULL: not given */
	int timeout_ms;
};

enum { COMMAND_TIMEOUT_MS = 60000 };

/** Understand it. @return 0; -EINVAL with what is wrong, and what to write instead; -ENOMEM. Either way *ret
 * is to be given to command_fini() */
must_check int command_parse(int argc, char **argv, struct command *ret, struct err *e);
void command_fini(struct command *c);

/** The help of a verb, or (NULL) of sockctl. */
void command_print_help(const struct ctl_verb *verb, FILE *out);

#endif
