/* The table of command line options. */
#ifndef RUN_CLI_OPTIONS_H
#define RUN_CLI_OPTIONS_H

#include "run/cli.h"

/** The forms of the command that an option belongs to, a mask. */
enum cli_form { FOR_MAIN = 1, FOR_RUN = 2, FOR_BOTH = 3, FOR_PLUGIN = 4 };

enum cli_argument { ARGUMENT_NONE, ARGUMENT_REQUIRED, ARGUMENT_OPTIONAL };

struct cli_option {
	char letter; /* 0: none */
	const char *name;
	int forms; /* enum cli_form */
	enum cli_argument argument;
	const char *argument_name;
	int (*apply)(struct cli *cli, const char *value); /* 0, or EX_USAGE after saying why */
	const char *help;                                 /* NULL: not shown */
};

extern const struct cli_option cli_options[];
extern const size_t cli_option_count;

/** Say on standard error what is wrong, and where to read more. @return EX_USAGE, always */
int cli_usage(const char *format, ...) printf_like(1, 2);

#endif
