/* One row a verb. Only `test` has options, so all of them are read here, and refused elsewhere. */
#include "run/plugin_command.h"

#include <string.h>
#include <sysexits.h>

#include "base/parse.h"
#include "run/cli_options.h"
#include "run/plugin_inspect.h"
#include "run/plugin_new.h"
#include "run/plugin_test.h"

enum { STEP_TIMEOUT_MS = 5000 };

static int
do_info(const struct plugin_test_options *o)
{
	return plugin_info(o->plugin);
}

static int
do_check(const struct plugin_test_options *o)
{
	return plugin_check(o->plugin);
}

static int
do_new(const struct plugin_test_options *o)
{
	return plugin_new(o->plugin);
}

struct verb {
	const char *name, *operand;
	bool has_options;
	int (*run)(const struct plugin_test_options *o);
	const char *help;
};

static const struct verb verbs[] = {
	{ "info", "PLUGIN", false, do_info, "show its description, entries and settings" },
	{ "check", "PLUGIN", false, do_check, "say why it would not load, and what is doubtful" },
	{ "test", "PLUGIN", true, plugin_test,
		"serve it to clients; find what it does wrong, and what it leaks" },
	{ "new", "NAME", false, do_new, "write a folder with a plugin, its test and its Makefile" },
};

static int
set_add(struct plugin_test_options *o, const char *value)
{
	if (strchr(value, '=') == NULL || value[0] == '=')
		return cli_usage("--set takes KEY=VALUE, not '%s'", value);
	if (o->set.count == CLI_REPEAT_MAX)
		return cli_usage("--set can be given %d times", CLI_REPEAT_MAX);
	o->set.items[o->set.count++] = value;
	return 0;
}

static int
set_timeout(struct plugin_test_options *o, const char *value)
{
	struct err e = { 0 };
	int64_t ms;

	if (parse_duration(value, &ms, &e) < 0)
		return cli_usage("--timeout: %s", e.text);
	if (ms < 1 || ms > 3600 * 1000)
		return cli_usage("--timeout has to be between 1ms and 1h");
	o->timeout_ms = (int)ms;
	return 0;
}

static int
take_option(struct plugin_test_options *o, const char *name, const char *value)
{
	if (strcmp(name, "--script") == 0)
		o->script_path = value;
	else if (strcmp(name, "--transport") == 0)
		o->transport = value;
	else if (strcmp(name, "--set") == 0)
		return set_add(o, value);
	else if (strcmp(name, "--timeout") == 0)
		return set_timeout(o, value);
	else
		return cli_usage("unknown option %s (there are: --script --set --transport --timeout)", name);
	return 0;
}

/* `--name value` or `--name=value`. */
static int
take_words(const struct verb *verb, int count, char **words, struct plugin_test_options *o)
{
	for (int i = 0; i < count; i++) {
		char *equals = strchr(words[i], '=');
		int status;

		if (words[i][0] != '-') {
			if (o->plugin != NULL)
				return cli_usage("unexpected argument '%s'", words[i]);
			o->plugin = words[i];
			continue;
		}
		if (!verb->has_options)
			return cli_usage("'sockd plugin %s' takes no options", verb->name);
		if (equals == NULL && i + 1 >= count)
			return cli_usage("%s needs a value", words[i]);
		if (equals != NULL)
			*equals = '\0';
		status = take_option(o, words[i], equals != NULL ? equals + 1 : words[i + 1]);
		if (status != 0)
			return status;
		i += equals == NULL;
	}
	return o->plugin != NULL ? 0 : cli_usage("'sockd plugin %s' needs a %s", verb->name, verb->operand);
}

void
plugin_command_print_help(FILE *out)
{
	fputs("usage: sockd plugin VERB PLUGIN\n\n"
	      "Tools for those who write plugins. PLUGIN is a file, or the name of an installed one.\n\n",
		out);
	for (size_t i = 0; i < array_len(verbs); i++)
		fprintf(out, "  %-6s %-20s %s\n", verbs[i].name, verbs[i].operand, verbs[i].help);
	fputs("\noptions of test:\n"
	      "  --script FILE               what the client does (sockd(8) has the steps); else what any "
	      "plugin\n"
	      "                              has to survive\n"
	      "  --set KEY=VALUE             a setting of the plugin; may be repeated\n"
	      "  --transport NAME            tcp, udp, unix or unixgram only; else all that it serves\n"
	      "  --timeout DURATION          of each step (default 5s)\n",
		out);
}

int
plugin_command(int count, char **words)
{
	struct plugin_test_options o = { .timeout_ms = STEP_TIMEOUT_MS };

	for (int i = 0; i < count; i++)
		if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
			plugin_command_print_help(stdout);
			return EX_OK;
		}
	for (size_t i = 0; count > 0 && i < array_len(verbs); i++) {
		int status;

		if (strcmp(words[0], verbs[i].name) != 0)
			continue;
		status = take_words(&verbs[i], count - 1, words + 1, &o);
		return status != 0 ? status : verbs[i].run(&o);
	}
	if (count == 0)
		return cli_usage("'sockd plugin' needs a verb: info, check, test or new");
	return cli_usage("'sockd plugin' cannot '%s' (there are: info check test new)", words[0]);
}
