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
#include "worker/check.h"
#include "net/tls_contexts.h"

enum { CHECK_TIMEOUT_MS = 30000 };

static int
test_plugins(const struct snapshot *snapshot, struct cfg_report *report, bool *serves, struct err *e)
{
	int code = 0;

	for (size_t i = 0; i < worker_check_count(snapshot) && code == 0; i++) {
		const struct cfg_place *place;
		char what[CHECK_USE_NAME_SIZE];
		const char *plugin = check_use_name(snapshot->config, i, what, &place);
		struct check_use use = { .snapshot = snapshot, .which = i };
		bool flag = false;

		if (snapshot_plugin_find(snapshot, plugin) == NULL)
			continue; /* told already: there is no such file */
		code = check_child_run(check_use_run, &use, CHECK_TIMEOUT_MS, place, what, report, &flag, e);
		if (i < snapshot->config->listener_count)
			serves[i] = flag;
	}
	return code;
}

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

int
test_command(struct config *config, struct cfg_report *report, struct err *e)
{
	auto_of(mem) bool *serves = calloc(config->listener_count + 1, sizeof *serves);
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
	identity_fini(&identity);
	code = snapshot_build_files(config, report, &snapshot, e);
	if (code == 0 || code == -EINVAL)
		code = test_plugins(snapshot, report, serves, e);
	if (code == 0)
		code = test_tls(snapshot, report, e);
	if (code == 0)
		code = snapshot_check_sockets(config, report, e);
	if (code == 0)
		limits_check(config, snapshot->loops, serves, &limits, warn_limit, report);
	snapshot_free(snapshot);
	return code;
}
