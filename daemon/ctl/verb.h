/* The verbs of sockctl: one row each, and everything that knows verbs reads the table: the parser, --help,
 * the bash completion, the manual, and what is printed. To add a verb, add its row here and the daemon's in
 * supervisor/admin_verbs.c; one that only shows rows or a sentence needs no code. */
#ifndef CTL_VERB_H
#define CTL_VERB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/err.h"

/** What an option or argument takes, and as what it is sent. */
enum ctl_kind { CTL_SWITCH, CTL_TEXT, CTL_NUMBER, CTL_DURATION };

/** What may stand for a value, for the completion. */
enum ctl_values { CTL_ANY, CTL_LISTENERS, CTL_LEVELS };

struct ctl_option {
	const char *name;     /* without the dashes; NULL ends a list */
	const char *member;   /* of the request */
	const char *argument; /* NULL: a switch */
	const char *help;     /* one sentence without a full stop */
	enum ctl_kind kind;
	enum ctl_values values;
};

/** How a member of a row is shown. */
enum ctl_format {
	CTL_SHOW_TEXT,
	CTL_SHOW_NUMBER,
	CTL_SHOW_BYTES,
	CTL_SHOW_DURATION,
	CTL_SHOW_LIST,
	CTL_SHOW_VERSION
};

struct ctl_column {
	const char *title;  /* NULL ends a list */
	const char *member; /* of the row */
	enum ctl_format format;
	void (*show)(json_t *row, FILE *out); /* instead of the format, if it takes more than one member */
};

enum { CTL_ARGUMENTS_MAX = 3 };

struct command;

struct ctl_verb {
	const char *name;                               /* one word or two */
	const char *send;                               /* what it is called in a request; NULL: its name */
	struct ctl_option arguments[CTL_ARGUMENTS_MAX]; /* what stands behind it, without dashes */
	unsigned arguments_required;                    /* the first so many have to be there */
	const struct ctl_option *options;               /* NULL: none */
	const char *help;                               /* one sentence without a full stop */
	const char *manual;               /* more of them, for the manual; NULL: the help is enough */
	const struct ctl_column *columns; /* of its rows; NULL: it has none to show */
	/** Show what it gives as a whole. NULL: nothing is said. */
	void (*show)(json_t *done, size_t rows, FILE *out);
	/** What is wrong with the request as it was given, or NULL. */
	const char *(*check)(json_t *request);
	/** For a verb that is more than a request and its answer: do all of it. @return as client_open(),
	 * with text; -EINVAL: it was not called rightly */
	int (*run)(const struct command *c, const char *path, struct err *e);
};

extern const struct ctl_verb ctl_verbs[];
extern const size_t ctl_verb_count;

/** Options that go with every verb. */
extern const struct ctl_option ctl_common_options[];

/** The verb of these words. @p ret_used: how many of them are its name. NULL: there is none */
const struct ctl_verb *ctl_verb_find(char *const *words, size_t count, size_t *ret_used);

#endif
