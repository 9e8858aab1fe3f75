/* Uses are counted through: the listeners, then the observers. */
#include "run/check_use.h"

#include <errno.h>
#include <stdio.h>

#include "control/snapshot.h"
#include "worker/check.h"

void
check_use_run(void *arg, struct cfg_report *report, bool *ret_serves)
{
	const struct check_use *use = arg;

	if (worker_check(use->snapshot, use->which, report, ret_serves) == -ENOMEM)
		cfg_report_no_memory(report);
}

const char *
check_use_name(const struct config *c, size_t which, char text[CHECK_USE_NAME_SIZE],
	const struct cfg_place **ret_place)
{
	bool is_listener = which < c->listener_count;
	const struct cfg_observer *o = is_listener ? NULL : &c->daemon.observers[which - c->listener_count];
	const char *plugin = is_listener ? c->listeners[which].plugin : o->plugin;

	*ret_place = is_listener ? &c->listeners[which].plugin_place : &o->plugin_place;
	snprintf(text, CHECK_USE_NAME_SIZE, "plugin '%s'", plugin);
	return plugin;
}
