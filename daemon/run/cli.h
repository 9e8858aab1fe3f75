/* The command line: one table of options and one of commands, from which parser and help text both come. */
#ifndef RUN_CLI_H
#define RUN_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

/** What sockd was asked to do. */
enum cli_action {
	CLI_SERVE,
	CLI_TEST,
	CLI_RUN,
	CLI_PLUGIN,
	CLI_PRINT_CONFIG,
	CLI_PRINT_SCHEMA,
	CLI_WORKER, /* this and the next are said by a supervisor, never by a person */
	CLI_ADOPT,
	CLI_ADOPT_CHECK,
	CLI_VERSION,
	CLI_HELP,
	CLI_ACTION_COUNT
};

/** How often `--listen` and `--set` may be given. */
enum { CLI_REPEAT_MAX = 64 };

struct cli_list {
	const char *items[CLI_REPEAT_MAX];
	size_t count;
};

/** The command line, understood. Every string is borrowed from argv or a constant. */
struct cli {
	enum cli_action action;
	const char *config_path; /* never NULL */
	int log_level;           /* a log level, or -1: what the file says */
	bool quiet;              /* warnings and errors only, and nothing said on success */
	bool json;               /* --print-config=json */
	bool diff;               /* CLI_TEST: compare with the daemon that runs */
	bool single_process;     /* supervisor and worker in one process */
	int inherited_fd;        /* CLI_WORKER: its control socket; CLI_ADOPT...: the state */
	int old_fd;              /* CLI_ADOPT: the program to come back to; -1: this is that one */
	const char *adopt_why;   /* CLI_ADOPT: why the program that came after it failed; NULL: it did not */
	/* `sockd run` */
	bool run_form; /* the first word was `run`: which help text is meant */
	const char *plugin;
	const char *threads; /* NULL: the file format's default */
	struct cli_list listen;
	struct cli_list set; /* KEY=VALUE, as written */
	/* `sockd plugin` */
	char **words; /* what stands behind it */
	int word_count;
};

/**
 * Understand the command line. What is wrong with it is told on standard error, with a hint.
 *
 * @return 0, or EX_USAGE; *ret is unspecified then
 */
must_check int cli_parse(int argc, char **argv, struct cli *ret);

/** The help text of `sockd` or, with @p run_command, of `sockd run`. */
void cli_print_help(FILE *out, bool run_command);

#endif
