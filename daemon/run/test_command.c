/* Every step goes on after the failures of another, so that one run tells all of it. Only plugin code can
 * take this process down, hence the children. */
#include "run/test_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/snapshot.h"
#include "run/check_child.h"
#include "supervisor/limits.h"
#include "supervisor/snapshot_build.h"
#include "worker/check.h"

enum { CHECK_TIMEOUT_MS = 30000 };

struct use {
	const struct snapshot *snapshot;
	size_t which;
};

static void
check_use(void *arg, struct cfg_report *report, bool *ret_serves)
{
	const struct use *use = arg;

	if (worker_check(use->snapshot, use->which, report, ret_serves) == -ENOMEM)
		cfg_report_no_memory(report);
}

/* Who uses a plugin: the listeners, then the observers. */
static const char *
plugin_of(const struct config *c, size_t which, const struct cfg_place **ret_place)
{
	if (which < c->listener_count) {
		*ret_place = &c->listeners[which].plugin_place;
		return c->listeners[which].plugin;
	}
	*ret_place = &c->daemon.observers[which - c->listener_count].plugin_place;
	return c->daemon.observers[which - c->listener_count].plugin;
}

static int
test_plugins(const struct snapshot *snapshot, struct cfg_report *report, bool *serves, struct err *e)
{
	int code = 0;

	for (size_t i = 0; i < worker_check_count(snapshot) && code == 0; i++) {
		const struct cfg_place *place;
		const char *plugin = plugin_of(snapshot->config, i, &place);
		struct use use = { .snapshot = snapshot, .which = i };
		char what[128];
		bool flag = false;

		if (snapshot_plugin_find(snapshot, plugin) == NULL)
			continue; /* told already: there is no such file */
		snprintf(what, sizeof what, "plugin '%s'", plugin);
		code = check_child_run(check_use, &use, CHECK_TIMEOUT_MS, place, what, report, &flag, e);
		if (i < snapshot->config->listener_count)
			serves[i] = flag;
	}
	return code;
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
	struct limits limits;
	int code;

	if (serves == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	limits_raise(); /* as a start would */
	limits = limits_read();
	code = snapshot_build_files(config, report, &snapshot, e);
	if (code == 0 || code == -EINVAL)
		code = test_plugins(snapshot, report, serves, e);
	if (code == 0)
		code = snapshot_check_sockets(config, report, e);
	if (code == 0)
		limits_check(config, snapshot->loops, serves, &limits, warn_limit, report);
	snapshot_free(snapshot);
	return code;
}
