/* run/cli.c: what each option means, and what is refused. */
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "run/cli.h"
#include "unit.h"

/* Parse "sockd" and these words, with standard error out of the way. */
#define PARSE(cli, ...) parse(cli, (const char *[]){ "sockd", __VA_ARGS__, NULL })

static char said[1024];

static int
parse(struct cli *cli, const char *const *words)
{
	char *argv[80];
	int argc = 0, status;
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	size_t n;

	for (; words[argc] != NULL; argc++)
		argv[argc] = (char *)words[argc]; /* only read */
	argv[argc] = NULL;
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	status = cli_parse(argc, argv, cli);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(said, 1, sizeof said - 1, file);
	said[n] = '\0';
	fclose(file);
	return status;
}

START_TEST(without_arguments_it_serves_the_default_file)
{
	struct cli cli;

	ck_assert_int_eq(parse(&cli, (const char *[]){ "sockd", NULL }), 0);

	ck_assert_int_eq(cli.action, CLI_SERVE);
	ck_assert_str_eq(cli.config_path, SOCKD_SYSCONFDIR "/sockd/sockd.yaml");
	ck_assert_int_eq(cli.log_level, -1);
	ck_assert(!cli.quiet);
}
END_TEST

START_TEST(a_file_can_be_named_in_every_usual_way)
{
	struct cli cli;

	ck_assert_int_eq(PARSE(&cli, "-c", "a.yaml"), 0);
	ck_assert_str_eq(cli.config_path, "a.yaml");
	ck_assert_int_eq(PARSE(&cli, "-cb.yaml"), 0);
	ck_assert_str_eq(cli.config_path, "b.yaml");
	ck_assert_int_eq(PARSE(&cli, "--config", "c.yaml"), 0);
	ck_assert_str_eq(cli.config_path, "c.yaml");
	ck_assert_int_eq(PARSE(&cli, "--config=d.yaml"), 0);
	ck_assert_str_eq(cli.config_path, "d.yaml");
	ck_assert_int_eq(PARSE(&cli, "-tc", "e.yaml"), 0);
	ck_assert_str_eq(cli.config_path, "e.yaml");
	ck_assert_int_eq(cli.action, CLI_TEST);
}
END_TEST

START_TEST(each_action_has_its_option)
{
	struct cli cli;

	ck_assert_int_eq(PARSE(&cli, "--test"), 0);
	ck_assert_int_eq(cli.action, CLI_TEST);
	ck_assert_int_eq(PARSE(&cli, "--print-config"), 0);
	ck_assert_int_eq(cli.action, CLI_PRINT_CONFIG);
	ck_assert(!cli.json);
	ck_assert_int_eq(PARSE(&cli, "--print-config=json"), 0);
	ck_assert(cli.json);
	ck_assert_int_eq(PARSE(&cli, "--print-schema"), 0);
	ck_assert_int_eq(cli.action, CLI_PRINT_SCHEMA);
	ck_assert_int_eq(PARSE(&cli, "-V"), 0);
	ck_assert_int_eq(cli.action, CLI_VERSION);
	ck_assert_int_eq(PARSE(&cli, "-h"), 0);
	ck_assert_int_eq(cli.action, CLI_HELP);
	ck_assert_int_eq(PARSE(&cli, "--single-process", "--log-level=debug"), 0);
	ck_assert_int_eq(cli.action, CLI_SERVE);
	ck_assert_int_eq(cli.log_level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(PARSE(&cli, "-q"), 0);
	ck_assert_int_eq(cli.log_level, LOG_LEVEL_WARNING);
	ck_assert(cli.quiet);
}
END_TEST

START_TEST(run_takes_a_plugin_addresses_and_settings)
{
	struct cli cli;

	ck_assert_int_eq(PARSE(&cli, "run", "--plugin", "echo", "--listen", "tcp://[::1]:1",
				 "--listen=unix:///a", "--set", "a.b=c=d", "--threads=2"),
		0);

	ck_assert_int_eq(cli.action, CLI_RUN);
	ck_assert_str_eq(cli.plugin, "echo");
	ck_assert_uint_eq(cli.listen.count, 2);
	ck_assert_str_eq(cli.listen.items[1], "unix:///a");
	ck_assert_uint_eq(cli.set.count, 1);
	ck_assert_str_eq(cli.set.items[0], "a.b=c=d");
	ck_assert_str_eq(cli.threads, "2");
}
END_TEST

START_TEST(help_of_run_needs_no_plugin)
{
	struct cli cli;

	ck_assert_int_eq(PARSE(&cli, "run", "--help"), 0);

	ck_assert_int_eq(cli.action, CLI_HELP);
	ck_assert(cli.run_form);
}
END_TEST

START_TEST(what_is_wrong_is_said_with_a_hint)
{
	static const struct {
		const char *words[6];
		const char *says;
	} rows[] = {
		{ { "--confg=x" }, "did you mean --config?" },
		{ { "--conf=x" }, "did you mean --config?" },
		{ { "--zebra" }, "unknown option --zebra\n" },
		{ { "-x" }, "unknown option -x" },
		{ { "-c" }, "-c needs a value: -c FILE" },
		{ { "--config" }, "--config needs a value" },
		{ { "--config=" }, "needs the name of a file" },
		{ { "--test=yes" }, "--test takes no value" },
		{ { "-t", "--print-config" }, "only one of" },
		{ { "--print-config=xml" }, "not 'xml'" },
		{ { "--log-level", "loud" }, "no log level 'loud'" },
		{ { "-q", "--log-level", "info" }, "exclude each other" },
		{ { "--log-level", "info", "-q" }, "exclude each other" },
		{ { "--diff", "--print-config" }, "only one of" },
		{ { "sockctl", "status" }, "sockctl is a program of its own" },
		{ { "reload" }, "unknown command 'reload'" },
		{ { "-t", "a.yaml" }, "unexpected argument 'a.yaml'" },
		{ { "--" }, "unknown command '--'" },
		{ { "--plugin", "echo" }, "--plugin belongs to 'sockd run'" },
		{ { "run", "-t" }, "unknown option -t" },
		{ { "run", "--test" }, "--test does not belong to 'sockd run'" },
		{ { "run" }, "needs --plugin" },
		{ { "run", "--plugin", "echo" }, "needs --listen" },
		{ { "run", "--plugin=" }, "--plugin needs a name" },
		{ { "run", "--plugin=a", "--plugin=b" }, "--plugin can be given once" },
		{ { "run", "--set", "=x" }, "KEY=VALUE" },
		{ { "run", "--set", "x" }, "KEY=VALUE" },
		{ { "run", "--set", "a..b=x" }, "a key such as a.b" },
		{ { "run", "--set", ".a=x" }, "a key such as a.b" },
		{ { "run", "--set", "a.=x" }, "a key such as a.b" },
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		const char *words[8] = { "sockd" };
		struct cli cli;

		for (size_t k = 0; k < 6 && rows[i].words[k] != NULL; k++)
			words[k + 1] = rows[i].words[k];
		ck_assert_int_eq(parse(&cli, words), EX_USAGE);
		ck_assert_msg(strstr(said, rows[i].says) != NULL, "row %zu says: %s", i, said);
		ck_assert_msg(strstr(said, "Try 'sockd --help'.") != NULL, "row %zu says: %s", i, said);
	}
}
END_TEST

START_TEST(too_many_repetitions_are_refused)
{
	const char *words[2 + 2 * (CLI_REPEAT_MAX + 1) + 1] = { "sockd", "run" };
	struct cli cli;
	char *argv[2 + 2 * (CLI_REPEAT_MAX + 1) + 1];
	int argc = 2;

	for (int i = 0; i <= CLI_REPEAT_MAX; i++) {
		words[argc++] = "--listen";
		words[argc++] = "tcp://127.0.0.1:0";
	}
	for (int i = 0; i < argc; i++)
		argv[i] = (char *)words[i];

	ck_assert_int_eq(cli_parse(argc, argv, &cli), EX_USAGE);
}
END_TEST

/* What print(out) prints, for the caller to free. */
static char *
help_text(bool run_command)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cli_print_help(out, run_command);
	fclose(out);
	return text;
}

START_TEST(help_shows_the_options_of_the_form_that_was_asked_for)
{
	char *main_help = help_text(false), *run_help = help_text(true);

	ck_assert_ptr_nonnull(strstr(main_help, "-c, --config FILE"));
	ck_assert_ptr_nonnull(strstr(main_help, "--print-config[=json]"));
	ck_assert_ptr_nonnull(strstr(main_help, "run "));
	ck_assert_ptr_nonnull(strstr(main_help, "--diff"));
	ck_assert_ptr_nonnull(strstr(run_help, "--set KEY=VALUE"));
	ck_assert_ptr_null(strstr(run_help, "--test"));
	free(main_help);
	free(run_help);
}
END_TEST

UNIT_TESTS("cli", without_arguments_it_serves_the_default_file, a_file_can_be_named_in_every_usual_way,
	each_action_has_its_option, run_takes_a_plugin_addresses_and_settings, help_of_run_needs_no_plugin,
	what_is_wrong_is_said_with_a_hint, too_many_repetitions_are_refused,
	help_shows_the_options_of_the_form_that_was_asked_for)
