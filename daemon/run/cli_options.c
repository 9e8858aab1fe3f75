/* The options, a row each. What this version knows but cannot do yet has its row as well, so that a person
 * reads why instead of "unknown". */
#include "run/cli_options.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/parse.h"

enum { SET_DEPTH_MAX = 16 };

int
cli_usage(const char *format, ...)
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
		return cli_usage(
			"only one of --test, --print-config and --print-schema can be done at a time");
	cli->action = action;
	return 0;
}

static int
apply_config(struct cli *cli, const char *value)
{
	if (value[0] == '\0')
		return cli_usage("--config needs the name of a file");
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
		return cli_usage("--print-config prints yaml or json, not '%s'", value);
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
		return cli_usage("no log level '%s' (there are: error warning notice info debug)", value);
	if (cli->quiet)
		return cli_usage("--quiet and --log-level exclude each other");
	cli->log_level = level;
	return 0;
}

static int
apply_quiet(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	if (!cli->quiet && cli->log_level >= 0)
		return cli_usage("--quiet and --log-level exclude each other");
	cli->quiet = true;
	cli->log_level = LOG_LEVEL_WARNING;
	return 0;
}

static int
apply_single_process(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	cli->single_process = true;
	return 0;
}

static int
apply_inherited(struct cli *cli, const char *value, enum cli_action action)
{
	int64_t fd;

	if (parse_integer(value, &fd, NULL) < 0 || fd < 3 || fd > INT_MAX)
		return cli_usage("this option is for sockd's own use");
	cli->inherited_fd = (int)fd;
	return choose(cli, action);
}

static int
apply_worker(struct cli *cli, const char *value)
{
	return apply_inherited(cli, value, CLI_WORKER);
}

/* STATE:OLD */
static int
apply_adopt(struct cli *cli, const char *value)
{
	const char *colon = strchr(value, ':');
	char state[16];
	int status;

	if (colon == NULL || (size_t)(colon - value) >= sizeof state)
		return cli_usage("this option is for sockd's own use");
	status = apply_inherited(cli, colon + 1, CLI_ADOPT);
	cli->old_fd = cli->inherited_fd;
	snprintf(state, sizeof state, "%.*s", (int)(colon - value), value);
	return status != 0 ? status : apply_inherited(cli, state, CLI_ADOPT);
}

static int
apply_adopt_back(struct cli *cli, const char *value)
{
	cli->old_fd = -1;
	if (cli->adopt_why == NULL)
		cli->adopt_why = "it ended while it took over";
	return apply_inherited(cli, value, CLI_ADOPT);
}

static int
apply_adopt_why(struct cli *cli, const char *value)
{
	cli->adopt_why = value;
	return 0;
}

static int
apply_adopt_check(struct cli *cli, const char *value)
{
	return apply_inherited(cli, value, CLI_ADOPT_CHECK);
}

static int
apply_diff(struct cli *cli, const char *value)
{
	(void)value; /* takes none */
	cli->diff = true;
	return choose(cli, CLI_TEST);
}

static int
apply_plugin(struct cli *cli, const char *value)
{
	if (value[0] == '\0')
		return cli_usage("--plugin needs a name or the path of a .so file");
	if (cli->plugin != NULL)
		return cli_usage("--plugin can be given once");
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
		return cli_usage("%s can be given %d times", option, CLI_REPEAT_MAX);
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
		return cli_usage("--set takes KEY=VALUE, not '%s'", value);
	for (const char *p = value; p < equals; p++) {
		if (*p != '.')
			continue;
		if (p == value || p[1] == '.' || p + 1 == equals || ++dots > SET_DEPTH_MAX)
			return cli_usage(
				"--set takes a key such as a.b, not '%.*s'", (int)(equals - value), value);
	}
	return list_add(&cli->set, "--set", value);
}

const struct cli_option cli_options[] = {
	{ 'c', "config", FOR_MAIN, ARGUMENT_REQUIRED, "FILE", apply_config, "the configuration file" },
	{ 't', "test", FOR_MAIN, ARGUMENT_NONE, NULL, apply_test,
		"test everything short of binding, tell all errors, and exit" },
	{ 0, "diff", FOR_MAIN, ARGUMENT_NONE, NULL, apply_diff,
		"test, and say what a reload would change in the daemon that runs" },
	{ 0, "print-config", FOR_MAIN, ARGUMENT_OPTIONAL, "json", apply_print_config,
		"print the effective configuration, with defaults and origins" },
	{ 0, "print-schema", FOR_MAIN, ARGUMENT_NONE, NULL, apply_print_schema,
		"print the JSON Schema of the configuration file" },
	{ 0, "single-process", FOR_MAIN, ARGUMENT_NONE, NULL, apply_single_process,
		"serve in one process, for a debugger" },
	{ 0, "worker", FOR_MAIN, ARGUMENT_REQUIRED, "FD", apply_worker, NULL },
	{ 0, "adopt", FOR_MAIN, ARGUMENT_REQUIRED, "FD", apply_adopt, NULL },
	{ 0, "adopt-back", FOR_MAIN, ARGUMENT_REQUIRED, "FD", apply_adopt_back, NULL },
	{ 0, "adopt-why", FOR_MAIN, ARGUMENT_REQUIRED, "TEXT", apply_adopt_why, NULL },
	{ 0, "adopt-check", FOR_MAIN, ARGUMENT_REQUIRED, "FD", apply_adopt_check, NULL },
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

const size_t cli_option_count = array_len(cli_options);
