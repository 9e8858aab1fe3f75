/* Uses are counted through: the listeners, then the observers. */
#include "run/check_use.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "control/snapshot.h"
#include "worker/check.h"

static void
check_one(void *arg, size_t which, struct cfg_report *report, bool *ret_serves)
{
	const struct snapshot *snapshot = arg;

	if (worker_check(snapshot, which, report, ret_serves) == -ENOMEM)
		cfg_report_no_memory(report);
}

static void
blame(void *arg, size_t which, char what[CHECK_BLAME_SIZE], const struct cfg_place **ret_place)
{
	const struct config *c = ((const struct snapshot *)arg)->config;
	bool is_listener = which < c->listener_count;
	const struct cfg_observer *o = is_listener ? NULL : &c->daemon.observers[which - c->listener_count];

	*ret_place = is_listener ? &c->listeners[which].plugin_place : &o->plugin_place;
	snprintf(what, CHECK_BLAME_SIZE, "plugin '%s'", is_listener ? c->listeners[which].plugin : o->plugin);
}

struct check_job
check_use_job(const struct snapshot *snapshot)
{
	return (struct check_job){
		.check = check_one,
		.blame = blame,
		.arg = (void *)(uintptr_t)snapshot, /* neither writes to it */
		.count = worker_check_count(snapshot),
	};
}
