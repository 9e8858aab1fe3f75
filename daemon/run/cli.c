/* Parsing of the command line. getopt_long() is not used: it accepts abbreviations, which would make every
 * new option a risk for someone's script, it cannot suggest the nearest name, and its help text would be a
 * second list to keep. */
#include "run/cli.h"

#include <string.h>
#include <sysexits.h>

#include "run/cli_options.h"
#include "run/paths.h"

/* First words that are no option. A row without a form is refused with its text. */
struct command_row {
	const char *name;
	int form; /* enum cli_form, or 0 */
	const char *help;
};

static const struct command_row commands[] = {
	{ "run", FOR_RUN, "serve one plugin without a configuration file" },
	{ "plugin", FOR_PLUGIN, "info, check, test, new: tools for those who write plugins" },
	{ "sockctl", 0, "sockctl is a program of its own: write it without 'sockd'" },
};

static const struct cli_option *
find_letter(char letter, int form)
{
	for (size_t i = 0; i < cli_option_count; i++)
		if (cli_options[i].letter == letter && letter != 0 && (cli_options[i].forms & form) != 0)
			return &cli_options[i];
	return NULL;
}

static const struct cli_option *
find_name(const char *name, size_t size, int form)
{
	for (size_t i = 0; i < cli_option_count; i++)
		if (strlen(cli_options[i].name) == size && memcmp(cli_options[i].name, name, size) == 0 &&
			(cli_options[i].forms & form) != 0)
			return &cli_options[i];
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
	const struct cli_option *best = NULL;
	size_t best_likeness = 0;

	if (find_name(name, size, FOR_BOTH) != NULL)
		return cli_usage("--%.*s %s", (int)size, name,
			form == FOR_RUN ? "does not belong to 'sockd run'" : "belongs to 'sockd run'");
	for (size_t i = 0; i < cli_option_count; i++) {
		size_t l = likeness(name, size, cli_options[i].name);

		if ((cli_options[i].forms & form) != 0 && l > best_likeness &&
			l + 2 >= strlen(cli_options[i].name) && l + 2 >= size) {
			best = &cli_options[i];
			best_likeness = l;
		}
	}
	if (best != NULL)
		return cli_usage("unknown option --%.*s; did you mean --%s?", (int)size, name, best->name);
	return cli_usage("unknown option --%.*s", (int)size, name);
}

/* `--name`, `--name=value` or `--name value`. *io_index stands on it, and on return on the last word that was
 * used. */
static int
parse_long(int argc, char **argv, int *io_index, int form, struct cli *cli)
{
	const char *name = argv[*io_index] + 2;
	const char *equals = strchr(name, '=');
	size_t size = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *o = find_name(name, size, form);
	const char *value = equals != NULL ? equals + 1 : NULL;

	if (o == NULL)
		return unknown_option(name, size, form);
	if (o->argument == ARGUMENT_NONE && value != NULL)
		return cli_usage("--%s takes no value", o->name);
	if (o->argument == ARGUMENT_REQUIRED && value == NULL) {
		if (*io_index + 1 >= argc)
			return cli_usage("--%s needs a value: --%s %s", o->name, o->name, o->argument_name);
		value = argv[++*io_index];
	}
	return o->apply(cli, value);
}

/* `-t`, `-tc FILE`, `-cFILE`. */
static int
parse_short(int argc, char **argv, int *io_index, int form, struct cli *cli)
{
	for (const char *p = argv[*io_index] + 1; *p != '\0'; p++) {
		const struct cli_option *o = find_letter(*p, form);
		const char *value = NULL;
		int status;

		if (o == NULL)
			return cli_usage("unknown option -%c", *p);
		if (o->argument == ARGUMENT_REQUIRED) {
			if (p[1] == '\0' && *io_index + 1 >= argc)
				return cli_usage("-%c needs a value: -%c %s", *p, *p, o->argument_name);
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
		if (commands[i].form == 0)
			return cli_usage("%s", commands[i].help);
		*ret_form = commands[i].form;
		return 0;
	}
	return cli_usage("unknown command '%s' (a configuration file is named by -c)", word);
}

/* What no single option can see. */
static int
check_whole(const struct cli *cli, int form)
{
	if (form != FOR_RUN || cli->action != CLI_RUN)
		return 0;
	if (cli->plugin == NULL)
		return cli_usage("'sockd run' needs --plugin NAME or --plugin ./FILE.so");
	if (cli->listen.count == 0)
		return cli_usage("'sockd run' needs --listen URL, such as --listen tcp://127.0.0.1:7000");
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
			status = cli_usage("unexpected argument '%s'", word);
		if (status != 0)
			return status;
		if (form == FOR_PLUGIN) { /* the rest is for plugin_command() */
			ret->action = CLI_PLUGIN;
			ret->words = argv + i + 1;
			ret->word_count = argc - i - 1;
			return 0;
		}
	}
	ret->run_form = form == FOR_RUN;
	if (form == FOR_RUN && ret->action == CLI_SERVE)
		ret->action = CLI_RUN;
	return check_whole(ret, form);
}

static void
print_option(FILE *out, const struct cli_option *o)
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
		      "       sockd run --plugin P --listen URL [--set KEY=VALUE ...]\n"
		      "       sockd plugin info|check|test|new P\n\n"
		      "Owns sockets, and serves them by plugins as a configuration file says. Stays in the "
		      "foreground.\n\n",
			out);
	for (size_t i = 0; i < cli_option_count; i++)
		if ((cli_options[i].forms & form) != 0 && cli_options[i].help != NULL)
			print_option(out, &cli_options[i]);
	if (!run_command) {
		fputs("\ncommands:\n", out);
		for (size_t i = 0; i < array_len(commands); i++)
			if (commands[i].form != 0)
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
