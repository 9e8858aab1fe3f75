/* One function an action, in a table. All of them that need a configuration load it the same way, and say
 * what is wrong with it the same way. */
#include "run/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "config/load.h"
#include "config/print.h"
#include "config/record.h"
#include "config/report.h"
#include "config/schema.h"
#include "run/diff_command.h"
#include "run/plugin_command.h"
#include "run/reload_check.h"
#include "run/run_command.h"
#include "run/single.h"
#include "run/test_command.h"
#include "run/version.h"
#include "supervisor/adopt.h"
#include "supervisor/child.h"
#include "supervisor/exit_status.h"
#include "supervisor/rehearsal.h"
#include "supervisor/supervisor.h"
#include "worker/process.h"

/* Where the options of `sockd run` are said to stand. */
#define COMMAND_LINE "command line"

/* Print what was found so far, and begin anew. */
static void
tell_report(struct cfg_report *report)
{
	auto_of(strbuf) struct strbuf text = { 0 };

	for (size_t i = 0; i < report->count; i++) {
		struct cfg_finding *f = &report->findings[i];

		if (f->file != NULL && strcmp(f->file, COMMAND_LINE) == 0)
			f->line = 0; /* of the text that was made of it, which nobody has seen */
	}
	cfg_report_print(report, &text, isatty(STDERR_FILENO));
	if (text.size > 0)
		fputs(text.data, stderr);
	cfg_report_fini(report);
}

/* Whatever went to standard output has to have arrived. @return @p status, or EX_OSERR */
static int
close_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "sockd: cannot write to standard output: %s\n", strerror(errno));
	return status != EX_OK ? status : EX_OSERR;
}

static int
out_of_memory(void)
{
	fputs("sockd: out of memory\n", stderr);
	return EX_OSERR;
}

static int
print_text(struct strbuf *text)
{
	if (text->failed)
		return out_of_memory();
	if (text->size > 0)
		fwrite(text->data, 1, text->size, stdout);
	return EX_OK;
}

/* @return 0 with a configuration, or the exit status; what there was to say is said */
static int
load_file(const struct cli *cli, const struct cfg_source *source, struct config **ret)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	int code = config_load(cli->config_path, source, ret, &report);

	tell_report(&report);
	return exit_status(code == -EINVAL ? EXIT_PHASE_CHECK : EXIT_PHASE_FILE, code);
}

/* @p record: what the file was loaded from; NULL: there is no file. */
static int
serve(struct config *config, struct cfg_record *record, const struct cli *cli, bool announce)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	int status = supervisor_run(&(struct supervisor_options){
		.config = config,
		.record = record,
		.config_path = record != NULL ? cli->config_path : NULL,
		.report = &report,
		.worker_ops = record == NULL || cli->single_process ? single_ops() : child_ops(),
		.checker = &reload_checker,
		.log_level = cli->log_level,
		.announce = announce && !cli->quiet,
	});

	tell_report(&report);
	config_unref(config);
	return status;
}

/* Load the file so that a worker can load it again. @return as load_file() */
static int
load_recorded(const struct cli *cli, struct cfg_record *record, struct config **ret)
{
	int status = load_file(cli, cfg_record_source(record), ret);

	if (status == EX_OK && cfg_record_secrets(record, *ret) < 0) {
		config_unref(*ret);
		status = out_of_memory();
	}
	cfg_record_close(record);
	return status;
}

static int
do_serve(const struct cli *cli)
{
	struct cfg_record *record = cfg_record_new(NULL);
	struct config *config;
	int status = record != NULL ? load_recorded(cli, record, &config) : out_of_memory();

	if (status == EX_OK)
		status = serve(config, record, cli, isatty(STDOUT_FILENO));
	cfg_record_unref(record);
	return status;
}

static int
do_run(const struct cli *cli)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	auto_of(strbuf) struct strbuf yaml = { 0 };
	struct config *config;
	int code;

	run_command_yaml(cli, &yaml);
	code = yaml.failed ? cfg_report_no_memory(&report)
			   : config_parse_text(COMMAND_LINE, yaml.data, yaml.size, NULL, &config, &report);
	tell_report(&report);
	if (code < 0)
		return exit_status(EXIT_PHASE_CHECK, code);
	return serve(config, NULL, cli, true);
}

static int
do_diff(const struct cli *cli)
{
	struct err e = { 0 };
	int code = diff_command(cli->config_path, &e);

	if (code < 0)
		fprintf(stderr, "sockd: %s\n", e.text);
	if (code == -EINVAL)
		return EX_CONFIG;
	return code < 0 ? EX_UNAVAILABLE : EX_OK;
}

static int
do_test(const struct cli *cli)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	struct config *config = NULL;
	enum cfg_extent extent;
	struct err e = { 0 };
	int code = config_load_rest(cli->config_path, NULL, &config, &extent, &report);
	int status = exit_status(code == -EINVAL ? EXIT_PHASE_CHECK : EXIT_PHASE_FILE, code);

	code = config != NULL ? test_command(config, extent, &report, &e) : 0;
	if (code < 0) {
		fprintf(stderr, "sockd: %s\n", e.text);
		status = exit_status(EXIT_PHASE_SYSTEM, code);
	} else if (!cfg_report_is_ok(&report)) {
		status = status != EX_OK ? status : EX_CONFIG;
	} else if (!cli->quiet) {
		printf("%s: configuration is fine\n", cli->config_path);
	}
	tell_report(&report);
	config_unref(config);
	return status == EX_OK && cli->diff ? do_diff(cli) : status;
}

static int
do_print_config(const struct cli *cli)
{
	auto_of(strbuf) struct strbuf text = { 0 };
	struct config *config;
	int status = load_file(cli, NULL, &config);

	if (status != EX_OK)
		return status;
	(cli->json ? config_print_json : config_print_yaml)(&text, config, NULL);
	config_unref(config);
	return print_text(&text);
}

static int
do_print_schema(const struct cli *cli)
{
	auto_of(strbuf) struct strbuf text = { 0 };

	(void)cli; /* the schema is the same for every file */
	config_print_schema(&text);
	return print_text(&text);
}

static int
do_worker(const struct cli *cli)
{
	return process_main(cli->inherited_fd);
}

static int
do_adopt_check(const struct cli *cli)
{
	struct err e = { 0 };
	int code = supervisor_rehearse(cli->inherited_fd, child_ops(), &e);

	if (code < 0)
		fprintf(stderr, "%s\n", e.text);
	else
		printf(REHEARSAL_READS "\n", (unsigned)STATE_VERSION);
	return exit_status(EXIT_PHASE_SYSTEM, code);
}

/* Become the supervisor that another one was. Where that can't be done, the other comes back. */
static int
do_adopt(const struct cli *cli)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	auto_of(mem) char *path = NULL;
	struct config *config;
	struct adopt adopt;
	struct err e = { 0 };
	int status;

	if (cli->adopt_why == NULL)
		adopt_guard(cli->old_fd, cli->inherited_fd);
	if (adopt_open(cli->inherited_fd, false, cli->adopt_why, &adopt, &e) < 0) {
		adopt_roll_back(e.text);
		fprintf(stderr, "sockd: %s\n", e.text);
		return EX_SOFTWARE;
	}
	config = config_ref(adopt.snapshot->config);
	path = strdup(adopt.snapshot->config_path);
	status = path == NULL ? EX_OSERR
			      : supervisor_run(&(struct supervisor_options){
					.adopt = &adopt,
					.config = config,
					.config_path = path,
					.report = &report,
					.worker_ops = child_ops(),
					.checker = &reload_checker,
					.log_level = adopt.log_level,
				});
	tell_report(&report);
	adopt_fini(&adopt);
	config_unref(config);
	return status;
}

static int
do_version(const struct cli *cli)
{
	(void)cli;
	version_print(stdout);
	return EX_OK;
}

static int
do_help(const struct cli *cli)
{
	cli_print_help(stdout, cli->run_form);
	return EX_OK;
}

static int
do_plugin(const struct cli *cli)
{
	return plugin_command(cli->word_count, cli->words);
}

static int (*const actions[CLI_ACTION_COUNT])(const struct cli *cli) = {
	[CLI_SERVE] = do_serve,
	[CLI_TEST] = do_test,
	[CLI_RUN] = do_run,
	[CLI_PLUGIN] = do_plugin,
	[CLI_PRINT_CONFIG] = do_print_config,
	[CLI_PRINT_SCHEMA] = do_print_schema,
	[CLI_WORKER] = do_worker,
	[CLI_ADOPT] = do_adopt,
	[CLI_ADOPT_CHECK] = do_adopt_check,
	[CLI_VERSION] = do_version,
	[CLI_HELP] = do_help,
};

int
command_run(const struct cli *cli)
{
	/* Whoever starts us may ignore it; then the kernel buries our children, and nobody learns how they
	 * ended. */
	signal(SIGCHLD, SIG_DFL);
	return close_output(actions[cli->action](cli));
}
