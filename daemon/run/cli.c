/* Parsing of the command line. getopt_long() is not used: it accepts abbreviations, which would make every
 * new option a risk for someone's script, it cannot suggest the nearest name, and its help text would be a
 * second list to keep. Here an option is a row; a row says which of the two forms of the command it belongs
 * to.
 *
 * What this version knows but cannot do yet has its row as well, so that a person reads why instead of
 * "unknown". */
#include "run/cli.h"

#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "run/paths.h"

enum { FOR_MAIN = 1, FOR_RUN = 2, FOR_BOTH = 3 };

enum { SET_DEPTH_MAX = 16 };

enum argument { ARGUMENT_NONE, ARGUMENT_REQUIRED, ARGUMENT_OPTIONAL };

struct option_row {
	char letter; /* 0: none */
	const char *name;
	int forms; /* FOR_* */
	enum argument argument;
	const char *argument_name;
	int (*apply)(struct cli *cli, const char *value); /* 0, or EX_USAGE after saying why */
	const char *help;
};

static int usage(const char *format, ...) printf_like(1, 2);

/* Says what is wrong and where to read more. @return EX_USAGE, always */
static int
usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("sockd: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\nTry 'sockd --help'.\n", stderr);
	va_end(args);
	return EX_USAGE;
}

/* One action a call: `-t --print-config` has no meaning that both halves would agree on. */
static int
choose(struct cli *cli, enum cli_action action)
{
	/* Asking for help or version never conflicts: the first of them answers. */
	if (cli->action == CLI_HELP || cli->action == CLI_VERSION)
		return 0;
	if (action != CLI_HELP && action != CLI_VERSION && cli->action != CLI_SERVE && cli->action != action)
		return usage("only one of --test, --print-config and --print-schema can be done at a time");
	cli->action = action;
	return 0;
}

static int
apply_config(struct cli *cli, const char *value)
{
	if (value[0] == '\0')
		return usage("--config needs the name of a file");
	cli->config_path = value;
	return 0;
}

static int
apply_test(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	return choose(cli, CLI_TEST);
}

static int
apply_version(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	return choose(cli, CLI_VERSION);
}

static int
apply_help(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	return choose(cli, CLI_HELP);
}

static int
apply_print_config(struct cli *cli, const char *value)
{
	if (value != NULL && strcmp(value, "json") != 0 && strcmp(value, "yaml") != 0)
		return usage("--print-config prints yaml or json, not '%s'", value);
	cli->json = value != NULL && strcmp(value, "json") == 0;
	return choose(cli, CLI_PRINT_CONFIG);
}

static int
apply_print_schema(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	return choose(cli, CLI_PRINT_SCHEMA);
}

static int
apply_log_level(struct cli *cli, const char *value)
{
	int level = log_level_parse(value);

	if (level < 0)
		return usage("no log level '%s' (there are: error warning notice info debug)", value);
	if (cli->quiet)
		return usage("--quiet and --log-level exclude each other");
	cli->log_level = level;
	return 0;
}

static int
apply_quiet(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	if (!cli->quiet && cli->log_level >= 0)
		return usage("--quiet and --log-level exclude each other");
	cli->quiet = true;
	cli->log_level = LOG_LEVEL_WARNING;
	return 0;
}

static int
apply_single_process(struct cli *cli, const char *value)
{
	/* Every sockd of this version is one process: the wish is granted before it is made. */
	(void)cli;
	(void)value;
	return 0;
}

static int
apply_diff(struct cli *cli, const char *value)
{
	(void)cli;
	(void)value;
	return usage("--diff is not available in this version: there is no reload that it could announce");
}

static int
apply_plugin(struct cli *cli, const char *value)
{
	if (value[0] == '\0')
		return usage("--plugin needs a name or the path of a .so file");
	if (cli->plugin != NULL)
		return usage("--plugin can be given once");
	cli->plugin = value;
	return 0;
}

static int
apply_threads(struct cli *cli, const char *value)
{
	cli->threads = value; /* checked where the file's own key is */
	return 0;
}

static int
list_add(struct cli_list *list, const char *option, const char *value)
{
	if (list->count == CLI_REPEAT_MAX)
		return usage("%s can be given %d times", option, CLI_REPEAT_MAX);
	list->items[list->count++] = value;
	return 0;
}

static int
apply_listen(struct cli *cli, const char *value)
{
	return list_add(&cli->listen, "--listen", value);
}

/* KEY=VALUE; the key is words between dots, no deeper than a configuration may be nested. */
static int
apply_set(struct cli *cli, const char *value)
{
	const char *equals = strchr(value, '=');
	int dots = 0;

	if (equals == NULL || equals == value)
		return usage("--set takes KEY=VALUE, not '%s'", value);
	for (const char *p = value; p < equals; p++) {
		if (*p != '.')
			continue;
		if (p == value || p[1] == '.' || p + 1 == equals || ++dots > SET_DEPTH_MAX)
			return usage(
				"--set takes a key such as a.b, not '%.*s'", (int)(equals - value), value);
	}
	return list_add(&cli->set, "--set", value);
}

static const struct option_row options[] = {
	{ 'c', "config", FOR_MAIN, ARGUMENT_REQUIRED, "FILE", apply_config, "the configuration file" },
	{ 't', "test", FOR_MAIN, ARGUMENT_NONE, NULL, apply_test,
		"test everything short of binding, tell all errors, and exit" },
	{ 0, "diff", FOR_MAIN, ARGUMENT_NONE, NULL, apply_diff, NULL },
	{ 0, "print-config", FOR_MAIN, ARGUMENT_OPTIONAL, "json", apply_print_config,
		"print the effective configuration, with defaults and origins" },
	{ 0, "print-schema", FOR_MAIN, ARGUMENT_NONE, NULL, apply_print_schema,
		"print the JSON Schema of the configuration file" },
	{ 0, "single-process", FOR_MAIN, ARGUMENT_NONE, NULL, apply_single_process,
		"serve in one process (this version always does)" },
	{ 0, "plugin", FOR_RUN, ARGUMENT_REQUIRED, "NAME|FILE", apply_plugin,
		"the plugin: a name, or the path of a .so file" },
	{ 0, "listen", FOR_RUN, ARGUMENT_REQUIRED, "URL", apply_listen,
		"where to listen, such as tcp://127.0.0.1:7000; may be repeated" },
	{ 0, "set", FOR_RUN, ARGUMENT_REQUIRED, "KEY=VALUE", apply_set,
		"a setting of the plugin; a.b=1 is nested, a=[x, y] a list; may be repeated" },
	{ 0, "threads", FOR_RUN, ARGUMENT_REQUIRED, "N|auto", apply_threads, "how many event loops" },
	{ 0, "log-level", FOR_BOTH, ARGUMENT_REQUIRED, "LEVEL", apply_log_level,
		"error, warning, notice, info or debug, whatever the file says" },
	{ 'q', "quiet", FOR_BOTH, ARGUMENT_NONE, NULL, apply_quiet, "tell warnings and errors only" },
	{ 'V', "version", FOR_BOTH, ARGUMENT_NONE, NULL, apply_version,
		"print versions and default paths, and exit" },
	{ 'h', "help", FOR_BOTH, ARGUMENT_NONE, NULL, apply_help, "print this text, and exit" },
};

/* First words that are no option. A row without an action is refused with its text. */
struct command_row {
	const char *name;
	bool available;
	const char *help;
};

static const struct command_row commands[] = {
	{ "run", true, "serve one plugin without a configuration file" },
	{ "plugin", false, "'sockd plugin' is not available in this version" },
	{ "sockctl", false, "sockctl is not available in this version: use signals (sockd(8))" },
};

static const struct option_row *
find_letter(char letter, int form)
{
	for (size_t i = 0; i < array_len(options); i++)
		if (options[i].letter == letter && letter != 0 && (options[i].forms & form) != 0)
			return &options[i];
	return NULL;
}

static const struct option_row *
find_name(const char *name, size_t size, int form)
{
	for (size_t i = 0; i < array_len(options); i++)
		if (strlen(options[i].name) == size && memcmp(options[i].name, name, size) == 0 &&
			(options[i].forms & form) != 0)
			return &options[i];
	return NULL;
}

/* How many letters of two words agree from the start or, the other way round, from the end: cheap, and enough
 * to tell a typing error from another word. */
static size_t
likeness(const char *a, size_t size, const char *b)
{
	size_t other = strlen(b), head = 0, tail = 0;

	while (head < size && head < other && a[head] == b[head])
		head++;
	while (tail < size - head && tail < other - head && a[size - 1 - tail] == b[other - 1 - tail])
		tail++;
	return head + tail;
}

static int
unknown_option(const char *name, size_t size, int form)
{
	const struct option_row *best = NULL;
	size_t best_likeness = 0;

	if (find_name(name, size, FOR_BOTH) != NULL)
		return usage("--%.*s %s", (int)size, name,
			form == FOR_RUN ? "does not belong to 'sockd run'" : "belongs to 'sockd run'");
	for (size_t i = 0; i < array_len(options); i++) {
		size_t l = likeness(name, size, options[i].name);

		if ((options[i].forms & form) != 0 && l > best_likeness && l + 2 >= strlen(options[i].name) &&
			l + 2 >= size) {
			best = &options[i];
			best_likeness = l;
		}
	}
	if (best != NULL)
		return usage("unknown option --%.*s; did you mean --%s?", (int)size, name, best->name);
	return usage("unknown option --%.*s", (int)size, name);
}

/* `--name`, `--name=value` or `--name value`. *io_index stands on it, and on return on the last word that was
 * used. */
static int
parse_long(int argc, char **argv, int *io_index, int form, struct cli *cli)
{
	const char *name = argv[*io_index] + 2;
	const char *equals = strchr(name, '=');
	size_t size = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option_row *o = find_name(name, size, form);
	const char *value = equals != NULL ? equals + 1 : NULL;

	if (o == NULL)
		return unknown_option(name, size, form);
	if (o->argument == ARGUMENT_NONE && value != NULL)
		return usage("--%s takes no value", o->name);
	if (o->argument == ARGUMENT_REQUIRED && value == NULL) {
		if (*io_index + 1 >= argc)
			return usage("--%s needs a value: --%s %s", o->name, o->name, o->argument_name);
		value = argv[++*io_index];
	}
	return o->apply(cli, value);
}

/* `-t`, `-tc FILE`, `-cFILE`. */
static int
parse_short(int argc, char **argv, int *io_index, int form, struct cli *cli)
{
	for (const char *p = argv[*io_index] + 1; *p != '\0'; p++) {
		const struct option_row *o = find_letter(*p, form);
		const char *value = NULL;
		int status;

		if (o == NULL)
			return usage("unknown option -%c", *p);
		if (o->argument == ARGUMENT_REQUIRED) {
			if (p[1] == '\0' && *io_index + 1 >= argc)
				return usage("-%c needs a value: -%c %s", *p, *p, o->argument_name);
			value = p[1] != '\0' ? p + 1 : argv[++*io_index];
		}
		status = o->apply(cli, value);
		if (status != 0 || value != NULL)
			return status;
	}
	return 0;
}

static int
parse_command(const char *word, int *ret_form)
{
	for (size_t i = 0; i < array_len(commands); i++) {
		if (strcmp(commands[i].name, word) != 0)
			continue;
		if (!commands[i].available)
			return usage("%s", commands[i].help);
		*ret_form = FOR_RUN;
		return 0;
	}
	return usage("unknown command '%s' (a configuration file is named by -c)", word);
}

/* What no single option can see. */
static int
check_whole(const struct cli *cli, int form)
{
	if (form != FOR_RUN || cli->action != CLI_RUN)
		return 0;
	if (cli->plugin == NULL)
		return usage("'sockd run' needs --plugin NAME or --plugin ./FILE.so");
	if (cli->listen.count == 0)
		return usage("'sockd run' needs --listen URL, such as --listen tcp://127.0.0.1:7000");
	return 0;
}

int
cli_parse(int argc, char **argv, struct cli *ret)
{
	int form = FOR_MAIN;

	*ret = (struct cli){ .action = CLI_SERVE, .config_path = PATH_CONFIG, .log_level = -1 };
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		int status;

		if (word[0] == '-' && word[1] == '-' && word[2] != '\0')
			status = parse_long(argc, argv, &i, form, ret);
		else if (word[0] == '-' && word[1] != '-' && word[1] != '\0')
			status = parse_short(argc, argv, &i, form, ret);
		else if (i == 1)
			status = parse_command(word, &form);
		else
			status = usage("unexpected argument '%s'", word);
		if (status != 0)
			return status;
	}
	ret->run_form = form == FOR_RUN;
	if (form == FOR_RUN && ret->action == CLI_SERVE)
		ret->action = CLI_RUN;
	return check_whole(ret, form);
}

static void
print_option(FILE *out, const struct option_row *o)
{
	char left[64];
	const char *open = o->argument == ARGUMENT_OPTIONAL ? "[=" : " ";
	const char *close = o->argument == ARGUMENT_OPTIONAL ? "]" : "";
	int n = snprintf(left, sizeof left, "%c%c%s --%s", o->letter != 0 ? '-' : ' ',
		o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name);

	if (o->argument != ARGUMENT_NONE && n > 0 && (size_t)n < sizeof left)
		snprintf(left + n, sizeof left - (size_t)n, "%s%s%s", open, o->argument_name, close);
	fprintf(out, "  %-27s %s\n", left, o->help);
}

void
cli_print_help(FILE *out, bool run_command)
{
	int form = run_command ? FOR_RUN : FOR_MAIN;

	if (run_command)
		fputs("usage: sockd run --plugin P --listen URL [--set KEY=VALUE ...] [option ...]\n\n"
		      "Serves one plugin without a configuration file, in the foreground, and logs to "
		      "standard error.\n\n",
			out);
	else
		fputs("usage: sockd [option ...]\n"
		      "       sockd run --plugin P --listen URL [--set KEY=VALUE ...]\n\n"
		      "Owns sockets, and serves them by plugins as a configuration file says. Stays in the "
		      "foreground.\n\n",
			out);
	for (size_t i = 0; i < array_len(options); i++)
		if ((options[i].forms & form) != 0 && options[i].help != NULL)
			print_option(out, &options[i]);
	if (!run_command) {
		fputs("\ncommands:\n", out);
		for (size_t i = 0; i < array_len(commands); i++)
			if (commands[i].available)
				fprintf(out, "  %-27s %s\n", commands[i].name, commands[i].help);
		fprintf(out, "\nDefault configuration file: %s\n", PATH_CONFIG);
	}
	fputs("\nSignals: TERM and INT drain (a second one stops now), QUIT stops now, USR1 reopens the log "
	      "file.\n"
	      "Exit status: 0 done, 64 usage, 66 file unreadable, 69 cannot bind, 70 internal error, 71 "
	      "system error,\n"
	      "75 try again, 77 permission, 78 configuration or plugin.\n",
		out);
}
