/* Every step goes on after the failures of another, so that one run tells all of it. Only plugin code can
 * take this process down, hence the children. */
#include "run/test_command.h"

#include <errno.h>
#include <stdlib.h>

#include "control/snapshot.h"
#include "run/check_child.h"
#include "run/check_use.h"
#include "supervisor/identity.h"
#include "supervisor/limits.h"
#include "supervisor/snapshot_build.h"
#include "net/tls_contexts.h"

enum { CHECK_TIMEOUT_MS = 30000 };

static int
test_tls(const struct snapshot *snapshot, struct cfg_report *report, struct err *e)
{
	struct tls_contexts contexts;
	int code = tls_contexts_build(snapshot, NULL, true, report, &contexts);

	tls_contexts_fini(&contexts);
	return code == -ENOMEM ? err_set(e, code, "out of memory") : 0;
}

static void
warn_limit(void *arg, const char *what, const char *text)
{
	struct cfg_report *report = arg;

	(void)what; /* the text names it */
	cfg_report_warning(report, NULL, "%s", text);
}

/* Whoever may not become the user of the file tests with rights of their own. */
static bool
may_become(const struct identity *identity, const struct config *config)
{
	auto_of(cfg_report) struct cfg_report ignored = { 0 };

	return identity_check_rights(identity, config, &ignored) == 0;
}

int
test_command(struct config *config, enum cfg_extent extent, struct cfg_report *report, struct err *e)
{
	auto_of(mem) bool *serves =
		calloc(config->listener_count + config->daemon.observer_count + 1, sizeof *serves);
	struct check_use use;
	struct check_job plugins;
	struct snapshot *snapshot = NULL;
	struct identity identity = { 0 };
	struct limits limits;
	int code;

	if (serves == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	limits_raise(); /* as a start would */
	limits = limits_read();
	if (identity_look_up(config, report, &identity) == -ENOMEM)
		return err_set(e, -ENOMEM, "out of memory");
	identity.drop &= may_become(&identity, config);
	code = snapshot_build_files(config, report, &snapshot, e);
	if (code == -EINVAL)
		code = 0; /* it is told, and the others are here */
	if (code == 0 && extent >= CFG_WORKERS) {
		use = (struct check_use){
			.snapshot = snapshot, .identity = &identity, .plugins_only = extent < CFG_WHOLE
		};
		plugins = check_use_job(&use);
		code = check_child_run(&plugins, CHECK_TIMEOUT_MS, report, serves, e);
	}
	if (code == 0 && extent == CFG_WHOLE)
		code = test_tls(snapshot, report, e);
	if (code == 0 && extent == CFG_WHOLE)
		code = snapshot_check_sockets(config, report, e);
	if (code == 0 && extent == CFG_WHOLE)
		limits_check(config, snapshot->loops, serves, &limits, warn_limit, report);
	snapshot_free(snapshot);
	identity_fini(&identity);
	return code;
}
